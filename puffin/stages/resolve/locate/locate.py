"""From pins to their files, by index pages, find-links and URLs."""

from collections.abc import Callable, Iterable, Sequence

from puffin.artifact.artifact import Artifact
from puffin.artifact.urls import mask
from puffin.cache.layout import Cache
from puffin.errors import TEMPORARY, PuffinError, UsageError
from puffin.names import normalise
from puffin.stages.fetch.client import Client
from puffin.stages.resolve.index.config import FIRST_INDEX, STRATEGIES, Scope
from puffin.stages.resolve.index.errors import NotInCache
from puffin.stages.resolve.index.page import FileLink, IndexFile, is_wheel
from puffin.stages.resolve.index.pages import Pages
from puffin.stages.resolve.index.stored import ABSENT, StoredPage
from puffin.stages.resolve.locate.choose import equal, file_of, nearby, same_text, shown_pin
from puffin.stages.resolve.locate.errors import (
    LocateFailed,
    LocateInterrupted,
    NoCompatibleWheel,
    PackageNotFound,
    PinFailed,
    Quarantined,
    VersionNotFound,
)
from puffin.stages.resolve.locate.file_choice import (
    FileChooser,
    FileTarget,
    Offered,
    OfferedByText,
    offered_by_name,
)
from puffin.stages.resolve.locate.source import Commits
from puffin.stages.resolve.locate.url import artifact_of, locate_url
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.resolve.solve.request import exclude_newer_for

_QUARANTINED = "quarantined"


def locate(
    pins: "Sequence[Pin]", scope: Scope, *, http: Client, cache: Cache, commits: Commits | None = None
) -> "tuple[list[Artifact | PuffinError], tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]":
    """Return the file of each pin, or why there is none, and warnings.

    A file is a wheel, or a source to build one from, as *scope* allows. *commits* is the seam to version control.
    Returned last are the packages that several indexes have, of which only the first was used, as ``on_several``
    takes them: so that there is one warning where several calls locate parts. Raises ``PlaceMissing`` and
    :class:`UsageError` (exit code 2) if the configuration cannot be used.
    """
    config = scope.config
    if config.strategy not in STRATEGIES:
        known = ", ".join(f"`{each}`" for each in STRATEGIES)
        raise UsageError(text=f"The index strategy `{config.strategy}` is not known; there are {known}")
    pages = Pages(http, cache, scope)
    finder = _Finder(pages, scope, commits)
    named = [normalise(pin.name) for pin in pins if not _is_direct(pin)]
    pages.prefetch([(index, name) for name in named for index in config.for_package(name)])
    return [_found(pin, finder.find) for pin in pins], tuple(finder.warnings), tuple(finder.several.items())


def _found(pin: Pin, find: "Callable[[Pin], Artifact]") -> "Artifact | PuffinError":
    try:
        return find(pin)
    except PuffinError as error:
        return error


def cannot_locate(failures: "Sequence[PuffinError]", total: int) -> PuffinError:
    """Return the error for a search in which so many of *total* pins failed, with one cause for each reason.

    It is :class:`LocateInterrupted` (exit code 75) if all causes are temporary, else :class:`LocateFailed`, or a cause
    that is an error of usage.
    """
    causes = tuple({(type(error), str(error)): error for error in failures}.values())
    usage = next((error for error in causes if error.exit_code not in (1, TEMPORARY)), None)
    if usage is not None:
        return usage
    passing = all(error.exit_code == TEMPORARY for error in causes)
    kind = LocateInterrupted if passing else LocateFailed
    return kind(count=len(failures), total=total, causes=causes)


def _is_direct(pin: Pin) -> bool:
    return bool(pin.url) or pin.editable


class _Finder:
    """Finds the files of pins in the pages and find-links places of one configuration."""

    def __init__(self, pages: Pages, scope: Scope, commits: Commits | None) -> None:
        self.exclude_newer = scope.exclude_newer
        self.pages = pages
        target = FileTarget(scope.tags, scope.python_version)
        self.chooser = FileChooser(target, scope.files, scope.exclude_newer)
        self._commits = commits
        self.config = config = scope.config
        self.warnings: list[str] = []
        self.several: dict[str, tuple[str, ...]] = {}
        self._flat = offered_by_name(
            [(place, link) for place in config.find_links for link in pages.flat(place)]
        )

    def find(self, pin: Pin) -> Artifact:
        """Return the artifact of a pin; raises why there is none."""
        if _is_direct(pin):
            return locate_url(pin, self.chooser.target, files=self.chooser.files, commits=self._commits)
        offers = _Offers(self, pin)
        chosen = offers.choose()
        self._warn(pin, chosen, offers.holders)
        return artifact_of(pin, chosen)

    def flat(self, name: str) -> "OfferedByText":
        return self._flat.get(name, {})

    def _warn(self, pin: Pin, chosen: IndexFile, holders: "Sequence[str]") -> None:
        if chosen.link.yanked is not None:
            reason = f" (reason: {chosen.link.yanked})" if chosen.link.yanked else ""
            self.warnings.append(f"`{pin.name}=={chosen.version}` is yanked{reason}")
        if len(holders) > 1 and self.config.strategy == FIRST_INDEX:
            self.several[pin.name] = tuple(holders)


def _is_best(link: FileLink) -> bool:
    """Tell whether no other file of the version can be better by kind: it is a wheel, and not yanked."""
    return is_wheel(link.filename) and link.yanked is None


class _Offers:
    """The files for one pin: those of find-links places and of an index that has the package."""

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

    def choose(self) -> IndexFile:
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

    def _choose(self) -> IndexFile:
        version, exact = self.pin.version, self.pin.exact
        plain = same_text(self.texts, version, exact=exact)
        try:
            if plain and _is_best((chosen := self._chosen(plain)).link):
                return chosen
        except NoCompatibleWheel:
            pass
        # The wheel's name may spell the version otherwise than that of the source distribution.
        found = plain if exact else list(dict.fromkeys((*plain, *equal(self.texts, version))))
        if not found:
            raise self._not_found()
        return self._chosen(found)

    def _chosen(self, texts: "Iterable[str]") -> IndexFile:
        date = exclude_newer_for(self.finder.exclude_newer, self.name)
        return file_of(self.pin, self._offered(texts), self.finder.chooser, date)

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

    def _offered(self, texts: "Iterable[str]") -> list[Offered]:
        found: list[Offered] = []
        for text in texts:
            found += self.flat.get(text, ())
            if self.index:
                rows = self.finder.pages.rows(self.index, self.name, text)
                found += [Offered(row, text, self.index) for row in rows]
        return found

    def _not_found(self) -> PuffinError:
        package = shown_pin(self.pin)
        if self.unknown is not None:
            return self.unknown
        if self.page is not None and self.page.status == _QUARANTINED:
            return Quarantined(package=package, index=mask(self.index), reason=self.page.reason)
        if not self.holders and not self.flat:
            hint = "check the spelling of its name, or add the index that has it with `--extra-index-url`"
            places = tuple(mask(place) for place in (*self.indexes, *self.finder.config.find_links))
            if not places:
                hint = "give a place with `--find-links` or `--index-url`"
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
                    f"`{mask(index)}` has it, but `{first}` comes first: put the other before it, or use "
                    "`--index-strategy unsafe-first-match`, which lets anybody on either index replace the package",
                )
        refused = self.page.refused if self.page else ()
        if refused:
            hints.append(f"unsafe file names on the page were refused: {', '.join(refused)}")
        return tuple(hints)
