"""Dividing the time of a run: spans of work without the work inside them, and the critical path through them.

The critical path is the chain of steps that set the total time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from puffin.pipeline.profile.read import Profile, Row
from puffin.value import frozen

IDLE = ""  # the name of the time in which nothing that is recorded was done


@frozen
class Span:
    """A stretch of time that a row spent on itself: a phase without the rows within it."""

    row: Row
    start: float
    end: float

    @property
    def seconds(self) -> float:
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


def _own(row: Row, inside: list[Row]) -> list[Span]:
    found = []
    at = row.start
    for each in sorted(inside, key=lambda each: each.start):
        if each.start > at:
            found.append(Span(row=row, start=at, end=each.start))
        at = max(at, each.end)
    if row.end > at or not found:
        found.append(Span(row=row, start=at, end=max(at, row.end)))
    return found


def union(stretches: Iterable[tuple[float, float]]) -> float:
    """Return for how long at least one of the *stretches* lasted."""
    return sum(end - start for start, end in merged(stretches))


def merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the *stretches* with those that touch made one, in order."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def weighted(named: Iterable[tuple[str, float, float]], start: float, end: float) -> dict[str, float]:
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


def _share(shares: dict[str, float], active: Mapping[str, int], seconds: float) -> None:
    if seconds <= 0:
        return
    total = sum(active.values())
    if not total:
        shares[IDLE] = shares.get(IDLE, 0.0) + seconds
    for name, count in active.items():
        shares[name] = shares.get(name, 0.0) + seconds * count / total


_SAME = 2e-6  # seconds; records round to a millionth


@frozen
class PathStep:
    """A piece of the critical path; ``row`` is None where the next piece was waited for without any recorded work."""

    row: Row | None
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class _Finished:
    """Spans by their ends: which was the last to end before a moment?"""

    def __init__(self, found: Iterable[Span]) -> None:
        self._spans = sorted(found, key=lambda span: span.end)
        self._ends = [span.end for span in self._spans]

    def before(self, moment: float, used: set[int]) -> Iterator[Span]:
        """Yield the last span that ended by *moment* and is not among those *used*."""
        at = bisect_right(self._ends, moment + _SAME)
        while at and id(self._spans[at - 1]) in used:
            at -= 1
        if at:
            yield self._spans[at - 1]


def critical_path(profile: Profile) -> tuple[PathStep, ...]:
    """Return the steps that led to the end of the run, in order; they do not overlap.

    Backwards from what ended last: a task was held up by the last to end of what it needs, of the work before it in
    its process, and of the driver's; the driver's own work by whatever ended last.
    """
    found = spans(profile)
    if not found:
        return ()
    everything = _Finished(found)
    workers: dict[str, list[Span]] = {}
    keys: dict[str, list[Span]] = {}
    for span in found:
        workers.setdefault(span.row.worker, []).append(span)
        if not span.row.phase:
            keys.setdefault(span.row.key, []).append(span)
    lanes = {worker: _Finished(each) for worker, each in workers.items()}
    driver = _Finished([span for span in found if span.row.phase])

    def held_up(span: Span, used: set[int]) -> Iterator[Span]:
        if span.row.phase:
            yield from everything.before(span.start, used)
            return
        yield from lanes[span.row.worker].before(span.start, used)  # of what ended at once, the first counts
        for need in span.row.needs:
            yield from [each for each in keys.get(need, ()) if id(each) not in used and each.start < span.start]
        yield from driver.before(span.start, used)

    return tuple(_walk(max(found, key=lambda span: span.end), held_up))


def _walk(last: Span, held_up: object) -> list[PathStep]:
    steps: list[PathStep] = []
    used: set[int] = set()
    span: Span | None = last
    until = last.end
    while span is not None:
        used.add(id(span))
        end = min(span.end, until)
        if until - end > _SAME:
            steps.append(PathStep(row=None, start=end, end=until))
        if end > span.start or not steps:
            steps.append(PathStep(row=span.row, start=span.start, end=end))
        until = min(until, span.start)
        candidates = [each for each in held_up(span, used) if each.start <= until]  # type: ignore[operator]
        span = max(candidates, key=lambda each: min(each.end, until), default=None)
    return steps[::-1]


@frozen
class Part:
    """The part of a stage, or of one task, in the critical path, in seconds. ``count`` is the number of its tasks."""

    name: str
    package: str
    seconds: float
    count: int


def parts(steps: Iterable[PathStep], *, by_package: bool) -> tuple[Part, ...]:
    """Return the parts of the path, the longest first: by stage, or by stage and package; waits are ``""``."""
    found: dict[tuple[str, str], list[float]] = {}
    for step in steps:
        name = step.row.name if step.row else ""
        package = step.row.label if step.row and by_package else ""
        found.setdefault((name, package), []).append(step.seconds)
    return tuple(
        sorted(
            [
                Part(name=name, package=package, seconds=sum(each), count=len(each))
                for (name, package), each in found.items()
            ],
            key=lambda part: (-part.seconds, part.name, part.package),
        )
    )
