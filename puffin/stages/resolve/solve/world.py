"""The packages that a resolution has met so far, and the requests that it announces to the universe."""

from _operator import and_
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import reduce

from puffin.stages.resolve.solve.given import Given, UrlMetadata
from puffin.stages.resolve.solve.package import OFFERED, Package, Requires
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.specifiers import admits


class World:
    """One :class:`Package` per name, of what is *given*."""

    def __init__(self, given: Given, urls: UrlMetadata) -> None:
        self.given = given
        self.universe = urls.universe
        self.packages: dict[str, Package] = {}
        self._urls = urls
        self._announced: set[str] = set()
        self._likely: set[tuple[str, int]] = set()

    def package(self, name: str) -> Package:
        """Return the package of that name, made on first use; nothing is asked of the universe for it."""
        known = self.packages.get(name)
        if known is None:
            known = self.packages[name] = Package(name, self.given, self._urls, self.why)
        return known

    def why(self, name: str) -> str:
        """Return why *name* is wanted, as far as it is known; see :func:`why_wanted`."""
        return why_wanted(
            name,
            self.given.direct,
            lambda each: [other for other, found in self.packages.items() if each in found.needs],
        )

    def requires(self, package: Package, index: int, extras: frozenset[str]) -> Requires | None:
        """Return what a version needs, as :meth:`Package.requires` does.

        Raises :class:`Divided` if its needs of one package, for different environments, exclude each other.
        """
        found = package.requires(index, extras)
        if self.given.request.region and found:
            self.divide(found, extras)
        return found

    def divide(self, needs: "Iterable[tuple[Need, str]]", extras: frozenset[str] = frozenset()) -> None:
        """Raise :class:`Divided` if needs of one package have different markers, and no version meets all of them."""
        for name, group in several(needs).items():
            if len({own.url for own, _ in group}) > 1 or not self._admitted_by_all(name, group):
                for _, marker in group:
                    self.given.divide_by(marker, extras)

    def _admitted_by_all(self, name: str, group: "Sequence[tuple[Need, str]]") -> int:
        package = self.package(name)
        return reduce(and_, [package.mask(own) for own, _ in group], package.known)

    def announce(self, needs: Iterable[Need]) -> None:
        """Announce packages to the universe whose versions will probably be requested."""
        new = {own.name: None for own in needs if own.name not in self._announced and not self._will_do(own)}
        self._announced.update(new)
        if new:
            self.universe.expect(list(new))

    def _will_do(self, own: Need) -> bool:
        """Tell whether no index will be asked, for there is a URL, or what is installed is enough."""
        known = self.given.preferences.get(own.name)
        installed = known is not None and known.installed is not None and not known.upgrade
        return own.name in self.given.located or bool(
            own.url or (installed and known and admits(own.specifier, known.version))
        )

    def likely(self, package: Package, indexes: Iterable[int]) -> None:
        """Let the universe know of versions whose metadata will probably be wanted."""
        handles = []
        for index in indexes:
            if index >= OFFERED and (package.name, index) not in self._likely and not package.read(index):
                self._likely.add((package.name, index))
                handles.append(package.handle(index))
        if handles:
            self.universe.expect_metadata(handles)

    def renew(self) -> None:
        """Reset the packages, after a URL came up that none of them takes into account."""
        self.packages = {}


def several(needs: "Iterable[tuple[Need, str]]") -> "dict[str, list[tuple[Need, str]]]":
    """Return those packages of which several things are needed, under different markers."""
    found: dict[str, list[tuple[Need, str]]] = {}
    for own, marker in needs:
        found.setdefault(own.name, []).append((own, own.root.marker if own.root else marker))
    return {name: group for name, group in found.items() if len({marker for _, marker in group}) > 1}


def why_wanted(name: str, direct: "Collection[str]", parents: "Callable[[str], Iterable[str]]") -> str:
    """Return why *name* is wanted, as a sentence without its full stop.

    *parents* are those that need a package, *direct* what was asked for. It is empty for that itself, and where no
    way leads to it.
    """
    ways: dict[str, tuple[str, ...]] = {name: (name,)}
    queue = [name]
    for each in queue:  # grows meanwhile: the nearest are looked at first
        if each in direct:
            return _worded(ways[each])
        for parent in parents(each):
            if parent not in ways:
                ways[parent] = (parent, *ways[each])
                queue.append(parent)
    return ""


def _worded(way: tuple[str, ...]) -> str:
    if len(way) == 1:
        return ""
    chain = " depends on ".join(f"`{each}`" for each in way)
    return f"`{way[-1]}` was included because {chain}"
