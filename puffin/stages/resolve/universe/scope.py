"""The scope of a resolution: the indexes and files that it may use, and the objects that fetch them."""

from collections.abc import Collection, Mapping

from puffin.cache.layout import Cache
from puffin.stages.fetch.client import Client
from puffin.stages.resolve.index.config import IndexConfig
from puffin.stages.resolve.index.pages import Pages
from puffin.stages.resolve.locate.file_choice import IndexFile
from puffin.stages.resolve.metadata.obtain import Obtainer
from puffin.stages.resolve.metadata.wanted import MetadataRequest, NotWhole, Unbuilt
from puffin.stages.resolve.solve.request import FilePolicy
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import frozen


@frozen
class Scope:
    """What decides which files a resolution may use.

    ``tags`` (best first) and ``python_version`` (full, such as ``3.12.1``) are those of the target. ``hashes`` are
    the demanded ones by normalised name. ``exclude_newer`` is a time or a date (ISO 8601). ``refresh`` is True, or
    the normalised names whose cached pages and metadata are not used. ``now`` is in seconds since the epoch.
    """

    config: IndexConfig
    tags: tuple[str, ...]
    python_version: str
    now: float
    files: FilePolicy = FilePolicy()
    hashes: "Mapping[str, tuple[str, ...]]" = {}
    exclude_newer: str = ""
    refresh: "bool | Collection[str]" = False
    offline: bool = False


def pages_of(scope: Scope, client: "Client", cache: Cache) -> Pages:
    """Return the index pages of a resolution, and initialise the cache for them."""
    try:
        cache.initialise()
    except OSError:
        pass  # a cache that cannot be written to makes this slower, not wrong
    return Pages(
        http=client, cache=cache, refresh=scope.refresh, offline=scope.offline, now=scope.now, ordered=True
    )


def obtainer_of(scope: Scope, client: "Client", cache: Cache) -> Obtainer:
    """Return the reader of metadata for a resolution."""
    return Obtainer(client=client, cache=cache, now=scope.now, refresh=scope.refresh, offline=scope.offline)


def obtain(obtainer: "Obtainer", handle: "Chosen", hashes: tuple[str, ...]) -> "Metadata | Unbuilt":
    """Return the metadata of a version; *hashes* are those demanded. Raises what ``Obtainer.obtain`` raises."""
    try:
        return obtainer.obtain(wanted(handle, hashes))
    except NotWhole:
        return obtainer.obtain(wanted(handle, hashes, handle.install))


def wanted(handle: "Chosen", hashes: tuple[str, ...], candidate: "IndexFile | None" = None) -> MetadataRequest:
    """Return the request for metadata: of *candidate*, or of the file of *handle* that has them."""
    chosen = candidate or handle.metadata
    return MetadataRequest(
        package=f"{handle.name}=={handle.version}",
        candidate=chosen,
        name=handle.name,
        version=handle.version,
        hashes=hashes if chosen is handle.install else (),
        whole=chosen is handle.install,
    )
