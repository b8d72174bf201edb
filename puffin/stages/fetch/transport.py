"""An httpx transport over the standard library's ``http.client``, made for whole files.

httpx's own transport spends two to three times the processor time per byte. This one lets a caller receive
a body straight into its buffer: a response carries its :class:`Body` in ``extensions[BODY]``.
"""

import http.client
import os
import threading
import time
from collections import deque

from puffin.stages.fetch import tls
from puffin.stages.fetch.lean import httpx
from puffin.stages.fetch.network import Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    Origin = tuple[str, str, int]

BODY = "puffin.body"
_PIECE = 1 << 20
_MOST_IDLE = 32
_LONGEST_IDLE = 45.0  # seconds; common servers hang up after 60 or 75
_LONGEST_CONNECT = 10.0


class _State:
    """What must not be shared with a forked child: connections, and a lock that may be held at the fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.idle: dict[Origin, deque[tuple[http.client.HTTPConnection, float]]] = {}
        self.contexts: dict[bool, ssl.SSLContext] = {}
        self.proxies: dict[tuple[str, bool], httpx.HTTPTransport] = {}
        self.closed = False


class Body(httpx.SyncByteStream):
    """The body of one response; reading it to its end gives the connection back to the pool."""

    def __init__(
        self,
        pool: "PooledTransport",
        origin: "Origin",
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
    ) -> None:
        self._pool = pool
        self._origin = origin
        self._connection: http.client.HTTPConnection | None = connection
        self._response = response

    @property
    def length(self) -> int | None:
        """The bytes still to come, None where the server does not say."""
        return None if self._response.chunked else self._response.length

    def readinto(self, view: memoryview) -> int:
        """Receive into *view*, blocking, and return the number of bytes; 0 means the end of the body.

        Raises httpx's errors, also for a body that ends before its ``Content-Length``.
        """
        try:
            count = self._response.readinto(view)
        except (OSError, http.client.HTTPException) as error:
            raise translated(error) from error
        if not count and self.length:
            raise httpx.RemoteProtocolError(f"the connection was closed with {self.length} bytes still to come")
        return count

    def __iter__(self) -> "Iterator[bytes]":
        buffer = bytearray(min(_PIECE, self.length or 65536))
        with memoryview(buffer) as view:
            while count := self.readinto(view):
                yield bytes(view[:count])

    def close(self) -> None:
        """Give the connection back, or close it when bytes are still on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        done = self._response.isclosed() or self._response.length == 0
        keep = done and not self._response.will_close
        self._response.close()
        if keep:
            self._pool.give_back(self._origin, connection)
        else:
            connection.close()


class PooledTransport(httpx.BaseTransport):
    """HTTP/1.1 with kept-alive connections, safe to share between threads and to carry over a fork.

    Requests that take a proxy go through httpx's own transport.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._own = _State()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return its response with the body still to be read."""
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"the scheme `{url.scheme}` is not http or https")
        port = url.port or (443 if url.scheme == "https" else 80)
        proxy = self._network.proxy_for(str(url), url.host)
        if proxy:
            return self._proxied(proxy, not self._network.trusts(url.host, port)).handle_request(request)
        origin = (url.scheme, url.raw_host.decode("ascii"), port)
        connection, answer = self._exchange(origin, request)
        body = Body(self, origin, connection, answer)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        extensions = {BODY: body, "reason_phrase": answer.reason.encode("latin-1"), "http_version": b"HTTP/1.1"}
        return httpx.Response(answer.status, headers=headers, stream=body, extensions=extensions)

    def give_back(self, origin: "Origin", connection: http.client.HTTPConnection) -> None:
        """Keep *connection* for the next request to *origin*."""
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
        _close_idle(self._state())
        for proxy in state.proxies.values():
            proxy.close()

    def _exchange(
        self, origin: "Origin", request: httpx.Request
    ) -> "tuple[http.client.HTTPConnection, http.client.HTTPResponse]":
        kept = self._take(origin)
        if kept is not None:
            try:
                return kept, _send(kept, request)
            except (ConnectionError, http.client.BadStatusLine):
                kept.close()  # the server hung up while it was idle: that is no failure of this request
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                raise translated(error) from error
        fresh = self._connect(origin, request)
        try:
            return fresh, _send(fresh, request)
        except (OSError, http.client.HTTPException) as error:
            fresh.close()
            raise translated(error) from error

    def _take(self, origin: "Origin") -> http.client.HTTPConnection | None:
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

    def _connect(self, origin: "Origin", request: httpx.Request) -> http.client.HTTPConnection:
        scheme, host, port = origin
        timeout = min(_LONGEST_CONNECT, self._network.timeout)
        if scheme == "https":
            context = self._context(not self._network.trusts(request.url.host, port))
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=timeout, context=context
            )
        else:
            made = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            made.connect()
        except (OSError, http.client.HTTPException) as error:
            made.close()
            _close_idle(self._state())  # if descriptors ran out, the next attempt finds some
            raise translated(error, connecting=True) from error
        made.sock.settimeout(self._network.timeout)
        return made

    def _state(self) -> _State:
        if self._own.pid != os.getpid():
            inherited, self._own = self._own, _State()
            _close_idle(inherited)  # closes this process's descriptors; the parent's connections stay open
        return self._own

    def _context(self, checked: bool) -> "ssl.SSLContext":
        state = self._state()
        with state.lock:
            if checked not in state.contexts:
                state.contexts[checked] = (
                    tls.context(self._network) if checked else tls.unchecked(self._network)
                )
            return state.contexts[checked]

    def _proxied(self, proxy: str, checked: bool) -> httpx.HTTPTransport:
        context = self._context(checked)
        state = self._state()
        with state.lock:
            found = state.proxies.get((proxy, checked))
            if found is None:
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MOST_IDLE)
                found = httpx.HTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
                state.proxies[proxy, checked] = found
            return found


def _close_idle(state: _State) -> None:
    for idle in list(state.idle.values()):
        while idle:
            try:
                idle.pop()[0].close()
            except IndexError:  # another thread was quicker
                break


def translated(error: BaseException, *, connecting: bool = False) -> httpx.TransportError:
    """Return httpx's error for one of the operating system, of ssl or of ``http.client``."""
    text = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return httpx.ConnectTimeout(text) if connecting else httpx.ReadTimeout(text)
    if connecting:
        return httpx.ConnectError(text)
    if isinstance(error, http.client.HTTPException):
        return httpx.RemoteProtocolError(text)
    return httpx.ReadError(text)


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> http.client.HTTPResponse:
    connection.putrequest(
        request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
    )
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    connection.endheaders(request.read() or None)
    return connection.getresponse()
