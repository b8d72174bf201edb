"""The properties of an interpreter, usually read from the cache. HOT: every warm sync runs this.

A virtual environment whose executable is a symlink to its base needs no question of its own: its facts
are those of the base with other paths. So one asked interpreter serves all environments made from it.
"""

import os

from puffin import depends
from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import read
from puffin.cache.layout import Bucket, Cache
from puffin.stages.link.interpreter.interpreter import FORMAT, Interpreter, from_wire, venv_root, within
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def inspect_interpreter(path: str, cache: Cache, *, origin: str = "") -> Interpreter:
    """Return the properties of the interpreter at *path*, from the cache if they are still true.

    *origin* names where the path came from in messages, such as ``VIRTUAL_ENV``. Raises
    :class:`~puffin.stages.link.interpreter.interpreter.InspectFailed` or ``UnsupportedPython``.
    """
    path = os.path.abspath(path)
    root = venv_root(path)
    real = os.path.realpath(path)
    depends.file(path, content=False)
    if root and os.path.exists(real) and not real.startswith(os.path.realpath(root) + os.sep):
        return within(_inspect(real, real, cache, origin), root, path)
    return _inspect(path, real, cache, origin)


def _inspect(path: str, real: str, cache: Cache, origin: str) -> Interpreter:
    entry = _entry(real, cache)
    known = _load(cache.find(entry)) if entry else None
    if known is not None:
        return known if known.executable == path or known.is_venv else replace(known, executable=path)
    from puffin.stages.link.interpreter.ask import ask_interpreter, remember

    asked = ask_interpreter(path, origin)
    if (
        entry and os.path.realpath(asked.executable) == real
    ):  # else a shim, which may answer otherwise next time
        remember(cache, entry, asked)
    return asked


def _entry(real: str, cache: Cache) -> str:
    """Return the cache entry that is valid for the interpreter as it is now, nothing where there is none.

    The kernel and the C library are part of the key: they are in the markers and the tags.
    """
    parts = [str(FORMAT), real, _libc()]
    parts += os.uname() if hasattr(os, "uname") else ()
    root = venv_root(real)
    try:
        for file in (real, os.path.join(root, "pyvenv.cfg")) if root else (real,):
            status = os.stat(file)
            parts.append(f"{status.st_mtime_ns} {status.st_size}")
    except OSError:
        return ""
    return cache.path(Bucket.INTERPRETER, digest("\n".join(parts)))


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


def _load(entry: str) -> "Interpreter | None":
    data = read(entry)
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != 2 or fields[0] != FORMAT:
        return None
    try:
        return from_wire(fields[1])
    except (TypeError, ValueError):
        return None
