"""A remote cache on the loopback interface, that speaks plain HTTP as real ones do, or misbehaves on purpose."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # of five, a sixth connection at once is begun again after a second


class RemoteCacheServer:
    """A cache to use as a context manager. ``objects`` are its bytes by path, such as ``/cas/<sha256>``.

    ``mode`` is ``""``, or how it misbehaves: ``500``, ``html`` (a web page for everything), ``slow`` (``delay`` seconds
    before each answer), ``hanging`` (no answer until :meth:`resume`), ``stalling`` (the same after the first byte of an
    object), ``truncating``, ``lying`` (other bytes of the same length), ``evicting`` (it has everything until that is
    asked for), ``full`` (no uploads), ``claiming`` (it says to have everything). ``misbehaves`` are the methods that it
    holds for. With ``auth``, ``(user, password)``, every request must bear that.

    ``strict`` is no misbehaviour but the rules of bazel-remote: names are 64 hexadecimal digits, content has the hash
    that it is named by, an entry is an ``ActionResult``, and ``/status`` tells the size.
    """

    def __init__(
        self,
        mode: str = "",
        *,
        delay: float = 5.0,
        auth: tuple[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.objects: dict[str, bytes] = {}
        self.mode = mode
        self.misbehaves = ("GET", "HEAD", "PUT")
        self.delay = delay
        self.auth = auth
        self.requests: Counter[str] = Counter()
        self.uploaded: list[tuple[str, int]] = []
        self.authorizations: set[str] = set()
        self.lock = threading.Lock()
        self._resumed = threading.Event()

    def resume(self) -> None:
        """Answer all that waits, and behave."""
        self.mode = ""
        self._resumed.set()

    def wait(self) -> None:
        """Wait for :meth:`resume`."""
        self._resumed.wait()

    def __enter__(self) -> RemoteCacheServer:
        self._server = _Server((self.host, 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._resumed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self._server.server_address[1]}"

    def names(self, kind: str) -> list[str]:
        return sorted(path.rpartition("/")[2] for path in self.objects if path.startswith(f"/{kind}/"))

    @property
    def bytes_held(self) -> int:
        return sum(map(len, self.objects.values()))

    @property
    def bytes_uploaded(self) -> int:
        return sum(size for path, size in self.uploaded if path.startswith("/cas/"))


def _is_acceptable(path: str, body: bytes) -> bool:
    """Tell whether bazel-remote takes an object: its name, its hash, the form of an entry."""
    found = re.fullmatch(r"/(cas|ac)/([0-9a-f]{64})", path)
    if found is None:
        return False
    return hashlib.sha256(body).hexdigest() == found[2] if found[1] == "cas" else _is_action_result(body)


def _is_action_result(body: bytes) -> bool:
    """Tell whether these bytes are a message in the wire format of protobuf, with nothing but ``stdout_raw``."""
    if body[:1] != b"\x2a":
        return False
    size, place = 0, 1
    while True:
        size |= (body[place] & 0x7F) << 7 * (place - 1)
        place += 1
        if not body[place - 1] & 0x80:
            return len(body) == place + size


def _handler(cache: RemoteCacheServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._serve(b"")

        def do_HEAD(self) -> None:
            self._serve(b"")

        def do_PUT(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("content-length", "0"))))

        def _serve(self, body: bytes) -> None:
            with cache.lock:
                cache.requests[self.command] += 1
                cache.authorizations.add(self.headers.get("authorization", ""))
            mode = cache.mode if self.command in cache.misbehaves else ""
            if cache.auth and not self._allowed():
                return self._answer(401, b"", {"WWW-Authenticate": "Basic realm=cache"})
            if mode == "slow":
                time.sleep(cache.delay)
            if mode == "hanging":
                cache.wait()
            if mode == "500":
                return self._answer(500, b"it is down")
            if mode == "html":
                return self._answer(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
            if self.command == "PUT":
                return self._store(body, mode)
            return self._look(mode)

        def _allowed(self) -> bool:
            import base64

            wanted = base64.b64encode(":".join(cache.auth or ()).encode()).decode()
            return self.headers.get("authorization") == f"Basic {wanted}"

        def _store(self, body: bytes, mode: str) -> None:
            if mode == "full":
                return self._answer(507, b"no space")
            if mode == "strict" and not _is_acceptable(self.path, body):
                return self._answer(400, b"not acceptable")
            with cache.lock:
                cache.objects[self.path] = body
                cache.uploaded.append((self.path, len(body)))
            return self._answer(201, b"")

        def _look(self, mode: str) -> None:
            found = cache.objects.get(self.path)
            if mode == "strict" and self.path == "/status":
                found = json.dumps({"CurrSize": cache.bytes_held, "NumFiles": len(cache.objects)}).encode()
            if self.command == "HEAD" and (mode == "claiming" or (mode == "evicting" and found is not None)):
                return self._answer(200, b"x")
            if found is None or mode == "evicting":
                return self._answer(404, b"")
            if mode == "lying":
                found = bytes(byte ^ 1 for byte in found)
            return self._answer(200, found, cut=mode == "truncating" and self.command == "GET")

        def _answer(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False
        ) -> None:
            try:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if cache.mode == "stalling" and self.command == "GET":
                    self.wfile.write(body[:1])
                    cache.wait()
                    body = body[1:]
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if cut else body)
                self.close_connection = self.close_connection or cut
            except OSError:
                self.close_connection = True

    return Handler
