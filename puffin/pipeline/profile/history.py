"""The history of one kind of run: how long each took, and whether the last is slower than those before it."""

from collections.abc import Sequence
from statistics import median

from puffin.pipeline.profile.compare import environments_of
from puffin.pipeline.profile.read import Profile
from puffin.value import frozen


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
