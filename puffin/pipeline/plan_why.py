"""Why a package is in a resolution: the way to it from what somebody asked for. Pure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.solve.resolution import Resolution


def why_included(resolution: "Resolution", name: str) -> str:
    """Return why *name* is there, as a sentence without its full stop; empty for what was asked for itself."""
    packages = {each.name: each for each in resolution.packages}
    ways: dict[str, tuple[str, ...]] = {name: (name,)}
    queue = [name]
    for each in queue:  # grows meanwhile: the nearest are looked at first
        package = packages.get(each)
        if package is None or package.direct:
            return _worded(ways[each]) if package else ""
        for parent in package.via:
            if parent.name and parent.name not in ways:
                ways[parent.name] = (parent.name, *ways[each])
                queue.append(parent.name)
    return ""


def _worded(way: tuple[str, ...]) -> str:
    if len(way) == 1:
        return ""
    chain = " depends on ".join(f"`{each}`" for each in way)
    return f"`{way[-1]}` was included because {chain}"
