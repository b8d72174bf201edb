"""Why a package is in a resolution: the way to it from what somebody asked for. Pure."""

from puffin.stages.resolve.solve.world import why_wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.solve.request import Resolution


def why_included(resolution: "Resolution", name: str) -> str:
    """Return why *name* is there, as a sentence without its full stop; empty for what was asked for itself."""
    parents = {each.name: [parent.name for parent in each.via if parent.name] for each in resolution.packages}
    direct = {each.name for each in resolution.packages if each.direct}
    return why_wanted(name, direct, lambda each: parents.get(each, ()))
