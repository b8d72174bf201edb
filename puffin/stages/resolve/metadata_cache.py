"""Metadata at rest: parsed, one small frame for each file, so that a warm resolution parses nothing."""

from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.urls import digest
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FORMAT = "metadata 1"
_FIELDS = ("name", "version", "requires_dist", "requires_python", "provides_extras", "dynamic")


@frozen
class Kept:
    """Metadata in the cache: ``until`` is when it must be asked for anew (seconds since the epoch), 0 never."""

    metadata: Metadata
    until: float = 0.0


def metadata_path(cache: Cache, name: str, identity: str) -> str:
    """Return where the metadata of a file of the project *name* (normalised, ``_`` if unknown) is kept.

    *identity* tells the file from all others: the place it is from, its name, and its hash or what else
    changes with its content.
    """
    return cache.path(Bucket.METADATA, name or "_", digest(identity))


def load_kept(path: str) -> Kept | None:
    """Return what is kept at *path*; None for anything missing, damaged or of another format."""
    data = read(path)
    value = None if data is None else frame.load(data)
    if type(value) is not tuple or len(value) != 3 or value[0] != _FORMAT or len(value[1]) != len(_FIELDS):
        return None
    return Kept(metadata=_metadata(value[1]), until=value[2])


def keep(cache: Cache, path: str, kept: Kept) -> None:
    """Keep metadata at *path*; a cache that cannot be written to only costs the next run its work."""
    row = tuple([getattr(kept.metadata, field) for field in _FIELDS])
    try:
        cache.initialise()
        publish_file(cache, path, frame.dump((_FORMAT, row, kept.until)))
    except OSError:
        pass


def _metadata(row: "tuple[Any, ...]") -> Metadata:
    name, version, requires_dist, requires_python, provides_extras, dynamic = row
    return Metadata(
        name=name,
        version=version,
        requires_dist=requires_dist,
        requires_python=requires_python,
        provides_extras=provides_extras,
        dynamic=dynamic,
    )
