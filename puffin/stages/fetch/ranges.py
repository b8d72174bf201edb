"""Reading one member of a remote zip file: by HTTP range requests from its end (RFC 9110, section 14).

The central directory of a zip file is at its end, and wheels have their metadata near it, so that one
request usually has all, and three at most are made.
"""

import zlib
from collections.abc import Callable
from struct import Struct, error

from puffin.artifact.urls import is_file_url
from puffin.stages.fetch.client import WHOLE, Client, Response
from puffin.stages.fetch.failures import AccessDenied, RequestRefused
from puffin.value import frozen

_ACCEPTED = frozenset((*WHOLE, 206, 416))
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_LEAST_TAIL = 16 << 10  # bytes
_MOST_TAIL = 1 << 20
_HEAD = 30 + 1024  # bytes in front of a member's data: the fixed part, its name and its extra fields
_MOST_MEMBER = 16 << 20
_MOST_REQUESTS = 3
_END = Struct("<4s8x2LH")
_CENTRAL = Struct("<4s6H3L5H2L")
_LENGTHS = Struct("<4s4xH18x3H")  # of the same
_LOCAL = Struct("<4s22x2H")
_ENCRYPTED, _UTF8 = 0x2041, 0x800
_METHODS = (0, 8)


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
    Raises :class:`Unranged` where ranges do not work or the file is not a usable zip, and the errors of
    ``Client.get`` other than refusals of the range.
    """
    if is_file_url(url):
        raise Unranged
    remote = _Remote(client, url)
    whole = remote.begin(size)
    if whole is not None:
        return whole
    try:
        return _member(remote, choose)
    except (zlib.error, error, ValueError):
        raise Unranged from None


def _member(remote: "_Remote", choose: "Callable[[list[str]], str]") -> bytes:
    """Return the content of a member; raises ValueError or ``struct.error`` for no usable zip.

    ``zipfile`` would take most of the time of a resolution: it makes an object of each of a thousand members.
    """
    directory = _directory(remote)
    names = _names(directory)
    fields = _CENTRAL.unpack_from(directory, names[choose(list(names))])
    flags, method, crc, packed, size, start = (*fields[3:5], *fields[7:10], fields[16])
    if size > _MOST_MEMBER or start + packed > remote.size or flags & _ENCRYPTED or method not in _METHODS:
        raise Unranged
    head = remote.need(start, start + _HEAD + packed)
    signature, length, extra = _LOCAL.unpack_from(head)
    begin = start + _LOCAL.size + length + extra
    data = remote.need(begin, begin + packed)
    content = data if method == 0 else zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
    if signature != b"PK\3\4" or len(content) != size or zlib.crc32(content) != crc:
        raise Unranged
    return content


def _directory(remote: "_Remote") -> bytes:
    tail = remote.tail
    at = tail.rfind(b"PK\5\6")
    _sig, size, start, comment = _END.unpack_from(tail, max(at, 0))
    if at < 0 or at + _END.size + comment != len(tail) or start + size != remote.size - len(tail) + at:
        raise Unranged  # zip64 too: its fields are elsewhere
    return remote.need(start, start + size)


def _names(directory: bytes) -> dict[str, int]:
    """Return the names of the members, and where their entries are in the directory."""
    found: dict[str, int] = {}
    at = 0
    while at < len(directory):
        signature, flags, length, extra, comment = _LENGTHS.unpack_from(directory, at)
        if signature != b"PK\1\2":
            raise Unranged
        name = directory[at + _CENTRAL.size : at + _CENTRAL.size + length]
        found[name.decode("utf-8" if flags & _UTF8 or name.isascii() else "cp437")] = at
        at += _CENTRAL.size + length + extra + comment
    return found


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
        if response.status_code in WHOLE:
            return Whole(data=body)
        self._validator = _strong_validator(response)
        begin, end, self.size = _content_range(response)
        if response.status_code != 206 or end != self.size or not body or end - begin != len(body):
            raise NoRanges
        self._pieces.append((begin, body))
        return None

    def _extend(self, begin: int, end: int) -> None:
        """Get the bytes from *begin* to *end*, those known left out."""
        start, tail = self._pieces[-1]
        end = min(end, start)
        if (
            end == start
        ):  # the directory begins before what is known; in front of it METADATA and RECORD, half as large, often stand
            begin = max(0, begin - _LEAST_TAIL - (self.size - begin) // 2)
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

    @property
    def tail(self) -> bytes:
        """The bytes that are known of the end of the file."""
        return self._pieces[-1][1]

    def need(self, begin: int, end: int) -> bytes:
        """Return the bytes from *begin* to *end*, or to the end of the file."""
        end = min(end, self.size)
        while True:
            for start, data in self._pieces:
                if start <= begin and end <= start + len(data):
                    return data[begin - start : end - start]
            self._extend(begin, end)

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
