"""An httpx transport over puffin's own connections, for what takes more than one plain request."""

import threading
from collections.abc import Iterator

from puffin.stages.fetch.answer import NotHttp
from puffin.stages.fetch.connections import Body, ConnectionBroken, Connections
from puffin.stages.fetch.httpx_import import httpx
from puffin.stages.fetch.network import Network

BODY = "puffin.body"
"""Under this name a response's ``extensions`` have its :class:`Body`."""
ANSWER = "puffin.answer"
"""Under this name a request's ``extensions`` may have the answer that it got already."""
_MOST_IDLE = 32


class _Stream(httpx.SyncByteStream):
    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> "Iterator[bytes]":
        try:
            yield from self._body
        except ConnectionBroken as broken:
            raise translated(broken) from broken

    def close(self) -> None:
        self._body.close()


class PooledTransport(httpx.BaseTransport):
    """Sends requests over :class:`Connections`; those that take a proxy go through httpx's own transport."""

    def __init__(self, network: Network, connections: Connections | None = None) -> None:
        self._network = network
        self._connections = connections or Connections(network)
        self._lock = threading.Lock()
        self._proxies: dict[tuple[str, bool], httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return its response with the body still to be read."""
        known = request.extensions.pop(ANSWER, None)
        return _response(known) if isinstance(known, Body) else self._exchange(request)

    def close(self) -> None:
        """Close the idle connections; those in use close when their bodies do."""
        self._connections.close()
        for proxy in self._proxies.values():
            proxy.close()

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"the scheme `{url.scheme}` is not http or https")
        port = url.port or (443 if url.scheme == "https" else 80)
        proxy = self._network.proxy_for(str(url), url.host)
        if proxy:
            return self._proxied(proxy, not self._network.trusts(url.host, port)).handle_request(request)
        origin = (url.scheme, url.raw_host.decode("ascii"), port)
        target = url.raw_path.decode("ascii")
        try:
            body = self._connections.exchange(
                origin, request.method, target, request.headers.raw, request.read() or None
            )
        except ConnectionBroken as broken:
            raise translated(broken) from broken.error
        return _response(body)

    def _proxied(self, proxy: str, checked: bool) -> httpx.HTTPTransport:
        context = self._connections.context(checked)
        with self._lock:
            found = self._proxies.get((proxy, checked))
            if found is None:
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MOST_IDLE)
                found = httpx.HTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
                self._proxies[proxy, checked] = found
            return found


def _response(body: Body) -> httpx.Response:
    answer = body.answer
    extensions = {BODY: body, "reason_phrase": answer.reason.encode("latin-1"), "http_version": b"HTTP/1.1"}
    return httpx.Response(answer.status, headers=answer.fields, stream=_Stream(body), extensions=extensions)


def translated(broken: ConnectionBroken) -> httpx.TransportError:
    """Return httpx's error for a connection that broke."""
    text = str(broken)
    if isinstance(broken.error, TimeoutError):
        return httpx.ConnectTimeout(text) if broken.connecting else httpx.ReadTimeout(text)
    if broken.connecting:
        return httpx.ConnectError(text)
    if isinstance(broken.error, (NotHttp, EOFError)):
        return httpx.RemoteProtocolError(text)
    return httpx.ReadError(text)
