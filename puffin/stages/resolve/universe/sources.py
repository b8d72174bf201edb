"""The sources of a resolution: the pages and the metadata of its scope, through the cache."""

from puffin.cache.layout import Cache
from puffin.stages.fetch.client import Client
from puffin.stages.resolve.index.config import Scope
from puffin.stages.resolve.index.pages import Pages
from puffin.stages.resolve.locate.file_choice import IndexFile
from puffin.stages.resolve.metadata.obtain import Obtainer
from puffin.stages.resolve.metadata.wanted import MetadataRequest, NotWhole, Unbuilt
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.universe.values import Chosen


def pages_of(scope: Scope, client: "Client", cache: Cache) -> Pages:
    """Return the index pages of a resolution, and initialise the cache for them."""
    try:
        cache.initialise()
    except OSError:
        pass  # a cache that cannot be written to makes this slower, not wrong
    return Pages(client, cache, scope, ordered=True)


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
