"""Two runs beside each other: what took longer, what took less, and which packages made the difference."""

from puffin.pipeline.profile_read import Profile
from puffin.pipeline.profile_report import Report
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@frozen
class Difference:
    """A figure in both runs: seconds of a phase (its part of the wall time), or of a package."""

    name: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """How much more it is now."""
        return self.after - self.before


@frozen
class Comparison:
    """The change from one run to another; differences are in order of their size."""

    before: Report
    after: Report
    phases: tuple[Difference, ...]
    packages: tuple[Difference, ...]


def compare(before: Report, after: Report) -> Comparison:
    """Return what is different in *after*."""
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
    )


def _differences(before: "Mapping[str, float]", after: "Mapping[str, float]") -> tuple[Difference, ...]:
    names = dict.fromkeys((*before, *after))
    found = [Difference(name=name, before=before.get(name, 0.0), after=after.get(name, 0.0)) for name in names]
    return tuple(sorted(found, key=lambda each: (-abs(each.change), each.name)))


def previous(profile: Profile, others: "Sequence[Profile]") -> Profile | None:
    """Return the run to compare *profile* with: the last before it that finished with the same command.

    One that served the same environments is preferred.
    """
    earlier = [
        each
        for each in others
        if each.command == profile.command and each.run < profile.run and each.status == 0
    ]
    same = [each for each in earlier if _environments(each) == _environments(profile)]
    found = same or earlier
    return found[-1] if found else None


def _environments(profile: Profile) -> "frozenset[str]":
    rows: Iterable[tuple[str, ...]] = [row.environments for row in profile.tasks]
    return frozenset(name for names in rows for name in names)
