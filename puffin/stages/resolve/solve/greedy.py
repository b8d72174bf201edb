"""The greedy search: each package gets its best version in turn, and no choice is taken back.

Most resolutions meet no conflict. This finds their answer in one pass; at the first conflict it gives up, and the
search that learns begins from the start.
"""

from _heapq import heappop, heappush  # what ``heapq`` hands out, without a module to load
from collections.abc import Callable, Iterable
from functools import partial

from puffin.stages.resolve.solve.given import Divided
from puffin.stages.resolve.solve.package import OFFERED, Candidate
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World


class Prefetch:
    """What is known to be needed, or looks as if it will be."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._needs: dict[str, list[Need]] = {}
        self._unknown: dict[str, None] = {}  # packages whose versions are on their way
        self._unread: dict[str, int] = {}  # likely versions whose metadata is on its way
        # packages of which versions, or metadata, may have come since the last look
        self._new_pages: set[str] = set()
        self._new_metadata: set[str] = set()

    def take(self, own: "Need") -> None:
        known = self._needs.setdefault(own.name, [])
        if own not in known:
            if not known:
                self._unknown[own.name] = None
                self._new_pages.add(own.name)
            known.append(own)

    def done(self, name: str) -> None:
        """Look no more for a package whose version is chosen."""
        self._unknown.pop(name, None)
        self._unread.pop(name, None)

    def look(self) -> None:
        """Request metadata of packages whose versions are known, without waiting for any."""
        universe = self._world.universe
        if not universe.asks:
            return  # all was at hand so far: nobody waits
        universe.news(wait=False)
        self._take_in()
        names, self._new_pages = self._new_pages, set()
        for name in [each for each in self._unknown if each in names] if names else ():
            if universe.knows(name):
                del self._unknown[name]
                self._ask(name)

    def _take_in(self) -> None:
        came = self._world.universe.came()
        self._new_pages.update(came)
        self._new_metadata.update(came)

    def wait_for_versions(self, name: str) -> None:
        self._go_ahead_until(partial(self._world.universe.knows, name))

    def wait_for_metadata(self, handle: object) -> None:
        self._go_ahead_until(partial(self._world.universe.knows_metadata, handle))

    def _go_ahead_until(self, known: "Callable[[], bool | None]") -> None:
        while known() is None:
            self.look()
            self._read()
            if known() is None and not self._world.universe.news(wait=True):
                return

    def _ask(self, name: str) -> None:
        package = self._world.package(name)
        try:
            best = package.best(self._needs[name], frozenset())
        except Divided:  # more needs may come until it is its turn
            return
        if best is not None and best.index >= OFFERED:
            self._world.likely(package, (best.index,))
            self._unread[name] = best.index
            self._new_metadata.add(name)

    def _read(self) -> None:
        """Announce what likely versions need whose metadata has come."""
        universe = self._world.universe
        names, self._new_metadata = self._new_metadata, set()
        for name, index in [each for each in self._unread.items() if each[0] in names] if names else ():
            known = universe.knows_metadata(self._world.package(name).handle(index))
            if known is not None:
                del self._unread[name]
            if known:
                self._announce(self._foreseen(name, index))

    def _foreseen(self, name: str, index: int) -> "list[Need]":
        extras = frozenset[str]().union(*[own.extras for own in self._needs[name]])
        return self._world.package(name).foreseen(index, extras)

    def _announce(self, needs: "Iterable[Need]") -> None:
        for own in needs:
            self.take(own)
        self._world.announce(needs)


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
        best = package.best(needs, extras)
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
        needs = self._world.requires(package, candidate.index, candidate.extras)
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
