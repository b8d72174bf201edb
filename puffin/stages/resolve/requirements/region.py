"""Regions: sets of environments, for which a resolution is made as for one. A region is written as a marker.

A requirement applies in a region if its marker holds somewhere in it. Where that leads to a conflict, a region is
divided into the part where a marker holds and the rest.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from dep_logic.markers.base import BaseMarker

from puffin.stages.resolve.requirements.algebra import (
    PYTHON,
    as_marker,
    both,
    condition,
    either,
    for_extras,
    holds_somewhere,
    opposite,
    simplified,
    terms,
)
from puffin.stages.resolve.requirements.lenient import specifier
from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.texts import specifiers_of, version_of

_NO_EXTRAS: frozenset[str] = frozenset()
_NEWEST = 39
_LOWER = (">=", ">", "~=", "==", "===")


class RegionConditions(Conditions):
    """Evaluates markers for a *region*: a marker holds if there is an environment of the region where it does."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._own = condition(region)

    def hold(self, marker: str, extras: frozenset[str] = _NO_EXTRAS) -> bool:
        """Tell whether *marker* holds somewhere with *extras*. Raises ``ValueError``."""
        return not marker or _holds(self._own, marker, extras)

    def halves(self, marker: str, extras: frozenset[str] = _NO_EXTRAS) -> tuple[str, str] | None:
        """Return the part of the region where *marker* holds, and the rest; None if one of them is empty."""
        return _halves(self._own, for_extras(condition(marker), extras))

    def meet(self, *markers: str) -> bool:
        """Tell whether all *markers* hold together somewhere."""
        return holds_somewhere(both(self._own, *map(condition, markers)))

    def shares(self, markers: Sequence[str], within: str = "") -> list[str | None]:
        """Return where each of *markers* holds of the part *within*, and last where none does, as short markers.

        None stands for what is empty.
        """
        own = both(self._own, condition(within))
        found = [both(own, condition(each)) for each in markers]
        rest = both(own, *[opposite(condition(each)) for each in markers])
        return [written(each) if holds_somewhere(each) else None for each in (*found, rest)]

    def newer(self, requires_python: str) -> tuple[str, str] | None:
        """Return the part with the Pythons that a ``Requires-Python`` asks for, and the rest; None if that is all."""
        wanted = [each for each in specifiers_of(specifier(requires_python)) if each.operator in _LOWER]
        bounds = [version_of(each.version.removesuffix(".*")) for each in wanted]
        return self.halves(f"{PYTHON} >= '{max(bounds)}'") if bounds else None


@lru_cache(maxsize=20_000)
def _holds(region: BaseMarker, marker: str, extras: frozenset[str]) -> bool:
    return holds_somewhere(both(region, for_extras(condition(marker), extras)))


def _halves(region: BaseMarker, own: BaseMarker) -> tuple[str, str] | None:
    inside, outside = both(region, own), both(region, opposite(own))
    if not (holds_somewhere(inside) and holds_somewhere(outside)):
        return None
    return written(inside), written(outside)


def written(own: BaseMarker, given: str = "") -> str:
    """Return a condition as a short marker, which is the same where *given* holds."""
    return as_marker(simplified(own, condition(given)))


def lowest_python(region: str) -> str:
    """Return the oldest Python of a region, as ``3.12.0``."""
    found = [
        max([version_of(value) for name, sign, value in term if (name, sign) == (PYTHON, ">=")], default=None)
        for term in terms(condition(region))
    ]
    bounds = [each for each in found if each is not None]
    if len(bounds) < len(found) or not bounds:
        return "3.0.0"
    release = (*min(bounds).release, 0, 0)[:3]
    return ".".join(map(str, release))


def minor_versions(region: str) -> list[int]:
    """Return the minor versions of Python 3 in a region, oldest first; newer ones than any do not count."""
    found: set[int] = set()
    for term in terms(condition(region)):
        bounds = {sign: version_of(value) for name, sign, value in term if name == PYTHON}
        first = bounds[">="].minor if ">=" in bounds else 0
        upper = bounds.get("<")
        last = _NEWEST if upper is None else upper.minor - (upper.release[2:] in ((), (0,)))
        found.update(range(first, min(last, _NEWEST) + 1))
    return sorted(found)


def region_of_pythons(requires_python: str) -> str:
    """Return the region of the Pythons 3 that a specifier, read leniently, admits; an empty one if there are none."""
    parts = [f"{PYTHON} {each.operator} '{each.version}'" for each in specifiers_of(specifier(requires_python))]
    found = both(*[condition(each) for each in (f"{PYTHON} >= '3'", *sorted(parts))])
    return written(found) if holds_somewhere(found) else ""


def union_of(regions: Iterable[str]) -> str:
    """Return the region of all environments of *regions*."""
    return written(either(*map(condition, regions)))


def narrowed(region: str, marker: str) -> str:
    """Return the part of a region where *marker* holds, empty if there is none."""
    found = both(condition(region), condition(marker))
    return written(found) if holds_somewhere(found) else ""
