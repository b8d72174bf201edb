"""The input of the user: requirements, constraints and overrides that apply here, and the targets of their URLs."""

from collections import defaultdict
from collections.abc import Callable

from puffin.artifact.urls import is_file_url
from puffin.errors import PuffinError
from puffin.stages.resolve.requirements.errors import ConflictingUrls
from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.place import same_place
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import Preference, ResolveRequest
from puffin.stages.resolve.solve.requirement import Need, names_prerelease, need, of_root, pinned
from puffin.stages.resolve.solve.specifiers import PythonRange
from puffin.stages.resolve.solve.universe import Metadata, Place, Universe
from puffin.value import common, replace

REQUIREMENT, CONSTRAINT, OVERRIDE = "requirement", "constraint", "override"


class NameMismatch(PuffinError):
    """A requirement's URL points to a distribution of another name."""

    sentence = "Failed to resolve `{package}`: the distribution there is called `{found}`"
    found: str


class LatePlace(Exception):
    """A URL came up in the middle of the search; what was learned before does not take it into account."""


class Divided(Exception):
    """A region has to be divided, into ``parts``: no answer, or no good one, is for all of it."""

    def __init__(self, parts: tuple[str, str]) -> None:
        super().__init__()
        self.parts = parts


class UrlMetadata:
    """The metadata of what URLs point to: read once each, before the search where the user names them."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self._known: dict[str, tuple[Place, Metadata]] = {}
        self._same: dict[str, str] = {}

    def read(self, request: ResolveRequest, holds: "Callable[[str], bool]") -> ResolveRequest:
        """Read what the user points to, and return the request with the names that only metadata tells."""
        request = self._with_places(request, holds)
        located = [root for root in request.given if root.url and holds(root.marker)]
        for root in located:
            self._check(root.name, root.text, root.url)
        self._check_single(located)
        return _changed(request, self._named)

    def _with_places(self, request: ResolveRequest, holds: "Callable[[str], bool]") -> ResolveRequest:
        """Read what the user points to, and return the request with one spelling of each place."""
        located = [root for root in request.given if root.url and holds(root.marker)]
        # of two requirements for one URL the editable one comes last, and wins
        places = {
            root.url: Place(**common(Place, root)) for root in sorted(located, key=lambda root: root.editable)
        }
        if len(places) > 1:
            self.universe.expect_metadata(places.values())
        self._known = {url: (place, self.universe.metadata(place)) for url, place in places.items()}
        for root in request.given:
            if root.url in self._known:
                self._same.setdefault(self._identity(root.url), root.url)
        if len(self._same) == len(self._known):
            return request
        return _changed(request, lambda root: replace(root, url=self.spelling(root.url)))

    def spelling(self, url: str) -> str:
        """Return the first spelling of the place that *url* means; of one that has not been read, *url* itself."""
        return self._same.get(self._identity(url), url) if url in self._known else url

    def _identity(self, url: str) -> str:
        """Return what is the same for all spellings of one place: of a repository, its commit."""
        source = self._known[url][1].source
        return same_place(source.url if isinstance(source, Place) else url)

    def at(self, own: Need, *, late: bool) -> tuple[Place, Metadata]:
        """Return the target of a need. Raises :class:`LatePlace` if it had to be read now, and that is *late*."""
        late = late and own.url not in self._known
        if own.url not in self._known:
            plain = {"url": own.url, "name": own.name, "text": own.text}
            place = Place(**(common(Place, own.root) if own.root else plain))
            self._known[own.url] = (place, self.universe.metadata(place))
            self._same.setdefault(self._identity(own.url), own.url)
        self._check(own.name, own.text, own.url)
        if late:
            raise LatePlace
        return self._known[own.url]

    def _check(self, name: str, text: str, url: str) -> None:
        found = self._known[url][1].name
        if name and found != name:
            raise NameMismatch(package=text, found=found)

    def _check_single(self, located: list[Entry]) -> None:
        """Refuse two places for one package."""
        first: dict[str, Entry] = {}
        for root in located:
            name = self._known[root.url][1].name
            other = first.setdefault(name, root)
            if other.url != root.url:
                both = ((other.text, other.origin), (root.text, root.origin))
                raise ConflictingUrls(package=name, requirements=both)

    def _named(self, root: Entry) -> Entry:
        if root.name or root.url not in self._known:
            return root
        return replace(root, name=self._known[root.url][1].name)


def _changed(request: ResolveRequest, change: "Callable[[Entry], Entry]") -> ResolveRequest:
    return replace(
        request,
        requirements=tuple(map(change, request.requirements)),
        constraints=tuple(map(change, request.constraints)),
        overrides=tuple(map(change, request.overrides)),
    )


def conditions_of(request: ResolveRequest) -> Conditions:
    """Return what evaluates markers for the target of a request."""
    if not request.region:
        return Conditions(request.markers)
    from puffin.stages.resolve.requirements.region import RegionConditions

    return RegionConditions(request.region)


class Given:
    """The requirements, constraints and overrides of a request that hold for its target."""

    def __init__(self, request: ResolveRequest) -> None:
        self.request = request
        self.conditions = conditions_of(request)
        self.python = PythonRange(request.python_version, onwards=bool(request.region))
        self.overrides = self._by_name(request.overrides, OVERRIDE)
        self.overridden = frozenset(root.name for root in request.overrides)
        self.constraints = self._by_name((*request.constraints, *request.reached), CONSTRAINT)
        self._sourced = frozenset(root.name for root in request.reached if self.conditions.hold(root.marker))
        self.preferences: dict[str, Preference] = {
            own.name: own for own in reversed(request.preferences) if self.conditions.hold(own.marker)
        }
        self.roots = self._roots()
        self.direct = frozenset(own.name for own in self.roots)
        self.explicit = self._explicit()
        self.pins = self._pins()
        self._pointing = [own for own in self._all() if own.url]
        self.located = frozenset(own.name for own in self._pointing)

    def divide_for(self, requires_python: str) -> None:
        """Raise :class:`Divided` if a part of the region has the Pythons that a ``Requires-Python`` asks for."""
        if parts := self.conditions.newer(requires_python):
            raise Divided(parts)

    def divide_by(self, marker: str, extras: frozenset[str] = frozenset()) -> None:
        """Raise :class:`Divided` if a marker holds in one part of the region only."""
        if parts := self.conditions.halves(marker, extras):
            raise Divided(parts)

    def divide_without(self, marker: str) -> None:
        """Raise :class:`Divided` if a marker does not hold in a part of the region, which has newer versions then."""
        if parts := self.conditions.halves(marker):
            raise Divided((parts[1], parts[0]))

    def divide_beyond(self, marker: str, other: str) -> None:
        """Raise :class:`Divided` if *other* holds in the part of the region where a marker does not."""
        parts = self.conditions.halves(marker)
        if parts and self.conditions.meet(parts[1], other):
            raise Divided(parts)

    def replaced(self, own: Need) -> tuple[Need, ...]:
        """Return the replacement of a need: itself, or the overrides of that package that apply here."""
        return tuple(self.overrides.get(own.name, ())) if own.name in self.overridden else (own,)

    def freed(self, own: Need, url: str) -> Need:
        """Return what the distribution at *url* needs: without a version where a project there names a source."""
        if own.name not in self._sourced or not own.specifier or not is_file_url(url):
            return own
        return need(f"{own.name}[{','.join(sorted(own.extras))}]" if own.extras else own.name)

    def constraining(self, name: str) -> list[Need]:
        return self.constraints.get(name, [])

    def about(self, name: str) -> list[Need]:
        return [*(own for own in self.roots if own.name == name), *self.constraining(name)]

    def points_to(self, url: str) -> bool:
        return any(own.url == url for own in self._pointing)

    def pointing(self, name: str) -> list[Need]:
        """Return the user's requirements and constraints of a package that name a URL."""
        return [own for own in self._pointing if own.name == name]

    def _by_name(self, roots: tuple[Entry, ...], kind: str) -> dict[str, list[Need]]:
        found: dict[str, list[Need]] = defaultdict(list)
        for root in roots:
            if self.conditions.hold_at(root.marker, root.origin):
                found[root.name].append(of_root(root, kind))
        return found

    def _roots(self) -> list[Need]:
        found: list[Need] = []
        for root in self.request.requirements:
            if self.conditions.hold_at(root.marker, root.origin):
                own = of_root(root, REQUIREMENT)
                found += [each for each in self.replaced(own) if each not in found]
        return found

    def _all(self) -> list[Need]:
        constraints = [own for each in self.constraints.values() for own in each]
        return [*self.roots, *constraints, *(own for each in self.overrides.values() for own in each)]

    def _explicit(self) -> frozenset[str]:
        """Return the packages of which the user asks for a pre-release by naming one."""
        return frozenset(own.name for own in self._all() if names_prerelease(own.specifier))

    def _pins(self) -> dict[str, set[str]]:
        """Return the versions that the user pins: a yanked one may be taken then."""
        found: dict[str, set[str]] = defaultdict(set)
        for own in self._all():
            version = pinned(own.specifier)
            if version:
                found[own.name].add(own.specifier)
        if self.request.keep_yanked:
            for each in self.preferences.values():
                if each.upgrade:
                    continue
                found[each.name].add(f"=={each.version}")
        return found
