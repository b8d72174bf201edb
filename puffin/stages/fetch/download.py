"""Downloads: a whole file in one buffer, hashed while it arrives, resumed after a broken connection."""

import os
from collections.abc import Iterable
from typing import Protocol

from puffin import meter
from puffin.artifact.buffers import Buffer, take
from puffin.artifact.limits import MOST_UNTOLD, TooLarge, limit
from puffin.artifact.urls import file_path, is_file_url, mask, strip_credentials
from puffin.errors import UsageError
from puffin.stages.fetch.client import WHOLE, Client, Response, file_unreadable
from puffin.stages.fetch.connections import Body, ConnectionBroken
from puffin.stages.fetch.digests import Groups, Hashers
from puffin.stages.fetch.failures import SizeMismatch
from puffin.stages.fetch.plain_request import PlainResponse
from puffin.stages.fetch.retry import Transient
from puffin.value import frozen

_PIECE = 1 << 20
_MOST_TRUSTED = 1 << 32  # a buffer larger than this is not made on the word of a header
_PLAIN = {"Accept": "*/*", "Accept-Encoding": "identity"}
_RANGE_UNSATISFIABLE = 416
_REPLACED = (
    "if the file was replaced on purpose, pin its new hash; "
    "if not, somebody between its author and you changed it"
)


class Readable(Protocol):
    """What bytes are received from."""

    def readinto(self, view: memoryview, /) -> int:
        """Put bytes into *view* and return how many; 0 at the end."""


@frozen
class Download:
    """A file that was received whole: ``url`` is the final one without credentials, ``sha256`` hexadecimal.

    Whoever has no more use for ``data`` may give its buffer back (``puffin.artifact.buffers``).
    """

    data: memoryview
    sha256: str
    url: str


class _Restart(Exception):
    """The server cannot continue where the connection broke; begin again."""


def download(client: Client, url: str, *, hashes: "Groups" = (), size: int = 0, filename: str = "") -> Download:
    """Return the file at *url*, checked against every group of *hashes* and *size* (bytes, 0 if unknown).

    A group is what one source says, such as the index or a requirements file: ``"algorithm:hex"`` texts of
    which one of the strongest algorithm must match. Raises :class:`HashMismatch`, :class:`SizeMismatch`
    and the errors of ``Client.get``; a 404 is an error here.
    """
    name = filename or strip_credentials(url).partition("?")[0].partition("#")[0].rpartition("/")[2]
    receiver = _Receiver(mask(url), name, hashes, size)
    if is_file_url(url):
        _read_file(url, receiver)
        return receiver.finished(url)
    client.persist(url, lambda: _attempt(client, url, receiver))
    if receiver.resumed and receiver.hashers.broken(hashes):
        # The server continued with other bytes than it began with: do not trust it to resume again.
        receiver.may_resume = False
        receiver.reset()
        client.persist(url, lambda: _attempt(client, url, receiver))
    return receiver.finished(receiver.url)


class _Receiver:
    """The part of a file that has arrived, and what is needed to ask for the rest."""

    def __init__(self, shown: str, name: str, hashes: "Groups", size: int) -> None:
        self.shown = shown
        self.name = name
        self.hashes = hashes
        self.size = size
        self.url = ""
        self.may_resume = True
        self.resumed = False
        self.reset()

    def reset(self) -> None:
        self.data: Buffer = bytearray()
        self.filled = 0
        self.total = -1
        self.validator = ""
        self.hashers = Hashers(self.hashes)

    def begin(self, total: int, validator: str) -> None:
        """Begin a file of *total* bytes (-1 if unknown)."""
        self.reset()
        if self.size and total >= 0 and total != self.size:
            raise self._wrong_size(total)
        self.total = total
        self.validator = validator

    def request_headers(self) -> dict[str, str]:
        """Return the headers to send; they ask for the rest where resuming is possible (RFC 9110, 13.1.5)."""
        if not (self.may_resume and self.validator and 0 < self.filled < self.total):
            self.reset()
            return _PLAIN
        return {**_PLAIN, "Range": f"bytes={self.filled}-", "If-Range": self.validator}

    @property
    def may_fill(self) -> bool:
        """Whether the file's length is known, credible, and what has arrived lies in a buffer of that length."""
        return 0 <= self.total <= _MOST_TRUSTED and (not self.data or len(self.data) >= self.total)

    def fill(self, body: "Readable") -> None:
        """Receive the rest of a file of known length into its place."""
        if not self.data:
            self.data = take(self.total)
        with memoryview(self.data)[: self.total] as view:
            while self.filled < len(view):
                with view[self.filled : self.filled + _PIECE] as piece:
                    count = body.readinto(piece)
                    if not count:
                        break
                    with piece[:count] as arrived:
                        self.hashers.update(arrived)
                self.filled += count
                meter.arrived(self.filled, self.total)

    def add(self, part: bytes) -> None:
        """Append bytes of a file of unknown length, or of one that httpx receives."""
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data[: self.filled])  # one that can grow
        end = self.filled + len(part)
        self.data[self.filled : end] = part
        self.hashers.update(part)
        self.filled = end
        meter.arrived(self.filled, self.total)

    def check_whole(self) -> None:
        """Raise ``Transient`` if the body ended early."""
        expected = self.total if self.total >= 0 else self.size
        if self.filled < expected:
            raise Transient(f"the body ended after {self.filled} of {expected} bytes")

    def finished(self, url: str) -> Download:
        """Return the file if it is what it should be."""
        if self.size and self.filled != self.size:
            raise self._wrong_size(self.filled)
        self.hashers.check(self.hashes, self.name, self.shown, _REPLACED)
        return Download(data=memoryview(self.data)[: self.filled], sha256=self.hashers.sha256, url=url)

    def _wrong_size(self, received: int) -> SizeMismatch:
        return SizeMismatch(filename=self.name, url=self.shown, expected=self.size, received=received)


def _attempt(client: Client, url: str, receiver: _Receiver) -> None:
    try:
        _request(client, url, receiver)
    except _Restart:
        receiver.reset()
        _request(client, url, receiver)


def _request(client: Client, url: str, receiver: _Receiver) -> None:
    headers = receiver.request_headers()
    response = client.open(url, headers, {_RANGE_UNSATISFIABLE} if "Range" in headers else ())
    try:
        _accept(response, receiver, "Range" in headers)
        receiver.url = str(response.url)
        _receive(response, receiver)
    except ConnectionBroken as broken:
        raise broken.transient() from broken
    finally:
        response.close()
    receiver.check_whole()


def _accept(response: "Response", receiver: _Receiver, ranged: bool) -> None:
    if ranged and response.status_code == 206 and _continues(response, receiver):
        receiver.resumed = True
    elif ranged and response.status_code not in WHOLE:
        raise _Restart
    elif response.status_code not in WHOLE:
        raise Transient(
            f"the server answered {response.status_code} to a request for a whole file",
            status=response.status_code,
        )
    else:
        receiver.begin(length_of(response), _validator(response))


def _continues(response: "Response", receiver: _Receiver) -> bool:
    """Tell whether a 206 holds all bytes from our offset on, of the same file (RFC 9110, 14.4 and 15.3.7)."""
    expected = f"bytes {receiver.filled}-{receiver.total - 1}/{receiver.total}"
    tag = response.headers.get("etag", "")
    same = not tag or not receiver.validator.startswith('"') or tag == receiver.validator
    rest = receiver.total - receiver.filled
    return (
        same
        and response.headers.get("content-range", "").strip() == expected
        and length_of(response) in (rest, -1)
    )


def _receive(response: "Response", receiver: _Receiver) -> None:
    body, parts = bodies_of(response)
    if body is not None and body.length is not None and receiver.may_fill:
        receiver.fill(body)
    else:
        _gather(parts, receiver)


def bodies_of(response: "Response") -> "tuple[Body | None, Iterable[bytes]]":
    """Return the body of a response, None if it came through a proxy, and what yields its content as it was sent."""
    if isinstance(response, PlainResponse):
        return response.body, response.body
    from puffin.stages.fetch.httpx_client import body_of, raw

    body = body_of(response)
    return body, body if body is not None else raw(response)


def _gather(parts: "Iterable[bytes]", receiver: _Receiver) -> None:
    told = receiver.total if receiver.total >= 0 else receiver.size
    most = told or limit(MOST_UNTOLD)
    for part in parts:
        if not told and receiver.filled + len(part) > most:
            raise TooLarge(MOST_UNTOLD).named(receiver.shown)
        receiver.add(part)
        if receiver.filled > most:
            break  # longer than it may be: `finished` says so


def length_of(response: "Response") -> int:
    """Return how many bytes a response says that its content has, -1 if it does not say so."""
    text = response.headers.get("content-length", "")
    chunked = "transfer-encoding" in response.headers
    return int(text) if text.isascii() and text.isdigit() and not chunked else -1


def _validator(response: "Response") -> str:
    """Return what ``If-Range`` may carry: a strong entity tag, else the date of the last change."""
    tag: str = response.headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    date: str = response.headers.get("last-modified", "")
    return date


def _read_file(url: str, receiver: _Receiver) -> None:
    try:
        with open(file_path(url), "rb", buffering=0) as file:
            receiver.begin(os.fstat(file.fileno()).st_size, "")
            receiver.fill(file)
    except OSError as error:
        raise file_unreadable(url, error) from error
    except ValueError as error:
        raise UsageError(text=str(error)) from error
