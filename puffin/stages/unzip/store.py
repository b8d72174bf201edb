"""The unzip task: what was fetched becomes an archive, and the name of the file a pointer to it."""

import errno
import os

from puffin.cache.atomic import publish_link
from puffin.cache.layout import Bucket, Cache
from puffin.stages.artifact import decisive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined, unused-ignore]


_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


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
    from puffin.stages.fetch.once import release
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
        release(url)
    return archive


def _unzip(sha256: str, data: "Buffer", filename: str, cache_root: str) -> str:
    from puffin.stages.buffers import give
    from puffin.stages.unzip.unzip import unzip

    archive = unzip(data=data, filename=filename, sha256=sha256, cache_root=cache_root)
    if isinstance(data, memoryview):
        give(data)
    return archive


def pointer(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the path of the symlink that leads from a wheel's name to its archive."""
    return cache.path(Bucket.WHEELS, source, name, filename)


def known_archive(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the archive that a wheel's name led to when it was last stored, ``""`` for none."""
    try:
        return os.path.basename(os.readlink(cache.find(pointer(cache, source, name, filename))))
    except OSError:
        return ""


def meant_archive(
    cache: Cache, *, source: str, name: str, filename: str, hashes: tuple[str, ...], anew: bool = False
) -> str:
    """Return the archive that a wheel is, as far as that is known without its bytes, else ``""``.

    It may be missing from the cache. The one SHA-256 that *hashes* allow names it. Else it is the one that was last
    stored under the wheel's name, if that has one of *hashes* for certain; with *anew* what was stored does not count.
    """
    allowed = decisive(hashes)
    if len(allowed) == 1:
        return allowed[0]
    if anew:
        return ""
    archive = known_archive(cache, source, name, filename)
    return archive if not hashes or archive in allowed else ""
