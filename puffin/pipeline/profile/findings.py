"""Why a run took its time, as findings: values that pages, tables and JSON put into sentences with an advice."""

from collections.abc import Iterable, Iterator

from puffin.meter import MISS
from puffin.pipeline.graph.task import CANCELLED, FAILED
from puffin.pipeline.profile.read import Row
from puffin.pipeline.profile.report import Phase, Report
from puffin.pipeline.profile.workers import window
from puffin.reasons import Reason
from puffin.value import frozen, replace

FAILURE, NOTHING, BUSY, BUILT, INDEX, DOWNLOADS, ONE_PACKAGE = (
    "failure", "nothing", "busy", "built", "index", "downloads", "one-package",
)  # fmt: skip
NOT_SERVED, SERVED, REMOTE, WORKERS, STARTING, LONGEST = (
    "not-served", "served", "remote", "workers", "starting", "longest",
)  # fmt: skip

_OF_CPU = (
    "unzip",
    "build",
    "link",
)  # stages whose CPU seconds are all counted, so that they say how busy a core was
_OF_INDEX = ("locate", "resolve")
_LEAST = 0.3  # seconds; a shorter stretch is nothing that anybody can act on
_SHARE = 0.05  # of the run, at least, for a stage that waits for a core
_LARGE = 0.25  # of the run, at least, for the index, for downloads and for the start of workers
_IDLE = 0.5  # of the workers, at the most, that were busy
_WAITED = 0.5  # of its time, at the most, that a stage had a core
_SERVED = ("fetch", "build")  # whose work a cache of the packages saves
_BUILDS = 4  # that are named


@frozen
class RunFinding:
    """Something that explains the time of a run. ``kind`` is one of the constants of this module.

    ``seconds`` is the time that it took, ``cpu`` the CPU seconds of it, ``whole`` the time that it is a part of.
    ``count`` and ``bytes`` say how much it was; ``names`` are further packages, environments or reasons.
    """

    kind: str
    stage: str = ""
    package: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    whole: float = 0.0
    count: int = 0
    bytes: int = 0
    names: tuple[str, ...] = ()
    reason: Reason | None = None


def findings(report: Report) -> tuple[RunFinding, ...]:
    """Return what explains the run, the failure first, then what took most time; never nothing."""
    if not report.profile.tasks and not report.failures:
        return _without_tasks(report)
    slow = [*_builds(report), *_waits(report), *_index(report), *_downloads(report), *_start(report)]
    slow.sort(key=lambda each: (each.kind == BUILT and not each.package, -each.seconds))
    found = [*_failure(report), *slow]
    found = found or [*_longest(report)]
    found += _one_package(report, {each.package for each in slow})
    found += [*_workers(report), *_misses(report), *_remote(report), *_served(report)]
    return tuple(found)


def _without_tasks(report: Report) -> tuple[RunFinding, ...]:
    found = [*_failure(report), *_index(report)]
    return tuple(found or [RunFinding(kind=NOTHING, seconds=report.profile.wall)])


def _longest(report: Report) -> tuple[RunFinding, ...]:
    limit = report.limit
    if limit is None:
        return (RunFinding(kind=NOTHING, seconds=report.profile.wall),)
    found = RunFinding(kind=LONGEST, stage=limit.name, package=limit.package, seconds=limit.seconds)
    return (replace(found, whole=report.profile.wall),)


def _failure(report: Report) -> Iterator[RunFinding]:
    failed = [each.path for each in report.profile.outcomes if each.error]
    if report.failures:
        first = report.failures[0]
        names = tuple(failed) or tuple(dict.fromkeys([e for row in report.failures for e in row.environments]))
        yield RunFinding(
            kind=FAILURE, stage=first.name, package=first.label, count=len(report.failures), names=names
        )
    elif report.profile.failure:
        yield RunFinding(kind=FAILURE, names=tuple(failed))


def _phases(report: Report, names: Iterable[str]) -> list[Phase]:
    return [each for each in report.phases if each.name in names]


def _waits(report: Report) -> Iterator[RunFinding]:
    """Yield the stages whose tasks had no core for most of their time."""
    least = max(_LEAST, _SHARE * report.profile.wall)
    for stage in _OF_CPU:
        rows = [row for row in report.profile.tasks if row.name == stage and _is_local(row)]
        seconds, cpu = sum(row.seconds for row in rows), sum(row.cpu for row in rows)
        if seconds >= least and 0 < cpu < _WAITED * seconds:
            yield RunFinding(kind=BUSY, stage=stage, seconds=seconds, cpu=cpu, count=len(rows))


def _is_local(row: Row) -> bool:
    """Return whether a process of this machine did the task: what a worker of a scheduler used of a CPU is unknown."""
    return row.worker.isdigit()


def _builds(report: Report) -> Iterator[RunFinding]:
    """Yield the packages whose wheels were built, the longest builds by themselves."""
    made: dict[str, list[Row]] = {}
    for row in report.profile.tasks:
        if row.name == "build" and row.cache != "hit" and row.status not in (CANCELLED, FAILED):
            made.setdefault(row.label, []).append(row)
    found = [
        RunFinding(
            kind=BUILT,
            stage="build",
            package=label,
            seconds=sum(row.seconds for row in rows),
            cpu=sum(row.cpu for row in rows if _is_local(row)),
            count=1,
            reason=next((row.reason for row in rows if row.reason is not None), None),
        )
        for label, rows in made.items()
    ]
    found.sort(key=lambda each: (-each.seconds, each.package))
    yield from found[:_BUILDS]
    rest = found[_BUILDS:]
    if rest:
        seconds = sum(each.seconds for each in rest)
        names = tuple([each.package for each in rest])
        yield RunFinding(kind=BUILT, stage="build", seconds=seconds, count=len(rest), names=names)


def _index(report: Report) -> Iterator[RunFinding]:
    wall = report.profile.wall
    for each in _phases(report, _OF_INDEX):
        if each.weighted >= max(_LEAST, _LARGE * wall):
            yield RunFinding(kind=INDEX, stage=each.name, seconds=each.weighted, whole=wall)


def _downloads(report: Report) -> Iterator[RunFinding]:
    wall = report.profile.wall
    for each in _phases(report, ("fetch",)):
        if each.weighted >= max(_LEAST, _LARGE * wall):
            yield RunFinding(
                kind=DOWNLOADS, stage="fetch", seconds=each.wall, whole=wall, count=each.count, bytes=each.taken
            )


def _start(report: Report) -> Iterator[RunFinding]:
    wall = report.profile.wall
    for each in _phases(report, ("start executor",)):
        if each.weighted >= max(_LEAST, _LARGE * wall):
            yield RunFinding(kind=STARTING, stage=each.name, seconds=each.weighted, whole=wall)


def _one_package(report: Report, told: "set[str]") -> Iterator[RunFinding]:
    limit, wall = report.limit, report.profile.wall
    if limit is not None and limit.package and limit.package not in told and limit.seconds >= _LEAST:
        yield RunFinding(
            kind=ONE_PACKAGE, stage=limit.name, package=limit.package, seconds=limit.seconds, whole=wall
        )


def _workers(report: Report) -> Iterator[RunFinding]:
    """Yield that the workers were idle, with the reason for most of it."""
    begins, ends = window(report.profile)
    others = [each for each in report.workers if not each.driver and each.busy]  # others only fetch
    total = (ends - begins) * len(others)
    idle: dict[str, float] = {}
    for worker in others:
        for reason, seconds in worker.idle:
            idle[reason] = idle.get(reason, 0.0) + seconds
    if len(others) < 2 or ends - begins < _LEAST or sum(idle.values()) < _IDLE * total:
        return
    most = max(idle, key=lambda each: idle[each])
    yield RunFinding(kind=WORKERS, seconds=sum(idle.values()), whole=total, count=len(others), names=(most,))


def _misses(report: Report) -> Iterator[RunFinding]:
    """Yield for each kind of reason how many packages the cache did not serve, the most frequent first."""
    kinds: dict[str, dict[str, Row]] = {}
    built = {row.label for row in (*report.profile.tasks, *report.profile.untimed) if row.name == "build"}
    for row in report.profile.tasks:
        if (
            row.name in _SERVED
            and row.label not in built
            and row.reason is not None
            and row.cache in ("", MISS)
        ):
            kinds.setdefault(row.reason.kind, {})[row.label] = row
    for rows in sorted(kinds.values(), key=len, reverse=True):
        first = next(iter(rows.values()))
        yield RunFinding(
            kind=NOT_SERVED,
            seconds=sum(row.seconds for row in rows.values()),
            count=len(rows),
            bytes=sum(row.taken for row in rows.values()),
            names=tuple(rows),
            reason=first.reason,
        )


def _remote(report: Report) -> Iterator[RunFinding]:
    for each in report.profile.remote:
        missed = sum(count for _, count in each.misses)
        if missed:
            most = max(each.misses, key=lambda pair: pair[1])[0]
            yield RunFinding(kind=REMOTE, stage=each.layer, seconds=each.seconds, count=missed, names=(most,))


def _served(report: Report) -> Iterator[RunFinding]:
    if report.hits:
        yield RunFinding(kind=SERVED, seconds=report.saved, count=report.hits, bytes=report.served)
