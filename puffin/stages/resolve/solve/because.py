"""Why a package is looked at: the shortest way to it from what somebody asked for. Pure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


def why_wanted(name: str, direct: "Collection[str]", parents: "Callable[[str], Iterable[str]]") -> str:
    """Return why *name* is wanted, as a sentence without its full stop.

    *parents* are those that need a package, *direct* what was asked for. It is empty for that itself, and where no
    way leads to it.
    """
    ways: dict[str, tuple[str, ...]] = {name: (name,)}
    queue = [name]
    for each in queue:  # grows meanwhile: the nearest are looked at first
        if each in direct:
            return _worded(ways[each])
        for parent in parents(each):
            if parent not in ways:
                ways[parent] = (parent, *ways[each])
                queue.append(parent)
    return ""


def _worded(way: tuple[str, ...]) -> str:
    if len(way) == 1:
        return ""
    chain = " depends on ".join(f"`{each}`" for each in way)
    return f"`{way[-1]}` was included because {chain}"
