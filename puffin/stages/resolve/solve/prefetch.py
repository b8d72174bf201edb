"""Prefetching: goes ahead of a search while that waits, in the order in which answers come.

It has asked for what will probably be wanted: the metadata of the likely version as soon as the versions of a package
are known, and the versions of what that needs. It decides nothing, so that the result does not depend on the order.
"""

from collections.abc import Callable, Iterable
from functools import partial

from puffin.stages.resolve.solve.package import OFFERED
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World


class Prefetch:
    """What is known to be needed, or looks as if it will be."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._needs: dict[str, list[Need]] = {}
        self._unknown: dict[str, None] = {}  # packages whose versions are on their way
        self._unread: dict[str, int] = {}  # likely versions whose metadata is on its way

    def take(self, own: "Need") -> None:
        """Take note of a need."""
        known = self._needs.setdefault(own.name, [])
        if own not in known:
            if not known:
                self._unknown[own.name] = None
            known.append(own)

    def done(self, name: str) -> None:
        """Look no more for a package whose version is chosen."""
        self._unknown.pop(name, None)
        self._unread.pop(name, None)

    def look(self) -> None:
        """Have the metadata fetched of packages whose versions are known by now, without waiting for any."""
        universe = self._world.universe
        universe.news(wait=False)
        for name in [each for each in self._unknown if universe.knows(each)]:
            del self._unknown[name]
            self._ask(name)

    def wait_for_versions(self, name: str) -> None:
        """Go ahead until the versions of a package are known."""
        self._go_ahead_until(partial(self._world.universe.knows, name))

    def wait_for_metadata(self, handle: object) -> None:
        """Go ahead until the metadata of a version is known."""
        self._go_ahead_until(partial(self._world.universe.knows_metadata, handle))

    def _go_ahead_until(self, known: "Callable[[], bool | None]") -> None:
        while known() is None:
            self.look()
            self._read()
            if known() is None and not self._world.universe.news(wait=True):
                return

    def _ask(self, name: str) -> None:
        package = self._world.package(name)
        best = next(package.candidates(self._needs[name], frozenset(), ()), None)
        if best is not None and best.index >= OFFERED:
            self._world.likely(package, (best.index,))
            self._unread[name] = best.index

    def _read(self) -> None:
        """Announce what likely versions need whose metadata has come."""
        universe = self._world.universe
        for name, index in list(self._unread.items()):
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
