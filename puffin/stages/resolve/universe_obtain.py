"""The metadata of a version: of which file it is asked, and of which if that one is not to be had in parts."""

from puffin.stages.resolve.metadata_errors import NotWhole
from puffin.stages.resolve.metadata_wanted import Unbuilt, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.locate_choose import Candidate
    from puffin.stages.resolve.metadata_obtain import Obtainer
    from puffin.stages.resolve.solve.universe import Metadata
    from puffin.stages.resolve.universe_values import Chosen


def obtain(obtainer: "Obtainer", handle: "Chosen", hashes: tuple[str, ...]) -> "Metadata | Unbuilt":
    """Return the metadata of a version; *hashes* are those demanded. Raises what ``Obtainer.obtain`` raises."""
    try:
        return obtainer.obtain(wanted(handle, hashes))
    except NotWhole:
        return obtainer.obtain(wanted(handle, hashes, handle.install))


def wanted(handle: "Chosen", hashes: tuple[str, ...], candidate: "Candidate | None" = None) -> Wanted:
    """Return what to ask for: the metadata of *candidate*, or of the file of *handle* that tells it."""
    chosen = candidate or handle.metadata
    return Wanted(
        package=f"{handle.name}=={handle.version}",
        candidate=chosen,
        name=handle.name,
        version=handle.version,
        hashes=hashes if chosen is handle.install else (),
        whole=chosen is handle.install,
    )
