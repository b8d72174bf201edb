"""The entry point: ``resolve(request, universe)``. Up to three searches run, and each answer is checked.

The first is a greedy pass, the second resolvelib, for a few conflicts, and the third PubGrub, where that gets stuck.
"""

from collections.abc import Mapping

from puffin.stages.resolve.solve.check import broken_rules
from puffin.stages.resolve.solve.gather import facts, gathered
from puffin.stages.resolve.solve.given import Given, LatePlace, UrlMetadata
from puffin.stages.resolve.solve.greedy import Greedy
from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.request import Resolution, ResolveRequest
from puffin.stages.resolve.solve.requirement import Conditions
from puffin.stages.resolve.solve.universe import Universe
from puffin.stages.resolve.solve.world import World


def resolve(request: ResolveRequest, universe: Universe) -> Resolution:
    """Return the versions that satisfy *request*, the same ones for the same universe.

    Raises :class:`~puffin.stages.resolve.solve.errors.NoSolution`,
    :class:`~puffin.stages.resolve.solve.errors.TooManyRounds`,
    :class:`~puffin.stages.resolve.solve.errors.AnswerRefused`,
    :class:`~puffin.stages.resolve.requirements.conflicts.ConflictingUrls`,
    :class:`~puffin.stages.resolve.solve.given.NameMismatch`, and what the universe raises.
    """
    urls = UrlMetadata(universe)
    world = World(Given(urls.read(request, Conditions(request.markers).hold)), urls)
    world.announce(world.given.roots)
    while True:
        try:
            return _Searches(world).run()
        except LatePlace:
            world.renew()


class _Searches:
    """The searches, one after the other: the next has its turn where one finds nothing, or something wrong."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rounds = 0
        self._broken: tuple[str, ...] = ()

    def run(self) -> Resolution:
        greedy = Greedy(self._world)
        chosen = greedy.chosen if greedy.run() else None
        return self._checked(chosen, greedy.rounds) or self._with_conflicts()

    def _with_conflicts(self) -> Resolution:
        from puffin.stages.resolve.solve.by_resolvelib import by_resolvelib

        return self._checked(*by_resolvelib(self._world)) or self._by_pubgrub()

    def _by_pubgrub(self) -> Resolution:
        from puffin.stages.resolve.solve.errors import AnswerRefused
        from puffin.stages.resolve.solve.explain import explained, too_many_rounds
        from puffin.stages.resolve.solve.pubgrub import Exhausted, PubGrub, Unsolvable

        search = PubGrub(self._world, max(0, self._world.given.request.max_rounds - self._rounds))
        try:
            chosen = search.run()
        except Unsolvable as failure:
            raise explained(self._world, failure.proof) from None
        except Exhausted as failure:
            raise too_many_rounds(self._world, failure.heavy) from None
        found = self._checked(chosen, search.rounds)
        if found is None:
            raise AnswerRefused(broken=self._broken)
        return found

    def _checked(self, chosen: "Mapping[str, Candidate] | None", rounds: int) -> Resolution | None:
        """Return an answer that keeps all rules, None for any other."""
        self._rounds += rounds
        if chosen is None:
            return None
        found = gathered(self._world, chosen, self._rounds)
        self._broken = broken_rules(
            self._world.given.request, found, lambda each: facts(self._world, chosen, each)
        )
        return None if self._broken else found
