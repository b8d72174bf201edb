"""Reading one member of a remote zip file: by HTTP range requests from its end (RFC 9110, section 14).

The central directory of a zip file is at its end, and wheels have their metadata near it, so that one
request usually has all, and three at most are made.
"""

import io
import zipfile
import zlib
from collections.abc import Callable

from puffin.artifact.urls import is_file_url
from puffin.stages.fetch.client import Client, Response
from puffin.stages.fetch.failures import AccessDenied, RequestRefused
from puffin.value import frozen

_ACCEPTED = frozenset((200, 206, 416))
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_LEAST_TAIL = 16 << 10  # bytes
_MOST_TAIL = 1 << 20
_HEAD = 30 + 1024  # bytes in front of a member's data: the fixed part, its name and its extra fields
_MOST_MEMBER = 16 << 20
_MOST_REQUESTS = 3


@frozen
class Whole:
    """The server sent the whole file in answer to a range request: ``data`` are its bytes, not yet checked."""

    data: bytes


class Unranged(Exception):
    """The file cannot be read in parts; get it whole."""


class NoRanges(Unranged):
    """The server does not do ranges, or not rightly."""


def read_member(
    client: Client, url: str, choose: "Callable[[list[str]], str]", *, size: int = 0
) -> "bytes | Whole":
    """Return the content of one member of the zip file at *url*, without receiving the rest of it.

    *choose* picks the member among the names in the zip file; *size* is the file's in bytes, 0 if unknown.
    Raises :class:`Unranged` where ranges do not work or the file is no usable zip, and the errors of
    ``Client.get`` other than refusals of the range.
    """
    if is_file_url(url):
        raise Unranged
    remote = _Remote(client, url)
    whole = remote.begin(size)
    if whole is not None:
        return whole
    for _ in range(_MOST_REQUESTS):
        try:
            return _member(remote, choose)
        except _Missing as missing:
            remote.extend(missing.begin, missing.end)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ):
            raise Unranged from None
    raise Unranged


class _Missing(Exception):
    """The bytes from ``begin`` to ``end`` are needed and not all known."""

    def __init__(self, begin: int, end: int) -> None:
        super().__init__(begin, end)
        self.begin = begin
        self.end = end


def _member(remote: "_Remote", choose: "Callable[[list[str]], str]") -> bytes:
    with zipfile.ZipFile(_Window(remote)) as archive:
        info = archive.getinfo(choose(archive.namelist()))
        if info.file_size > _MOST_MEMBER or info.header_offset + info.compress_size > remote.size:
            raise Unranged
        remote.need(info.header_offset, info.header_offset + _HEAD + info.compress_size)
        return archive.read(info)


class _Remote:
    """Pieces of a remote file, the last of which reaches to its end, ``size`` bytes from its beginning."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url
        self._validator = ""
        self._requests = 0
        self.size = 0
        self._pieces: list[tuple[int, bytes]] = []

    def begin(self, size: int) -> Whole | None:
        """Get the end of the file, or the whole file where the server does not do ranges."""
        tail = min(max(_LEAST_TAIL, size >> 8), _MOST_TAIL)
        wanted = f"bytes={max(0, size - tail)}-{size - 1}" if size else f"bytes=-{tail}"
        response, body = self._get(wanted)
        if response.status_code == 200:
            return Whole(data=body)
        self._validator = _strong_validator(response)
        begin, end, self.size = _content_range(response)
        if response.status_code != 206 or end != self.size or not body or end - begin != len(body):
            raise NoRanges
        self._pieces.append((begin, body))
        return None

    def extend(self, begin: int, end: int) -> None:
        """Get the bytes from *begin* to *end*, those known left out."""
        start, tail = self._pieces[-1]
        end = min(end, start)
        if (
            end == start
        ):  # the directory begins before what is known: what stands before it may well be wanted next
            begin = max(0, begin - _LEAST_TAIL)
        if not 0 <= begin < end or self._requests >= _MOST_REQUESTS:
            raise Unranged
        response, body = self._get(f"bytes={begin}-{end - 1}")
        same = _strong_validator(response) == self._validator
        if response.status_code != 206 or not same or _content_range(response) != (begin, end, self.size):
            raise NoRanges
        if len(body) != end - begin:
            raise NoRanges
        if end == start:
            self._pieces[-1] = (begin, body + tail)
        else:
            self._pieces.insert(0, (begin, body))

    def need(self, begin: int, end: int) -> bytes:
        """Return the bytes from *begin* to *end*, or to the end of the file; raises :class:`_Missing`."""
        end = min(end, self.size)
        for start, data in self._pieces:
            if start <= begin and end <= start + len(data):
                return data[begin - start : end - start]
        raise _Missing(begin, end)

    def _get(self, wanted: str) -> "tuple[Response, bytes]":
        self._requests += 1
        headers = {**_HEADERS, "Range": wanted}
        try:
            return self._client.persist(self._url, lambda: self._get_once(headers))
        except AccessDenied:
            raise
        except RequestRefused as error:
            if error.status in (404, 410):
                raise
            raise NoRanges from error

    def _get_once(self, headers: dict[str, str]) -> "tuple[Response, bytes]":
        response = self._client.open(self._url, headers, _ACCEPTED)
        try:
            return response, self._client.read(response)
        finally:
            response.close()


class _Window(io.RawIOBase):
    """The remote file as zipfile wants it: reading what is not known raises :class:`_Missing`."""

    def __init__(self, remote: _Remote) -> None:
        super().__init__()
        self._remote = remote
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._remote.size)[whence]
        if self._at < 0:
            raise OSError("a position before the beginning")
        return self._at

    def read(self, count: int = -1) -> bytes:
        """Return *count* bytes, or those up to the end."""
        end = self._remote.size if count < 0 else min(self._remote.size, self._at + count)
        data = self._remote.need(self._at, end) if end > self._at else b""
        self._at += len(data)
        return data


def _content_range(response: "Response") -> tuple[int, int, int]:
    """Return begin, end and the whole size that an answer is about; zeros if it does not tell."""
    unit, _, rest = response.headers.get("content-range", "").strip().partition(" ")
    span, _, size = rest.partition("/")
    first, _, last = span.partition("-")
    numbers = (first.strip(), last.strip(), size.strip())
    if unit.lower() != "bytes" or not all(each.isascii() and each.isdigit() for each in numbers):
        return 0, 0, 0
    return int(numbers[0]), int(numbers[1]) + 1, int(numbers[2])


def _strong_validator(response: "Response") -> str:
    tag: str = response.headers.get("etag", "")
    return tag if tag.startswith('"') else str(response.headers.get("last-modified", ""))
