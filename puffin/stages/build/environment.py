"""Build environments: one for each set of build requirements, linked like any other, and kept.

``build-envs-v0/<key>`` appears by one rename, complete; its key is the interpreter and the archives in it, so whoever
needs the same set uses the same directory, at the same time and in later runs. Python writes bytecode into
it, which the next builds find. A listing beside it says what it held; one that lost a file since is made again.
"""

import os
from collections.abc import Iterable
from typing import Any

from puffin import meter
from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_tree, read, remove_tree, write
from puffin.cache.layout import Bucket, Cache
from puffin.errors import PuffinError, os_cause
from puffin.stages.link.environment.environment import environment_for
from puffin.stages.link.environment.venv import executable_name, lay_venv
from puffin.stages.link.files import HARDLINK
from puffin.stages.link.interpreter.interpreter import Interpreter, from_wire, interpreter_key
from puffin.stages.link.linker import link
from puffin.stages.link.staging import PARTS, LinkTarget
from puffin.stages.unzip.ready import discard_damaged
from puffin.value import astuple

FORMAT = 1
_NAME = ".listing"


class EnvironmentFailed(PuffinError):
    """The environment for a build could not be made."""

    sentence = "Failed to make the build environment `{path}`"
    path: str


def environment_key(interpreter: Interpreter, archives: "Iterable[str]") -> str:
    """Return the name of the environment that holds these archives, in any order."""
    return digest("\n".join((interpreter_key(interpreter), *sorted(archives))))


def environment_path(cache: Cache, key: str) -> str:
    """Return where the environment with this key is or would be."""
    return cache.path(Bucket.BUILD_ENVIRONMENTS, key)


def environment_python(root: str, interpreter: Interpreter) -> str:
    """Return the executable of the environment at *root*."""
    return f"{root}/{interpreter.venv_scheme.scripts}/{executable_name()}"


def is_ready(root: str, interpreter: Interpreter) -> bool:
    """Tell whether the environment at *root* is there, whole, and its interpreter still is."""
    return os.path.exists(environment_python(root, interpreter)) and is_whole(root)


def is_damaged(root: str) -> bool:
    """Tell whether the environment at *root* has lost something since it was made."""
    return has_listing(root) and not is_whole(root)


def build_environment(*, interpreter: "tuple[Any, ...]", cache_root: str, **archives: str) -> str:
    """Make sure that the environment of an interpreter (in its wire form) with these archives is there.

    Returns its path. Raises :class:`EnvironmentFailed`, and ``ArchiveGone`` for an archive that is no longer whole.
    """
    cache, python = Cache(cache_root), from_wire(interpreter)
    known = sorted(set(archives.values()))
    root = environment_path(cache, environment_key(python, known))
    if is_ready(root, python):
        meter.found(meter.HIT)
        return root
    meter.found(meter.MISS)
    if is_damaged(root):  # by a hard link, an archive may be too
        for archive in known:
            discard_damaged(cache, archive)
    temporary = cache.temporary("-env")
    try:
        cache.initialise()
        _make(temporary, root, python, known, cache_root)
        if os.path.isdir(root) and not is_ready(root, python):
            remove_tree(root)
        publish_tree(temporary, root)
    except OSError as error:
        raise EnvironmentFailed(path=root, causes=(os_cause(error),)) from error
    finally:
        remove_tree(temporary)
    return root


def _make(temporary: str, root: str, python: Interpreter, archives: "list[str]", cache_root: str) -> None:
    lay_venv(temporary, place=root, interpreter=python)
    here = environment_for(python, temporary)
    site = here.purelib
    target = LinkTarget(
        executable=environment_python(root, python),
        version=(python.version[0], python.version[1]),
        relocatable=False,
        scripts=os.path.relpath(here.scripts, site),
        data=os.path.relpath(here.data, site),
        headers=os.path.relpath(here.headers, site),
    )
    homes = dict(zip(PARTS, (site, here.scripts, here.data, here.headers), strict=True))
    for number, archive in enumerate(archives):
        stage = f"{temporary}/.stage-{number}"
        link(
            archive=archive,
            cache_root=cache_root,
            stage=stage,
            target=astuple(target),
            requested=False,
            direct_url="",
            mode=HARDLINK,
        )
        for part, home in homes.items():
            if os.path.isdir(stage + part):
                merge(stage + part, home)
    write_listing(temporary)


def merge(source: str, target: str) -> None:
    """Move all that is in *source* into *target*; of two files of one name the later stays."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        inner, place = f"{source}/{name}", f"{target}/{name}"
        if os.path.isdir(inner) and not os.path.islink(inner) and os.path.isdir(place):
            merge(inner, place)
        else:
            os.replace(inner, place)
    os.rmdir(source)


def write_listing(root: str) -> None:
    """Write down what the environment at *root*, which is complete, holds. Raises OSError."""
    rows = []
    for directory, inner, files in os.walk(root):
        links = [name for name in inner if os.path.islink(f"{directory}/{name}")]
        names = tuple(sorted([name for name in (*files, *links) if not name.endswith(".pyc")]))
        sizes = tuple([os.lstat(f"{directory}/{name}").st_size for name in names])
        rows.append((os.path.relpath(directory, root), names, sizes))
    write(f"{root}/{_NAME}", frame.dump((FORMAT, tuple(rows))))


def has_listing(root: str) -> bool:
    """Tell whether the environment at *root* was made with a listing."""
    return os.path.exists(f"{root}/{_NAME}")


def is_whole(root: str) -> bool:
    """Tell whether every file of the listing of *root* is there in its size."""
    found = frame.load(read(f"{root}/{_NAME}") or b"")
    if not isinstance(found, tuple) or len(found) != 2 or found[0] != FORMAT:
        return False
    try:
        return all(
            os.lstat(f"{root}/{directory}/{name}").st_size == size
            for directory, names, sizes in found[1]
            for name, size in zip(names, sizes, strict=True)
        )
    except OSError:
        return False
