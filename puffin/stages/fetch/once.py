"""Fetching a wheel that no other process is fetching: whoever comes second waits, and finds it in the cache.

The lock is taken by the fetch and let go by the unzip of the same process, which follows it; it goes with its process.
Nothing but doubled work depends on it: where it cannot be had, the file is fetched all the same.
"""

import os

from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import Lock, LockFailed, LockTimeout
from puffin.stages.urls import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.fetch.network import Wire

_WAIT = 600.0  # seconds; a big file over a slow line
_held: "dict[str, tuple[Lock, str]]" = {}


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
) -> "tuple[str, int, memoryview | None]":
    """Return what :func:`puffin.stages.fetch.fetch.fetch` returns, or no bytes if another process has stored the file.

    *name*, *source* and *cache_root* tell where the cache has it. Raises the errors of ``download.download``.
    """
    from puffin.stages.fetch.fetch import fetch

    cache = Cache(cache_root, lower=())  # in one beneath it the archive may be damaged
    waited = _take(cache, url)
    try:
        stored = _stored(cache, hashes, name, source, filename, waited=waited)
        if stored:
            release(url)
            return stored, 0, None
        return fetch(url=url, filename=filename, hashes=hashes, size=size, network=network)
    except BaseException:
        release(url)
        raise


def release(url: str) -> None:
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
    lock = Lock(path, what=f"the download of `{url}`", timeout=_WAIT)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock.__enter__()
    except (OSError, LockFailed, LockTimeout):
        return busy
    _held[url] = lock, path
    return busy


def _stored(
    cache: Cache, hashes: "tuple[tuple[str, ...], ...]", name: str, source: str, filename: str, *, waited: bool
) -> str:
    """Return the archive of the file if another process has stored it meanwhile, else nothing."""
    from puffin.stages.unzip.ready import archive_ready
    from puffin.stages.unzip.store import meant_archive

    meant = {
        meant_archive(cache, source=source, name=name, filename=filename, hashes=group, anew=not waited)
        for group in hashes or ((),)
    }
    archive = meant.pop() if len(meant) == 1 else ""
    return archive if archive and archive_ready(cache, archive) else ""
