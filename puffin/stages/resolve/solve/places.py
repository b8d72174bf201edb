"""What URLs, paths and repositories point to: read once each, before the search where the user names them."""

from puffin.errors import PuffinError
from puffin.stages.resolve.reqconflicts import ConflictingUrls
from puffin.stages.resolve.solve.request import ResolveRequest, Root
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.universe import Metadata, Place, Universe
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class NameMismatch(PuffinError):
    """A requirement's URL points to a distribution of another name."""

    stage = "resolve"
    found: str

    def summary(self) -> str:
        """Name the requirement, and what is there instead."""
        return f"Failed to resolve `{self.package}`: the distribution there is called `{self.found}`"


class LatePlace(Exception):
    """A URL came up in the middle of the search; what was learned before does not take it into account."""


class Places:
    """The metadata of what URLs point to."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._known: dict[str, tuple[Place, Metadata]] = {}

    def read(self, request: ResolveRequest, holds: "Callable[[str], bool]") -> ResolveRequest:
        """Read what the user points to, and return the request with the names that only metadata tells."""
        given = (*request.requirements, *request.constraints, *request.overrides)
        located = [root for root in given if root.url and holds(root.marker)]
        places = {root.url: _place(root) for root in _editable_first(located)}
        if len(places) > 1:
            self._universe.expect_metadata(places.values())
        self._known = {url: (place, self._universe.metadata(place)) for url, place in places.items()}
        for root in located:
            self._check(root.name, root.text, root.url)
        self._check_single(located)
        return replace(
            request,
            requirements=self._named(request.requirements),
            constraints=self._named(request.constraints),
            overrides=self._named(request.overrides),
        )

    def at(self, own: Need) -> tuple[Place, Metadata]:
        """Return what a need points to. Raises :class:`LatePlace` when it had to be read now."""
        known = self._known.get(own.url)
        if known is None:
            place = Place(url=own.url, name=own.name, text=own.text)
            self._known[own.url] = (place, self._universe.metadata(place))
            self._check(own.name, own.text, own.url)
            raise LatePlace
        self._check(own.name, own.text, own.url)
        return known

    def _check(self, name: str, text: str, url: str) -> None:
        found = self._known[url][1].name
        if name and found != name:
            raise NameMismatch(package=text, found=found)

    def _check_single(self, located: list[Root]) -> None:
        """Refuse two places for one package."""
        first: dict[str, Root] = {}
        for root in located:
            name = self._known[root.url][1].name
            other = first.setdefault(name, root)
            if other.url != root.url:
                both = ((other.text, other.origin), (root.text, root.origin))
                raise ConflictingUrls(package=name, requirements=both)

    def _named(self, roots: tuple[Root, ...]) -> tuple[Root, ...]:
        return tuple(
            replace(root, name=self._known[root.url][1].name)
            if not root.name and root.url in self._known
            else root
            for root in roots
        )


def _editable_first(roots: "Iterable[Root]") -> list[Root]:
    """Sort so that the editable one of two requirements for one URL comes last, and wins."""
    return sorted(roots, key=lambda root: root.editable)


def _place(root: Root) -> Place:
    return Place(
        url=root.url,
        name=root.name,
        editable=root.editable,
        hashes=root.hashes,
        config_settings=root.config_settings,
        text=root.text,
    )
