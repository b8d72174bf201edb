"""The comparison of two runs, as values: by stage, by package and by task; the run to compare one with, and history."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from puffin.errors import PuffinError
from puffin.pipeline.graph.task import DONE
from puffin.pipeline.profile.read import Profile, Row
from puffin.pipeline.profile.report import Report
from puffin.value import frozen


@frozen
class Difference:
    """A figure in both runs: seconds of a phase (its part of the wall time), of a package, or of a task."""

    name: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


@frozen
class Comparison:
    """The change from one run to another; differences are in order of their size.

    ``tasks`` are those of the same stage and package in both runs. ``lost`` are packages that the cache served before
    and does not any more, ``won`` those that it serves now.
    """

    before: Report
    after: Report
    phases: tuple[Difference, ...]
    packages: tuple[Difference, ...]
    tasks: tuple[Difference, ...]
    lost: tuple[str, ...]
    won: tuple[str, ...]


class NotComparable(PuffinError):
    """Two runs did different things, so that their times say nothing about each other."""

    exit_code = 2
    sentence = "The runs `{before}` and `{after}` are not comparable: {why}"
    before: str
    after: str
    why: str
    hints: tuple[str, ...] = ("compare them nevertheless with `--any`",)


def check_comparable(before: Profile, after: Profile) -> None:
    """Raise :class:`NotComparable` if the runs differ in what they did."""
    if why := unlikeness(before, after):
        raise NotComparable(before=before.run, after=after.run, why=why)


def unlikeness(before: Profile, after: Profile) -> str:
    """Return how two runs differ in what they did: command, environments, or their end; ``""`` if they do not."""
    if before.command != after.command:
        return f"one is `{before.command}`, the other `{after.command}`"
    if before.status or after.status:
        return "one of them did not end well"
    if bool(before.tasks) != bool(after.tasks):
        return "one of them had nothing to do"
    if before.tasks and environments_of(before).isdisjoint(environments_of(after)) and environments_of(after):
        return "they changed different environments"
    return ""


def compare(before: Report, after: Report) -> Comparison:
    """Return the differences between two reports."""
    served, now = _by_cache(before.profile), _by_cache(after.profile)
    return Comparison(
        before=before,
        after=after,
        phases=_differences(
            {phase.name: phase.weighted for phase in before.phases},
            {phase.name: phase.weighted for phase in after.phases},
        ),
        packages=_differences(
            {package.label: package.seconds for package in before.packages},
            {package.label: package.seconds for package in after.packages},
        ),
        tasks=_in_both(_tasks(before.profile), _tasks(after.profile)),
        lost=tuple(sorted(served["hit"] & now["miss"])),
        won=tuple(sorted(served["miss"] & now["hit"])),
    )


def _by_cache(profile: Profile) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"hit": set(), "miss": set()}
    for row in profile.tasks:
        if row.cache in found and row.label:
            found[row.cache].add(row.label)
    found["hit"] -= found["miss"]
    return found


def _tasks(profile: Profile) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in profile.tasks:
        if row.status == DONE and row.label:
            name = f"{row.name} {row.label}"
            found[name] = found.get(name, 0.0) + row.seconds
    return found


def _in_both(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Difference, ...]:
    both = [name for name in before if name in after]
    return _differences({name: before[name] for name in both}, {name: after[name] for name in both})


def _differences(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Difference, ...]:
    names = dict.fromkeys((*before, *after))
    found = [Difference(name=name, before=before.get(name, 0.0), after=after.get(name, 0.0)) for name in names]
    return tuple(sorted(found, key=lambda each: (-abs(each.change), each.name)))


def previous(profile: Profile, others: Sequence[Profile]) -> Profile | None:
    """Return the run to compare *profile* with: the last before it that finished with the same command.

    One that served the same environments is preferred.
    """
    earlier = [
        each
        for each in others
        if each.command == profile.command and each.run < profile.run and each.status == 0
    ]
    same = [each for each in earlier if environments_of(each) == environments_of(profile)]
    found = same or earlier
    return found[-1] if found else None


def environments_of(profile: Profile) -> frozenset[str]:
    """Return the environments that the tasks of a run served."""
    rows: Iterable[Row] = profile.tasks
    return frozenset(name for row in rows for name in row.environments)


@frozen
class Past:
    """A run in a history. ``slower`` is by how much it took longer than the median of those before it: 0.2 is 20 %.

    It is None for the first.
    """

    profile: Profile
    slower: float | None


def history(profiles: Sequence[Profile]) -> tuple[Past, ...]:
    """Return the runs like the last of *profiles*: of its command and environments, that ended well, oldest first."""
    last = next((each for each in reversed(profiles) if each.status == 0), None)
    if last is None:
        return ()
    same = [each for each in profiles if each.status == 0 and _alike(each, last)]
    return tuple([Past(profile=each, slower=_slower(each, same[:at])) for at, each in enumerate(same)])


def _alike(one: Profile, other: Profile) -> bool:
    return one.command == other.command and environments_of(one) == environments_of(other)


def _slower(profile: Profile, before: Sequence[Profile]) -> float | None:
    return slower(median([each.wall for each in before]), profile.wall) if before else None


def slower(before: float, after: float) -> float:
    """Return by how much *after* is longer than *before*: 0.2 is 20 %, a negative number is faster."""
    return after / before - 1 if before > 0 else 0.0
