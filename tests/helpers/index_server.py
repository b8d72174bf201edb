"""A package index on the loopback interface, that behaves as the public one does, or misbehaves on purpose."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import io
import json
import socket
import ssl
import threading
import zipfile
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"
BINARY = "application/octet-stream"
_IMMUTABLE = "max-age=365000000, immutable"
_GARBAGE = b"\x00\xff\x13 this is neither a page nor an archive \x00" * 8


class Request(NamedTuple):
    """What a client asked for; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


class Content(NamedTuple):
    """What a path answers with when nothing goes wrong."""

    body: bytes
    kind: str
    etag: str
    cache_control: str
    headers: dict[str, str] = {}


class Upload(NamedTuple):
    """A file on the index."""

    filename: str
    data: bytes
    requires_python: str | None
    yanked: str | None
    hashes: bool
    metadata: bytes | None
    uploaded: str


class IndexServer:
    """An index to use as a context manager; ``url`` is its simple root, ``links`` a flat page of all files.

    ``mode`` is ``auto`` (by the Accept header), ``html`` or ``json``. ``auth`` is ``(user, password)`` that
    every request must bear. ``cache_control`` is sent with pages; empty means no such header.
    ``relative`` makes the pages name their files by relative URLs. With a ``context`` it speaks TLS.
    """

    def __init__(
        self,
        *,
        mode: str = "auto",
        auth: tuple[str, str] | None = None,
        cache_control: str = "max-age=600, public",
        etags: bool = True,
        relative: bool = False,
        context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.mode = mode
        self.auth = auth
        self.cache_control = cache_control
        self.etags = etags
        self.relative = relative
        self.context = context
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._uploads: dict[str, dict[str, Upload]] = {}
        self._contents: dict[str, Content] = {}
        self._faults: dict[str, deque[Any]] = {}
        self._forever: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> IndexServer:
        self._server = _Server((self.host, 0), _Handler)
        self._server.index = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="index-server")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def root(self) -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://{self.host}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return self.root + "/simple"

    @property
    def links(self) -> str:
        return self.root + "/links.html"

    def url_with(self, user: str, password: str = "") -> str:
        """Return the simple root with credentials in it."""
        return self.url.replace("://", f"://{quote(user)}{':' if password else ''}{quote(password)}@")

    def file_url(self, filename: str) -> str:
        return f"{self.root}/files/{quote(filename)}"

    def add(
        self,
        filename: str,
        data: bytes,
        requires_python: str | None = None,
        yanked: str | None = None,
        hashes: bool = True,
        metadata: bytes | bool = True,
        name: str | None = None,
        uploaded: str = "2024-01-02T03:04:05.678901Z",
    ) -> str:
        """Offer a file, replacing one of the same name; return its URL.

        ``yanked`` is the reason, which may be empty. ``metadata`` is the PEP 658 file: True takes it from
        the wheel, where there is one; False offers none. ``name`` is the project, else by the file name.
        ``uploaded`` is the time of the upload, which JSON pages tell.
        """
        project = (name or filename.split("-")[0]).lower().replace("_", "-").replace(".", "-")
        found = _wheel_metadata(data) if metadata is True else metadata or None
        upload = Upload(filename, data, requires_python, yanked, hashes, found, uploaded)
        with self._lock:
            self._uploads.setdefault(project, {})[filename] = upload
        return self.file_url(filename)

    def remove(self, filename: str) -> None:
        with self._lock:
            for uploads in self._uploads.values():
                uploads.pop(filename, None)

    def serve(self, path: str, body: bytes, kind: str = HTML, **headers: str) -> str:
        """Answer *path* with *body*, whatever else would be there; return its URL."""
        kept = {name.replace("_", "-"): value for name, value in headers.items()}
        control = kept.pop("cache-control", "")
        self._contents[path] = Content(body, kind, kept.pop("etag", ""), control, kept)
        return self.root + path

    def fail(self, path: str, faults: list[Any], *, forever: bool = False) -> None:
        """Program what goes wrong with the next requests for *path*, one fault each; then all is well.

        With ``forever`` the last fault stays. Faults: a status (``503``); ``"drop:N"`` breaks off after N
        bytes of the body; ``"reset"`` hangs up without an answer; ``"garbage"`` answers 200 with a body
        that is nothing; ``"slow"`` stops half-way until :attr:`released` is set or the server ends;
        ``"shift:N"`` answers a range N bytes off; ``"redirect:URL"``; ``"ok"`` is no fault.
        """
        with self._lock:
            self._faults[path] = deque(faults)
            if forever:
                self._forever[path] = faults[-1]

    def count(self, path: str, method: str = "GET") -> int:
        """Return how many requests there were for *path*."""
        return Counter((r.method, r.path) for r in self.requests)[method, path]

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def next_fault(self, path: str) -> Any:
        with self._lock:
            if self._faults.get(path):
                return self._faults[path].popleft()
            return self._forever.get(path, "ok")

    def find(self, path: str, accept: str) -> Content | None:
        """Return what is at *path*, None if nothing is."""
        plain = path.partition("?")[0]
        if plain in self._contents:
            return self._contents[plain]
        with self._lock:
            if plain.startswith("/files/"):
                return self._file(unquote(plain[7:]))
            if plain == "/links.html":
                uploads = [upload for project in self._uploads.values() for upload in project.values()]
                return self._page("links", uploads, "text/html")
            parts = plain.split("/")
            if len(parts) == 4 and parts[1] == "simple" and parts[3] == "" and parts[2] in self._uploads:
                return self._page(parts[2], list(self._uploads[parts[2]].values()), accept)
            return self._root(accept) if plain == "/simple/" else None

    def _file(self, filename: str) -> Content | None:
        for uploads in self._uploads.values():
            if filename in uploads:
                return _content(uploads[filename].data, BINARY, _IMMUTABLE)
            upload = uploads.get(filename.removesuffix(".metadata"))
            if upload is not None and upload.metadata is not None:
                return _content(upload.metadata, BINARY, _IMMUTABLE)
        return None

    def _page(self, name: str, uploads: list[Upload], accept: str) -> Content:
        if self._speaks_json(accept):
            body = {"meta": {"api-version": "1.1"}, "name": name, "files": [self._json(u) for u in uploads]}
            return self._answer(json.dumps(body).encode(), JSON)
        anchors = "\n".join(self._anchor(u) for u in uploads)
        return self._answer(f"<!DOCTYPE html><html><body>\n{anchors}\n</body></html>".encode(), HTML)

    def _root(self, accept: str) -> Content:
        names = sorted(self._uploads)
        if self._speaks_json(accept):
            body = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
            return self._answer(json.dumps(body).encode(), JSON)
        anchors = "\n".join(f'<a href="{name}/">{name}</a>' for name in names)
        return self._answer(f"<!DOCTYPE html><html><body>{anchors}</body></html>".encode(), HTML)

    def _speaks_json(self, accept: str) -> bool:
        return self.mode == "json" or (self.mode == "auto" and JSON in accept)

    def _answer(self, body: bytes, kind: str) -> Content:
        content = _content(body, kind, self.cache_control)
        return content if self.etags else content._replace(etag="")

    def _href(self, upload: Upload) -> str:
        return f"../../files/{quote(upload.filename)}" if self.relative else self.file_url(upload.filename)

    def _json(self, upload: Upload) -> dict[str, Any]:
        entry: dict[str, Any] = {"filename": upload.filename, "url": self._href(upload)}
        entry["size"] = len(upload.data)
        entry["hashes"] = {"sha256": _sha256(upload.data)} if upload.hashes else {}
        entry["upload-time"] = upload.uploaded
        entry["yanked"] = False if upload.yanked is None else upload.yanked or True
        if upload.requires_python is not None:
            entry["requires-python"] = upload.requires_python
        if upload.metadata is not None:
            entry["core-metadata"] = {"sha256": _sha256(upload.metadata)}
        return entry

    def _anchor(self, upload: Upload) -> str:
        attributes = {"href": self._href(upload)}
        if upload.hashes:
            attributes["href"] += f"#sha256={_sha256(upload.data)}"
        if upload.requires_python is not None:
            attributes["data-requires-python"] = upload.requires_python
        if upload.yanked is not None:
            attributes["data-yanked"] = upload.yanked
        if upload.metadata is not None:
            attributes["data-core-metadata"] = f"sha256={_sha256(upload.metadata)}"
        words = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        return f"<a {words}>{html.escape(upload.filename)}</a><br>"


def _content(body: bytes, kind: str, cache_control: str) -> Content:
    return Content(body, kind, f'"{_sha256(body)[:32]}"', cache_control)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _wheel_metadata(data: bytes) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            return archive.read(names[0]) if len(names) == 1 else None
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    index: IndexServer

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(*args)

    def server_bind(self) -> None:
        socket.socket.bind(self.socket, self.server_address)  # HTTPServer would look up its own name
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.index.context is None:
            return connection, address
        wrapped = self.index.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive, so that their threads end."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of many tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def _serve(self, *, body: bool) -> None:
        index = self.server.index
        headers = {name.lower(): value for name, value in self.headers.items()}
        index.requests.append(Request(self.command, self.path, headers))
        fault = index.next_fault(self.path)
        if isinstance(fault, int):
            return self._status(fault, body)
        kind, _, argument = fault.partition(":")
        if kind == "reset":
            return self._hang_up()
        if kind == "redirect":
            return self._status(302, body, location=argument)
        if index.auth is not None and headers.get("authorization") != _basic(index.auth):
            return self._status(401, body)
        if self.path.startswith("/simple/") and not self.path.endswith("/") and self.path.count("/") == 2:
            return self._status(301, body, location=self.path + "/")
        content = index.find(self.path, headers.get("accept", ""))
        if content is None:
            return self._status(404, body)
        if kind == "garbage":
            content = content._replace(body=_GARBAGE, etag="")
        return self._content(content, headers, kind, int(argument or 0), body)

    def _content(self, content: Content, headers: dict[str, str], fault: str, number: int, body: bool) -> None:
        if content.etag and content.etag in headers.get("if-none-match", ""):
            return self._send(304, content, b"", body=False)
        begin, end, status = _range(headers, content)
        if status == 416:
            return self._status(416, body, content_range=f"bytes */{len(content.body)}")
        part = content.body[begin:end]
        extra = {}
        if status == 206:
            if fault == "shift":
                begin, part = begin + number, content.body[begin + number : end + number]
            extra["Content-Range"] = f"bytes {begin}-{begin + len(part) - 1}/{len(content.body)}"
        return self._send(status, content, part, body=body, fault=fault, number=number, **extra)

    def _send(
        self,
        status: int,
        content: Content,
        part: bytes,
        *,
        body: bool,
        fault: str = "",
        number: int = 0,
        **extra: str,
    ) -> None:
        self.send_response(status)
        self._headers({**content.headers, **extra})
        if content.etag:
            self.send_header("ETag", content.etag)
        if content.cache_control:
            self.send_header("Cache-Control", content.cache_control)
        if status != 304:
            self.send_header("Content-Type", content.kind)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if not body:
            return
        if fault == "drop":
            self.wfile.write(part[:number])
            self._hang_up()
        elif fault == "slow":
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.server.index.released.wait(60)
            self.wfile.write(part[len(part) // 2 :])
        else:
            self.wfile.write(part)

    def _status(self, status: int, body: bool, **headers: str) -> None:
        text = b"" if status == 304 else f"status {status}\n".encode()
        self.send_response(status)
        self._headers({name.replace("_", "-"): value for name, value in headers.items()})
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if body:
            self.wfile.write(text)

    def _headers(self, headers: dict[str, str]) -> None:
        for name, value in headers.items():
            self.send_header(name, value)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


def _basic(auth: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(auth).encode()).decode()


def _range(headers: dict[str, str], content: Content) -> tuple[int, int, int]:
    """Return begin, end and status of the part that one ``Range`` asks for (RFC 9110, section 14)."""
    size = len(content.body)
    unit, _, spec = headers.get("range", "").partition("=")
    condition = headers.get("if-range", content.etag)
    first, dash, last = spec.strip().partition("-")
    if unit.strip() != "bytes" or not dash or "," in spec or condition != content.etag:
        return 0, size, 200
    if not first:
        return max(0, size - int(last)), size, 206
    begin = int(first)
    return (0, 0, 416) if begin >= size else (begin, min(size, int(last) + 1 if last else size), 206)
