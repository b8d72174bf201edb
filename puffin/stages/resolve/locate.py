"""Locating: from pins to the files that satisfy them, by index pages, find-links and URLs."""

from puffin.cache.layout import Cache
from puffin.errors import TEMPORARY, PuffinError, UsageError
from puffin.stages.artifact import Artifact
from puffin.stages.resolve.index_cache import ABSENT, StoredPage
from puffin.stages.resolve.index_config import FIRST_INDEX, STRATEGIES, IndexConfig
from puffin.stages.resolve.index_errors import NotInCache, on_several
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
    PinFailed,
    Quarantined,
    TooNew,
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
    """The artifacts of all pins, in the order of the pins, and what the user should know of them.

    ``several`` are the packages that several indexes have, as :func:`on_several` takes them.
    """

    artifacts: tuple[Artifact, ...]
    said: tuple[str, ...] = ()
    several: "tuple[tuple[str, tuple[str, ...]], ...]" = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All of it in words."""
        return (*self.said, *on_several(self.several))


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
    exclude_newer: str = "",
    files: FilePolicy = ANY_FILES,
    commits: Commits | None = None,
) -> Located:
    """Return the file of each pin, for an interpreter with these *tags* (best first) and full version.

    It is a wheel, or what one is built from, as far as *files* allows; *commits* is the seam to version control.
    Files that are not older than *exclude_newer* (ISO 8601, a time or a date) do not exist.
    ``refresh`` is True, or the normalised names, for which fresh cached pages are not believed. ``now``
    is in seconds since the epoch. Raises :class:`LocateFailed` with one cause for each pin that has no
    file, :class:`LocateInterrupted` (exit code 75) if only the network stands in the way, and
    ``PlaceMissing`` or :class:`UsageError` (exit code 2) for a configuration that cannot be used.
    """
    found, warnings, several = locate_each(
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
        exclude_newer=exclude_newer,
    )
    failures = [each for each in found if isinstance(each, PuffinError)]
    if failures:
        raise cannot_locate(failures, len(pins))
    artifacts = tuple([each for each in found if isinstance(each, Artifact)])
    return Located(artifacts=artifacts, said=warnings, several=several)


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
    exclude_newer: str = "",
) -> "tuple[list[Artifact | PuffinError], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]":
    """Return the file of each pin, or why there is none, and warnings; the rest is as in :func:`locate`.

    Returned last are the packages that several indexes have, of which only the first was used, as :func:`on_several`
    takes them: so that there is one warning where several calls locate parts. Raises only what concerns the
    configuration.
    """
    if config.strategy not in STRATEGIES:
        known = ", ".join(f"`{each}`" for each in STRATEGIES)
        raise UsageError(text=f"The index strategy `{config.strategy}` is not known; there are {known}")
    pages = Pages(http=http, cache=cache, refresh=refresh, offline=offline, now=now)
    finder = _Finder(pages, config, Target(tags, python_version), files, commits, exclude_newer)
    named = [normalise(pin.name) for pin in pins if not _is_direct(pin)]
    pages.prefetch([(index, name) for name in named for index in config.for_package(name)])
    return [_found(pin, finder.find) for pin in pins], tuple(finder.warnings), tuple(finder.several.items())


def _found(pin: Pin, find: "Callable[[Pin], Artifact]") -> "Artifact | PuffinError":
    try:
        return find(pin)
    except PuffinError as error:
        return error


def cannot_locate(failures: "Sequence[PuffinError]", total: int) -> PuffinError:
    """Return the error for a search in which so many of *total* pins failed: as in :func:`locate`."""
    causes = tuple(
        {(type(error), str(error)): error for error in failures}.values()
    )  # an index may be down for all
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
        self,
        pages: Pages,
        config: IndexConfig,
        target: Target,
        files: FilePolicy,
        commits: Commits | None,
        exclude_newer: str,
    ) -> None:
        self.exclude_newer = exclude_newer
        self.pages = pages
        self.target = target
        self.files = files
        self._commits = commits
        self.config = config
        self.warnings: list[str] = []
        self.several: dict[str, tuple[str, ...]] = {}
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
        if len(holders) > 1 and self.config.strategy == FIRST_INDEX:
            self.several[pin.name] = tuple(holders)


def _grouped(links: "list[tuple[str, FileLink]]") -> "dict[str, dict[str, list[Candidate]]]":
    """Return the files of find-links places by the names and version texts they may stand for."""
    found: dict[str, dict[str, list[Candidate]]] = {}
    for place, link in links:
        for name, version in splits(link.filename):
            candidate = Candidate(link=link, version=version, place=place, linked=True)
            found.setdefault(name, {}).setdefault(version, []).append(candidate)
    return found


def _older(candidates: "Iterable[Candidate]", date: str) -> "list[Candidate]":
    from puffin.stages.resolve.universe_choose import cutoff_of, timestamp

    cutoff = cutoff_of(date)
    return [each for each in candidates if timestamp(each.link.upload_time) < cutoff]


class _Offers:
    """What the places have for one pin: the find-links files and an index that has its name."""

    def __init__(self, finder: _Finder, pin: Pin) -> None:
        self.finder = finder
        self.pin = pin
        self.name = normalise(pin.name)
        self.flat = finder.flat(self.name)
        self.unknown: PuffinError | None = None
        self.indexes = finder.config.for_package(self.name)
        self.holders = self._holders()
        self._use(self.holders[0] if self.holders else "")

    def _use(self, index: str) -> None:
        self.index = index
        self.page = self._page(index) if index else None
        self.texts = {**dict.fromkeys(self.flat), **dict.fromkeys(self.page.versions if self.page else ())}

    def choose(self) -> Candidate:
        """Return the file to take: of the first index that has the name, or, unsafely, of the first that has it.

        Raises why there is none.
        """
        if self.finder.config.strategy == FIRST_INDEX or len(self.holders) < 2:
            return self._choose()
        failures = []
        for index in self.holders:
            self._use(index)
            try:
                return self._choose()
            except PinFailed as error:
                failures.append(error)
        raise failures[0]

    def _choose(self) -> Candidate:
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
        candidates = self._candidates(texts)
        date = self.finder.exclude_newer
        if date:
            candidates = _older(candidates, date)
            if not candidates:
                raise TooNew(package=shown(self.pin), date=date)
        return choose(self.pin, candidates, self.finder.target, self.finder.files)

    def _page(self, index: str) -> StoredPage:
        return self.finder.pages.page(index, self.name)

    def _holders(self) -> list[str]:
        """Return the indexes that have the name; what fails behind the first of them does not matter.

        Offline, an index that nobody knows ends the search, but files of find-links may still do.
        """
        found: list[str] = []
        for index in self.indexes:
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
        return Candidate(link=link, version=version, place=self.index)

    def _links(self, text: str) -> tuple[FileLink, ...]:
        return self.finder.pages.links(self.index, self.name, text) if self.index else ()

    def _not_found(self) -> PuffinError:
        package = shown(self.pin)
        if self.unknown is not None:
            return self.unknown
        if self.page is not None and self.page.status == _QUARANTINED:
            return Quarantined(package=package, index=mask(self.index), reason=self.page.reason)
        if not self.holders and not self.flat:
            hint = "check the spelling of its name, or name the index that has it with `--extra-index-url`"
            places = tuple(mask(place) for place in (*self.indexes, *self.finder.config.find_links))
            if not places:
                hint = "name a place with `--find-links` or `--index-url`"
            return PackageNotFound(package=package, places=places, hints=(hint,))
        near, total = nearby(self.texts, self.pin.version)
        place = f"`{mask(self.index)}`" if self.index else "`--find-links`"
        return VersionNotFound(package=package, place=place, nearby=near, total=total, hints=self._hints(near))

    def _hints(self, near: tuple[str, ...]) -> tuple[str, ...]:
        hints = [f"pin another version, such as `{self.name}=={near[-1]}`"] if near else []
        for index in self.holders[1:]:
            if equal(self._page(index).versions, self.pin.version):
                first = mask(self.holders[0])
                hints.insert(
                    0,
                    f"`{mask(index)}` has it, but `{first}` comes first: name the other before it, or give "
                    "`--index-strategy unsafe-first-match`, which lets anybody on either index replace the package",
                )
        refused = self.page.refused if self.page else ()
        if refused:
            hints.append(f"unsafe file names on the page were refused: {', '.join(refused)}")
        return tuple(hints)
