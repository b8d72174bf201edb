"""The workers of a run: when they were busy, and why they were idle."""

from collections.abc import Iterator, Sequence

from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.spans import merged, union
from puffin.value import frozen

STARTING = "starting"
DOWNLOADS = "waiting for downloads"
NOTHING_LEFT = "no work left"
BETWEEN = "scheduling"
NOTHING_READY = "nothing ready: "  # then the stages: `link waits for fetch and unzip`
_LEAST = 0.0005  # seconds; shorter gaps are the cost of a task, not idleness


@frozen
class Worker:
    """A process that ran tasks. ``idle`` are reasons with their seconds, the longest first."""

    name: str
    driver: bool
    tasks: int
    busy: float
    idle: tuple[tuple[str, float], ...]


def window(profile: Profile) -> tuple[float, float]:
    """Return from when to when tasks could run: from the first that was handed out to the last that ended."""
    tasks = profile.tasks
    begins = min([*profile.graphs, *[row.start for row in tasks]], default=profile.started)
    return begins, max([row.end for row in tasks], default=begins)


def by_worker(profile: Profile) -> dict[str, list[Row]]:
    """Return the tasks of each worker, in the order in which the workers began."""
    found: dict[str, list[Row]] = {}
    for row in profile.tasks:
        if row.worker:  # nobody knows whose an attempt was that was lost
            found.setdefault(row.worker, []).append(row)
    return found


def parallelism(profile: Profile) -> float:
    """Return how many tasks ran at once on average: the sum of their times divided by the wall time for them."""
    begins, ends = window(profile)
    return sum(row.seconds for row in profile.tasks) / (ends - begins) if ends > begins else 0.0


def workers(profile: Profile) -> tuple[Worker, ...]:
    """Return the workers, and why each was idle while there were tasks."""
    limits = window(profile)
    stages = {row.key: row.name for row in profile.tasks}
    return tuple(_worker(name, rows, profile, limits, stages) for name, rows in by_worker(profile).items())


def _worker(
    name: str, rows: list[Row], profile: Profile, limits: tuple[float, float], stages: dict[str, str]
) -> Worker:
    working = [row for row in rows if not row.waits]
    idle: dict[str, float] = {}
    for begin, end in _gaps(merged([(row.start, row.end) for row in working]), limits):
        for reason, seconds in _why(begin, end, rows, stages):
            idle[reason] = idle.get(reason, 0.0) + seconds
    return Worker(
        name=name,
        driver=name == profile.driver,
        tasks=len(rows),
        busy=union((row.start, row.end) for row in working),
        idle=tuple(sorted(idle.items(), key=lambda each: (-each[1], each[0]))),
    )


def _gaps(busy: Sequence[tuple[float, float]], limits: tuple[float, float]) -> Iterator[tuple[float, float]]:
    at = limits[0]
    for begin, end in (*busy, (limits[1], limits[1])):
        if begin - at > _LEAST:
            yield at, begin
        at = max(at, end)


def _why(begin: float, end: float, rows: Sequence[Row], stages: dict[str, str]) -> Iterator[tuple[str, float]]:
    """Divide a gap of one worker among its reasons."""
    downloads = merged(
        [
            (max(row.start, begin), min(row.end, end))
            for row in rows
            if row.waits and row.end > begin and row.start < end
        ]
    )
    waited = union(downloads)
    if waited:
        yield DOWNLOADS, waited
    left = end - begin - waited
    if left > 0:
        yield _reason(begin, end, rows, stages), left


def _reason(begin: float, end: float, rows: Sequence[Row], stages: dict[str, str]) -> str:
    if all(row.start >= begin for row in rows):
        return STARTING
    following = min((row for row in rows if row.start >= end - _LEAST), key=lambda row: row.start, default=None)
    if following is None:
        return NOTHING_LEFT
    needed = sorted({stages[need] for need in following.needs if need in stages})
    if following.ready > begin + _LEAST and needed:
        return f"{NOTHING_READY}{following.name} waits for {' and '.join(needed)}"
    return BETWEEN
