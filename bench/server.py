"""Serves a directory of indexes over HTTP/1.1 on the loopback interface: by nginx, else by Python.

Headers are those of the public index: pages may be kept for ten minutes, files for ever, all have an ETag. Each index
is a directory with ``simple/`` and its files. ``python -m bench.server DIRECTORY [PORT]`` serves until interrupted.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = "max-age=600, public"
FILES = "max-age=365000000, immutable, public"
JSON = "application/vnd.pypi.simple.v1+json"
_BINARY = "application/octet-stream"
_METADATA = r"^(/[^/]+)/packages/[^/]+/[^/]+/[^/]+/([^-/]+-[^-/]+)-[^/]*[.]whl[.]metadata$"
_WHEEL = r"^(/[^/]+)/packages/[^/]+/[^/]+/[^/]+/([^-/]+-[^-/]+)-[^/]*[.]whl$"

_NGINX = """
daemon off; worker_processes 1; pid {scratch}/nginx.pid; error_log {scratch}/nginx.log; {user}
events {{ worker_connections 1024; }}
http {{
  log_format paths "$request_uri"; access_log {scratch}/access.log paths;
  sendfile on; tcp_nopush on; tcp_nodelay on; {limit} keepalive_requests 1000000; gzip_static on;
  client_body_temp_path {scratch}/t1; proxy_temp_path {scratch}/t2; fastcgi_temp_path {scratch}/t3;
  uwsgi_temp_path {scratch}/t4; scgi_temp_path {scratch}/t5;
  types {{ text/html html; {json} json; }} default_type {binary};
  map $http_accept $page {{ default index.html; "~v1[+]json" index.json; }}
  server {{
    listen 127.0.0.1:{port} backlog=512; root {root};
    location ~ /simple/ {{
      add_header Cache-Control "{pages}"; add_header Vary "Accept, Accept-Encoding";
      try_files $uri$page $uri/index.html =404;
    }}
    location / {{
      add_header Cache-Control "{files}";
      rewrite "{metadata}" $1/metadata/$2 break; rewrite "{wheel}" $1/wheels/$2 break;
    }}
  }}
}}
"""


class IndexServer:
    """A server of *root*, as a context manager; ``kind`` names the program, ``log`` has a line for each request.

    *scratch* is an empty directory for the program's own files. *nginx* is its program; empty for Python's server.
    nginx sends *rate* bytes a second on each connection, as fast as it can if that is 0.
    """

    def __init__(self, root: Path, scratch: Path, *, nginx: str | None = None, rate: int = 0) -> None:
        self._root, self._scratch, self._rate = root, scratch, rate
        self.log = scratch / "access.log"
        places = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
        self._nginx = shutil.which("nginx", path=places) if nginx is None else nginx
        self.kind = (
            _nginx_version(self._nginx) if self._nginx else "Python http.server (nginx is not installed)"
        )

    def __enter__(self) -> IndexServer:
        self.port = free_port()
        self._process = subprocess.Popen(self._command(), cwd=CHECKOUT, stderr=subprocess.DEVNULL)
        wait_until_open(self.port, self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def asked(self, since: int) -> list[str]:
        """Return the paths that were asked for since so many bytes of the log."""
        with self.log.open() as file:
            file.seek(since)
            return file.read().splitlines()

    def mark(self) -> int:
        """Return how many bytes the log has."""
        return self.log.stat().st_size

    def _command(self) -> list[str]:
        self.log.touch()
        if not self._nginx:
            return [sys.executable, "-m", "bench.server", str(self._root), str(self.port), str(self.log)]
        user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else ""
        places = {"scratch": self._scratch, "user": user, "port": self.port, "root": self._root}
        places["limit"] = f"limit_rate {self._rate};" if self._rate else ""
        kinds = {"pages": PAGES, "files": FILES, "json": JSON, "binary": _BINARY}
        configuration = self._scratch / "nginx.conf"
        configuration.write_text(_NGINX.format(**places, **kinds, metadata=_METADATA, wheel=_WHEEL))
        own = ["-e", f"{self._scratch}/nginx.log", "-p", str(self._scratch), "-c", str(configuration)]
        return [self._nginx, *own]


def _nginx_version(nginx: str) -> str:
    done = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True)
    return done.stderr.strip().rpartition(" ")[2]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something listens on *port*; exit if *process* ends before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    process.kill()
    raise SystemExit("the index server did not start")


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    extensions_map = {".html": "text/html", ".json": JSON, "": _BINARY}
    log_path = ""

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""

    def translate_path(self, path: str) -> str:
        path = re.sub(_WHEEL, r"\1/wheels/\2", re.sub(_METADATA, r"\1/metadata/\2", path))
        found = super().translate_path(path)
        page = os.path.join(found, "index.json")
        return page if "v1+json" in self.headers.get("Accept", "") and os.path.exists(page) else found

    def send_head(self):  # type: ignore[no-untyped-def]
        if self.log_path:
            with open(self.log_path, "a") as log:
                log.write(f"{self.path}\n")
        if self.headers.get("If-None-Match") == self._etag():
            self.send_response(304)
            self.end_headers()
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", PAGES if "/simple/" in self.path else FILES)
        if etag := self._etag():
            self.send_header("ETag", etag)
        super().end_headers()

    def _etag(self) -> str:
        path = self.translate_path(self.path)
        try:
            facts = os.stat(f"{path}/index.html" if os.path.isdir(path) else path)
        except OSError:
            return ""
        return f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'


def main(root: str, port: str = "0", log: str = "") -> None:
    """Serve *root* by Python until interrupted."""
    handler = lambda *arguments: _Handler(*arguments, directory=root)  # noqa: E731
    _Handler.log_path = log
    ThreadingHTTPServer.request_queue_size = 512
    with ThreadingHTTPServer(("127.0.0.1", int(port)), handler) as server:
        if port == "0":
            print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
