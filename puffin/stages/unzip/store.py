"""The unzip task: what was fetched becomes an archive, and the name of the file a pointer to it."""

import os

from puffin.cache.atomic import publish_link
from puffin.cache.layout import Bucket, Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined, unused-ignore]


def store(*, fetched: "tuple[str, int, Buffer]", filename: str, name: str, source: str, cache_root: str) -> str:
    """Unzip the wheel in *fetched*, ``(sha256, size, bytes)``, and return its archive's id.

    The buffer of the bytes is given back and must not be used afterwards. Raises what
    :func:`puffin.stages.unzip.unzip.unzip` raises.
    """
    from puffin.stages.unzip.errors import cache_write_failed
    from puffin.stages.unzip.unzip import unzip

    sha256, _, data = fetched
    archive = unzip(data=data, filename=filename, sha256=sha256, cache_root=cache_root)
    from puffin.stages.buffers import give

    if isinstance(data, memoryview) and isinstance(data.obj, bytearray):
        give(data.obj)
    cache = Cache(cache_root)
    try:
        publish_link(cache, pointer(cache, source, name, filename), cache.archive(archive))
    except OSError as error:
        raise cache_write_failed(filename, cache_root, error) from error
    return archive


def pointer(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the path of the symlink that leads from a wheel's name to its archive."""
    return cache.path(Bucket.WHEELS, source, name, filename)


def known_archive(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the archive that a wheel's name led to when it was last stored, ``""`` for none."""
    try:
        return os.path.basename(os.readlink(pointer(cache, source, name, filename)))
    except OSError:
        return ""
