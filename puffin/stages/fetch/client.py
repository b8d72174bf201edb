"""The client: plain requests over kept connections, httpx for all others; credentials, retries, ``file:`` URLs."""

import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias, TypeVar

from puffin import depends, meter
from puffin.artifact.urls import file_path, is_file_url, mask, split_credentials
from puffin.errors import UsageError, os_cause
from puffin.stages.fetch.connections import ConnectionBroken, Connections
from puffin.stages.fetch.credentials import Credentials, basic
from puffin.stages.fetch.failures import FileFailed, OfflineError, statement
from puffin.stages.fetch.network import Network
from puffin.stages.fetch.plain_request import ACCEPT_ENCODING, AGENT, PlainResponse, host_header, split_plain
from puffin.stages.fetch.retry import persist
from puffin.stages.fetch.turns import NetworkTurns
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx

    from puffin.stages.fetch.httpx_client import HttpxClient

T = TypeVar("T")
Response: TypeAlias = "httpx.Response | PlainResponse"

WHOLE = (200, 203)
"""The statuses of an answer with all content; 203 is one that a proxy has changed (RFC 9110, 15.3.4)."""
_PAGE_ANSWERS = frozenset({304, 404, 410})
_TYPES = {".html": "text/html", ".htm": "text/html", ".json": "application/json"}


@frozen
class PageResponse:
    """An answer to a request for a page: ``status`` is 2xx (200 for all of :data:`WHOLE`), 304, 404 or 410.

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
        self._made: HttpxClient | None = None

    @property
    def _others(self) -> "HttpxClient":
        """What sends the requests that are not plain, made at the first of them."""
        if self._made is None:
            from puffin.stages.fetch.httpx_client import HttpxClient

            self._made = HttpxClient(self.network, self._credentials, self._connections)
        return self._made

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._connections.close()
        if self._made is not None:
            self._made.close()

    def get(self, url: str, headers: "Mapping[str, str] | None" = None) -> PageResponse:
        """Return the page at *url*, which may be a ``file:`` URL (a directory stands for its ``index.html``).

        Raises :class:`NetworkFailed`, :class:`AccessDenied`, :class:`RequestRefused`, :class:`OfflineError`,
        :class:`CertificateRefused` or :class:`FileFailed`.
        """
        if is_file_url(url):
            return _read_page(url)
        depends.unsure("the network is used")
        return self.persist(url, lambda: self._get_once(url, headers or {}))

    def persist(self, url: str, attempt: "Callable[[], T]") -> "T":
        """Call *attempt* as often as the settings allow while it raises ``Transient``."""
        if self.network.offline:
            hint = "run the command once without `--offline` to fill the cache"
            raise OfflineError(url=mask(url), hints=(hint,))
        return persist(attempt, url=url, retries=self.network.retries, sleep=self._rest)

    def _rest(self, seconds: float) -> None:
        with self._connections.turns.aside():
            self._sleep(seconds)

    def take_turns(self) -> NetworkTurns:
        """Return the turns that threads of this process are to have from now on, one at a time."""
        turns = self._connections.turns = NetworkTurns()
        return turns

    def open(
        self,
        url: str,
        headers: "Mapping[str, str]",
        accepted: "Collection[int]" = frozenset(),
        *,
        method: str = "GET",
        data: bytes | None = None,
    ) -> "Response":
        """Send one request, perhaps with *data*, and return its response with the body unread; the caller closes it.

        The status is 2xx or one of *accepted*. Raises ``Transient`` for what may be tried again, and
        the errors of :meth:`get` for the rest.
        """
        depends.unsure("the network is used")
        if not meter.notes(meter.REQUESTS):
            return self._opened(url, headers, accepted, method, data)
        began, status = time.perf_counter(), "failed"
        try:
            response = self._opened(url, headers, accepted, method, data)
            status = str(response.status_code)
        finally:
            meter.note(f"{method} {mask(url)}: {status}", time.perf_counter() - began)
        return response

    def _opened(
        self,
        url: str,
        headers: "Mapping[str, str]",
        accepted: "Collection[int]",
        method: str,
        data: "bytes | None",
    ) -> "Response":
        direct = self._direct(url, headers, method, data)
        if (
            direct is not None
            and direct.is_plain
            and (200 <= direct.status_code < 300 or direct.status_code in accepted)
        ):
            return direct
        return self._others.open(
            url, headers, accepted, direct.body if direct else None, method=method, data=data
        )

    def _get_once(self, url: str, headers: "Mapping[str, str]") -> PageResponse:
        response = self.open(url, headers, _PAGE_ANSWERS)
        try:
            body = self.read(response)
        finally:
            response.close()
        headers = response.headers
        pairs = (
            headers if isinstance(headers, dict) else {name.lower(): value for name, value in headers.items()}
        )
        status = 200 if response.status_code in WHOLE else response.status_code
        return PageResponse(status=status, url=str(response.url), headers=pairs, body=body)

    def read(self, response: "Response") -> bytes:
        """Return the content of a response, decoded. Raises ``Transient``."""
        return response.read() if isinstance(response, PlainResponse) else self._others.read(response)

    def _direct(
        self, url: str, headers: "Mapping[str, str]", method: str, data: bytes | None
    ) -> PlainResponse | None:
        """Send a plain request and return its answer, whatever it is; None if the request is not plain."""
        bare = split_credentials(url)[0]
        plain = split_plain(bare)
        if plain is None or self.network.proxy_for(bare, plain[0][1]):
            return None
        origin, target = plain
        sent = {"host": host_header(origin), "user-agent": AGENT, "accept-encoding": ACCEPT_ENCODING}
        sent |= {name.lower(): value for name, value in headers.items()}
        if data is not None:
            sent["content-length"] = str(len(data))
        found = self._credentials.find(url, origin[1])
        if found:
            sent["authorization"] = basic(*found)
        try:
            return PlainResponse(bare, self._connections.exchange(origin, method, target, sent.items(), data))
        except ConnectionBroken as broken:
            from puffin.stages.fetch.tls import check_certificate

            check_certificate(url, origin[1], broken.error)
            raise broken.transient() from broken


def _read_page(url: str) -> PageResponse:
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
        return PageResponse(status=404, url=url, headers={}, body=b"")
    except (OSError, ValueError) as error:
        raise file_unreadable(url, error) from error
    kind = _TYPES.get(os.path.splitext(path)[1].lower(), "application/octet-stream")
    return PageResponse(
        status=200, url=url, headers={"content-type": kind, "content-length": str(len(body))}, body=body
    )


def file_unreadable(url: str, error: "OSError | ValueError") -> FileFailed:
    """Translate the failure to read the file of a ``file:`` URL."""
    if isinstance(error, OSError):
        return FileFailed(url=mask(url), causes=(os_cause(error),))
    return FileFailed(url=mask(url), causes=(statement(str(error)),))
