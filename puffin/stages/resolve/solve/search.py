"""The search: by resolvelib, and by the deduction where resolvelib gets stuck."""

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

from puffin.stages.resolve.solve.deduction import Deduction
from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.places import LatePlace
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


def search(world: World) -> "tuple[Mapping[str, Candidate], int]":
    """Return the candidates by package, and the number of rounds.

    Raises :class:`~puffin.stages.resolve.solve.deduction.Unsolvable`,
    :class:`~puffin.stages.resolve.solve.deduction.Exhausted`, and what the universe raises.
    """
    world.announce(world.roots)
    while True:
        try:
            return _searched(world)
        except LatePlace:
            world.renew()


def _searched(world: World) -> "tuple[Mapping[str, Candidate], int]":
    provider = Provider(world)
    follower = Follower(world, provider)
    mapping = _by_resolvelib(world, provider, follower)
    if mapping is not None and _holds(world, mapping):
        return mapping, follower.rounds
    deduction = Deduction(world, max(0, world.request.max_rounds - follower.rounds))
    return deduction.run(), follower.rounds + deduction.rounds


def _by_resolvelib(world: World, provider: Provider, follower: Follower) -> "Mapping[str, Candidate] | None":
    resolver: Resolver[Need, Candidate, str] = Resolver(provider, follower)
    try:
        return resolver.resolve(world.roots, max_rounds=world.request.max_rounds).mapping
    except Solved as solved:
        return solved.mapping
    except (Stuck, ResolutionImpossible, ResolutionTooDeep):
        return None


def _holds(world: World, chosen: "Mapping[str, Candidate]") -> bool:
    """Tell whether all that is needed, from the roots on, is chosen.

    After it took back pins, resolvelib may drop a requirement that still counts (in 2 of 2,400 random universes).
    """
    pending = list(world.roots)
    seen: set[tuple[str, frozenset[str]]] = set()
    while pending:
        own = pending.pop()
        candidate = chosen.get(own.name)
        if candidate is None or candidate.index < 0:
            return False
        package = world.package(own.name)
        if not own.extras <= candidate.extras or not package.fits(own, candidate.index):
            return False
        key = (own.name, candidate.extras)
        if key not in seen:
            seen.add(key)
            pending += [need for need, _ in package.requires(candidate.index, candidate.extras) or ()]
    return True
