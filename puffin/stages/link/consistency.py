"""Whether what is installed fits together: what is missing, in conflict, or not for this Python. Pure."""

from puffin.stages.link.demands import Demand, demands
from puffin.stages.link.requires import Requires
from puffin.stages.urls import mask_text
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

MISSING = "missing"
CONFLICT = "conflict"
PYTHON = "python"
INVALID = "invalid"


@frozen
class Broken:
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
) -> tuple[Broken, ...]:
    """Return what is broken, sorted; *markers* are PEP 508's variables of the environment.

    *names* (normalised) limits it to what these packages require and what others require of them. Extras are
    asked for by other installed packages alone: what somebody asked for by hand is not recorded anywhere. A
    pre-release that is installed satisfies what its version satisfies; a package that is there in several
    versions, what any of them does.
    """
    present: dict[str, list[str]] = {}
    for each in installed:
        present.setdefault(each.name, []).append(each.version)
    found = [
        Broken(name=installed[demand.source].name, version=installed[demand.source].version, **facts)
        for demand in demands(installed, markers, names)
        for facts in _unmet(demand, present.get(demand.name, []))
    ]
    python = markers["python_full_version"]
    found += [each for each in _of_python(installed, python) if names is None or each.name in names]
    return tuple(sorted(set(found), key=lambda each: (each.name, each.version, each.kind, each.requirement)))


def sentence(each: Broken) -> str:
    """Return what is broken in words, without credentials."""
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


def _unmet(demand: Demand, versions: list[str]) -> "Iterable[dict[str, str]]":
    if not demand.name:
        yield {"requirement": demand.text, "found": "", "kind": INVALID}
    elif not versions:
        yield {"requirement": demand.text, "found": "", "kind": MISSING}
    elif not any(fits(demand.specifier, version) for version in versions):
        yield {"requirement": demand.text, "found": versions[-1], "kind": CONFLICT}


def _of_python(installed: "Sequence[Requires]", python: str) -> "Iterable[Broken]":
    from puffin.stages.resolve.metadata_lenient import specifier

    release = _release(python)
    for each in installed:
        wanted = specifier(each.requires_python) if each.requires_python else ""
        if wanted and not fits(wanted, release):
            yield Broken(name=each.name, version=each.version, requirement=wanted, found=python, kind=PYTHON)


def _release(python: str) -> str:
    """Return the numbers of a version of Python alone: 3.14.0rc1 runs what wants 3.14, as installers agree."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(python.rstrip("+")).base_version
    except InvalidVersion:
        return python
