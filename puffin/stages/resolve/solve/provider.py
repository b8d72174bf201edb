"""What resolvelib asks of us: which versions match, what each one needs, and what to look at next."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from resolvelib import AbstractProvider
from resolvelib.structs import RequirementInformation

from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World

IMPOSSIBLE = Need("", "")
"""What an unusable version "needs": nothing matches it, so resolvelib goes on to the next."""

_HEAVY = 5  # conflicts until a package goes ahead of others

Information = RequirementInformation[Need, Candidate]


class Provider(AbstractProvider[Need, Candidate, str]):
    """Answers from a :class:`World`, and counts which packages conflict."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, int] = {}
        self._pinned = {own.name for own in world.roots if own.exact}
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
            name not in self._world.direct,
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
        """Return what a candidate needs; announces the packages it brings up."""
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
