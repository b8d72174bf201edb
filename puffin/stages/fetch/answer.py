"""Requests and answers on a connection: HTTP/1.1, parsed by llhttp (``httptools``), bodies received into place.

By ``http.client`` a page took twice the processor time (385 us for 200), and its import takes 13 ms.
"""

import time
from collections.abc import Iterable
from socket import socket

from puffin.artifact.limits import HEAD, LEAST_RATE, MOST_PAGE, RATE_WINDOW, TooLarge, limit

Headers = Iterable[tuple[str | bytes, str | bytes]]

_MOST = 1 << 16  # bytes received at once where their place is not known
_SHOWN = 40
_NO_BODY = frozenset({204, 304})


class NotHttp(Exception):
    """What was sent, or was to be sent, is not HTTP."""


def request_bytes(method: str, target: str, headers: "Headers", data: bytes | None = None) -> bytes:
    """Return a request as it goes over the wire (RFC 9112, 3 and 5).

    Raises :class:`NotHttp` for parts that would make it another one.
    """
    lines = [f"{method} {target} HTTP/1.1", *[f"{_text(name)}: {_text(value)}" for name, value in headers]]
    head = "\r\n".join(lines)
    if head.count("\r") >= len(lines) or head.count("\n") >= len(lines) or "\0" in head:
        raise NotHttp("a request cannot have a line break in its target or in a header")
    return head.encode("latin-1") + b"\r\n\r\n" + (data or b"")


def _text(part: str | bytes) -> str:
    return part.decode("latin-1") if isinstance(part, bytes) else part


def _by_name(fields: "Iterable[tuple[bytes, bytes]]") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


class Pace:
    """Watches how fast an answer comes: a server that drips keeps no connection for ever."""

    def __init__(self) -> None:
        self._least = limit(LEAST_RATE) * RATE_WINDOW
        self._since = time.monotonic()
        self._bytes = 0

    def came(self, count: int) -> None:
        """Take note of bytes; raise ``TimeoutError`` if too few came in the last window."""
        self._bytes += count
        now = time.monotonic()
        if now - self._since < RATE_WINDOW:
            return
        if 0 < self._bytes < self._least:
            raise TimeoutError(f"fewer than {limit(LEAST_RATE)} bytes a second came")
        self._since, self._bytes = now, 0


class HttpResponse:
    """The answer to a request, whose head has come (RFC 9112, 4 to 6).

    ``fields`` are the header fields as they were sent, ``headers`` the same by their names in lower case, repeated ones
    in one (RFC 9110, 5.3). ``length`` is the number of bytes of the body still to be read, None where the server does
    not say; ``keeps`` whether it goes on listening.
    """

    def __init__(self, sock: "socket", method: str) -> None:
        """Receive the head. Raises ``OSError``, ``EOFError`` or :class:`NotHttp`."""
        import httptools

        self.status = 0
        self.reason = ""
        self.fields: list[tuple[bytes, bytes]] = []
        self.headers: dict[str, str] = {}
        self.chunked = False
        self.length: int | None = None
        self.keeps = False
        self._sock = sock
        self._bodiless = method == "HEAD"
        self._headed = False
        self._ended = False
        self._came: list[bytes] = []  # of the body: what was received with other things
        self._beside = 0  # bytes that were no body
        self._pace = Pace()
        self._parser = httptools.HttpResponseParser(self)
        self._errors = httptools.HttpParserError, httptools.HttpParserUpgrade
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)  # RFC 9112, 2.2
        if not self._feed():
            raise ConnectionResetError("the server closed the connection without an answer")
        while not self._headed:
            if not self._feed():
                raise EOFError("the connection was closed in the head of an answer")

    @property
    def done(self) -> bool:
        """Whether the body was read to its end."""
        return not self._came and (self._ended or self.length == 0)

    def readinto(self, view: memoryview) -> int:
        """Receive into *view*, blocking, and return the number of bytes; 0 means the end of the body.

        Raises ``OSError``, :class:`NotHttp`, and ``EOFError`` for a body that ends too early.
        """
        while self.chunked and not (self._came or self._ended):
            if not self._feed():
                raise EOFError("the connection was closed in the middle of a body")
        if self.done or not view:
            return 0
        count = self._hand_over(view) if self._came else self._receive(view)
        if self.length is not None:
            self.length -= count
        return count

    def read(self, variable: str = MOST_PAGE) -> bytes:
        """Return the rest of the body. Raises as :meth:`readinto` does, and ``TooLarge`` above a limit."""
        most = limit(variable)
        if self.length is not None:
            if self.length > most:
                raise TooLarge(variable)
            data, filled = bytearray(self.length), 0
            with memoryview(data) as view:
                while count := self.readinto(view[filled:]):
                    filled += count
            return bytes(data)
        parts, buffer = [], bytearray(_MOST)
        with memoryview(buffer) as view:
            while count := self.readinto(view):
                parts.append(bytes(view[:count]))
                most -= count
                if most < 0:
                    raise TooLarge(variable)
        return b"".join(parts)

    def _hand_over(self, view: memoryview) -> int:
        first = self._came[0]
        count = min(len(first), len(view))
        view[:count] = first[:count]
        self._came[:1] = [first[count:]] if count < len(first) else []
        return count

    def _receive(self, view: memoryview) -> int:
        count = self._sock.recv_into(view if self.length is None else view[: self.length])
        self._pace.came(count)
        if not count and self.length:
            raise EOFError(f"the connection was closed with {self.length} bytes still to come")
        self._ended = not count
        return count

    def _feed(self) -> bool:
        """Have the parser take in what comes next; False at the end of all."""
        data = self._sock.recv(_MOST)
        self._pace.came(len(data))
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
        except self._errors as error:
            self.keeps = False
            if not self._ended:  # behind the end it may be anything
                shown = data[:_SHOWN].decode("latin-1")
                raise NotHttp(f"the answer is not valid HTTP ({error}): {shown!r}") from error
        if self._came:
            self._beside = 0
        if self._beside > HEAD:
            raise NotHttp(f"the head of the answer has more than {HEAD} bytes")
        if self._headed and (self._ended or not self.chunked):
            del self._parser  # it knows this object, and each would keep the other alive
        return bool(data)

    def on_message_begin(self) -> None:
        """Begin with the head: of the answer, or of one that only announces it (RFC 9110, 15.2)."""
        if not self._headed:
            self.fields, self.reason = [], ""

    def on_status(self, reason: bytes) -> None:
        self.reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Find out how long the body is (RFC 9112, 6.3)."""
        status = self._parser.get_status_code()
        if self._headed or 100 <= status < 200:
            return
        self.status, self._headed, self.keeps = status, True, self._parser.should_keep_alive()
        self.headers = told = _by_name(self.fields)
        if self._bodiless or status in _NO_BODY:
            self.length = 0
        elif "transfer-encoding" in told:
            self.chunked = told["transfer-encoding"].lower().endswith("chunked")
        elif "content-length" in told:
            self.length = int(told["content-length"])

    def on_body(self, data: bytes) -> None:
        if not self._ended:
            self._came.append(data)

    def on_message_complete(self) -> None:
        self._ended = self._headed
