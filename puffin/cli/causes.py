"""How much of an error is shown: of its causes and hints some of each kind, and how many more there are."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from puffin.errors import PuffinError

    Trees = list[tuple[PuffinError, "Trees"]]
    Path = tuple[int, ...]

CAUSES = 10
HINTS = 5
_MORE = "(`-v` shows all)"


def first_causes(error: "PuffinError", most: int) -> "tuple[Trees, int]":
    """Return the causes of *error* as trees with *most* ends at the most (0: all), and how many ends are left out.

    What is of another kind, by the classes from the root to the end, comes before more of one.
    """
    ends = dict(_ends(error.causes))
    chosen = _some(ends, most or len(ends))
    kept = {path[:length] for path in chosen for length in range(1, len(path) + 1)}
    return _kept(error.causes, kept, ()), len(ends) - len(chosen)


def _ends(
    causes: "Sequence[PuffinError]", at: "Path" = (), kind: tuple[str, ...] = ()
) -> "Iterator[tuple[Path, tuple[str, ...]]]":
    """Yield the place of each cause that has none beneath it, and its kind."""
    for number, cause in enumerate(causes):
        path, kinds = (*at, number), (*kind, type(cause).__name__)
        if cause.causes:
            yield from _ends(cause.causes, path, kinds)
        else:
            yield path, kinds


def _kept(causes: "Sequence[PuffinError]", kept: "Collection[Path]", at: "Path") -> "Trees":
    found = [(cause, (*at, number)) for number, cause in enumerate(causes)]
    return [(cause, _kept(cause.causes, kept, path)) for cause, path in found if path in kept]


def first_hints(hints: "Sequence[str]", most: int) -> "tuple[list[str], str]":
    """Return *most* of the hints (0: all), each kind before more of one, in order; and a line about the others."""
    kinds = {hint: _kind(hint) for hint in hints}
    chosen = _some(kinds, most or len(kinds))
    left = len(kinds) - len(chosen)
    like = " like these" if {kinds[hint] for hint in chosen} == {*kinds.values()} else ""
    return chosen, f"and {left} more{like} {_MORE}" if left else ""


def _kind(hint: str) -> str:
    """Return a hint without what it names."""
    return "`".join(hint.split("`")[::2])


def _some(kinds: "dict[Any, Any]", most: int) -> "list[Any]":
    """Return *most* of the items, in order: the first of each kind before more of one."""
    firsts: dict[Any, Any] = {}
    for item, kind in kinds.items():
        firsts.setdefault(kind, item)
    first = {*firsts.values()}
    chosen = {*[*firsts.values(), *[item for item in kinds if item not in first]][:most]}
    return [item for item in kinds if item in chosen]


def more_causes(count: int) -> str:
    """Return the line about causes that are not shown."""
    return f"and {count} more {_MORE}"
