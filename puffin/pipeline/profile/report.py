"""The report on a run, as values: what pages, tables and JSON show."""

from collections.abc import Iterable, Sequence

from puffin.pipeline.graph.task import CANCELLED, FAILED
from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.spans import (
    IDLE,
    Part,
    PathStep,
    Span,
    critical_path,
    parts,
    spans,
    union,
    weighted,
)
from puffin.pipeline.profile.workers import Worker, parallelism, workers
from puffin.value import frozen

_ONE = 0.3  # the share of the run that makes one task its limit, rather than its stage


@frozen
class Phase:
    """A stage or phase. ``wall``: at least one was under way; ``weighted``: its part of the wall time of the run."""

    name: str
    stage: bool
    wall: float
    weighted: float
    sum: float
    cpu: float
    count: int
    failed: int
    taken: int
    given: int

    @property
    def rate(self) -> float:
        """Bytes a second that were taken in, while at least one was under way."""
        return self.taken / self.wall if self.wall else 0.0


@frozen
class PackageWork:
    """The work for one package, in all stages; ``stages`` are their names and seconds, the longest first."""

    label: str
    seconds: float
    stages: tuple[tuple[str, float], ...]
    taken: int
    log: str
    error: str


@frozen
class EnvironmentWork:
    """What one environment got: ``hits`` of its ``packages`` were in the cache; the last was there at ``ended``.

    ``seconds`` are its part of the work: what was done for several counts for each of them in equal parts.
    """

    name: str
    packages: int
    hits: int
    seconds: float
    ended: float


@frozen
class Report:
    """The report on a run.

    ``saved`` are the seconds that earlier runs spent on what the cache served in this one, ``served`` its bytes.
    """

    profile: Profile
    path: tuple[PathStep, ...]
    limit: Part | None
    phases: tuple[Phase, ...]
    idle: float
    workers: tuple[Worker, ...]
    parallelism: float
    packages: tuple[PackageWork, ...]
    places: tuple[EnvironmentWork, ...]
    hits: int
    misses: int
    saved: float
    served: int
    failures: tuple[Row, ...]


def report_on(profile: Profile, earlier: Sequence[Profile] = ()) -> Report:
    """Return the report on *profile*; the cost of work that was not done comes from *earlier* runs."""
    path = critical_path(profile)
    found = spans(profile)
    shares = weighted(((s.row.name, s.start, s.end) for s in found), profile.started, profile.ended)
    hits, misses = _cached(profile.tasks)
    return Report(
        profile=profile,
        path=path,
        limit=limit_of(path, profile.wall),
        phases=_phases(found, shares),
        idle=shares.get(IDLE, 0.0),
        workers=workers(profile),
        parallelism=parallelism(profile),
        packages=_packages(profile.tasks),
        places=_places(profile.tasks),
        hits=len(hits),
        misses=len(misses),
        saved=saved(hits, (*earlier, profile)),
        served=sum(row.taken for row in hits.values()),
        failures=tuple([row for row in (*profile.rows, *profile.untimed) if row.status == FAILED]),
    )


def limit_of(path: Sequence[PathStep], wall: float) -> Part | None:
    """Return the bottleneck of the run: one task if it is long enough, else the longest part of the critical path."""
    single = next((part for part in parts(path, by_package=True) if part.package), None)
    if single is not None and single.seconds >= _ONE * wall:
        return single
    return next((part for part in parts(path, by_package=False) if part.name), None)


def _phases(found: Iterable[Span], shares: dict[str, float]) -> tuple[Phase, ...]:
    named: dict[str, list[Span]] = {}
    for span in found:
        named.setdefault(span.row.name, []).append(span)
    return tuple(_phase(name, each, shares.get(name, 0.0)) for name, each in named.items())


def _phase(name: str, found: list[Span], share: float) -> Phase:
    rows = list({id(span.row): span.row for span in found}.values())
    return Phase(
        name=name,
        stage=not rows[0].phase,
        wall=union((span.start, span.end) for span in found),
        weighted=share,
        sum=sum(span.seconds for span in found),
        cpu=sum(row.cpu for row in rows),
        count=len(rows),
        failed=sum(1 for row in rows if row.status == FAILED),
        taken=sum(row.taken for row in rows),
        given=sum(row.given for row in rows),
    )


def _packages(rows: Iterable[Row]) -> tuple[PackageWork, ...]:
    named: dict[str, list[Row]] = {}
    for row in rows:
        named.setdefault(row.label, []).append(row)
    found = [_package(label, each) for label, each in named.items() if label]
    return tuple(sorted(found, key=lambda package: (-package.seconds, package.label)))


def _package(label: str, rows: list[Row]) -> PackageWork:
    stages: dict[str, float] = {}
    for row in rows:
        stages[row.name] = stages.get(row.name, 0.0) + row.seconds
    return PackageWork(
        label=label,
        seconds=sum(stages.values()),
        stages=tuple(sorted(stages.items(), key=lambda each: -each[1])),
        taken=max(row.taken for row in rows),
        log=next((row.log for row in rows if row.log), ""),
        error=next((row.error for row in rows if row.error), ""),
    )


def _places(rows: Iterable[Row]) -> tuple[EnvironmentWork, ...]:
    """Return what each environment got, the last one that was ready first."""
    named: dict[str, list[Row]] = {}
    for row in rows:
        for name in row.environments:
            named.setdefault(name, []).append(row)
    found = [_place(name, each) for name, each in named.items()]
    return tuple(sorted(found, key=lambda place: (-place.ended, place.name)))


def _place(name: str, rows: list[Row]) -> EnvironmentWork:
    packages = {row.label for row in rows}
    misses = {row.label for row in rows if row.cache == "miss"}
    return EnvironmentWork(
        name=name,
        packages=len(packages),
        hits=len({row.label for row in rows if row.cache == "hit"} - misses),
        seconds=sum(row.seconds / len(row.environments) for row in rows),
        ended=max(row.end for row in rows),
    )


def _cached(rows: Sequence[Row]) -> tuple[dict[str, Row], set[str]]:
    """Return what came from the cache, each package once with a row that says how large it is, and what did not."""
    misses = {row.label for row in rows if row.cache == "miss" and row.status != CANCELLED}
    hits = {row.label: row for row in rows if row.cache == "hit" and row.label not in misses}
    return hits, misses


def saved(hits: dict[str, Row], known: Sequence[Profile]) -> float:
    """Return the seconds that the work for *hits* took when a *known* run did it, the latest such run for each."""
    costs: dict[str, float] = {}
    for profile in known:
        made: dict[str, float] = {}
        for row in profile.tasks:
            if row.cache != "hit" and row.name != "link":
                made[row.label] = made.get(row.label, 0.0) + row.seconds
        costs.update(made)
    return sum(costs.get(label, 0.0) for label in hits)
