"""Locating: from pins to the files that satisfy them, by index pages, find-links and URLs."""

from puffin.cache.layout import Cache
from puffin.errors import TEMPORARY, PuffinError, UsageError
from puffin.stages.artifact import Artifact
from puffin.stages.resolve.index_cache import ABSENT, StoredPage
from puffin.stages.resolve.index_config import FIRST_INDEX, IndexConfig
from puffin.stages.resolve.index_errors import NotInCache
from puffin.stages.resolve.index_http import Http
from puffin.stages.resolve.index_page import FileLink, is_wheel, normalise, splits
from puffin.stages.resolve.index_pages import Pages
from puffin.stages.resolve.locate_artifact import artifact_of
from puffin.stages.resolve.locate_choose import Candidate, Pin, Target, choose, shown
from puffin.stages.resolve.locate_errors import (
    LocateFailed,
    LocateInterrupted,
    NoCompatibleWheel,
    PackageNotFound,
    Quarantined,
    VersionNotFound,
)
from puffin.stages.resolve.locate_policy import ANY_FILES
from puffin.stages.resolve.locate_source import Commits
from puffin.stages.resolve.locate_url import locate_url
from puffin.stages.resolve.locate_versions import equal, nearby, same_text
from puffin.stages.resolve.solve.request import FilePolicy
from puffin.stages.urls import mask
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

_QUARANTINED = "quarantined"


@frozen
class Located:
    """The artifacts of all pins, in the order of the pins, and what the user should know of them."""

    artifacts: tuple[Artifact, ...]
    warnings: tuple[str, ...] = ()


def locate(
    pins: "Sequence[Pin]",
    *,
    config: IndexConfig,
    tags: tuple[str, ...],
    python_version: str,
    http: Http,
    cache: Cache,
    refresh: "bool | Collection[str]" = False,
    offline: bool = False,
    now: float,
    files: FilePolicy = ANY_FILES,
    commits: Commits | None = None,
) -> Located:
    """Return the file of each pin, for an interpreter with these *tags* (best first) and full version.

    It is a wheel, or what one is built from, as far as *files* allows; *commits* is the seam to version control.
    ``refresh`` is True, or the normalised names, for which fresh cached pages are not believed. ``now``
    is in seconds since the epoch. Raises :class:`LocateFailed` with one cause for each pin that has no
    file, :class:`LocateInterrupted` (exit code 75) if only the network stands in the way, and
    ``PlaceMissing`` or :class:`UsageError` (exit code 2) for a configuration that cannot be used.
    """
    found, warnings = locate_each(
        pins,
        config=config,
        tags=tags,
        python_version=python_version,
        http=http,
        cache=cache,
        refresh=refresh,
        offline=offline,
        now=now,
        files=files,
        commits=commits,
    )
    failures = [each for each in found if isinstance(each, PuffinError)]
    if failures:
        raise _failed(failures, len(pins))
    return Located(artifacts=tuple([each for each in found if isinstance(each, Artifact)]), warnings=warnings)


def locate_each(
    pins: "Sequence[Pin]",
    *,
    config: IndexConfig,
    tags: tuple[str, ...],
    python_version: str,
    http: Http,
    cache: Cache,
    refresh: "bool | Collection[str]" = False,
    offline: bool = False,
    now: float,
    files: FilePolicy = ANY_FILES,
    commits: Commits | None = None,
) -> "tuple[list[Artifact | PuffinError], tuple[str, ...]]":
    """Return the file of each pin, or why there is none, and warnings; the rest is as in :func:`locate`.

    Raises only what concerns the configuration.
    """
    if config.strategy != FIRST_INDEX:
        raise UsageError(text=f"The index strategy `{config.strategy}` is not known; there is `{FIRST_INDEX}`")
    pages = Pages(http=http, cache=cache, refresh=refresh, offline=offline, now=now)
    finder = _Finder(pages, config, Target(tags, python_version), files, commits)
    named = [normalise(pin.name) for pin in pins if not _is_direct(pin)]
    pages.prefetch([(index, name) for index in finder.indexes for name in named])
    return [_found(pin, finder.find) for pin in pins], tuple(finder.warnings)


def _found(pin: Pin, find: "Callable[[Pin], Artifact]") -> "Artifact | PuffinError":
    try:
        return find(pin)
    except PuffinError as error:
        return error


def _failed(failures: list[PuffinError], total: int) -> PuffinError:
    causes = tuple({id(error): error for error in failures}.values())  # an index that is down is one cause
    usage = next((error for error in causes if error.exit_code not in (1, TEMPORARY)), None)
    if usage is not None:
        return usage
    passing = all(error.exit_code == TEMPORARY for error in causes)
    kind = LocateInterrupted if passing else LocateFailed
    return kind(count=len(failures), total=total, causes=causes)


def _is_direct(pin: Pin) -> bool:
    return bool(pin.url) or pin.editable


class _Finder:
    """Finds the file of one pin after another, in the pages and find-links of one configuration."""

    def __init__(
        self, pages: Pages, config: IndexConfig, target: Target, files: FilePolicy, commits: Commits | None
    ) -> None:
        self.pages = pages
        self.target = target
        self.files = files
        self._commits = commits
        self.indexes = config.indexes()
        self.places = tuple(mask(place) for place in (*self.indexes, *config.find_links))
        self.warnings: list[str] = []
        self._flat = _grouped([(place, link) for place in config.find_links for link in pages.flat(place)])

    def find(self, pin: Pin) -> Artifact:
        """Return the artifact of a pin; raises why there is none."""
        if _is_direct(pin):
            return locate_url(pin, self.target, files=self.files, commits=self._commits)
        offers = _Offers(self, pin)
        chosen = offers.choose()
        self._warn(pin, chosen, offers.holders)
        return artifact_of(pin, chosen)

    def flat(self, name: str) -> "dict[str, list[Candidate]]":
        """Return the files of a project in the find-links places, by version text."""
        return self._flat.get(name, {})

    def _warn(self, pin: Pin, chosen: Candidate, holders: "Sequence[str]") -> None:
        if chosen.link.yanked is not None:
            reason = f" (reason: {chosen.link.yanked})" if chosen.link.yanked else ""
            self.warnings.append(f"`{pin.name}=={chosen.version}` is yanked{reason}")
        if len(holders) > 1:
            names = ", ".join(f"`{mask(index)}`" for index in holders)
            self.warnings.append(f"`{pin.name}` is on several indexes: {names}; only the first of them is used")


def _grouped(links: "list[tuple[str, FileLink]]") -> "dict[str, dict[str, list[Candidate]]]":
    """Return the files of find-links places by the names and version texts they may stand for."""
    found: dict[str, dict[str, list[Candidate]]] = {}
    for place, link in links:
        for name, version in splits(link.filename):
            candidate = Candidate(link=link, version=version, place=place, linked=True)
            found.setdefault(name, {}).setdefault(version, []).append(candidate)
    return found


class _Offers:
    """What the places have for one pin: the find-links files and the first index that has its name."""

    def __init__(self, finder: _Finder, pin: Pin) -> None:
        self.finder = finder
        self.pin = pin
        self.name = normalise(pin.name)
        self.flat = finder.flat(self.name)
        self.unknown: PuffinError | None = None
        self.holders = self._holders()
        self.page = self._page(self.holders[0]) if self.holders else None
        self.texts = {**dict.fromkeys(self.flat), **dict.fromkeys(self.page.versions if self.page else ())}

    def choose(self) -> Candidate:
        """Return the file to take; raises why there is none."""
        version, exact = self.pin.version, self.pin.exact
        plain = same_text(self.texts, version, exact=exact)
        try:
            if plain and is_wheel((chosen := self._chosen(plain)).link.filename):
                return chosen
        except NoCompatibleWheel:
            pass
        # The wheel's name may spell the version otherwise than that of the source distribution.
        found = plain if exact else list(dict.fromkeys((*plain, *equal(self.texts, version))))
        if not found:
            raise self._not_found()
        return self._chosen(found)

    def _chosen(self, texts: "Iterable[str]") -> Candidate:
        return choose(self.pin, self._candidates(texts), self.finder.target, self.finder.files)

    def _page(self, index: str) -> StoredPage:
        return self.finder.pages.page(index, self.name)

    def _holders(self) -> list[str]:
        """Return the indexes that have the name; what fails behind the first of them does not matter.

        Offline, an index that nobody knows ends the search, but files of find-links may still do.
        """
        found: list[str] = []
        for index in self.finder.indexes:
            try:
                if self._page(index).status != ABSENT:
                    found.append(index)
            except PuffinError as error:
                if found:
                    continue
                if not (self.flat and isinstance(error, NotInCache)):
                    raise
                self.unknown = error
                break
        return found

    def _candidates(self, texts: "Iterable[str]") -> list[Candidate]:
        found: list[Candidate] = []
        for text in texts:
            found += self.flat.get(text, ())
            found += [self._candidate(link, text) for link in self._links(text)]
        return found

    def _candidate(self, link: FileLink, version: str) -> Candidate:
        return Candidate(link=link, version=version, place=self.holders[0])

    def _links(self, text: str) -> tuple[FileLink, ...]:
        return self.finder.pages.links(self.holders[0], self.name, text) if self.holders else ()

    def _not_found(self) -> PuffinError:
        package = shown(self.pin)
        if self.unknown is not None:
            return self.unknown
        if self.page is not None and self.page.status == _QUARANTINED:
            return Quarantined(package=package, index=mask(self.holders[0]), reason=self.page.reason)
        if not self.holders and not self.flat:
            hint = "check the spelling of its name, or name the index that has it with `--extra-index-url`"
            if not self.finder.places:
                hint = "name a place with `--find-links` or `--index-url`"
            return PackageNotFound(package=package, places=self.finder.places, hints=(hint,))
        near, total = nearby(self.texts, self.pin.version)
        place = f"`{mask(self.holders[0])}`" if self.holders else "`--find-links`"
        return VersionNotFound(package=package, place=place, nearby=near, total=total, hints=self._hints(near))

    def _hints(self, near: tuple[str, ...]) -> tuple[str, ...]:
        hints = [f"pin another version, such as `{self.name}=={near[-1]}`"] if near else []
        for index in self.holders[1:]:
            if equal(self._page(index).versions, self.pin.version):
                first = mask(self.holders[0])
                hints.insert(0, f"`{mask(index)}` has it, but `{first}` comes first: name the other before it")
        refused = self.page.refused if self.page else ()
        if refused:
            hints.append(f"unsafe file names on the page were refused: {', '.join(refused)}")
        return tuple(hints)
