"""The plain request: one GET to a server that answers it at once, without httpx, whose import takes 50 ms.

Whatever is not plain (a proxy, a redirect, a refusal, a URL that needs normalising) is left to httpx.
"""

import zlib

from puffin import __version__
from puffin.artifact.limits import MOST_PAGE, TooLarge, limit
from puffin.artifact.urls import mask
from puffin.stages.fetch.connections import Body, ConnectionBroken, Origin
from puffin.stages.fetch.retry import Transient

try:
    from deflate import DeflateError, gzip_decompress
except ImportError:  # no wheel of it for this platform
    gzip_decompress = None  # type: ignore[assignment]

ACCEPT_ENCODING = "gzip, zstd"
AGENT = f"puffin/{__version__}"
_PORTS = {"http": 80, "https": 443}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")
_TARGET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=:@%?")
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "zstd")


def split_plain(url: str) -> "tuple[Origin, str] | None":
    """Return where a URL without credentials leads and the target of its request; None if httpx has to tell."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    scheme = scheme.lower()
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.lower().partition(":")
    if scheme not in _PORTS or not host or not _HOST.issuperset(host) or not _TARGET.issuperset(path):
        return None
    if (colon and not (port.isascii() and port.isdigit() and len(port) < 6)) or "/." in slash + path:
        return None
    return (scheme, host, int(port) if colon else _PORTS[scheme]), f"/{path}"


def host_header(origin: "Origin") -> str:
    """Return the value of the ``Host`` header (RFC 9110, 7.2)."""
    scheme, host, port = origin
    return host if port == _PORTS[scheme] else f"{host}:{port}"


class PlainResponse:
    """The answer to a plain request, with what users of an ``httpx.Response`` here look at."""

    def __init__(self, url: str, body: "Body") -> None:
        self.url = url
        self.body = body
        self.status_code = body.answer.status
        self.headers = body.answer.headers
        """The header fields by their names in lower case."""

    @property
    def encoding(self) -> str:
        """The content's coding in lower case."""
        return self.headers.get("content-encoding", "").strip().lower()

    @property
    def is_plain(self) -> bool:
        """Whether the content can be read here."""
        return self.encoding in _ENCODINGS

    def read(self) -> bytes:
        """Return the content, decoded. Raises :class:`Transient`, and ``AnswerTooLarge`` above the limit."""
        try:
            data = self.body.read(MOST_PAGE)
            return _decoded(data, self.encoding) if data else data
        except ConnectionBroken as broken:
            raise broken.transient() from broken
        except TooLarge as large:
            raise large.named(mask(self.url)) from None

    def close(self) -> None:
        self.body.close()


def _decoded(data: bytes, encoding: str) -> bytes:
    if encoding in ("gzip", "x-gzip"):
        return _gunzipped(data)
    if encoding == "zstd":
        import zstandard

        try:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                found = reader.read(limit(MOST_PAGE) + 1)
        except zstandard.ZstdError as error:
            raise Transient(f"the body cannot be decoded: {error}") from error
        if len(found) > limit(MOST_PAGE):
            raise TooLarge(MOST_PAGE)
        return bytes(found)
    return data


_MEMBER = b"\x1f\x8b\x08"
_MOST_RATIO = 1100  # deflate makes at most 1032 bytes of one


def _gunzipped(data: bytes) -> bytes:
    return _one_member(data) or _all_members(data)


def _one_member(data: bytes) -> bytes:
    """Return what libdeflate decompresses the data to, in a quarter of zlib's time.

    Nothing if they are several members, damaged or too large: zlib reads them, or says what is wrong.
    """
    size = int.from_bytes(data[-4:], "little")  # of the last member
    if gzip_decompress is None or _MEMBER in data[3:] or size > min(limit(MOST_PAGE), _MOST_RATIO * len(data)):
        return b""
    try:
        found = bytes(gzip_decompress(data))
    except (DeflateError, ValueError, MemoryError):
        return b""
    return found if len(found) == size else b""


def _all_members(data: bytes) -> bytes:
    parts = []
    room = limit(MOST_PAGE)
    try:
        while data:
            member = zlib.decompressobj(wbits=31)
            parts.append(member.decompress(data, room + 1))
            room -= len(parts[-1])
            if room < 0:
                raise TooLarge(MOST_PAGE)
            if not member.eof:
                raise Transient("the body cannot be decoded: it ends too early")
            data = member.unused_data.lstrip(b"\0")  # padding, which gzip passes over too
    except zlib.error as error:
        raise Transient(f"the body cannot be decoded: {error}") from error
    return b"".join(parts)
