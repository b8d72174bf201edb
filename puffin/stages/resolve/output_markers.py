"""The markers of packages: each holds where something holds that leads to the package. Pure."""

import re
from collections.abc import Iterable, Mapping

from puffin.stages.resolve.solve.request import Parent, Resolved

_MOST = 8  # alternatives; what has more of them is needed almost everywhere, and is written without a marker
_EXTRA = re.compile(r"""^(?:(?P<rest>.+?)\s+and\s+)?extra\s*==\s*["'][^"']*["']$""")
_BEFORE = re.compile(r"""^extra\s*==\s*["'][^"']*["']\s+and\s+(?P<rest>.+)$""")

_Conditions = frozenset[frozenset[str]]
_ALWAYS: _Conditions = frozenset((frozenset(),))


def markers_of(packages: Iterable[Resolved]) -> dict[str, str]:
    """Return the marker of each package by name; those without any condition are left out."""
    parents = {package.name: package.via for package in packages}
    known: dict[str, _Conditions] = dict.fromkeys(parents, frozenset())
    changed = True
    while changed:
        changed = False
        for name, via in parents.items():
            found = _simplest(known[name].union(*[_through(parent, known) for parent in via]))
            if found != known[name]:
                known[name] = found
                changed = True
    return {name: _text(found) for name, found in known.items() if found and found != _ALWAYS}


def without_extra(marker: str) -> str:
    """Return a marker without the clause on ``extra`` that it ends or begins with.

    Where the clause is elsewhere, nothing is left: the package is then taken to be needed everywhere.
    """
    if "extra" not in marker:
        return marker
    found = _EXTRA.match(marker) or _BEFORE.match(marker)
    rest = (found["rest"] or "") if found else ""
    return "" if "extra" in rest or (" or " in rest and not _is_one(rest)) else rest


def _is_one(text: str) -> bool:
    """Tell whether the text is one pair of parentheses."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return text.startswith("(") and at == len(text) - 1
    return False


def _through(parent: Parent, known: Mapping[str, _Conditions]) -> _Conditions:
    above = known.get(parent.name, _ALWAYS) if parent.name else _ALWAYS
    own = without_extra(parent.marker)
    return frozenset(each | {own} for each in above) if own else above


def _simplest(conditions: _Conditions) -> _Conditions:
    """Return the conditions that none of the others makes superfluous."""
    kept = frozenset(each for each in conditions if not any(other < each for other in conditions))
    return _ALWAYS if len(kept) > _MOST else kept


def _text(conditions: _Conditions) -> str:
    from packaging.markers import Marker

    alternatives = [" and ".join(f"({each})" for each in sorted(condition)) for condition in conditions]
    return str(Marker(" or ".join(f"({each})" for each in sorted(alternatives))))
