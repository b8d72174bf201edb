"""Publication by rename: a reader sees nothing or the whole entry, even if the writer is killed."""

import errno
import os
import sys

from puffin.cache.layout import Cache
from puffin.cache.reading import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

PRIVATE = 0o600
_UNABLE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_degraded: "dict[str, int]" = {}  # sentences, and whether they were told
_HALF = "~puffin-copy~"  # behind the name of a copy until it is whole
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h
_RENAMEAT2 = {"x86_64": 316, "i386": 353, "i686": 353, "armv7l": 382, "ppc64le": 357, "s390x": 347}
_GENERIC = 276  # of aarch64, riscv64 and whatever is younger
# what a kernel, a C library, a file system or a container's filter says that does not exchange, or not these two
NOT_EXCHANGED = (
    errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV, errno.EBUSY,
)  # fmt: skip
_loaded: "list[Any]" = []  # the C library, once it was needed: ctypes is not imported before


def write(path: str, data: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Write *data* to the new file *path*; with *durable* it is on the disk when this returns."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, mode)
    try:
        write_all(descriptor, data)
        if durable:
            _sync(descriptor, path)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: "bytes | bytearray") -> None:
    """Write all of *data* to an open file or a pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync(descriptor: int, path: str) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
        risk = "a power failure may undo a part of the change"
        _degraded.setdefault(f"`{os.path.dirname(path)}` cannot be synced to the disk: {risk}", 0)


def degraded() -> "list[str]":
    """Return what this process did in a lesser way since the last call, because a file system refused it: each once."""
    texts = [text for text, told in _degraded.items() if not told]
    _degraded.update(dict.fromkeys(texts, 1))
    return texts


def replace_file(path: str, data: bytes, *, durable: bool = False) -> None:
    """Make *path* hold *data*, atomically, by way of a neighbour with a private name."""
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        write(temporary, data, durable=durable)
        os.replace(temporary, path)
    except BaseException:
        _forget(temporary)
        raise


def publish_file(cache: Cache, path: str, data: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Make the cache entry *path* hold *data*, atomically, creating the directories above it."""
    temporary = cache.temporary()
    try:
        write(temporary, data, durable=durable, mode=mode)
        _into_place(temporary, path)
    except BaseException:
        _forget(temporary)
        raise


def publish_link(cache: Cache, path: str, target: str) -> None:
    """Make the cache entry *path* a symlink to *target*, replacing what is there, atomically."""
    temporary = cache.temporary()
    os.symlink(target, temporary)
    try:
        _into_place(temporary, path)
    except BaseException:
        _forget(temporary)
        raise


def publish_tree(temporary: str, path: str) -> bool:
    """Rename the finished directory *temporary* to *path*; False when another writer came first."""
    try:
        os.rename(temporary, path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return publish_tree(temporary, path) if os.path.isdir(temporary) else False
    except OSError:
        if not os.path.isdir(path):
            raise
        remove_tree(temporary)
        return False
    return True


def remove_tree(path: str, *, tries: int = 3) -> None:
    """Remove a file or a directory with all in it, without following links; absent is fine.

    A directory into which others put something meanwhile is emptied again, so many *tries* in all. One that may not
    be written to is made so.
    """
    try:
        os.rmdir(path)
        return
    except FileNotFoundError:
        return
    except OSError:
        pass  # not empty, or no directory
    try:
        entries = list(os.scandir(path)) if not os.path.islink(path) else None
    except NotADirectoryError:
        entries = None
    except FileNotFoundError:
        return
    if entries is None:
        _forget(path)
        return
    try:
        _empty(entries)
    except PermissionError:
        if os.access(path, os.W_OK | os.X_OK):
            raise
        os.chmod(path, 0o700)
        _empty(os.scandir(path))
    try:
        _forget_directory(path)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY or tries < 2:
            raise
        remove_tree(path, tries=tries - 1)


def _empty(entries: "Iterable[os.DirEntry[str]]") -> None:
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            _forget(entry.path)


def move(source: str, target: str, *, way: str = "") -> None:
    """Rename *source*; what the system does not rename is copied, a directory entry by entry (``OSError``).

    It refuses (EXDEV) from one file system or mount to another, and overlayfs does so for a directory of a lower
    layer, such as an earlier layer of a container image. What has moved until then lies on the *way*, or in
    :func:`unfinished`, and *target* is there when all has. Whoever is killed over it can call this again, or have
    :func:`take_back` undo it.
    """
    way = way or unfinished(target)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.ENOENT):
            raise
        if not os.path.lexists(source):  # which the system may not even have looked for
            if not os.path.lexists(way):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source) from error
        elif error.errno == errno.ENOENT:
            raise
        elif os.path.isdir(source) and not os.path.islink(source):
            carry(source, way)
        else:
            _copy(source, way)
            os.unlink(source)
        os.replace(way, target)


def take_back(source: str, way: str) -> None:
    """Bring back to *source* what :func:`move` has on its *way* (``OSError``)."""
    if os.path.isdir(way) and not os.path.islink(way):
        carry(way, source)
    elif os.path.lexists(source):
        _forget(way)  # a copy that was not ended
    elif os.path.lexists(way):
        move(way, source)


def copy_file(source: str, target: str) -> None:
    """Copy a file or a link, with its mode and time, so that *target* is there when all of it is (``OSError``)."""
    _copy(source, f"{target}{_HALF}")
    os.replace(f"{target}{_HALF}", target)


def _copy(source: str, target: str) -> None:
    import shutil

    _degraded.setdefault("Files were copied, because the file system refused to move or link them", 0)
    _forget(target)
    shutil.copy2(source, target, follow_symlinks=False)


def unfinished(target: str) -> str:
    """Return where is collected what :func:`move` is to bring to *target*."""
    return f"{target}+"


def carry(source: str, target: str) -> None:
    """Move all that is in the directory *source* into *target*, made where it is missing, and remove *source*.

    Whoever is killed over it can call this again. Raises ``OSError``.
    """
    facts = os.stat(source)
    try:
        os.mkdir(target)
    except FileExistsError:
        pass
    for name in os.listdir(source):
        here, there = f"{source}/{name}", f"{target}/{name}"
        if name.endswith(_HALF):
            os.unlink(here)
            continue
        try:
            os.rename(here, there)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.ENOTEMPTY, errno.EEXIST):
                raise
            if os.path.isdir(here) and not os.path.islink(here):
                carry(here, there)
            else:
                copy_file(here, there)
                os.unlink(here)
    os.chmod(target, facts.st_mode & 0o7777)
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.rmdir(source)


def _into_place(temporary: str, path: str) -> None:
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        _make(os.path.dirname(path))
        os.replace(temporary, path)


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)  # mostly all above it is there
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(directory, exist_ok=True)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _forget_directory(path: str) -> None:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass


__all__ = [
    "PRIVATE",
    "publish_file",
    "publish_link",
    "publish_tree",
    "read",
    "remove_tree",
    "replace_file",
    "write",
]


def exchange(first: str, second: str) -> None:
    """Let two entries, of any type, change places atomically (``OSError``, and then neither has moved)."""
    try:
        import ctypes

        library = _loaded[0] if _loaded else ctypes.CDLL(None, use_errno=True)
        _loaded[:] = [library]
        here, there = os.fsencode(first), os.fsencode(second)
        if sys.platform == "darwin":
            failed = library.renamex_np(here, there, ctypes.c_uint(_RENAME_SWAP))
        elif sys.platform != "linux":
            failed = errno.ENOSYS
        elif hasattr(library, "renameat2"):
            failed = library.renameat2(_AT_FDCWD, here, _AT_FDCWD, there, ctypes.c_uint(_RENAME_EXCHANGE))
        else:  # musl, until lately
            number = ctypes.c_long(_RENAMEAT2.get(os.uname().machine, _GENERIC))
            failed = library.syscall(number, _AT_FDCWD, here, _AT_FDCWD, there, ctypes.c_uint(_RENAME_EXCHANGE))
    except (ImportError, AttributeError, TypeError):  # Windows, a Python without ctypes, an old macOS
        failed = errno.ENOSYS
    if failed:
        code = ctypes.get_errno() if failed == -1 else errno.ENOSYS
        raise OSError(code, os.strerror(code), first, None, second)
