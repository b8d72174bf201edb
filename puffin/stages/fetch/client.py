"""The client: plain requests over kept connections, httpx for all others; credentials, retries, ``file:`` URLs.

httpx's errors are translated to puffin's here and nowhere else.
"""

import time

from puffin import __version__, depends
from puffin.errors import UsageError, os_cause
from puffin.stages.fetch.connections import Broken, Connections
from puffin.stages.fetch.credentials import Credentials, basic
from puffin.stages.fetch.direct import ACCEPT_ENCODING, Direct, host_header, split_plain
from puffin.stages.fetch.failures import CertificateRefused, FileFailed, OfflineError
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.retry import Transient, is_transient, persist, retry_after
from puffin.stages.fetch.turns import Turns
from puffin.stages.urls import file_path, is_file, mask, mask_text, split_credentials
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType
    from typing import Any, TypeVar

    import httpx

    from puffin.stages.fetch.connections import Body

    T = TypeVar("T")
    Response = httpx.Response | Direct

_MOST_REDIRECTS = 20
_PAGE_ANSWERS = frozenset({304, 404})
_AGENT = f"puffin/{__version__}"
_TYPES = {".html": "text/html", ".htm": "text/html", ".json": "application/json"}


@frozen
class Reply:
    """An answer to a request for a page: ``status`` is 2xx, 304 or 404.

    ``url`` is the final one, after redirects, without credentials (see ``urls.inherit_credentials``). The names
    in ``headers`` are in lower case. ``body`` is decoded (gzip and the like undone).
    """

    status: int
    url: str
    headers: dict[str, str]
    body: bytes


class Client:
    """Fetches pages and, with ``download.download``, files. Threads may share it; it survives a fork.

    ``sleep`` takes seconds and is called between attempts.
    """

    def __init__(
        self,
        network: Network,
        *,
        credentials: Credentials | None = None,
        sleep: "Callable[[float], None]" = time.sleep,
    ) -> None:
        self.network = network
        self._credentials = credentials or Credentials(keyring=network.keyring)
        self._sleep = sleep
        self._connections = Connections(network)
        self._http: httpx.Client | None = None

    @property
    def _httpx(self) -> "httpx.Client":
        """The httpx client, made when a request is not plain."""
        if self._http is None:
            from puffin.stages.fetch.lean import httpx
            from puffin.stages.fetch.transport import PooledTransport

            self._http = httpx.Client(
                transport=PooledTransport(self.network, self._connections),
                timeout=self.network.timeout,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": _AGENT},
            )
        return self._http

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()
        if self._http is not None:
            self._http.close()

    def get(self, url: str, headers: "Mapping[str, str] | None" = None) -> Reply:
        """Return the page at *url*, which may be a ``file:`` URL (a directory stands for its ``index.html``).

        Raises :class:`NetworkFailed`, :class:`AccessDenied`, :class:`RequestRefused`, :class:`OfflineError`,
        :class:`CertificateRefused` or :class:`FileFailed`.
        """
        if is_file(url):
            return _read_page(url)
        depends.unsure("the network is used")
        return self.persist(url, lambda: self._get_once(url, headers or {}))

    def persist(self, url: str, attempt: "Callable[[], T]") -> "T":
        """Call *attempt* as often as the settings allow while it raises ``Transient``."""
        if self.network.offline:
            hint = "run the command once without `--offline`, so that the cache has what it needs"
            raise OfflineError(url=mask(url), hints=(hint,))
        return persist(attempt, url=url, retries=self.network.retries, sleep=self._rest)

    def _rest(self, seconds: float) -> None:
        with self._connections.turns.aside():
            self._sleep(seconds)

    def take_turns(self) -> Turns:
        """Return the turns that threads of this process are to have from now on, one at a time."""
        turns = self._connections.turns = Turns()
        return turns

    def open(
        self, url: str, headers: "Mapping[str, str]", accepted: "Collection[int]" = frozenset()
    ) -> "Response":
        """Send one request and return its response with the body unread; the caller closes it.

        The status is 2xx or one of *accepted*. Raises ``Transient`` for what may be tried again, and
        the errors of :meth:`get` for the rest.
        """
        depends.unsure("the network is used")
        direct = self._direct(url, headers)
        if (
            direct is not None
            and direct.is_plain
            and (200 <= direct.status_code < 300 or direct.status_code in accepted)
        ):
            return direct
        response = self._follow(url, headers, direct.body if direct else None)
        if response.status_code == 401 and self._credentials.ask(_wanting(url, response)):
            response.close()
            response = self._follow(url, headers)
        if response.is_success or response.status_code in accepted:
            return response
        raise self._refused(url, response)

    def _refused(self, url: str, response: "httpx.Response") -> Exception:
        from puffin.stages.fetch import refusal

        text = refusal.excerpt(response)
        if not is_transient(response.status_code):
            return refusal.refused(mask(url), response, text, self._credentials.problem)
        return Transient(
            refusal.answer(response, text),
            status=response.status_code,
            after=retry_after(response.headers.get("retry-after", ""), time.time()),
        )

    def _get_once(self, url: str, headers: "Mapping[str, str]") -> Reply:
        response = self.open(url, headers, _PAGE_ANSWERS)
        try:
            body = self._read(response)
        finally:
            response.close()
        headers = response.headers
        pairs = (
            headers if isinstance(headers, dict) else {name.lower(): value for name, value in headers.items()}
        )
        return Reply(status=response.status_code, url=str(response.url), headers=pairs, body=body)

    def _read(self, response: "Response") -> bytes:
        if isinstance(response, Direct):
            return read(response)
        with self._connections.turns.aside():
            return read(response)

    def _direct(self, url: str, headers: "Mapping[str, str]") -> Direct | None:
        """Send a plain request and return its answer, whatever it is; None if the request is not plain."""
        bare = split_credentials(url)[0]
        plain = split_plain(bare)
        if plain is None or self.network.proxy_for(bare, plain[0][1]):
            return None
        origin, target = plain
        sent = {"host": host_header(origin), "user-agent": _AGENT, "accept-encoding": ACCEPT_ENCODING}
        sent |= {name.lower(): value for name, value in headers.items()}
        found = self._credentials.find(url, origin[1])
        if found:
            sent["authorization"] = basic(*found)
        try:
            return Direct(bare, self._connections.exchange(origin, "GET", target, sent.items()))
        except Broken as broken:
            _check_certificate(url, origin[1], broken)
            raise broken.transient() from broken

    def _follow(self, url: str, headers: "Mapping[str, str]", answer: "Body | None" = None) -> "httpx.Response":
        """Send a request by httpx and follow redirects; an *answer* that is there already is the first one."""
        from puffin.stages.fetch import refusal
        from puffin.stages.fetch.transport import ANSWER

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
        from puffin.stages.fetch.lean import httpx

        plain = split_credentials(url)[0]
        try:
            request = self._httpx.build_request("GET", plain, headers=dict(headers))
        except (httpx.InvalidURL, UnicodeError, TypeError) as error:
            raise UsageError(text=f"`{mask(url)}` is not a URL that can be fetched") from error
        found = self._credentials.find(url, request.url.host)
        if found:
            request.headers["Authorization"] = basic(*found)
        return request

    def _redirected(self, request: "httpx.Request") -> "httpx.Request":
        """Give a request that httpx made for a redirect (no secrets of another origin) its own credentials."""
        from puffin.stages.fetch.lean import httpx

        url = str(request.url)
        if "authorization" not in request.headers:
            found = self._credentials.find(url, request.url.host, redirected=True)
            if found:
                request.headers["Authorization"] = basic(*found)
        request.url = httpx.URL(split_credentials(url)[0])
        return request

    def _send(self, url: str, request: "httpx.Request") -> "httpx.Response":
        from puffin.stages.fetch.lean import httpx

        try:
            with self._connections.turns.aside():
                return self._httpx.send(request, stream=True, auth=None)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            text = f"Cannot fetch `{mask(url)}`: {mask_text(str(error))}"
            raise UsageError(text=text) from error
        except httpx.TransportError as error:
            _check_certificate(url, request.url.host, error)
            raise transient(error) from error
        except (ImportError, ValueError) as error:  # how httpx rejects a proxy
            proxy = self.network.proxy_for(str(request.url), request.url.host)
            raise UsageError(text=f"Cannot use the proxy `{mask(proxy)}`: {mask_text(str(error))}") from error


def _wanting(url: str, response: "httpx.Response") -> str:
    """Return the URL that wants credentials: *url*, with the user in it, or the one that redirects led to."""
    asked = str(response.request.url)
    return url if split_credentials(url)[0] == asked else asked


def read(response: "Response") -> bytes:
    """Return the content of a response, decoded. Raises ``Transient``."""
    if isinstance(response, Direct):
        return response.read()
    from puffin.stages.fetch.lean import httpx

    try:
        return response.read()
    except httpx.HTTPError as error:
        raise transient(error) from error


def transient(error: "Any") -> Transient:
    """Translate an error that may be gone at the next attempt: ``Broken``, or one of httpx."""
    if isinstance(error, Broken):
        return error.transient()
    from puffin.stages.fetch.lean import httpx

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


def _check_certificate(url: str, host: str, error: BaseException) -> None:
    import ssl

    from puffin.stages.fetch import refusal

    cause: BaseException | None = error.error if isinstance(error, Broken) else error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return
    hints = (
        "`--cert <file>`, or `SSL_CERT_FILE=<file>`, names the certificates to trust, such as a company's",
        f"`--trusted-host {host}` goes without the check (not safe)",
    )
    reason = cause.verify_message or str(cause)
    raise CertificateRefused(url=mask(url), hints=hints, causes=(refusal.statement(reason),)) from error


def _read_page(url: str) -> Reply:
    import os

    try:
        path = file_path(url)
    except ValueError as error:
        raise UsageError(text=str(error)) from error
    if depends.is_directory(path):
        path = os.path.join(path, "index.html")
        url = url if url.endswith("/") else url + "/"
    depends.file(path)
    try:
        with open(path, "rb") as file:
            body = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return Reply(status=404, url=url, headers={}, body=b"")
    except (OSError, ValueError) as error:
        raise unreadable(url, error) from error
    kind = _TYPES.get(os.path.splitext(path)[1].lower(), "application/octet-stream")
    return Reply(
        status=200, url=url, headers={"content-type": kind, "content-length": str(len(body))}, body=body
    )


def unreadable(url: str, error: "OSError | ValueError") -> FileFailed:
    """Translate the failure to read the file of a ``file:`` URL."""
    if isinstance(error, OSError):
        return FileFailed(url=mask(url), causes=(os_cause(error),))
    from puffin.stages.fetch.refusal import statement

    return FileFailed(url=mask(url), causes=(statement(str(error)),))
