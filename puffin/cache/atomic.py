"""Publication by rename: whoever looks sees nothing or the whole entry, whatever dies on the way."""

import os

from puffin.cache.layout import Cache
from puffin.cache.reading import read

PRIVATE = 0o600


def write(path: str, data: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Write *data* to the new file *path*; with *durable* it is on the disk when this returns."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def remove_tree(path: str) -> None:
    """Remove a file or a directory with all in it, without following links; absent is fine."""
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
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            _forget(entry.path)
    _forget_directory(path)


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
