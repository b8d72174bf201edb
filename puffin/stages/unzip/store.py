"""From a wheel's URL to its archive: fetched once for all processes, and unzipped.

Whoever comes second waits, and finds the file in the cache. The lock is taken by the fetch and let go by the unzip of
the same process, which follows it; it goes with its process. Nothing but doubled work depends on it: where it cannot
be had, the file is fetched all the same.
"""

import errno
import os

from puffin.artifact.urls import digest, mask
from puffin.cache.atomic import publish_link
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import WorkLock, lock_timeout
from puffin.stages.unzip.ready import archive_ready, meant_archive, pointer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.fetch.network import Wire
    from puffin.types import Buffer, Callable


_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_WAIT = 600.0  # seconds; a big file over a slow line
_held: "dict[str, tuple[WorkLock, str]]" = {}


def store(
    *,
    fetched: "tuple[str, int, Buffer | None]",
    filename: str,
    name: str,
    source: str,
    cache_root: str,
    url: str = "",
) -> str:
    """Unzip the wheel in *fetched*, ``(sha256, size, bytes)``, and return its archive's id.

    Without bytes the archive is in the cache already. The buffer of the bytes is given back and must not be used
    afterwards; the lock under which *url* was fetched is let go. Raises what
    :func:`puffin.stages.unzip.unzip.unzip` raises.
    """
    from puffin.stages.unzip.errors import cache_write_failed

    sha256, _, data = fetched
    cache = Cache(cache_root, lower=())
    try:
        archive = sha256 if data is None else _unzip(sha256, data, filename, cache_root)
        publish_link(cache, pointer(cache, source, name, filename), cache.archive(archive))
    except OSError as error:
        if error.errno not in _READ_ONLY:  # there the archive was already, and the pointer only saves work
            raise cache_write_failed(filename, cache_root, error) from error
    finally:
        release_archive(url)
    return archive


def _unzip(sha256: str, data: "Buffer", filename: str, cache_root: str) -> str:
    from puffin.artifact.buffers import give
    from puffin.stages.unzip.unzip import unzip

    archive = unzip(data=data, filename=filename, sha256=sha256, cache_root=cache_root)
    if isinstance(data, memoryview):
        give(data)
    return archive


def fetch_once(
    *,
    url: str,
    filename: str,
    hashes: "tuple[tuple[str, ...], ...]",
    size: int,
    network: "Wire",
    name: str,
    source: str,
    cache_root: str,
    get: "Callable[..., tuple[str, int, memoryview]] | None" = None,
) -> "tuple[str, int, memoryview | None]":
    """Fetch as :func:`puffin.stages.fetch.fetch.fetch` does, but return no bytes if another process stored the file.

    *name*, *source* and *cache_root* tell where the cache has it. With *get*, that fetches it. Raises the errors of
    ``download.download``.
    """
    from puffin.stages.fetch.fetch import fetch

    cache = Cache(cache_root, lower=())  # in one beneath it the archive may be damaged
    waited = _take(cache, url)
    try:
        stored = _stored(cache, hashes, size, name, source, filename, waited=waited)
        if stored:
            release_archive(url)
            return stored, 0, None
        return (get or fetch)(url=url, filename=filename, hashes=hashes, size=size, network=network)
    except BaseException:
        release_archive(url)
        raise


def release_archive(url: str) -> None:
    """Let the lock of the file at *url* go; nothing where this process has none."""
    lock, path = _held.pop(url, (None, ""))
    if lock is not None:
        try:
            os.unlink(path)  # while it is held: who waits for it then locks a new one
        except OSError:
            pass
        lock.__exit__(None, None, None)


def _take(cache: Cache, url: str) -> bool:
    """Take the lock of the file at *url* and return whether another process had it."""
    path = cache.path(Bucket.LOCKS, f"fetch-{digest(url)}")
    busy = os.path.exists(path)
    lock = WorkLock(path, what=f"the download of `{mask(url)}`", timeout=lock_timeout(os.environ, _WAIT))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError:
        return busy
    lock.__enter__()
    if lock.taken:
        _held[url] = lock, path
    return busy


def _stored(
    cache: Cache,
    hashes: "tuple[tuple[str, ...], ...]",
    size: int,
    name: str,
    source: str,
    filename: str,
    *,
    waited: bool,
) -> str:
    """Return the archive of the file if another process has stored it meanwhile, else nothing."""
    meant = {
        meant_archive(cache, source=source, name=name, filename=filename, hashes=group, again=not waited)
        for group in hashes or ((),)
    }
    archive = meant.pop() if len(meant) == 1 else ""
    return archive if archive and archive_ready(cache, archive, size=size, filename=filename) else ""
