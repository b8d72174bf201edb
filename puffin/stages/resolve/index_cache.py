"""Index pages at rest: parsed once, loaded lazily by version.

A stored page is a row of frames: a header first, then one frame for each version, found by the offset
and length in the header. So a pin costs the check and the loading of two frames, whatever the size of
the page. Parsed by plain splitting only; whoever looks at a version may parse it properly.
"""

from puffin.cache import frame
from puffin.stages.resolve.index_page import FileLink
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_FORMAT = "simple 1"
_FIELDS = 9
_NAMES = tuple(FileLink.__annotations__)

ABSENT = "absent"


@frozen
class StoredPage:
    """The header of a stored page, and its bytes.

    ``fetched_at`` is in seconds since the epoch; ``max_age`` in seconds. ``status`` is
    empty, :data:`ABSENT` (the index does not have the name) or a PEP 792 status. ``versions`` maps
    version texts to (offset, length) of their frames behind ``start``, the end of the header.
    """

    url: str
    fetched_at: float
    max_age: int
    etag: str
    last_modified: str
    status: str
    reason: str
    refused: tuple[str, ...]
    versions: "dict[str, tuple[int, int]]"
    data: bytes
    start: int

    def links(self, version: str) -> "tuple[FileLink, ...] | None":
        """Return the files of a version text, empty if there are none; None if the bytes are damaged."""
        place = self.versions.get(version)
        if place is None:
            return ()
        begin = self.start + place[0]
        rows = frame.load(self.data[begin : begin + place[1]])
        return None if rows is None else _links(rows)


def dump_page(
    groups: "Mapping[str, Iterable[FileLink]]",
    *,
    url: str,
    fetched_at: float,
    max_age: int,
    etag: str = "",
    last_modified: str = "",
    status: str = "",
    reason: str = "",
    refused: tuple[str, ...] = (),
) -> bytes:
    """Return the stored form of a page whose files are given by version text (see :class:`StoredPage`)."""
    places: dict[str, tuple[int, int]] = {}
    frames: list[bytes] = []
    offset = 0
    for version, links in groups.items():
        body = frame.dump(tuple([_row(link) for link in links]))
        places[version] = (offset, len(body))
        offset += len(body)
        frames.append(body)
    header = (url, fetched_at, max_age, etag, last_modified, status, reason, refused, places)
    return b"".join((frame.dump((_FORMAT, header)), *frames))


def load_page(data: "bytes | None") -> StoredPage | None:
    """Return the page stored as *data*; None for anything damaged, foreign or of another format."""
    if data is None:
        return None
    value, start = frame.load_at(data, 0)
    if type(value) is not tuple or len(value) != 2 or value[0] != _FORMAT or len(value[1]) != _FIELDS:
        return None
    url, fetched_at, max_age, etag, last_modified, status, reason, refused, places = value[1]
    return StoredPage(
        url=url,
        fetched_at=fetched_at,
        max_age=max_age,
        etag=etag,
        last_modified=last_modified,
        status=status,
        reason=reason,
        refused=refused,
        versions=places,
        data=data,
        start=start,
    )


def renewed(page: StoredPage, *, fetched_at: float, max_age: int) -> bytes:
    """Return the stored form of *page* after its index said that it has not changed."""
    header = (page.url, fetched_at, max_age, page.etag, page.last_modified)
    rest = (page.status, page.reason, page.refused, page.versions)
    return frame.dump((_FORMAT, (*header, *rest))) + page.data[page.start :]


def load_versions(data: bytes) -> "Mapping[str, tuple[int, int]] | None":
    """Return the version texts of a stored page with the places of their frames; None if it is damaged."""
    page = load_page(data)
    return None if page is None else page.versions


def load_version(data: bytes, version: str) -> "tuple[FileLink, ...] | None":
    """Return the files of one version text of a stored page; None if the page is damaged."""
    page = load_page(data)
    return None if page is None else page.links(version)


def _row(link: FileLink) -> "tuple[Any, ...]":
    return tuple([getattr(link, name) for name in _NAMES])


def _links(rows: "Any") -> "tuple[FileLink, ...] | None":
    try:
        return tuple([FileLink(**dict(zip(_NAMES, row, strict=True))) for row in rows])
    except (TypeError, ValueError):
        return None
