"""From requirements to pins: the distributions that a sync installs, each package once.

Pure: the same requirements and marker environment always give the same pins.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from puffin.artifact.urls import is_file_url, mask
from puffin.errors import PuffinError
from puffin.names import parsed_version
from puffin.stages.resolve.index.page import file_name
from puffin.stages.resolve.requirements.errors import (
    ConflictingRequirements,
    ConflictingUrls,
    DisjointHashes,
    UnpinnedRequirement,
    UnusableRequirements,
    UnverifiableRequirements,
)
from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.place import looks_like_archive, same_place
from puffin.stages.resolve.requirements.values import Entry, Pin, Requirements, SourceRequest
from puffin.value import frozen, replace

_STRONG = ("sha256:", "sha384:", "sha512:", "blake2b:")
_OUTPUT = "requirements.txt"  # the file that hints write pins to, and the one if it is a source itself
_PINNED = "requirements.pinned.txt"


@frozen
class Selection:
    """The pins by name, and warnings as sentences."""

    pins: tuple[Pin, ...] = ()
    warnings: tuple[str, ...] = ()


@frozen
class PinnedVersion:
    """A version that an entry pins, as text and parsed (None if it is not valid), and the entry."""

    text: str
    version: "Version | None"
    exact: bool
    entry: Entry


def select_pins(
    requirements: Requirements,
    *,
    markers: Mapping[str, str],
    require_hashes: bool,
    asked: SourceRequest | None = None,
) -> Selection:
    """Return the pins of *requirements* for an environment with these *markers* (all of PEP 508's variables).

    Repeated requirements become one pin, with the hashes of all; constraints narrow versions and hashes,
    and may pin what a requirement leaves open, but add nothing. Hints name what was *asked* for. Raises the conflicts
    of ``requirements.errors``, all problems at once, and
    :class:`~puffin.stages.resolve.requirements.markers.MarkerNotEvaluable`.
    """
    holding = Conditions(markers)
    chosen = _Chosen(_active(requirements.constraints, holding))
    for group in _groups(_active(requirements.entries, holding)):
        chosen.add(group)
    hashed = require_hashes or requirements.require_hashes
    if hashed:
        chosen.verify()
    chosen.raise_problems(lambda: _pinning(asked or _files_of(requirements), hashed=hashed))
    pins = sorted(chosen.pins, key=lambda pin: (pin.name, pin.url))
    return Selection(pins=tuple(pins), warnings=tuple(chosen.warnings))


class _Chosen:
    """Pins and problems, collected package by package."""

    def __init__(self, constraints: Iterable[Entry]) -> None:
        self.pins: list[Pin] = []
        self.warnings: list[str] = []
        self._unpinned: list[Entry] = []
        self._problems: list[PuffinError] = []
        self._constraints: dict[str, list[Entry]] = {}
        for constraint in constraints:
            self._constraints.setdefault(constraint.name, []).append(constraint)

    def add(self, entries: Sequence[Entry]) -> None:
        """Make one pin of all *entries* of a package, or note why not."""
        name = next((entry.name for entry in entries if entry.name), "")
        constraints = self._constraints.get(name, []) if name else []
        try:
            pin = self._url_pin(name, entries, constraints)
            if pin is None:
                candidate = choose_version(name, (*entries, *constraints))
                pin = _version_pin(name, candidate, entries) if candidate else None
            if pin is None:
                self._unpinned.append(entries[0])
            else:
                self.pins.append(replace(pin, hashes=_hashes(name, entries, constraints)))
        except PuffinError as problem:
            self._problems.append(problem)

    def verify(self) -> None:
        """Note all pins without a strong hash, and keep only strong hashes."""
        try:
            check_verifiable(self.pins)
        except UnverifiableRequirements as problem:
            self._problems.append(problem)
        self.pins = [replace(pin, hashes=_strong(pin.hashes)) for pin in self.pins]

    def raise_problems(self, pinning: Callable[[], tuple[str, ...]]) -> None:
        """Raise the only problem, or all of them as causes of one error; *pinning* returns hints on what to pin."""
        problems = list(self._problems)
        if self._unpinned:
            texts = tuple([(entry.text, entry.origin) for entry in self._unpinned])
            problems.append(UnpinnedRequirement(requirements=texts, hints=pinning()))
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise UnusableRequirements(causes=tuple(problems))

    def _url_pin(self, name: str, entries: Sequence[Entry], constraints: Sequence[Entry]) -> Pin | None:
        located = [entry for entry in (*entries, *constraints) if entry.url]
        if not located:
            return None
        first = next((entry for entry in located if entry.editable), located[0])
        if len({same_place(entry.url) for entry in located}) > 1:
            raise ConflictingUrls(package=name, requirements=tuple(map(_shown_url, located)))
        if first.editable and not all(entry.editable for entry in located):
            self.warnings.append(f"`{first.text}` at {first.origin} is installed as editable, not as a copy.")
        check_wheel_version(name, first, [*entries, *constraints])
        return Pin(
            name=name,
            extras=_extras(entries),
            url=first.url,
            editable=first.editable,
            text=first.text,
            origin=first.origin,
            config_settings=tuple(dict.fromkeys([s for entry in entries for s in entry.config_settings])),
        )


def check_verifiable(pins: Iterable[Pin]) -> None:
    """Raise :class:`UnverifiableRequirements` for the pins that no hash vouches for."""
    refused = [(pin.text, pin.origin, reason) for pin in pins if (reason := _unverifiable(pin))]
    if refused:
        raise UnverifiableRequirements(requirements=tuple(refused))


def _pinning(asked: SourceRequest, *, hashed: bool) -> tuple[str, ...]:
    """Return the commands for sources that leave versions open, as hints."""
    output = _PINNED if _OUTPUT in asked.files else _OUTPUT
    named = (("-c", asked.constraints), ("--extra", asked.extras), ("--group", asked.groups))
    options = "".join(f" {option} {_word(each)}" for option, given in named for each in given)
    options += " --all-extras" if asked.all_extras else ""
    files = "".join(f" {_word(each)}" for each in asked.files)
    hashes = " --generate-hashes" if hashed else ""
    pin = f"puffin pip compile{hashes}{files}{options} -o {output} && puffin pip sync {output}"
    install = f"puffin pip install{''.join(f' -r {_word(each)}' for each in asked.files)}{options}"
    others = () if hashed else (f"to install the newest versions and keep other packages: `{install}`",)
    return (f"to pin all versions first: `{pin}`", *others)


def _files_of(requirements: Requirements) -> SourceRequest:
    files = [each.file if "://" in each.file else each.file.partition(":")[0] for each in requirements.entries]
    return SourceRequest(files=tuple(dict.fromkeys(files)))


def _word(text: str) -> str:
    return f"'{mask(text)}'" if " " in text else mask(text)


def _active(entries: Iterable[Entry], markers: Conditions) -> list[Entry]:
    return [entry for entry in entries if markers.hold_at(entry.marker, entry.origin)]


def _groups(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    """Yield the entries of each package; one without a name belongs to the named one with its URL."""
    entries = list(entries)
    names = {same_place(entry.url): entry.name for entry in entries if entry.url and entry.name}
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        name = entry.name or names.get(same_place(entry.url), "")
        groups.setdefault((name, "" if name else same_place(entry.url)), []).append(entry)
    return groups.values()


def _version_pin(name: str, candidate: PinnedVersion, entries: Sequence[Entry]) -> Pin:
    spoken = entries[0] if candidate.entry.constraint else candidate.entry
    plain = candidate.version is None or candidate.exact
    return Pin(
        name=name,
        version=candidate.text if plain else str(candidate.version),
        extras=_extras(entries),
        text=spoken.text,
        origin=spoken.origin,
        exact=candidate.exact,
        config_settings=tuple(dict.fromkeys([s for entry in entries for s in entry.config_settings])),
    )


def _hashes(name: str, entries: Sequence[Entry], constraints: Sequence[Entry]) -> tuple[str, ...]:
    """Return the hashes of all lines that require a package, those its constraints allow too."""
    own = tuple(dict.fromkeys([value for entry in entries for value in entry.hashes]))
    allowed = tuple(dict.fromkeys([value for entry in constraints for value in entry.hashes]))
    if not own or not allowed:
        return own or allowed
    common = tuple([value for value in own if value in allowed])
    if not common:
        places = [(short(entry), shown_origin(entry)) for entry in (*entries, *constraints) if entry.hashes]
        raise DisjointHashes(package=name, requirements=tuple(places))
    return common


def _unverifiable(pin: Pin) -> str:
    """Return why a pin has no hash that counts, empty if it has one."""
    if pin.editable:
        return "an editable has no archive that a hash could be of"
    scheme = pin.url.partition(":")[0].lower()
    if "+" in scheme:
        return "a repository has no archive that a hash could be of; require an archive of it"
    if is_file_url(pin.url) and not looks_like_archive(pin.url):
        return "a directory has no hash; require an archive of it"
    if not pin.hashes:
        return "it has no `--hash`"
    if not _strong(pin.hashes):
        kinds = ", ".join(sorted({value.partition(":")[0] for value in pin.hashes}))
        return f"{kinds} is too weak; give a sha256, sha384, sha512 or blake2b hash"
    return ""


def _strong(hashes: Sequence[str]) -> tuple[str, ...]:
    return tuple([value for value in hashes if value.startswith(_STRONG)])


def _extras(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(sorted({extra for entry in entries for extra in entry.extras}))


def _shown_url(entry: Entry) -> tuple[str, str]:
    return mask(entry.url) + (" [editable]" if entry.editable else ""), shown_origin(entry)


def choose_version(name: str, entries: Sequence[Entry]) -> PinnedVersion | None:
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
    return sorted(SpecifierSet(entry.specifier), key=str)


def _candidates(entry: Entry, specifiers: "Iterable[Specifier]") -> list[PinnedVersion]:
    found = []
    for specifier in specifiers:
        text = specifier.version
        if specifier.operator == "===" or (specifier.operator == "==" and not text.endswith(".*")):
            exact = specifier.operator == "==="
            found.append(PinnedVersion(text=text, version=parsed_version(text), exact=exact, entry=entry))
    return found


def _precision(candidate: PinnedVersion) -> tuple[bool, bool]:
    """Order candidates: ``===`` first, then versions with a local part, which ``==`` without one admits too."""
    local = candidate.version is not None and candidate.version.local is not None
    return not candidate.exact, not local


def _admitted(candidate: PinnedVersion, specifiers: "Iterable[Specifier]") -> bool:
    return all(_admits(specifier, candidate) for specifier in specifiers)


def _admits(specifier: "Specifier", candidate: PinnedVersion) -> bool:
    if specifier.operator == "===":
        return specifier.version.lower() in (candidate.text.lower(), str(candidate.version or ""))
    return candidate.version is not None and specifier.contains(candidate.version, prereleases=True)


def check_wheel_version(name: str, located: Entry, entries: Sequence[Entry]) -> None:
    """Refuse version specifiers that the file name of a wheel contradicts; other URLs do not tell a version."""
    filename = file_name(located.url.partition("#")[0])
    if not filename.lower().endswith(".whl") or not any(entry.specifier for entry in entries):
        return
    version = parse_wheel_filename(filename)[1]
    candidate = PinnedVersion(text=str(version), version=version, exact=False, entry=located)
    against = [entry for entry in entries if not _admitted(candidate, _specifiers(entry))]
    if against:
        raise _conflict(name, [*against, located])


def _conflict(name: str, entries: Sequence[Entry]) -> ConflictingRequirements:
    shown = [(short(entry), shown_origin(entry)) for entry in entries]
    return ConflictingRequirements(package=name, requirements=tuple(dict.fromkeys(shown)))


def short(entry: Entry) -> str:
    """Return the requirement without extras and marker, or the text of one that names a place."""
    return f"{entry.name}{entry.specifier}" if entry.specifier else entry.text


def shown_origin(entry: Entry) -> str:
    """Return where an entry stands, and whether it is a constraint."""
    return f"{entry.origin}, a constraint" if entry.constraint else entry.origin
