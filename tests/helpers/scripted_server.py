"""A loopback HTTP server whose every answer the test writes, misbehaviour included."""

import gzip
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler


@dataclass(frozen=True)
class Seen:
    """A request as it arrived: header names in lower case, connections counted from 1."""

    path: str
    headers: dict[str, str]
    connection: int


@dataclass(frozen=True)
class Answer:
    """What to send. ``cut`` closes the connection after so many bytes of the body, -1 before any answer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    chunked: bool = False
    hang_up: bool = False  # after this answer, without saying so
    measured: bool = True  # with a Content-Length, unless something else says where it ends


def gzipped(body: bytes) -> Answer:
    return Answer(gzip.compress(body, mtime=0), headers={"Content-Encoding": "gzip"})


class ScriptedServer:
    """Serves what *script* says until it is closed; ``seen`` lists the requests in order."""

    def __init__(self, script: Callable[[Seen], Answer], *, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._server.context = context
        self.port = self._server.server_address[1]
        self.scheme = "https" if context else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)

    def url(self, path: str = "/", host: str = "127.0.0.1", userinfo: str = "") -> str:
        return f"{self.scheme}://{userinfo}{host}:{self.port}{path}"

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def connected(self) -> int:
        with self._lock:
            self.connections += 1
            return self.connections


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    owner: ScriptedServer
    context: ssl.SSLContext | None

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.context is not None:  # the handshake happens at the first read, in the connection's thread
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: tests hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection_number = self.server.owner.connected()

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.path, headers, self.connection_number)
        self.server.owner.seen.append(seen)
        self._send(self.server.owner.script(seen))

    def _send(self, answer: Answer) -> None:
        if answer.cut == -1:
            self.close_connection = True
            return
        self.send_response(answer.status)
        names = {name.lower() for name in answer.headers}
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.measured and "content-length" not in names and answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = _chunks(answer.body) if answer.chunked else answer.body
        self.wfile.write(body if answer.cut is None else body[: answer.cut])
        if answer.cut is not None or answer.hang_up:
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def _chunks(body: bytes) -> bytes:
    parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
