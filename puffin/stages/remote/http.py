"""A remote cache over plain HTTP, as bazel-remote speaks it: ``/cas/<sha256>`` and ``/ac/<key>``.

Requests go through puffin's client, with its credentials, certificates and proxies.
"""

import hashlib
import json
import time
from typing import TYPE_CHECKING

from puffin.artifact.buffers import take
from puffin.artifact.urls import mask_text
from puffin.errors import PuffinError
from puffin.stages.fetch.client import WHOLE, Client, Response
from puffin.stages.fetch.connections import ConnectionBroken
from puffin.stages.fetch.download import bodies_of, length_of
from puffin.stages.fetch.fetch import client_for
from puffin.stages.fetch.network import network_from_wire, to_wire
from puffin.stages.fetch.retry import Transient
from puffin.stages.remote.backend import LEAST_RATE, NoAnswerYet, Received, Unavailable
from puffin.types import Buffer, Iterator
from puffin.value import replace

if TYPE_CHECKING:
    from puffin.stages.fetch.network import Wire
    from puffin.stages.remote.values import RemoteCache

_GONE = frozenset({404, 410})
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_FAILURES = (Transient, ConnectionBroken, PuffinError)
_SMALL = 1 << 16
_PIECE = 1 << 20


class HttpBackend:
    """The objects beneath a URL."""

    def __init__(self, settings: "RemoteCache", network: "Wire") -> None:
        self._silence = settings.silence
        own = replace(network_from_wire(network), timeout=settings.silence or settings.patience, retries=0)
        self._client: Client = client_for(to_wire(own))
        self._url = settings.url
        self._patience = settings.patience

    def get(self, kind: str, name: str, most: int) -> "Received | None":
        try:
            response = self._client.open(f"{self._url}/{kind}/{name}", _HEADERS, _GONE)
        except _FAILURES as error:
            raise self._failed(error) from error
        try:
            if response.status_code in _GONE:
                self._drain(response)
                return None
            found = self._receive(response, most)
        except _FAILURES as error:
            raise self._failed(error) from error
        finally:
            response.close()
        return found

    def _failed(self, error: Exception) -> Unavailable:
        known = error.transient() if isinstance(error, ConnectionBroken) else error
        silent = self._silence and isinstance(known, Transient) and known.timed_out
        return NoAnswerYet("it does not answer in time") if silent else _unavailable(error)

    def has(self, kind: str, name: str) -> bool:
        response = self._open("HEAD", kind, name)
        try:
            self._drain(response)
        finally:
            response.close()
        return response.status_code not in _GONE

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        response = self._open("PUT", kind, name, bytes(data))
        try:
            self._drain(response)
        finally:
            response.close()
        if response.status_code in _GONE:
            raise Unavailable(f"the server answered {response.status_code} to an upload")

    def size(self) -> int:
        """Return what the server says at ``/status``, as bazel-remote does."""
        try:
            page = self._client.get(f"{self._url}/status")
            told = json.loads(page.body) if page.status == 200 else None
        except (PuffinError, ValueError) as error:
            raise _unavailable(error) from error
        size = told.get("CurrSize") if isinstance(told, dict) else None
        if not isinstance(size, int):
            raise Unavailable("it does not report its size; bazel-remote does, at `/status`")
        return size

    def _open(self, method: str, kind: str, name: str, data: bytes | None = None) -> "Response":
        headers = {**_HEADERS, "Content-Type": "application/octet-stream"} if data is not None else _HEADERS
        try:
            return self._client.open(f"{self._url}/{kind}/{name}", headers, _GONE, method=method, data=data)
        except _FAILURES as error:
            raise _unavailable(error) from error

    def _drain(self, response: "Response") -> None:
        """Read what a small answer holds besides its status, so that the connection can be used again."""
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) <= _SMALL:
            try:
                self._client.read(response)
            except _FAILURES:
                pass

    def _receive(self, response: "Response", most: int) -> Received:
        if response.status_code not in WHOLE:
            raise Unavailable(f"the server answered {response.status_code} to a request for an object")
        if "html" in response.headers.get("content-type", ""):
            raise Unavailable("the server answered with a web page")
        length = length_of(response)
        if length < 0:
            raise Unavailable("the server does not report the size of an object")
        if length > most:
            raise Unavailable(f"an object has {length} bytes, which is more than it can have")
        deadline = time.monotonic() + self._patience + length / LEAST_RATE
        view, filled, hasher = memoryview(take(length))[:length], 0, hashlib.sha256()
        for count in _filled(response, view):
            hasher.update(view[filled : filled + count])
            filled += count
            if time.monotonic() > deadline:
                raise Unavailable("it sends too slowly")
        if filled < length:
            raise Unavailable(f"an object ended after {filled} of {length} bytes")
        return Received(view, hasher.hexdigest())


def _filled(response: "Response", view: memoryview) -> "Iterator[int]":
    """Put the content of a response into *view*, as it comes, and yield how many bytes came."""
    body, parts = bodies_of(response)
    filled, length = 0, len(view)
    if body is not None:
        while filled < length and (count := body.readinto(view[filled : filled + _PIECE])):
            filled += count
            yield count
        return
    for part in parts:
        if filled + len(part) > length:
            raise Unavailable("an object has more bytes than the server announced")
        view[filled : filled + len(part)] = part
        filled += len(part)
        yield len(part)


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(mask_text((str(error).splitlines() or [type(error).__name__])[0]))
