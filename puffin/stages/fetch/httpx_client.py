"""Requests that are not plain, by httpx: redirects, refusals, proxies, and URLs that need normalising.

httpx's errors are translated to puffin's here and nowhere else.
"""

import time

from puffin.artifact.limits import MOST_PAGE, TooLarge, limit
from puffin.artifact.urls import mask, mask_text, split_credentials
from puffin.errors import UsageError
from puffin.stages.fetch import refusal
from puffin.stages.fetch.connections import Body, Connections
from puffin.stages.fetch.credentials import Credentials, basic
from puffin.stages.fetch.httpx_import import httpx
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.plain_request import AGENT
from puffin.stages.fetch.retry import Transient, is_transient, retry_after
from puffin.stages.fetch.tls import check_certificate
from puffin.stages.fetch.transport import ANSWER, BODY, PooledTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

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
        """Close all connections."""
        self._client.close()

    def open(
        self, url: str, headers: "Mapping[str, str]", accepted: "Collection[int]", answer: "Body | None"
    ) -> httpx.Response:
        """Send a request as :meth:`puffin.stages.fetch.client.Client.open` does.

        An *answer* is one that is there already.
        """
        response = self._follow(url, headers, answer)
        if response.status_code == 401 and self._credentials.ask(_wanting(url, response)):
            response.close()
            response = self._follow(url, headers)
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
        except httpx.HTTPError as error:
            raise transient(error) from error

    def _refused(self, url: str, response: "httpx.Response") -> Exception:
        text = refusal.excerpt(response)
        if not is_transient(response.status_code):
            return refusal.refused(mask(url), response, text, self._credentials.problem)
        return Transient(
            refusal.answer(response, text),
            status=response.status_code,
            after=retry_after(response.headers.get("retry-after", ""), time.time()),
        )

    def _follow(self, url: str, headers: "Mapping[str, str]", answer: "Body | None" = None) -> "httpx.Response":
        """Send a request by httpx and follow redirects; an *answer* that is there already is the first one."""
        request = self._request(url, headers)
        if answer is not None:
            request.extensions[ANSWER] = answer
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(url, request)
            following = response.next_request
            if following is None:
                return response
            refusal.excerpt(response)  # reads it off the connection
            request = self._redirected(following)
        raise refusal.endless(mask(url), response)

    def _request(self, url: str, headers: "Mapping[str, str]") -> "httpx.Request":
        plain = split_credentials(url)[0]
        try:
            request = self._client.build_request("GET", plain, headers=dict(headers))
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
        except httpx.TransportError as error:
            check_certificate(url, request.url.host, error)
            raise transient(error) from error
        except (ImportError, ValueError) as error:  # how httpx rejects a proxy
            proxy = self.network.proxy_for(str(request.url), request.url.host)
            raise UsageError(text=f"Cannot use the proxy `{mask(proxy)}`: {mask_text(str(error))}") from error


def _wanting(url: str, response: "httpx.Response") -> str:
    """Return the URL that wants credentials: *url*, with the user in it, or the one that redirects led to."""
    asked = str(response.request.url)
    return url if split_credentials(url)[0] == asked else asked


def transient(error: httpx.HTTPError) -> Transient:
    """Translate an error that may be gone at the next attempt."""
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return Transient("the server did not take the connection in time")
    if isinstance(error, httpx.TimeoutException):
        return Transient("the server stopped answering (read timeout)")
    if isinstance(error, httpx.ConnectError):
        return Transient(f"no connection: {text}")
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
    except httpx.HTTPError as error:
        raise transient(error) from error
