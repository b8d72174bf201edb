"""Which requirements of installed distributions hold in their environment, extras included, and whether they are met.

Pure.
"""

from puffin.artifact.urls import mask_text
from puffin.names import normalise
from puffin.stages.link.installed.requires import Requires
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.markers import Marker
    from packaging.requirements import Requirement


_NAME_END = " \t[(<>=!~;@"
MISSING = "missing"
CONFLICT = "conflict"
PYTHON = "python"
INVALID = "invalid"


@frozen
class ActiveRequirement:
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
) -> tuple[ActiveRequirement, ...]:
    """Return the requirements that hold, in the order of *installed* and of its metadata, each once.

    *markers* are PEP 508's variables. An extra of a package counts where a requirement that holds asks for it.
    *names* (normalised) leaves out those that are neither of nor for one of these packages.
    """
    return _Demands(installed, markers, names).gather()


def needed_by(
    names: "Collection[str]", installed: "Sequence[Requires]", markers: "Mapping[str, str]"
) -> frozenset[str]:
    """Return those of *names* (normalised) that are installed, and all that is there because they require it."""
    wants: dict[str, set[str]] = {}
    for each in demands(installed, markers):
        wants.setdefault(installed[each.source].name, set()).add(each.name)
    present = {each.name for each in installed}
    found: set[str] = set()
    waiting = present.intersection(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= wants.get(name, set()) & present - found
    return frozenset(found)


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

    def gather(self) -> tuple[ActiveRequirement, ...]:
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

    def _demand(self, source: int, each: Requires, text: str) -> "Iterable[ActiveRequirement]":
        requirement = self._parse(text)
        if requirement is None:
            yield ActiveRequirement(source=source, name="", extras=(), specifier="", text=text.strip())
        elif self._holds(each.name, requirement.marker):
            yield ActiveRequirement(
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

    from puffin.stages.resolve.requirements.lenient import Malformed, requirement

    try:
        return Requirement(requirement(text))
    except (InvalidRequirement, Malformed, RecursionError):
        return None


def _without_marker(requirement: "Requirement") -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    url = f" @ {requirement.url}" if requirement.url else ""
    return f"{requirement.name}{extras}{requirement.specifier}{url}"


@frozen
class UnmetRequirement:
    """A requirement of an installed distribution that the environment does not meet.

    ``requirement`` is without its marker; for the kind ``python`` it is the specifier of Requires-Python, for
    ``invalid`` what cannot be read. ``found`` is the version that is there, empty for none.
    """

    name: str
    version: str
    requirement: str
    found: str
    kind: str


def broken(
    installed: "Sequence[Requires]", markers: "Mapping[str, str]", names: "Collection[str] | None" = None
) -> tuple[UnmetRequirement, ...]:
    """Return the broken requirements, sorted; *markers* are PEP 508's variables of the environment.

    *names* (normalised) limits it to what these packages require and what others require of them. Extras are
    asked for by other installed packages alone: what somebody asked for by hand is not recorded anywhere. A
    pre-release that is installed satisfies what its version satisfies; a package that is there in several
    versions, what any of them does.
    """
    present: dict[str, list[str]] = {}
    for each in installed:
        present.setdefault(each.name, []).append(each.version)
    found = [
        UnmetRequirement(name=installed[demand.source].name, version=installed[demand.source].version, **facts)
        for demand in demands(installed, markers, names)
        for facts in _unmet(demand, present.get(demand.name, []))
    ]
    python = markers["python_full_version"]
    found += [each for each in _of_python(installed, python) if names is None or each.name in names]
    return tuple(sorted(set(found), key=lambda each: (each.name, each.version, each.kind, each.requirement)))


def sentence(each: UnmetRequirement) -> str:
    """Return the conflict as text, without credentials."""
    who = f"`{each.name}`"
    what = f"`{mask_text(each.requirement)}`"
    if each.kind == PYTHON:
        return f"{who} requires Python {what}, but the environment has Python {each.found}"
    if each.kind == INVALID:
        return f"{who} has a requirement that cannot be read, {what}"
    if each.kind == MISSING:
        return f"{who} requires {what}, which is not installed"
    return f"{who} requires {what}, but {each.found} is installed"


def doubles(installed: "Iterable[Requires]") -> dict[str, tuple[str, ...]]:
    """Return the versions of what is installed more than once, by name."""
    by_name: dict[str, list[str]] = {}
    for each in installed:
        by_name.setdefault(each.name, []).append(each.version)
    return {name: tuple(versions) for name, versions in sorted(by_name.items()) if len(versions) > 1}


def fits(specifier: str, version: str) -> bool:
    """Tell whether *version* is in *specifier* (PEP 440), pre-release or not; what is no version fits no limit."""
    if not specifier:
        return True
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion:
        return all(each.operator == "===" and each.version == version for each in SpecifierSet(specifier))
    return SpecifierSet(specifier).contains(version, prereleases=True)


def _unmet(demand: ActiveRequirement, versions: list[str]) -> "Iterable[dict[str, str]]":
    if not demand.name:
        yield {"requirement": demand.text, "found": "", "kind": INVALID}
    elif not versions:
        yield {"requirement": demand.text, "found": "", "kind": MISSING}
    elif not any(fits(demand.specifier, version) for version in versions):
        yield {"requirement": demand.text, "found": versions[-1], "kind": CONFLICT}


def _of_python(installed: "Sequence[Requires]", python: str) -> "Iterable[UnmetRequirement]":
    from puffin.stages.resolve.requirements.lenient import specifier

    release = _release(python)
    for each in installed:
        wanted = specifier(each.requires_python) if each.requires_python else ""
        if wanted and not fits(wanted, release):
            yield UnmetRequirement(
                name=each.name, version=each.version, requirement=wanted, found=python, kind=PYTHON
            )


def _release(python: str) -> str:
    """Return the numbers of a version of Python alone: 3.14.0rc1 runs what wants 3.14, as installers agree."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(python.rstrip("+")).base_version
    except InvalidVersion:
        return python
