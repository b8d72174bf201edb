"""The search by resolvelib, for resolutions with few conflicts; it stops before it gets stuck."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver
from resolvelib.structs import RequirementInformation

from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World

# Conflicts that resolvelib may have. Beyond, its time may explode: 228 s were measured for 30 random packages
# of 12 versions each, where PubGrub takes 0.3 s.
_PATIENCE = 10
_ROUNDS = 4  # for each package


IMPOSSIBLE = Need("", "")
"""What an unusable version "needs": nothing matches it, so resolvelib goes on to the next."""

_HEAVY = 5  # conflicts until a package goes ahead of others

Information = RequirementInformation[Need, Candidate]


class Provider(AbstractProvider[Need, Candidate, str]):
    """Answers from a :class:`World`, and counts which packages conflict."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, int] = {}
        self._pinned = {own.name for own in world.given.roots if own.exact}
        self.conflicts: dict[str, int] = defaultdict(int)

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        """Return the package's name: extras belong to candidates."""
        return requirement_or_candidate.name

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: "Mapping[str, Iterator[Information]]",
        backtrack_causes: "Sequence[Information]",
    ) -> tuple[bool, int, bool, int]:
        """Return a sort key: pins first, then what conflicts often, what the user asks for, what came up first."""
        return self._priority(identifier)

    def _priority(self, name: str) -> tuple[bool, int, bool, int]:
        weight = self.conflicts.get(name, 0)
        seen = self._seen.setdefault(name, len(self._seen))
        return (
            name not in self._pinned,
            -weight if weight >= _HEAVY else 0,
            name not in self._world.given.direct,
            seen,
        )

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: "Mapping[str, Iterator[Information]]",
        backtrack_causes: "Sequence[Information]",
    ) -> Iterable[str]:
        """Return the one package to look at next: if any is open, one of the last conflict.

        resolvelib would ask for the preference of each of them in every round. One that nobody wants any more
        comes last.
        """
        names = list(identifiers)
        if backtrack_causes:
            involved = {item.requirement.name for item in backtrack_causes}
            involved.update(item.parent.name for item in backtrack_causes if item.parent is not None)
            names = [name for name in names if name in involved] or names
        best = min(names, key=self._priority)
        if next(information[best], None) is None:
            wanted = [name for name in names if next(information[name], None) is not None]
            best = min(wanted, key=self._priority) if wanted else best
        return (best,)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Callable[[], Iterator[Candidate]]:
        """Return the candidates for all requirements on a package, best first, looked at only as far as needed."""
        if not identifier:
            return lambda: iter(())
        needs = list(requirements[identifier])
        refused = list(incompatibilities[identifier])
        package = self._world.package(identifier)
        if not needs:  # whoever wanted the package has been given up
            return lambda: (each for each in (package.absent,) if each not in refused)
        extras = needs[0].extras.union(*(own.extras for own in needs[1:]))
        return lambda: self._expecting(package.candidates(needs, extras, refused))

    def _expecting(self, found: Iterator[Candidate]) -> Iterator[Candidate]:
        """Announce the first candidate, whose metadata will probably be wanted."""
        first = next(found, None)
        if first is not None:
            self._world.likely(self._world.package(first.name), (first.index,))
            yield first
            yield from found

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        """Tell whether a candidate has the version and the extras that are required."""
        known = candidate.meets.get(requirement)
        if known is None:
            known = candidate.meets[requirement] = self._meets(requirement, candidate)
        return known

    def _meets(self, requirement: Need, candidate: Candidate) -> bool:
        if candidate.index < 0 or not requirement.extras <= candidate.extras:
            return False
        return self._world.package(candidate.name).fits(requirement, candidate.index)

    def get_dependencies(self, candidate: Candidate) -> Sequence[Need]:
        """Return the needs of a candidate, and announce the packages that are new."""
        if candidate.index < 0:
            return ()
        package = self._world.package(candidate.name)
        needs = package.requires(candidate.index, candidate.extras)
        if needs is None or not package.allowed >> candidate.index & 1:
            return (IMPOSSIBLE,)
        found = tuple([own for own, _ in needs])
        self._pinned.update(own.name for own in found if own.exact)
        self._world.announce(found)
        return found


class Stuck(Exception):
    """resolvelib met too many conflicts, or takes too many rounds."""


class Solved(Exception):
    """All that is wanted has a version."""

    def __init__(self, mapping: Mapping[str, Candidate]) -> None:
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
        found = resolver.resolve(world.given.roots, max_rounds=world.given.request.max_rounds).mapping
    except Solved as solved:
        return solved.mapping, follower.rounds
    except (Stuck, ResolutionImpossible, ResolutionTooDeep):
        return None, follower.rounds
    return found, follower.rounds
