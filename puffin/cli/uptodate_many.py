"""The no-op over many environments: plain pins into environments that are exactly so. Nothing is imported for it."""

import os
from time import perf_counter

from puffin.cache.layout import Cache, default_root
from puffin.cache.reading import read
from puffin.cli import quantities
from puffin.cli.config_files import unconcerned
from puffin.cli.uptodate import pins_of, same
from puffin.errors import PuffinError
from puffin.pipeline.plan_workspace_memory import recall
from puffin.pipeline.plan_workspace_select import candidates, mentions
from puffin.stages.link.stamps import at_rest, read_raw, stamped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.pipeline.plan_workspace_specs import EnvSpec, Workspace

    Place = tuple[
        str, str, bool
    ]  # the root of an environment, the file that it is made from, whether it is compiled

_NOT_A_NOOP = (
    "changed_since", "report", "reinstall", "reinstall_package", "refresh", "refresh_package",
    "require_hashes", "verbose", "profile", "trace", "dashboard",
)  # fmt: skip


def checked(options: "dict[str, object]", environ: "Mapping[str, str]", started: float) -> "str | None":
    """Return what to say when there is nothing to do; None whenever that is not beyond doubt."""
    if any(options[name] for name in _NOT_A_NOOP) or environ.get("GITHUB_ACTIONS"):
        return None
    if not unconcerned(options, environ, "", os.getcwd()):
        return None
    try:
        places = _places(options, environ)
    except PuffinError:  # the long way will say so
        return None
    if not places:
        return None
    packages = _all_same(places)
    if packages is None:
        return None
    if options["quiet"]:
        return ""
    return f"{quantities.checked(len(places), packages, perf_counter() - started)}\n"


def _places(options: "dict[str, object]", environ: "Mapping[str, str]") -> "list[Place] | None":
    """Return the environments that a command means, if each is made from one file; None for any other case."""
    from puffin.pipeline.plan_workspace_select import choose

    arguments, cwd = options["arguments"], os.getcwd()
    configured = _configured(cwd, options, environ)
    if configured is None or not isinstance(arguments, tuple):
        return None
    specs = choose(
        arguments, cwd, configured[0], everything=bool(options["all"]), python=str(options["python"])
    )
    if not all(spec.plain_file and _has_python(spec) for spec in specs):
        return None
    everywhere = bool(options["compile_bytecode"])
    return [(spec.path, spec.plain_file, everywhere or bool(spec.compile_bytecode)) for spec in specs]


def _configured(
    cwd: str, options: "dict[str, object]", environ: "Mapping[str, str]"
) -> "tuple[Workspace | None] | None":
    """Return the configuration in a tuple of one, as it is remembered; None where that is not known."""
    if options["no_cache"]:
        return None
    named = str(options["cache_dir"])
    cache = Cache(os.path.abspath(os.path.expanduser(named)) if named else default_root(environ))
    for path in candidates(cwd):
        if mentions(path):
            found = recall(cache, path)
            if found is None or found[0] is not None:
                return found
    return (None,)


def _has_python(spec: "EnvSpec") -> bool:
    """Tell whether the environment surely has the Python that is asked for; only paths and plain versions are sure."""
    if not spec.python:
        return True
    if os.path.isabs(spec.python):
        return os.path.realpath(f"{spec.path}/bin/python") == os.path.realpath(spec.python)
    if not spec.python.replace(".", "").isdigit() or spec.python[-1] == "." or "." not in spec.python:
        return False
    config = read(f"{spec.path}/pyvenv.cfg") or b""
    for line in config.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() in ("version_info", "version"):
            return f"{value.strip()}.".startswith(f"{spec.python}.")
    return False


def _all_same(places: "list[Place]") -> "int | None":
    """Return how many packages the environments hold, if all are as they should be; a forked child checks half."""
    if len(places) < 3 or not hasattr(os, "fork"):
        return _check(places)
    mine, others = _halves(places)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            count = _check(others)
            if count is not None:
                os.write(writer, b"%d" % count)
                code = 0
        finally:
            os._exit(code)
    os.close(writer)
    try:
        count = _check(mine)
    finally:
        status = os.waitpid(child, 0)[1]
        text = os.read(reader, 32)
        os.close(reader)
    return None if count is None or status or not text else count + int(text)


def _halves(places: "list[Place]") -> "tuple[list[Place], list[Place]]":
    """Deal the environments out so that both halves have about as much to look at; the sizes of states tell."""
    sizes = []
    for number, (root, _, _) in enumerate(places):
        try:
            sizes.append((os.stat(f"{root}/.puffin/state").st_size, number))
        except OSError:
            sizes.append((0, number))
    halves: tuple[list[Place], list[Place]] = ([], [])
    weights = [0, 0]
    for size, number in sorted(sizes, reverse=True):
        lighter = 0 if weights[0] <= weights[1] else 1
        halves[lighter].append(places[number])
        weights[lighter] += size
    return halves


def _check(places: "list[Place]") -> "int | None":
    total = 0
    for root, file, compiled in places:
        count = _holds(root, file, compiled)
        if count is None:
            return None
        total += count
    return total


def _holds(root: str, file: str, compiled: bool) -> "int | None":
    """Return how many pins *file* has, if the environment at *root* holds exactly these and is undisturbed."""
    pins = pins_of(file)
    if not pins or not os.path.isfile(f"{root}/pyvenv.cfg") or not at_rest(root):
        return None
    state: tuple[Any, ...] | None = read_raw(root)
    if state is None or not same(pins, state, compiled=compiled) or not stamped(root, state):
        return None
    return len(pins)
