"""What stays the same through a resolution: the request, ready for use, and the packages met so far."""

from collections import defaultdict
from collections.abc import Iterable

from puffin.stages.resolve.solve.conditions import Conditions
from puffin.stages.resolve.solve.package import OFFERED, Package
from puffin.stages.resolve.solve.places import Places
from puffin.stages.resolve.solve.request import Preference, ResolveRequest, Root
from puffin.stages.resolve.solve.requirement import Need, names_prerelease, of_root, pinned
from puffin.stages.resolve.solve.specifiers import PythonRange, admits
from puffin.stages.resolve.solve.universe import Universe

REQUIREMENT, CONSTRAINT, OVERRIDE = "requirement", "constraint", "override"


class World:
    """The request's requirements as needs that hold here, and one :class:`Package` per name."""

    def __init__(self, request: ResolveRequest, universe: Universe, places: Places) -> None:
        self.request = request
        self.universe = universe
        self.conditions = Conditions(request.markers)
        self.python = PythonRange(request.python_version)
        self.overrides = self._by_name(request.overrides, OVERRIDE)
        self.overridden = frozenset(root.name for root in request.overrides)
        self.constraints = self._by_name(request.constraints, CONSTRAINT)
        self.preferences: dict[str, Preference] = {own.name: own for own in request.preferences}
        self.roots = self._roots()
        self.direct = frozenset(own.name for own in self.roots)
        self.explicit = self._explicit()
        self.pins = self._pins()
        self._pointing = [own for own in self._given() if own.url]
        self.located = frozenset(own.name for own in self._pointing)
        self.places = places
        self.packages: dict[str, Package] = {}
        self._announced: set[str] = set()
        self._likely: set[tuple[str, int]] = set()

    def package(self, name: str) -> Package:
        """Return the package of that name, made on first use; nothing is asked of the universe for it."""
        known = self.packages.get(name)
        if known is None:
            known = self.packages[name] = Package(name, self)
        return known

    def why(self, name: str) -> str:
        """Return why *name* is wanted, as far as is known by now; see ``because.why_wanted``."""
        from puffin.stages.resolve.solve.because import why_wanted

        return why_wanted(
            name,
            self.direct,
            lambda each: [other for other, found in self.packages.items() if each in found.needs],
        )

    def announce(self, needs: Iterable[Need]) -> None:
        """Let the universe know of packages whose versions will be asked for, as far as can be told."""
        new = {own.name: None for own in needs if own.name not in self._announced and not self._will_do(own)}
        self._announced.update(new)
        if new:
            self.universe.expect(list(new))

    def _will_do(self, own: Need) -> bool:
        """Tell whether no index will be asked, for the user names a URL, or what is installed is enough."""
        known = self.preferences.get(own.name)
        installed = known is not None and known.installed is not None
        return own.name in self.located or bool(installed and known and admits(own.specifier, known.version))

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
        """Begin anew with the packages, after a URL came up that none of them takes into account."""
        self.packages = {}

    def replaced(self, own: Need) -> tuple[Need, ...]:
        """Return what stands in place of a need: itself, or the overrides of that package that hold here."""
        return tuple(self.overrides.get(own.name, ())) if own.name in self.overridden else (own,)

    def constraining(self, name: str) -> list[Need]:
        """Return the constraints of a package."""
        return self.constraints.get(name, [])

    def given(self, name: str) -> list[Need]:
        """Return what the user says of a package: requirements and constraints."""
        return [*(own for own in self.roots if own.name == name), *self.constraining(name)]

    def points_to(self, url: str) -> bool:
        """Tell whether the user names that URL."""
        return any(own.url == url for own in self._pointing)

    def pointing(self, name: str) -> list[Need]:
        """Return what the user says of a package by naming a URL."""
        return [own for own in self._pointing if own.name == name]

    def _by_name(self, roots: tuple[Root, ...], kind: str) -> dict[str, list[Need]]:
        found: dict[str, list[Need]] = defaultdict(list)
        for root in roots:
            if self.conditions.hold(root.marker):
                found[root.name].append(of_root(root, kind))
        return found

    def _roots(self) -> list[Need]:
        found: list[Need] = []
        for root in self.request.requirements:
            if self.conditions.hold(root.marker):
                own = of_root(root, REQUIREMENT)
                found += [each for each in self.replaced(own) if each not in found]
        return found

    def _given(self) -> list[Need]:
        constraints = [own for each in self.constraints.values() for own in each]
        return [*self.roots, *constraints, *(own for each in self.overrides.values() for own in each)]

    def _explicit(self) -> frozenset[str]:
        """Return the packages of which the user asks for a pre-release by naming one."""
        return frozenset(own.name for own in self._given() if names_prerelease(own.specifier))

    def _pins(self) -> dict[str, set[str]]:
        """Return the versions that the user pins: a yanked one may be taken then."""
        found: dict[str, set[str]] = defaultdict(set)
        for own in self._given():
            version = pinned(own.specifier)
            if version:
                found[own.name].add(own.specifier)
        if self.request.keep_yanked:
            for each in self.preferences.values():
                found[each.name].add(f"=={each.version}")
        return found
