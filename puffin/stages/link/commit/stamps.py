"""Whether an environment is as its state says. It imports only what a no-op needs."""

import os

from puffin.cache import frame
from puffin.cache.reading import read
from puffin.depends import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Stamp = tuple[int, int, tuple[str, ...]]

FORMAT = 6
_FORMER = (4, 5)  # without the last fields of a distribution (``Owned``)
DIRECTORY = ".puffin"
STATE = "state"
JOURNAL = "journal"
LOCK = "lock"
SETTLED = frozenset({STATE, LOCK})

_FORK_FROM = 1500


def read_raw(root: str) -> "tuple[Any, ...] | None":
    """Return the fields of the state of the environment at *root* as builtins; None where there is none."""
    return read_framed(root)[1]


def read_framed(root: str) -> "tuple[bytes, tuple[Any, ...] | None]":
    """Return the first bytes of the state, by which its content is known again, and its fields as :func:`read_raw`."""
    data = read(f"{root}/{DIRECTORY}/{STATE}") or b""
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != 7 or fields[0] not in (FORMAT, *_FORMER):
        return data[: frame.HEAD], None
    return data[: frame.HEAD], fields


def facts_of(root: str) -> "tuple[Any, ...] | None":
    """Return facts that differ for each state of the environment at *root*."""
    found = state_stamp(root)
    if not found:
        return None
    return found, (read(f"{root}/{DIRECTORY}/{STATE}") or b"")[: frame.HEAD]


def state_stamp(root: str) -> "tuple[int, ...]":
    """Return the stamp of the file with the state, nothing where there is none."""
    return stamp(f"{root}/{DIRECTORY}/{STATE}")


def at_rest(root: str) -> bool:
    """Tell whether no transaction is under way, broken off, or not yet cleared away."""
    try:
        return SETTLED.issuperset(os.listdir(f"{root}/{DIRECTORY}"))
    except OSError:
        return False


def undisturbed(root: str, fields: "tuple[Any, ...]") -> bool:
    """Tell whether every stamped path still has its time; half of many are looked at by a forked child."""
    site, stamps = f"{root}/{fields[2]}", fields[5]
    count = sum(len(directories) for _, _, directories in stamps)
    here = os.getcwd()
    try:
        os.chdir(site)
        if count < _FORK_FROM or not hasattr(os, "fork"):
            return _stamped(stamps, 0, 1)
        return _stamped_in_two(stamps)
    except OSError:
        return False
    finally:
        os.chdir(here)


def stamped(root: str, fields: "tuple[Any, ...]") -> bool:
    """Tell the same in this process alone, for who looks at many environments."""
    here = os.getcwd()
    try:
        os.chdir(f"{root}/{fields[2]}")
        return _stamped(fields[5], 0, 1)
    except OSError:
        return False
    finally:
        os.chdir(here)


def _stamped_in_two(stamps: "tuple[Stamp, ...]") -> bool:
    try:
        child = os.fork()
    except OSError:  # a limit on processes
        return _stamped(stamps, 0, 1)
    if child == 0:
        code = 1
        try:
            code = 0 if _stamped(stamps, 1, 2) else 1
        finally:
            os._exit(code)
    try:
        mine = _stamped(stamps, 0, 2)
    finally:
        status = os.waitpid(child, 0)[1]
    return mine and status == 0


def _stamped(stamps: "tuple[Stamp, ...]", part: int, parts: int) -> bool:
    stat = os.lstat
    try:
        for first, last, paths in stamps:
            half = len(paths) // parts
            for path in paths[half:] if part else paths[: half if parts > 1 else None]:
                if not first <= stat(path).st_mtime_ns <= last:
                    return False
    except OSError:
        return False
    return True
