"""The versions of one package, from its page and the find-links places."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from puffin.artifact.urls import mask
from puffin.stages.resolve.index.config import FIRST_MATCH
from puffin.stages.resolve.index.errors import NotInCache
from puffin.stages.resolve.index.pages import ProjectPages
from puffin.stages.resolve.index.stored import Order, StoredPage, order_of
from puffin.stages.resolve.locate.file_choice import (
    FILENAME,
    HASHES,
    METADATA,
    REQUIRES_PYTHON,
    UPLOAD_TIME,
    YANKED,
    Choice,
    FileChooser,
    FileTarget,
    Offered,
)
from puffin.stages.resolve.locate.tags import (
    ANY_PLATFORM,
    either_marker,
    nearness,
    platform_marker,
    shown_tags,
    wheel_marker,
)
from puffin.stages.resolve.requirements.lenient import specifier
from puffin.stages.resolve.solve.request import timestamp
from puffin.stages.resolve.solve.universe import EMPTY, NOT_FOUND, OFFLINE, QUARANTINED, Offer, Release, nothing
from puffin.stages.resolve.universe.pages import Finder
from puffin.stages.resolve.universe.values import Chosen

_Read = TypeVar("_Read")
_NO_ORDER = Order(names=(), texts={})
_NO_INDEX_HINT = "no index is asked (`--no-index`): give a place that has it with `--find-links`"
_shown = lru_cache(maxsize=64)(mask)  # all files of an index have the same


class _Elsewhere:
    """The versions on indexes behind the one that counts, asked for when an error wants to tell them."""

    def __init__(self, finder: Finder, indexes: tuple[str, ...], name: str) -> None:
        self._finder = finder
        self._indexes = indexes
        self._name = name

    def __iter__(self) -> "Iterator[tuple[str, tuple[str, ...]]]":
        for index, versions in self._finder.versions_on(self._indexes, self._name):
            yield mask(index), versions


class OfferedPackage:
    """One package: where it was found, and what is known of each of its versions, at most once."""

    def __init__(self, name: str, finder: Finder, chooser: FileChooser, hashes: tuple[str, ...]) -> None:
        self.name = name
        self._finder = finder
        self._chooser = chooser
        self._hashes = hashes
        self._flat = finder.flat(name)
        self._found = self._find()
        self._order = self._ordered()
        self._releases: dict[str, Release] = {}
        self._masks: dict[str, int] = {}

    def offer(self) -> Offer:
        """Return all versions, newest first; raises why an index could not answer."""
        names, newer, undated = self._split()
        missing, reason, hints = ("", "", ()) if names else self._missing()
        if missing and not newer:
            return nothing(self.name, missing, reason, hints)
        return Offer(
            name=self.name,
            versions=names,
            release=self.release,
            newer=newer,
            undated=undated,
            groups=self._groups(names),
            elsewhere=_Elsewhere(self._finder, self._found.rest, self.name),
            missing=missing,
            masks=self._masks,
            reason=reason,
            hints=hints,
        )

    @property
    def releases(self) -> "Iterable[Release]":
        """The versions that were looked at."""
        return self._releases.values()

    def release(self, version: str) -> Release:
        known = self._releases.get(version)
        if known is None:
            files = self.files(version)
            choice = self._chooser.choose(self.name, files, self._hashes)
            known = self._releases[version] = release_of(self.name, version, choice, self._chooser.target)
        return known

    def files(self, version: str) -> list[Offered]:
        """Return all files of a version, those of find-links first."""
        found: list[Offered] = []
        for text in self._order.spellings(version):
            found += self._flat.get(text, ())
            index = self._index(text)
            found += [Offered(row, text, index) for row in self._rows(text, index)]
        return found

    def _index(self, text: str) -> str:
        """Return the first index that has a version."""
        return next((index for index, page in self._found.pages if text in page.versions), "")

    def _groups(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """Return for each version the place of its index among those that have the package, find-links first.

        Only ``unsafe-first-match`` tries the indexes in turn.
        """
        if self._finder.strategy != FIRST_MATCH or len(self._found.pages) < 2:
            return ()
        places = {index: at for at, (index, _) in enumerate(self._found.pages)}
        spelled = [self._order.spellings(name) for name in names]
        return tuple([min([places.get(self._index(text), 0) for text in texts]) for texts in spelled])

    def _find(self) -> ProjectPages:
        try:
            return self._finder.find(self.name)
        except NotInCache as error:
            return ProjectPages(unknown=error)

    def _rows(self, text: str, index: str) -> "tuple[tuple[object, ...], ...]":
        if not index:
            return ()
        return self._sound(index, lambda page: page.rows(text)) or ()

    def _sound(self, index: str, read: "Callable[[StoredPage], _Read | None]") -> "_Read | None":
        """Return what *read* finds on the page of an index; the page is fetched again if its bytes are damaged."""
        found = read(dict(self._found.pages)[index])
        if found is None:
            self._found = self._finder.again(self.name, index)
            found = read(dict(self._found.pages)[index])
        return found

    def _ordered(self) -> Order:
        pages = self._found.pages
        if not self._flat and len(pages) < 2:
            return pages[0][1].order() if pages else _NO_ORDER
        return order_of(dict.fromkeys([*self._flat, *[text for _, page in pages for text in page.versions]]))

    def _split(self) -> "tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]":
        """Return the versions, those that ``--exclude-newer`` hides completely, and of these the undated."""
        cutoff = self._chooser.cutoff(self.name)
        if not cutoff:
            return self._order.names, (), frozenset()
        uploads: dict[str, str] = {}
        for index in reversed([index for index, _ in self._found.pages]):
            uploads.update(self._sound(index, lambda page: page.uploads()) or {})
        times = {text: timestamp(told) for text, told in uploads.items() if told}
        old = frozenset(text for text, time in times.items() if time < cutoff)
        names = [name for name in self._order.names if not old.isdisjoint(self._order.spellings(name))]
        hidden = frozenset(self._order.names) - frozenset(names)
        undated = [name for name in hidden if times.keys().isdisjoint(self._order.spellings(name))]
        return tuple(names), tuple([name for name in self._order.names if name in hidden]), frozenset(undated)

    def _missing(self) -> tuple[str, str, tuple[str, ...]]:
        found = self._found
        if found.unknown is not None:
            return OFFLINE, found.unknown.summary(), ()
        if found.page is None:
            return NOT_FOUND, "", () if self._finder.asks else (_NO_INDEX_HINT,)
        if found.page.status == "quarantined":
            return QUARANTINED, found.page.reason, ()
        refused = found.page.refused
        hints = (f"unsafe file names on the page were refused: {', '.join(refused)}",) if refused else ()
        return EMPTY, "", hints


def release_of(name: str, version: str, choice: Choice, target: FileTarget) -> Release:
    """Return what is known of a version by the choice among its files for *target*."""
    best = choice.best
    first = best or (choice.visible[0] if choice.visible else None)
    limited = ANY_PLATFORM in target.priorities and all(each.is_wheel for each in choice.usable)
    wheels = [each.row[FILENAME] for each in choice.usable] if limited else []
    return Release(
        version=version,
        handle=None if best is None else _chosen(name, version, best, choice.wheels, target),
        wheel=bool(choice.fitting),
        sdist=bool(choice.sdists),
        tags=()
        if choice.fitting
        else tuple(dict.fromkeys(shown_tags(each.row[FILENAME]) for each in choice.wheels)),
        requires_python=specifier(first.row[REQUIRES_PYTHON]) if first else "",
        yanked=first.row[YANKED] if first else None,
        hashes_differ=bool(choice.usable) and not choice.allowed,
        hashes=best.row[HASHES] if best else (),
        upload_time=first.row[UPLOAD_TIME] if first else "",
        where=either_marker(map(wheel_marker, wheels)),
        platforms=either_marker(map(platform_marker, wheels)),
        index=_shown(first.place) if first else "",
    )


def _chosen(name: str, version: str, best: Offered, wheels: "Sequence[Offered]", target: FileTarget) -> Chosen:
    install = best.file()
    if best.is_wheel:
        return Chosen(name=name, version=version, install=install, metadata=install)
    near = [(place, each) for each in wheels if (place := _nearness(each, target)) is not None]
    metadata = max(near, key=lambda pair: pair[0])[1].file() if near else install
    return Chosen(name=name, version=version, install=install, metadata=metadata)


def _nearness(wheel: Offered, target: FileTarget) -> "tuple[int, ...] | None":
    """Return how near a wheel is to the target, the greater the nearer; None if it tells nothing of it.

    A wheel for another major version of Python, or one that this Python is not admitted to, may need other packages.
    """
    row = wheel.row
    near = nearness(row[FILENAME], target.tags, target.python_version)
    if near is None or not target.admits(row[REQUIRES_PYTHON]):
        return None
    return *near, row[YANKED] is None, bool(row[METADATA])
