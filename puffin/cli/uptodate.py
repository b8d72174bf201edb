"""The no-op: a sync of plain pins into an environment that is exactly so. Nothing is imported for it."""

import os
from time import perf_counter

from puffin.cli.config_files import unconcerned
from puffin.cli.quantities import counted, duration
from puffin.stages.link.stamps import at_rest, current_boot, read_raw, undisturbed
from puffin.stages.resolve.simple import simple_pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NOT_A_NOOP = (
    "reinstall",
    "reinstall_package",
    "refresh",
    "refresh_package",
    "require_hashes",
    "verbose",
    "dry_run",
    "system",
    "target",
    "prefix",
    "python_version",
    "python_platform",
    "profile",
    "trace",
    "dashboard",
    "constraint",
    "strict",
    "extra",
    "all_extras",
    "group",
)
SEEDS = frozenset({"pip", "setuptools", "wheel"})


def checked(options: "dict[str, object]", environ: "Mapping[str, str]", started: float) -> "str | None":
    """Return what to say when there is nothing to do; None whenever that is not beyond doubt."""
    files = options["arguments"]
    if not isinstance(files, tuple) or len(files) != 1 or any(options[name] for name in _NOT_A_NOOP):
        return None
    root = environment_root(str(options["python"]), environ)
    if not root or not unconcerned(options, environ, root, os.getcwd()):
        return None
    pins = pins_of(files[0])
    if not pins or not at_rest(root):
        return None
    resolved = perf_counter()
    state = read_raw(root)
    compiled = bool(options["compile_bytecode"])
    if state is None or not same(pins, state, compiled=compiled) or not undisturbed(root, state):
        return None
    if options["quiet"]:
        return ""
    count = counted(len(pins))
    first = f"Resolved {count} in {duration(resolved - started)}\n"
    return f"{first}Checked {count} in {duration(perf_counter() - started)}\n"


def environment_root(python: str, environ: "Mapping[str, str]") -> "str | None":
    """Return the root of the virtual environment a command means, by the plain cases; None for the others."""
    if python:
        root = python if os.path.isdir(python) else ""
    else:
        root = environ.get("VIRTUAL_ENV") or (
            "" if environ.get("CONDA_PREFIX") else os.path.join(os.getcwd(), ".venv")
        )
    return os.path.abspath(root) if root and os.path.isfile(f"{root}/pyvenv.cfg") else None


def pins_of(path: str) -> "tuple[tuple[str, str], ...] | None":
    """Return the pins of a plain file; None where it cannot be read, or read twice (a pipe), or is not plain."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb", buffering=0) as file:
            return simple_pins(file.read())
    except OSError:
        return None


def same(pins: "tuple[tuple[str, str], ...]", state: "tuple[Any, ...]", *, compiled: bool = False) -> bool:
    """Tell whether an environment with this state holds exactly *pins*, with *compiled* with bytecode."""
    _, boot, _, seed, distributions, _, _ = state
    if boot != current_boot():
        return False
    wanted = dict(pins)
    left = len(wanted)
    for name, version, _, archive, direct_url, _, _, bytecode in distributions:
        if name not in wanted:
            if seed and name in SEEDS:
                continue
            return False
        if wanted[name] != version or direct_url or (compiled and archive and not bytecode):
            return False
        left -= 1
    return left == 0
