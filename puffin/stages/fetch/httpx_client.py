"""Requests that are not plain, by httpx: redirects, refusals, proxies, and URLs that need normalising.

httpx's errors are translated to puffin's here and nowhere else.
"""

import json
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping

from puffin.artifact.limits import MOST_PAGE, TooLarge, limit
from puffin.artifact.urls import mask, mask_text, split_credentials
from puffin.errors import Cause, UsageError
from puffin.names import printable
from puffin.stages.fetch.connections import Body, ConnectionBroken, Connections
from puffin.stages.fetch.credentials import Credentials, basic
from puffin.stages.fetch.failures import MOST_SHOWN, AccessDenied, RequestRefused, statement
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.plain_request import AGENT
from puffin.stages.fetch.retry import Transient, is_transient, retry_after
from puffin.stages.fetch.tls import check_certificate

if "httpx" not in sys.modules:
    # Without httpx's command line, which alone would load click and rich, a third of the import: None makes the
    # import of that module fail, for which httpx is prepared (it is an extra).
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx

if sys.modules.get("httpx._main", httpx) is None:
    del sys.modules["httpx._main"]

BODY = "puffin.body"
"""Under this name a response's ``extensions`` have its :class:`Body`."""
ANSWER = "puffin.answer"
"""Under this name a request's ``extensions`` may have the answer that it got already."""
_MOST_IDLE = 32


class _Stream(httpx.SyncByteStream):
    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> "Iterator[bytes]":
        return iter(self._body)

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
        data = request.read() or None
        return _response(self._connections.exchange(origin, request.method, target, request.headers.raw, data))

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


_BROKEN = (httpx.TransportError, httpx.DecodingError, ConnectionBroken)
_MOST_REDIRECTS = 20


class HttpxClient:
    """An httpx client over puffin's connections, with credentials and redirects."""

    def __init__(self, network: Network, credentials: Credentials, connections: Connections) -> None:
        self.network = network
        self._credentials = credentials
        self._connections = connections
        self._client = httpx.Client(
            transport=PooledTransport(network, connections),
            timeout=network.timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": AGENT},
        )

    def close(self) -> None:
        self._client.close()

    def open(
        self,
        url: str,
        headers: "Mapping[str, str]",
        accepted: "Collection[int]",
        answer: "Body | None",
        *,
        method: str = "GET",
        data: bytes | None = None,
    ) -> httpx.Response:
        """Send a request as :meth:`puffin.stages.fetch.client.Client.open` does.

        An *answer* is one that is there already.
        """
        response = self._follow(url, headers, method, data, answer)
        if response.status_code == 401 and self._credentials.ask(_wanting(url, response)):
            response.close()
            response = self._follow(url, headers, method, data)
        if response.is_success or response.status_code in accepted:
            return response
        raise self._refused(url, response)

    def read(self, response: httpx.Response) -> bytes:
        """Return the content of a response, decoded. Raises ``Transient``, and ``AnswerTooLarge`` above the limit."""
        parts, room = [], limit(MOST_PAGE)
        try:
            with self._connections.turns.aside():
                for part in response.iter_bytes():
                    parts.append(part)
                    room -= len(part)
                    if room < 0:
                        raise TooLarge(MOST_PAGE).named(mask(str(response.url)))
            return b"".join(parts)
        except _BROKEN as error:
            raise transient(error) from error

    def _refused(self, url: str, response: "httpx.Response") -> Exception:
        text = excerpt(response)
        if not is_transient(response.status_code):
            return refusal_of(mask(url), response, text, self._credentials.problem)
        return Transient(
            answer_text(response, text),
            status=response.status_code,
            after=retry_after(response.headers.get("retry-after", ""), time.time()),
        )

    def _follow(
        self,
        url: str,
        headers: "Mapping[str, str]",
        method: str,
        data: bytes | None,
        answer: "Body | None" = None,
    ) -> "httpx.Response":
        """Send a request by httpx and follow redirects; an *answer* that is there already is the first one."""
        request = self._request(url, headers, method, data)
        if answer is not None:
            request.extensions[ANSWER] = answer
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(url, request)
            following = response.next_request
            if following is None:
                return response
            excerpt(response)  # reads it off the connection
            request = self._redirected(following)
        raise endless(mask(url), response)

    def _request(
        self, url: str, headers: "Mapping[str, str]", method: str, data: bytes | None
    ) -> "httpx.Request":
        plain = split_credentials(url)[0]
        try:
            request = self._client.build_request(method, plain, headers=dict(headers), content=data)
        except (httpx.InvalidURL, UnicodeError, TypeError) as error:
            raise UsageError(text=f"`{mask(url)}` is not a URL that can be fetched") from error
        found = self._credentials.find(url, request.url.host)
        if found:
            request.headers["Authorization"] = basic(*found)
        return request

    def _redirected(self, request: "httpx.Request") -> "httpx.Request":
        """Give a request that httpx made for a redirect (no secrets of another origin) its own credentials."""
        url = str(request.url)
        if "authorization" not in request.headers:
            found = self._credentials.find(url, request.url.host, redirected=True)
            if found:
                request.headers["Authorization"] = basic(*found)
        request.url = httpx.URL(split_credentials(url)[0])
        return request

    def _send(self, url: str, request: "httpx.Request") -> "httpx.Response":
        try:
            with self._connections.turns.aside():
                return self._client.send(request, stream=True, auth=None)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            text = f"Cannot fetch `{mask(url)}`: {mask_text(str(error))}"
            raise UsageError(text=text) from error
        except _BROKEN as error:
            check_certificate(url, request.url.host, error)
            raise transient(error, self._proxy(request)) from error
        except (ImportError, ValueError) as error:  # how httpx rejects a proxy
            proxy = self._proxy(request)
            raise UsageError(text=f"Cannot use the proxy `{mask(proxy)}`: {mask_text(str(error))}") from error

    def _proxy(self, request: "httpx.Request") -> str:
        return self.network.proxy_for(str(request.url), request.url.host)


def _wanting(url: str, response: "httpx.Response") -> str:
    """Return the URL that wants credentials: *url*, with the user in it, or the one that redirects led to."""
    asked = str(response.request.url)
    return url if split_credentials(url)[0] == asked else asked


def transient(
    error: "httpx.TransportError | httpx.DecodingError | ConnectionBroken", proxy: str = ""
) -> Transient:
    """Translate an error that may be gone at the next attempt. *proxy* is the URL of the proxy that was asked."""
    if isinstance(error, ConnectionBroken):
        return error.transient()
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        server = f"proxy `{mask(proxy)}`" if proxy else "server"
        return Transient(f"the {server} did not take the connection in time", timed_out=True)
    if isinstance(error, httpx.TimeoutException):
        return Transient("the server stopped answering (read timeout)", timed_out=True)
    if isinstance(error, httpx.ConnectError):
        to = f" to the proxy `{mask(proxy)}`" if proxy else ""
        return Transient(f"no connection{to}: {text}")
    if isinstance(error, httpx.ProxyError):
        return Transient(f"the proxy `{mask(proxy)}` refused: {text}")
    if isinstance(error, httpx.DecodingError):
        return Transient(f"the body cannot be decoded: {text}")
    return Transient(f"the connection broke: {text}")


def body_of(response: httpx.Response) -> "Body | None":
    """Return the body of a response that came over puffin's own connections."""
    found = response.extensions.get(BODY)
    return found if isinstance(found, Body) else None


def raw(response: httpx.Response) -> "Iterator[bytes]":
    """Yield the content of a response that came through a proxy. Raises ``Transient``."""
    try:
        yield from response.iter_raw()
    except _BROKEN as error:
        raise transient(error) from error


_MOST_TEXT = 65536


def excerpt(response: httpx.Response) -> bytes:
    """Read the body, or the first 64 KiB of a longer one, and close the response; b"" if it breaks."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _MOST_TEXT:
                break
    except _BROKEN:
        return b""
    finally:
        response.close()
    return b"".join(parts)[:_MOST_TEXT]


def answer_text(response: httpx.Response, body: bytes) -> str:
    """Return a sentence with the status and, if the server explained itself, its explanation (RFC 9457)."""
    said = problem(response.headers.get("content-type", ""), body)
    status = f"the server answered {response.status_code} {response.reason_phrase}".rstrip()
    return f"{status}: {said}" if said else status


def problem(content_type: str, body: bytes) -> str:
    """Return title and detail of a problem description (RFC 9457), empty if *body* is none."""
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return ""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    said = [document[name] for name in ("title", "detail") if isinstance(document.get(name), str)]
    return printable(": ".join(text for text in said if text.strip()), MOST_SHOWN)


def refusal_of(url: str, response: httpx.Response, body: bytes, netrc_problem: str) -> RequestRefused:
    """Return the error for a status that no retry changes; *url* is masked."""
    said = problem(response.headers.get("content-type", ""), body)
    kind = AccessDenied if response.status_code in (401, 403) else RequestRefused
    return kind(
        url=url,
        status=response.status_code,
        reason=printable(response.reason_phrase, MOST_SHOWN),
        causes=(statement(said),) if said else (),
        hints=_hints(response, netrc_problem),
    )


def endless(url: str, response: httpx.Response) -> RequestRefused:
    """Return the error for redirects without end."""
    return RequestRefused(
        url=url,
        status=response.status_code,
        reason=printable(response.reason_phrase, MOST_SHOWN),
        causes=(Cause(text="the redirects do not come to an end"),),
    )


def _hints(response: httpx.Response, netrc_problem: str) -> tuple[str, ...]:
    host = response.request.url.host
    if response.status_code in (401, 403):
        extra = (netrc_problem,) if netrc_problem else ()
        return (_credentials_hint(response, host), *extra)
    if response.status_code == 404:
        return (f"`{host}` does not have this file (any more); check the URL, or try again if it is a mirror",)
    if response.status_code == 407:
        return ("put the credentials in the URL of the proxy: `https_proxy=http://user:password@proxy:port`",)
    return ()


def _credentials_hint(response: httpx.Response, host: str) -> str:
    if "authorization" in response.request.headers:
        return f"`{host}` did not accept the credentials it was given; check those in the URL or in `~/.netrc`"
    return (
        f"credentials for `{host}` go into the URL (`https://user:password@{host}/…`) "
        f"or into `~/.netrc` (`machine {host} login user password …`)"
    )
