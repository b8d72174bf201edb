"""The greedy search: each package gets its best version when its turn comes, and none is ever taken back.

Most resolutions meet no conflict. This finds their answer in one pass; at the first conflict it gives up, and the
searches that can go back begin from the start.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.prefetch import Prefetch
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World

Turn = tuple[bool, bool, int]


class Greedy:
    """One pass through a :class:`World`; ``rounds`` counts the packages whose turn it was."""

    def __init__(self, world: World) -> None:
        self.rounds = 0
        self.chosen: dict[str, Candidate] = {}
        self._world = world
        self._needs: dict[str, list[Need]] = {}
        self._turns: dict[str, Turn] = {}
        self._open: list[tuple[Turn, str]] = []
        self._prefetch = Prefetch(world)

    def run(self) -> bool:
        """Tell whether the pass came to its end without a conflict; then ``chosen`` is the answer.

        Raises what the universe raises.
        """
        if not self._take(self._world.given.roots):
            return False
        while self._open:
            turn, name = heappop(self._open)
            if turn == self._turns[name] and name not in self.chosen and not self._choose(name):
                return False
        return True

    def _choose(self, name: str) -> bool:
        self.rounds += 1
        if self.rounds > self._world.given.request.max_rounds:
            return False
        needs = self._needs[name]
        extras = needs[0].extras.union(*[own.extras for own in needs[1:]])
        package = self._world.package(name)
        self._prefetch.wait_for_versions(name)
        best = next(package.candidates(needs, extras, ()), None)
        if best is None:
            return False
        self._prefetch.done(name)
        self._world.likely(package, (best.index,))
        self._prefetch.look()
        return self._settle(best)

    def _settle(self, candidate: Candidate) -> bool:
        """Choose a candidate, and take up what it needs."""
        self.chosen[candidate.name] = candidate
        package = self._world.package(candidate.name)
        self._prefetch.wait_for_metadata(package.handle(candidate.index))
        needs = package.requires(candidate.index, candidate.extras)
        if needs is None or not package.allowed >> candidate.index & 1:
            return False
        found = [own for own, _ in needs]
        self._world.announce(found)
        return self._take(found)

    def _take(self, needs: "Iterable[Need]") -> bool:
        for own in needs:
            self._needs.setdefault(own.name, []).append(own)
            self._line_up(own)
            known = self.chosen.get(own.name)
            if known is not None and not self._agrees(own, known):
                return False
        return True

    def _line_up(self, own: Need) -> None:
        """Give a package its turn: pins first, then what the user asks for, then what came up first."""
        known = self._turns.get(own.name)
        pinned = own.exact or (known is not None and not known[0])
        turn = (not pinned, own.name not in self._world.given.direct, known[2] if known else len(self._turns))
        if turn != known:
            self._turns[own.name] = turn
            heappush(self._open, (turn, own.name))
        self._prefetch.take(own)

    def _agrees(self, own: Need, known: Candidate) -> bool:
        """Tell whether a chosen version meets one more need; it may bring further extras up."""
        package = self._world.package(own.name)
        if not package.fits(own, known.index):
            return False
        return own.extras <= known.extras or self._settle(
            package.candidate(known.index, known.extras | own.extras)
        )
