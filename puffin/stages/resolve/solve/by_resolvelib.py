"""The search by resolvelib, for resolutions with a few conflicts; it is stopped where it would get stuck."""

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.provider import Information, Provider
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

# Conflicts that resolvelib may have. Beyond, its time may explode: 228 s were measured for 30 random packages
# of 12 versions each, where the deduction takes 0.3 s.
_PATIENCE = 10
_ROUNDS = 4  # for each package


class Stuck(Exception):
    """resolvelib met too many conflicts, or takes too many rounds."""


class Solved(Exception):
    """All that is wanted has a version."""

    def __init__(self, mapping: "Mapping[str, Candidate]") -> None:
        super().__init__()
        self.mapping = mapping


class Follower(BaseReporter[Need, Candidate, str]):
    """Follows resolvelib, to stop it at the right moment."""

    def __init__(self, world: World, provider: Provider) -> None:
        self._world = world
        self._provider = provider
        self._conflicts = 0
        self.rounds = 0

    def starting_round(self, index: int) -> None:
        """Count the round. Raises :class:`Stuck` if it goes round in circles, which it can do without a conflict."""
        self.rounds += 1
        if self.rounds > _ROUNDS * (len(self._world.packages) + 10):
            raise Stuck

    def ending(self, state: "Any") -> None:
        """Take the result. Raises :class:`Solved`.

        What resolvelib does next, to drop what no root leads to, recurses without end where such packages need
        each other.
        """
        raise Solved(dict(state.mapping))

    def ending_round(self, index: int, state: "Any") -> None:
        """End the search when only packages that lost all who wanted them are open. Raises :class:`Solved`.

        resolvelib keeps such packages, and would fail if they cannot be had.
        """
        if all(item.information for item in state.criteria.values()):
            return
        fits = self._provider.is_satisfied_by
        for name, criterion in state.criteria.items():
            own = state.mapping.get(name)
            needs = criterion.iter_requirement()
            if criterion.information and (own is None or not all(fits(need, own) for need in needs)):
                return
        raise Solved(dict(state.mapping))

    def resolving_conflicts(self, causes: "Collection[Information]") -> None:
        """Weigh the packages of a conflict. Raises :class:`Stuck` after too many."""
        for item in causes:
            self._provider.conflicts[item.requirement.name] += 1
        self._conflicts += 1
        if self._conflicts > _PATIENCE:
            raise Stuck


def by_resolvelib(world: World) -> "tuple[Mapping[str, Candidate] | None, int]":
    """Return the candidates by package, None where resolvelib found none, and the number of rounds."""
    provider = Provider(world)
    follower = Follower(world, provider)
    resolver: Resolver[Need, Candidate, str] = Resolver(provider, follower)
    try:
        found = resolver.resolve(world.roots, max_rounds=world.request.max_rounds).mapping
    except Solved as solved:
        return solved.mapping, follower.rounds
    except (Stuck, ResolutionImpossible, ResolutionTooDeep):
        return None, follower.rounds
    return found, follower.rounds
