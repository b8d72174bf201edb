"""Kept-alive HTTP/1.1 connections, made for whole files and for many pages.

httpx's own transport spends two to three times the processor time per byte. Here a caller receives a body straight
into its buffer. The system is asked where a host is once for each, however many connections begin at a time.
"""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from threading import Lock
from typing import Any

from puffin.stages.fetch.answer import Headers, HttpResponse, NotHttp, request_bytes
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.retry import Transient
from puffin.stages.fetch.turns import NetworkTurns, Nobody, until_readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl


Origin = tuple[str, str, int]
Address = tuple[Any, ...]


_PIECE = 1 << 20
_SMALL = 1 << 16  # bytes of a body, which come with its header or soon after
_MOST_IDLE = 50
_LONGEST_IDLE = 45.0  # seconds; common servers hang up after 60 or 75
_LONGEST_CONNECT = 10.0


_FAILURES = (OSError, EOFError, NotHttp)


class ConnectionBroken(Exception):
    """A connection could not be made, or broke; ``error`` is the error of the system, ssl or the parser."""

    def __init__(self, error: BaseException, *, connecting: bool = False) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.error = error
        self.connecting = connecting

    def transient(self) -> Transient:
        """Return it as a failure that may be gone at the next attempt."""
        if isinstance(self.error, TimeoutError):
            doing = (
                "did not take the connection in time" if self.connecting else "stopped answering (read timeout)"
            )
            return Transient(f"the server {doing}", timed_out=True)
        return Transient(f"{'no connection' if self.connecting else 'the connection broke'}: {self}")


class _State:
    """What must not be shared with a forked child: connections, and a lock that may be held at the fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.idle: dict[Origin, deque[tuple[socket.socket, float]]] = {}
        self.contexts: dict[bool, ssl.SSLContext] = {}
        self.addresses = Addresses()
        self.closed = False


class Body:
    """The body of one answer; reading it to its end gives the connection back to the pool.

    ``answer`` has the status and the headers.
    """

    def __init__(
        self, pool: "Connections", origin: "Origin", connection: "socket.socket", answer: HttpResponse
    ) -> None:
        self.answer = answer
        self._pool = pool
        self._origin = origin
        self._connection: "socket.socket | None" = connection

    @property
    def length(self) -> int | None:
        """The bytes still to come, None where the server does not say."""
        return self.answer.length

    def readinto(self, view: memoryview) -> int:
        """Receive into *view*, blocking, and return the number of bytes; 0 means the end of the body.

        Raises :class:`ConnectionBroken`, also for a body that ends before its ``Content-Length``.
        """
        try:
            with self._pool.turns.aside():
                return self.answer.readinto(view)
        except _FAILURES as error:
            raise ConnectionBroken(error) from error

    def __iter__(self) -> "Iterator[bytes]":
        buffer = bytearray(min(_PIECE, self.length or 65536))
        with memoryview(buffer) as view:
            while count := self.readinto(view):
                yield bytes(view[:count])

    def read(self, variable: str) -> bytes:
        """Return the rest of the body. Raises :class:`ConnectionBroken`, and ``TooLarge`` above a limit."""
        try:
            if self.length is not None and self.length <= _SMALL:
                return self.answer.read(variable)
            with self._pool.turns.aside():
                return self.answer.read(variable)
        except _FAILURES as error:
            raise ConnectionBroken(error) from error

    def close(self) -> None:
        """Give the connection back, or close it when bytes are still on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.answer.done and self.answer.keeps:
            self._pool.give_back(self._origin, connection)
        else:
            connection.close()


class Connections:
    """Kept-alive connections, safe to share between threads and to carry over a fork.

    With ``turns``, threads that have theirs let others have it while they wait.
    """

    def __init__(self, network: Network) -> None:
        self.turns: NetworkTurns | Nobody = Nobody()
        self._network = network
        self._own = _State()

    def exchange(
        self, origin: "Origin", method: str, target: str, headers: "Headers", data: bytes | None = None
    ) -> Body:
        """Send a request and return the body of the answer, still to be read. Raises :class:`ConnectionBroken`."""
        kept = self._take(origin)
        if kept is not None:
            try:
                return Body(self, origin, kept, self._send(kept, method, target, headers, data))
            except ConnectionError:
                kept.close()  # the server hung up while it was idle: that is no failure of this request
            except _FAILURES as error:
                kept.close()
                raise ConnectionBroken(error) from error
        fresh = self._connect(origin)
        try:
            return Body(self, origin, fresh, self._send(fresh, method, target, headers, data))
        except _FAILURES as error:
            fresh.close()
            raise ConnectionBroken(error) from error

    def give_back(self, origin: "Origin", connection: "socket.socket") -> None:
        state = self._state()
        idle = state.idle.setdefault(origin, deque())
        if state.closed or len(idle) >= _MOST_IDLE:
            connection.close()
        else:
            idle.append((connection, time.monotonic()))

    def close(self) -> None:
        """Close the idle connections; those in use close when their bodies do."""
        state = self._state()
        state.closed = True
        _close_idle(state)

    def context(self, checked: bool) -> "ssl.SSLContext":
        """Return how TLS is done: with certificates *checked*, or not."""
        from puffin.stages.fetch import tls

        state = self._state()
        with state.lock:
            if checked not in state.contexts:
                state.contexts[checked] = (
                    tls.context(self._network) if checked else tls.unchecked(self._network)
                )
            return state.contexts[checked]

    def _take(self, origin: "Origin") -> "socket.socket | None":
        idle = self._state().idle.get(origin)
        while idle:
            try:
                connection, since = idle.pop()
            except IndexError:  # another thread was quicker
                break
            if time.monotonic() - since < _LONGEST_IDLE:
                return connection
            connection.close()
        return None

    def _connect(self, origin: "Origin") -> "socket.socket":
        scheme, host, port = origin
        try:
            with self.turns.aside():
                made = self._connected(scheme, host.strip("[]"), port)
        except _FAILURES as error:
            _close_idle(self._state())  # if descriptors ran out, the next attempt finds some
            raise ConnectionBroken(error, connecting=True) from error
        made.settimeout(self._network.timeout)
        return made

    def _connected(self, scheme: str, host: str, port: int) -> "socket.socket":
        """Return an open socket, with TLS on it where the scheme wants that (``OSError``)."""
        context = self.context(not self._network.trusts(host, port)) if scheme == "https" else None
        addresses = self._state().addresses
        plain = addresses.connect(host, port, min(_LONGEST_CONNECT, self._network.timeout))
        if context is None:
            return plain
        try:
            return context.wrap_socket(plain, server_hostname=host.encode("ascii"))
        except BaseException:
            plain.close()
            raise

    def _send(
        self, connection: "socket.socket", method: str, target: str, headers: "Headers", data: bytes | None
    ) -> HttpResponse:
        connection.sendall(request_bytes(method, target, headers, data))
        until_readable(connection, self.turns)
        return HttpResponse(connection, method)

    def _state(self) -> _State:
        if self._own.pid != os.getpid():
            inherited, self._own = self._own, _State()
            _close_idle(inherited)  # closes this process's descriptors; the parent's connections stay open
        return self._own


def _close_idle(state: _State) -> None:
    for idle in list(state.idle.values()):
        while idle:
            try:
                idle.pop()[0].close()
            except IndexError:  # another thread was quicker
                break


class Addresses:
    """The addresses of hosts, kept for the life of a process."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, int], Lock] = {}
        self._known: dict[tuple[str, int], list[Address]] = {}

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to the first address that takes it in *timeout* seconds (``OSError``)."""
        failure: OSError | None = None
        for family, kind, protocol, _, address in self._addresses(host, port):
            try:
                return _connected(socket.socket(family, kind, protocol), address, timeout)
            except OSError as error:
                failure = error
        self._known.pop((host, port), None)  # it may have moved
        raise failure or OSError(f"`{host}` has no address")

    def _addresses(self, host: str, port: int) -> "list[Address]":
        place = host, port
        with self._locks.setdefault(place, Lock()):
            known = self._known.get(place)
            if known is None:
                bare = host.encode(
                    "ascii"
                )  # a text would be taken for a name in another script: 4 ms of imports
                known = self._known[place] = list(socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM))
            return known


def _connected(sock: socket.socket, address: "Any", timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock
