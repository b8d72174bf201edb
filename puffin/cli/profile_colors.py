"""The colours of stages and phases on a profile page: for light, and for dark."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KNOWN = {
    "fetch": ("#2f7de1", "#5b9df5"),
    "build": ("#d9730d", "#f09a4a"),
    "unzip": ("#12947f", "#2dbfa6"),
    "compile": ("#8a5cd0", "#ad88ec"),
    "link": ("#c8407f", "#ea6ea5"),
    "locate": ("#b08900", "#dcb53c"),
    "resolve": ("#b08900", "#dcb53c"),
    "start executor": ("#7b8494", "#8e98a9"),
    "start python": ("#a9b1bd", "#5f6877"),
    "start puffin": ("#929ba9", "#747e8e"),
    "commit": ("#5c7c16", "#93b84a"),
}
_OTHERS = (("#4a6fa5", "#7f9fcf"), ("#9c5b4b", "#c98a7a"), ("#5f8f8f", "#86b6b6"), ("#86698f", "#b497bd"))
_WAIT = ("#d5d9e0", "#333a46")


def styles(names: "Iterable[str]") -> "dict[str, tuple[str, str, str]]":
    """Return for each name its class on the page and its colours for light and dark; ``""`` is waiting."""
    found = {"": ("c0", *_WAIT)}
    unknown = 0
    for name in names:
        if name in found:
            continue
        colors = _KNOWN.get(name)
        if colors is None:
            colors = _OTHERS[unknown % len(_OTHERS)]
            unknown += 1
        found[name] = (f"c{len(found)}", *colors)
    return found


def rules(found: "Mapping[str, tuple[str, str, str]]") -> str:
    """Return the style sheet of the classes."""
    light = "".join(f".{name}{{--c:{color}}}" for name, color, _ in found.values())
    dark = "".join(f".{name}{{--c:{color}}}" for name, _, color in found.values())
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"
