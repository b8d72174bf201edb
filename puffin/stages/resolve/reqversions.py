"""Which version repeated requirements and constraints of a package agree on, by packaging's rules (PEP 440)."""

from collections.abc import Iterable, Sequence

from puffin.stages.resolve.reqconflicts import ConflictingRequirements
from puffin.stages.resolve.reqvalues import Entry
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.specifiers import Specifier
    from packaging.version import Version


@frozen
class Candidate:
    """A version that some entry pins: as text, parsed where it can be, and the entry."""

    text: str
    version: "Version | None"
    exact: bool
    entry: Entry


def choose_version(name: str, entries: Sequence[Entry]) -> Candidate | None:
    """Return a version that some entry pins and all admit; None if none is pinned.

    Raises :class:`ConflictingRequirements`.
    """
    involved = [(entry, _specifiers(entry)) for entry in entries]
    candidates = [candidate for entry, specifiers in involved for candidate in _candidates(entry, specifiers)]
    if not candidates:
        return None
    candidates.sort(key=_precision)
    refusing: list[Entry] = []
    for candidate in candidates:
        against = [entry for entry, specifiers in involved if not _admitted(candidate, specifiers)]
        if not against:
            return candidate
        refusing = refusing or against
    raise _conflict(name, [entry for entry, _ in involved if entry in refusing or entry is candidates[0].entry])


def _specifiers(entry: Entry) -> "list[Specifier]":
    from packaging.specifiers import SpecifierSet

    return sorted(SpecifierSet(entry.specifier), key=str)


def _candidates(entry: Entry, specifiers: "Iterable[Specifier]") -> list[Candidate]:
    found = []
    for specifier in specifiers:
        text = specifier.version
        if specifier.operator == "===" or (specifier.operator == "==" and not text.endswith(".*")):
            exact = specifier.operator == "==="
            found.append(Candidate(text=text, version=_parsed(text), exact=exact, entry=entry))
    return found


def _precision(candidate: Candidate) -> tuple[bool, bool]:
    """Order candidates: ``===`` first, then versions with a local part, which ``==`` without one admits too."""
    local = candidate.version is not None and candidate.version.local is not None
    return not candidate.exact, not local


def _parsed(text: str) -> "Version | None":
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def _admitted(candidate: Candidate, specifiers: "Iterable[Specifier]") -> bool:
    return all(_admits(specifier, candidate) for specifier in specifiers)


def _admits(specifier: "Specifier", candidate: Candidate) -> bool:
    if specifier.operator == "===":
        return specifier.version.lower() in (candidate.text.lower(), str(candidate.version or ""))
    return candidate.version is not None and specifier.contains(candidate.version, prereleases=True)


def check_wheel_version(name: str, located: Entry, entries: Sequence[Entry]) -> None:
    """Refuse version specifiers that the file name of a wheel contradicts; other URLs do not tell a version."""
    from packaging.utils import parse_wheel_filename

    filename = located.url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    if not filename.lower().endswith(".whl") or not any(entry.specifier for entry in entries):
        return
    from urllib.parse import unquote

    version = parse_wheel_filename(unquote(filename))[1]
    candidate = Candidate(text=str(version), version=version, exact=False, entry=located)
    against = [entry for entry in entries if not _admitted(candidate, _specifiers(entry))]
    if against:
        raise _conflict(name, [*against, located])


def _conflict(name: str, entries: Sequence[Entry]) -> ConflictingRequirements:
    shown = [(short(entry), origin_of(entry)) for entry in entries]
    return ConflictingRequirements(package=name, requirements=tuple(dict.fromkeys(shown)))


def short(entry: Entry) -> str:
    """Return the requirement without extras and marker, or the text of one that names a place."""
    return f"{entry.name}{entry.specifier}" if entry.specifier else entry.text


def origin_of(entry: Entry) -> str:
    """Return where an entry stands, and whether it is a constraint."""
    return f"{entry.origin}, a constraint" if entry.constraint else entry.origin
