"""The versions of one package, from its page and the find-links places."""

from puffin.stages.resolve.index_errors import NotInCache
from puffin.stages.resolve.index_order import Order, order_of
from puffin.stages.resolve.solve.universe import (
    EMPTY,
    NOT_FOUND,
    OFFLINE,
    QUARANTINED,
    Offer,
    Release,
    nothing,
)
from puffin.stages.resolve.universe_choose import Chooser, Offered, timestamp
from puffin.stages.resolve.universe_pages import Finder, Found
from puffin.stages.urls import mask

_NO_ORDER = Order(names=(), texts={})
_OFFLINE_HINT = "run the command once without `--offline`, so that the cache has what it needs"


class Package:
    """One package: where it was found, and what is known of each of its versions, at most once."""

    def __init__(self, name: str, finder: Finder, chooser: Chooser, hashes: tuple[str, ...]) -> None:
        self.name = name
        self._finder = finder
        self._chooser = chooser
        self._hashes = hashes
        self._flat = finder.flat(name)
        self._found = self._find()
        self._order = self._ordered()
        self._releases: dict[str, Release] = {}

    def offer(self) -> Offer:
        """Return all versions, newest first; raises why an index could not answer."""
        names, newer = self._split()
        missing, reason, hints = ("", "", ()) if names else self._missing()
        if missing and not newer:
            return nothing(self.name, missing, reason, hints)
        return Offer(
            name=self.name,
            versions=names,
            release=self.release,
            newer=newer,
            elsewhere=tuple([(mask(index), ()) for index in self._found.rest]),
            missing=missing,
            reason=reason,
            hints=hints,
        )

    def release(self, version: str) -> Release:
        """Return what is known of one version."""
        known = self._releases.get(version)
        if known is None:
            files = self.files(version)
            known = self._chooser.release(self.name, version, files, self._hashes)
            self._releases[version] = known
        return known

    def files(self, version: str) -> list[Offered]:
        """Return all files of a version, those of find-links first."""
        found: list[Offered] = []
        for text in self._order.spellings(version):
            found += self._flat.get(text, ())
            found += [Offered(row, text, self._found.index) for row in self._rows(text)]
        return found

    def _find(self) -> Found:
        try:
            return self._finder.find(self.name)
        except NotInCache as error:
            return Found(page=None, unknown=error)

    def _rows(self, text: str) -> "tuple[tuple[object, ...], ...]":
        if self._found.page is None:
            return ()
        rows = self._found.page.rows(text)
        if rows is None:  # the stored bytes are damaged
            self._found = self._finder.again(self.name)
            rows = self._found.page.rows(text) if self._found.page else ()
        return rows or ()

    def _ordered(self) -> Order:
        page = self._found.page
        if not self._flat:
            return page.order() if page else _NO_ORDER
        return order_of({**dict.fromkeys(self._flat), **dict.fromkeys(page.versions if page else ())})

    def _split(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the versions, and those of which every file is newer than ``--exclude-newer``."""
        cutoff = self._chooser.cutoff
        if not cutoff:
            return self._order.names, ()
        uploads = self._found.page.uploads() if self._found.page else {}
        times = {text: timestamp(told) for text, told in uploads.items() if told}
        old = frozenset(text for text, time in times.items() if time < cutoff)
        names = [name for name in self._order.names if not old.isdisjoint(self._order.spellings(name))]
        hidden = frozenset(self._order.names) - frozenset(names)
        return tuple(names), tuple([name for name in self._order.names if name in hidden])

    def _missing(self) -> tuple[str, str, tuple[str, ...]]:
        found = self._found
        if found.unknown is not None:
            return OFFLINE, found.unknown.summary(), (_OFFLINE_HINT,)
        if found.page is None:
            return NOT_FOUND, "", ()
        if found.page.status == "quarantined":
            return QUARANTINED, found.page.reason, ()
        refused = found.page.refused
        hints = (f"unsafe file names on the page were refused: {', '.join(refused)}",) if refused else ()
        return EMPTY, "", hints
