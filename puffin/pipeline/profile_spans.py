"""Stretches of time: what each row did itself, unions, and wall time divided among what ran at once."""

from puffin.pipeline.profile_read import Profile, Row
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IDLE = ""  # the name of the time in which nothing that is recorded was done


@frozen
class Span:
    """A stretch of time that a row spent on itself: a phase without the rows within it."""

    row: Row
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def spans(profile: Profile) -> tuple[Span, ...]:
    """Return the spans of all rows by start. Nested work is counted once, where it was done.

    Whatever else the process of a phase did meanwhile, on threads apart from it excepted, was part of the phase.
    """
    found: list[Span] = []
    inner: dict[str, list[Row]] = {}
    for row in profile.rows:
        if not row.waits:
            inner.setdefault(row.worker, []).append(row)
    for row in profile.rows:
        if row.phase:
            found += _own(row, [each for each in inner[row.worker] if _within(each, row)])
        else:
            found.append(Span(row=row, start=row.start, end=row.end))
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def _within(inner: Row, outer: Row) -> bool:
    if inner is outer or inner.start < outer.start or inner.end > outer.end:
        return False
    return inner.seconds < outer.seconds or (inner.seconds > 0 and not inner.phase)


def _own(row: Row, inside: "list[Row]") -> "list[Span]":
    found = []
    at = row.start
    for each in sorted(inside, key=lambda each: each.start):
        if each.start > at:
            found.append(Span(row=row, start=at, end=each.start))
        at = max(at, each.end)
    if row.end > at or not found:
        found.append(Span(row=row, start=at, end=max(at, row.end)))
    return found


def union(stretches: "Iterable[tuple[float, float]]") -> float:
    """Return for how long at least one of the *stretches* lasted."""
    return sum(end - start for start, end in merged(stretches))


def merged(stretches: "Iterable[tuple[float, float]]") -> "list[tuple[float, float]]":
    """Return the *stretches* with those that touch made one, in order."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def weighted(named: "Iterable[tuple[str, float, float]]", start: float, end: float) -> "dict[str, float]":
    """Divide the time from *start* to *end* among the names that were active at each moment, in equal parts a row.

    Together the parts make the whole; what was left to nobody is under :data:`IDLE`.
    """
    edges: list[tuple[float, int, str]] = []
    for name, begins, ends in named:
        first, last = max(begins, start), min(ends, end)
        if last > first:
            edges += ((first, 1, name), (last, -1, name))
    edges.sort()
    shares: dict[str, float] = {}
    active: dict[str, int] = {}
    at = start
    for moment, change, name in edges:
        _share(shares, active, moment - at)
        at = moment
        active[name] = active.get(name, 0) + change
        if not active[name]:
            del active[name]
    _share(shares, active, end - at)
    return shares


def _share(shares: "dict[str, float]", active: "Mapping[str, int]", seconds: float) -> None:
    if seconds <= 0:
        return
    total = sum(active.values())
    if not total:
        shares[IDLE] = shares.get(IDLE, 0.0) + seconds
    for name, count in active.items():
        shares[name] = shares.get(name, 0.0) + seconds * count / total
