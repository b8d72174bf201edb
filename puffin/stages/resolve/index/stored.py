"""Index pages in the cache, and the order of their versions.

A stored page is a sequence of frames: a header, then one frame for each version. The header has the offset and the
length of each of them, so a pin costs two frames whatever the size of the page. The keys are version texts as file
names have them, unparsed. A page that was fetched for a resolution has one more frame: its versions in order.
A JSON page in the usual form is not cut into versions. Its entries are behind the frames as they are.
"""

from collections.abc import Iterable
from mmap import mmap
from typing import Any
from zlib import crc32

from puffin.cache import frame
from puffin.names import Key, parsed_version, usual_version
from puffin.stages.resolve.index.page import NOT_FRESH, FileLink, Groups, Policy
from puffin.value import from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.version import Version

    from puffin.stages.resolve.index.usual import UncutEntries

Row = tuple[Any, ...]

_FORMAT = "simple 4"
_FIELDS = 11

ABSENT = "absent"


@frozen
class Order:
    """Version texts in normal form (PEP 440), newest first, each once; what is not a version is left out.

    ``texts`` maps those that file names spell in another way, or in several, to the spellings.
    """

    names: tuple[str, ...]
    texts: "dict[str, tuple[str, ...]]"

    def spellings(self, name: str) -> tuple[str, ...]:
        """Return how file names spell one of ``names``."""
        return self.texts.get(name) or (name,)


@frozen
class StoredPage:
    """The header of a stored page, and its bytes.

    ``fetched_at`` is in seconds since the epoch; ``max_age`` in seconds. ``status`` is
    empty, :data:`ABSENT` (the index does not have the name) or a PEP 792 status. ``versions`` maps
    version texts to (offset, length) of their frames behind ``start``, the end of the header; ``tail`` is
    the place of the frame with their order, empty for a page without it. ``uncut`` is empty, or for a page that is not
    cut the name of the project, and length and checksum of the entries, which ``memo`` holds once they were needed.
    """

    url: str
    fetched_at: float
    max_age: int
    etag: str
    last_modified: str
    status: str
    reason: str
    refused: tuple[str, ...]
    versions: "dict[str, tuple[int, int] | None]"
    tail: "tuple[tuple[int, int], ...]"
    uncut: "tuple[Any, ...]"
    data: "bytes | mmap"
    start: int
    memo: "list[UncutEntries]"

    def links(self, version: str) -> "tuple[FileLink, ...] | None":
        """Return the files of a version text, empty if there are none; None if the bytes are damaged."""
        found = self.rows(version)
        return None if found is None else _links(found)

    def rows(self, version: str) -> "tuple[Row, ...] | None":
        """Return the files as plain tuples, the fields of :class:`FileLink` in order; else as :meth:`links`."""
        if version not in self.versions:
            return ()
        from puffin.stages.resolve.index.usual import stored_rows

        return stored_rows(self._stored(version))

    def order(self) -> Order:
        """Return the versions, newest first (see :class:`Order`)."""
        stored = self._frame(self.tail[0]) if self.tail else None
        if type(stored) is tuple and len(stored) == 2:
            return Order(names=stored[0], texts=stored[1])
        return order_of(self.versions)

    def uploads(self) -> "dict[str, str] | None":
        """Return for each version text when its first file was uploaded, empty where the index does not tell.

        None if the bytes are damaged.
        """
        from puffin.stages.resolve.index.usual import first_upload

        found: dict[str, str] = {}
        for text in self.versions:
            stored = self._stored(text)
            if stored is None:
                return None
            found[text] = first_upload(stored)
        return found

    def _stored(self, version: str) -> "Any":
        """Return what ``usual.stored_rows`` reads; None for damaged bytes."""
        place = self.versions[version]
        if place is not None:
            return self._frame(place)
        from puffin.stages.resolve.index.usual import JSON, UncutEntries

        if not self.memo:
            name, length, checksum = self.uncut
            start = len(self.data) - length
            with memoryview(self.data) as view, view[start:] as entries:
                if crc32(entries) != checksum:
                    return None
            self.memo.append(UncutEntries(self.data, start, name))
        return JSON, self.url, self.memo[0].piece(version)

    def _frame(self, place: tuple[int, int]) -> "Any":
        begin = self.start + place[0]
        return frame.load(self.data[begin : begin + place[1]])


def dump_groups(page: Groups, *, fetched_at: float, policy: Policy = NOT_FRESH, ordered: bool = False) -> bytes:
    """Return the stored form of a page (see :class:`StoredPage`).

    With *ordered* the order of the versions is stored too; all of them are parsed for it.
    """
    groups = page.files
    frames = [] if page.entries else [frame.dump(each) for each in groups.values()]
    count = len(frames)
    if ordered:
        order = order_of(groups)
        frames.append(frame.dump((order.names, order.texts)))
    places = _places(frames)
    versions = groups if page.entries else dict(zip(groups, places, strict=False))
    uncut = (page.name, len(page.entries), crc32(page.entries)) if page.entries else ()
    validity = (fetched_at, policy.max_age, policy.etag, policy.last_modified)
    header = (
        page.url,
        *validity,
        page.status,
        page.reason,
        page.refused[:5],
        versions,
        tuple(places[count:]),
        uncut,
    )
    return b"".join((frame.dump((_FORMAT, header)), *frames, page.entries))


def _places(frames: list[bytes]) -> list[tuple[int, int]]:
    found = []
    offset = 0
    for body in frames:
        found.append((offset, len(body)))
        offset += len(body)
    return found


def load_page(data: "bytes | mmap | None") -> StoredPage | None:
    """Return the page stored as *data*; None if it is damaged, or of another format."""
    if data is None:
        return None
    value, start = frame.load_at(data, 0)
    if type(value) is not tuple or len(value) != 2 or value[0] != _FORMAT or len(value[1]) != _FIELDS:
        return None
    return from_tuple(StoredPage, (*value[1], data, start, []))


def renewed(page: StoredPage, *, fetched_at: float, policy: Policy) -> bytes:
    """Return the stored form of *page* after status 304, with the validators of that answer."""
    validators = (policy.etag or page.etag, policy.last_modified or page.last_modified)
    header = (page.url, fetched_at, policy.max_age, *validators)
    rest = (page.status, page.reason, page.refused, page.versions, page.tail, page.uncut)
    return frame.dump((_FORMAT, (*header, *rest))) + page.data[page.start :]


def _links(rows: "Any") -> "tuple[FileLink, ...] | None":
    try:
        return tuple([from_tuple(FileLink, row) for row in rows])
    except (TypeError, ValueError):
        return None


def order_of(texts: "Iterable[str]") -> Order:
    """Return the order of the versions that file names spell as *texts*.

    Those in a usual form sort by their numbers. Others are parsed; with an epoch or a local part they are ranked.
    """
    found: dict[tuple[int, Key, int], tuple[str, list[str]]] = {}
    others: dict[Version, list[str]] = {}
    for text in texts:
        read = usual_version(text)
        if read is None:
            version = parsed_version(text)
            if version is None:
                continue
            if version.epoch or version.local:
                others.setdefault(version, []).append(text)
                continue
            read = usual_version(str(version))
        if read is not None:
            found.setdefault((0, read[1], 0), (read[0], []))[1].append(text)
    for rank, version in enumerate(sorted(others), 1):
        read = usual_version(version.public.rpartition("!")[2])
        if read is not None:
            found[version.epoch, read[1], rank] = (str(version), others[version])
    ordered = [found[key] for key in sorted(found, reverse=True)]
    odd = {name: tuple(spellings) for name, spellings in ordered if spellings != [name]}
    return Order(names=tuple([name for name, _ in ordered]), texts=odd)
