"""The resolution of a region: one answer for all of it, or one for each part where one for all cannot be had.

The parts are resolved by the same search as a single environment, one after the other. Where possible, a part gets the
versions that the parts before it have, so that a package has several versions only where it must.
"""

from collections.abc import Callable, Iterable, Sequence

from puffin.stages.resolve.requirements.algebra import condition
from puffin.stages.resolve.requirements.region import RegionConditions, lowest_python, union_of, written
from puffin.stages.resolve.requirements.texts import version_of
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.given import Divided
from puffin.stages.resolve.solve.request import Preference, Resolution
from puffin.value import frozen

_TARGETS = "declare `targets` if what conflicts is never needed together: each target is resolved by itself"


@frozen
class RegionPart:
    """A part of a region to resolve: its marker, its oldest Python, and the versions that the parts before it have."""

    region: str
    python_version: str
    preferences: tuple[Preference, ...] = ()


@frozen
class Answer:
    """The resolution for one region, which is a marker."""

    region: str
    resolution: Resolution


def resolve_region(
    regions: "Sequence[str]",
    solve: "Callable[[RegionPart], Resolution]",
    earlier: "Sequence[Preference]" = (),
    markers: "Iterable[str]" = (),
) -> tuple[Answer, ...]:
    """Return the answers for the parts of regions, which together are all of them.

    *solve* resolves one part. Newer Pythons come first: older ones then keep to their versions where they can. Regions
    are divided by *markers* at first; where an *earlier* answer had several versions of a package, as they were then.
    Raises what *solve* raises; ``NoSolution`` then tells in which part.
    """
    pending = _divided(regions, (*markers, *_dividing(earlier)))
    found: list[Answer] = []
    while pending:
        own = pending.pop()
        part = RegionPart(region=own, python_version=lowest_python(own), preferences=_of_others(found))
        try:
            found.append(Answer(region=own, resolution=solve(part)))
        except Divided as divided:
            pending += reversed(divided.parts)
        except NoSolution as error:
            error.where = _worded(written(condition(own), union_of(regions)))
            error.hints = (*error.hints, _TARGETS)
            raise
    return tuple(found)


def _dividing(earlier: "Sequence[Preference]") -> list[str]:
    """Return the markers that tell the versions of each package of an earlier answer apart."""
    markers: dict[str, dict[str, None]] = {}
    for each in earlier:
        markers.setdefault(each.name, {})[each.marker] = None
    return [marker for own in markers.values() for marker in list(own)[:-1]]


def _divided(regions: "Sequence[str]", markers: "Iterable[str]") -> list[str]:
    """Return the parts of regions in each of which each marker holds or does not, the last one first."""
    found = list(reversed(regions))
    for marker in markers:
        parts = [(part, RegionConditions(part).halves(marker)) for part in found]
        found = [half for part, halves in parts for half in halves or (part,)]
    return sorted(found, key=lambda part: version_of(lowest_python(part)))


def _worded(marker: str) -> str:
    return f"where `{marker}`" if marker else ""


def _of_others(found: list[Answer]) -> tuple[Preference, ...]:
    """Return the versions of the answers so far, those of the first one first."""
    chosen = {
        (each.name, each.version): None for own in found for each in own.resolution.packages if not each.url
    }
    return tuple([Preference(name=name, version=version) for name, version in chosen])
