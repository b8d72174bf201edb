"""Which requirements of installed distributions hold in their environment, extras included. Pure."""

from puffin.names import normalise
from puffin.stages.link.requires import Requires
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.markers import Marker
    from packaging.requirements import Requirement

_NAME_END = " \t[(<>=!~;@"


@frozen
class Demand:
    """A requirement that holds: the distribution at index ``source`` wants the package ``name`` (normalised).

    ``text`` is the requirement without its marker; where it cannot be read it is as written, and ``name`` is empty.
    """

    source: int
    name: str
    extras: tuple[str, ...]
    specifier: str
    text: str


def demands(
    installed: "Sequence[Requires]", markers: "Mapping[str, str]", names: "Collection[str] | None" = None
) -> tuple[Demand, ...]:
    """Return the requirements that hold, in the order of *installed* and of its metadata, each once.

    *markers* are PEP 508's variables. An extra of a package counts where a requirement that holds asks for it.
    *names* (normalised) leaves out those that are neither of nor for one of these packages.
    """
    return _Demands(installed, markers, names).gather()


class _Demands:
    def __init__(
        self, installed: "Sequence[Requires]", markers: "Mapping[str, str]", names: "Collection[str] | None"
    ) -> None:
        self._installed = installed
        self._environment = dict(markers)
        self._names = names
        self._extras: dict[str, set[str]] = {}
        self._known: dict[tuple[str, str], bool] = {}
        self._parsed: dict[str, Requirement | None] = {}

    def gather(self) -> tuple[Demand, ...]:
        self._activate()
        found = [
            demand
            for source, each in enumerate(self._installed)
            for text in each.requires_dist
            if self._names is None or each.name in self._names or named(text) in self._names
            for demand in self._demand(source, each, text)
        ]
        return tuple(dict.fromkeys(found))

    def _activate(self) -> None:
        """Find the extras that are asked for, and those that these ask for in turn."""
        asking = [
            (each.name, text) for each in self._installed for text in each.requires_dist if _asks_extras(text)
        ]
        grown = bool(asking)
        while grown:
            grown = False
            for owner, text in asking:
                requirement = self._parse(text)
                if requirement is None or not self._holds(owner, requirement.marker):
                    continue
                active = self._extras.setdefault(normalise(requirement.name), set())
                before = len(active)
                active.update(normalise(extra) for extra in requirement.extras)
                grown = grown or len(active) > before

    def _demand(self, source: int, each: Requires, text: str) -> "Iterable[Demand]":
        requirement = self._parse(text)
        if requirement is None:
            yield Demand(source=source, name="", extras=(), specifier="", text=text.strip())
        elif self._holds(each.name, requirement.marker):
            yield Demand(
                source=source,
                name=normalise(requirement.name),
                extras=tuple(sorted({normalise(extra) for extra in requirement.extras})),
                specifier=str(requirement.specifier),
                text=_without_marker(requirement),
            )

    def _parse(self, text: str) -> "Requirement | None":
        if text not in self._parsed:
            self._parsed[text] = _parsed(text)
        return self._parsed[text]

    def _holds(self, owner: str, marker: "Marker | None") -> bool:
        if marker is None:
            return True
        text = str(marker)
        extras = ("", *self._extras.get(owner, ())) if "extra" in text else ("",)
        return any(self._evaluated(marker, text, extra) for extra in extras)

    def _evaluated(self, marker: "Marker", text: str, extra: str) -> bool:
        known = self._known.get((text, extra))
        if known is None:
            known = self._known[text, extra] = evaluated(marker, {**self._environment, "extra": extra})
        return known


def evaluated(marker: "Marker", environment: dict[str, str]) -> bool:
    """Tell whether *marker* holds; one that compares what cannot be compared does not."""
    try:
        return marker.evaluate(environment)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def named(text: str) -> str:
    """Return the normalised name that a requirement begins with, without parsing it."""
    text = text.strip()
    end = min((at for at in map(text.find, _NAME_END) if at >= 0), default=len(text))
    return normalise(text[:end])


def _asks_extras(text: str) -> bool:
    return "[" in text.partition(";")[0]


def _parsed(text: str) -> "Requirement | None":
    """Return the requirement, with the slips of old uploads corrected as the resolver corrects them."""
    from packaging.requirements import InvalidRequirement, Requirement

    from puffin.stages.resolve.metadata_errors import Malformed
    from puffin.stages.resolve.metadata_lenient import requirement

    try:
        return Requirement(requirement(text))
    except (InvalidRequirement, Malformed, RecursionError):
        return None


def _without_marker(requirement: "Requirement") -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    url = f" @ {requirement.url}" if requirement.url else ""
    return f"{requirement.name}{extras}{requirement.specifier}{url}"
