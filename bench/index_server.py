"""Serves a directory with an index over HTTP/1.1 on the loopback interface: by nginx, else by Python.

Headers are those of the public index: pages may be kept for ten minutes, files for ever, all have an ETag.
``python index_server.py DIRECTORY [PORT]`` serves until it is interrupted.
"""

from __future__ import annotations

import grp
import http.client
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

PAGES = "max-age=600, public"
FILES = "max-age=365000000, immutable, public"
_KINDS = {".whl": "application/octet-stream", ".metadata": "application/octet-stream", ".html": "text/html"}

_NGINX = """
daemon off; worker_processes 1; pid {scratch}/nginx.pid; error_log {scratch}/nginx.log; {user}
events {{ worker_connections 1024; }}
http {{
  log_format paths "$request_uri"; access_log {log};
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000;
  client_body_temp_path {scratch}/t1; proxy_temp_path {scratch}/t2; fastcgi_temp_path {scratch}/t3;
  uwsgi_temp_path {scratch}/t4; scgi_temp_path {scratch}/t5;
  types {{ text/html html; application/octet-stream whl metadata; }}
  server {{
    listen 127.0.0.1:{port} backlog=512; root {root};
    location /simple/ {{ add_header Cache-Control "{pages}"; add_header Vary "Accept, Accept-Encoding"; }}
    location /files/ {{ add_header Cache-Control "{files}"; }}
  }}
}}
"""


class IndexServer:
    """A server of *root*, as a context manager; ``url`` is the simple root, ``kind`` names the program.

    *scratch* is an empty directory for the program's own files.
    """

    def __init__(self, root: Path, scratch: Path, *, nginx: str | None = None, log: Path | None = None) -> None:
        self._root = root
        self._log = f"{log} paths" if log else "off"
        self._scratch = scratch
        self._nginx = nginx or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        self.kind = (
            _nginx_version(self._nginx) if self._nginx else "Python http.server (nginx is not installed)"
        )

    def __enter__(self) -> IndexServer:
        self._port = _free_port()
        self._process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
        _wait_until_open(self._port, self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/simple/"

    def _command(self) -> list[str]:
        if not self._nginx:
            return [sys.executable, __file__, str(self._root), str(self._port)]
        user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else ""
        text = _NGINX.format(
            scratch=self._scratch,
            user=user,
            port=self._port,
            root=self._root,
            pages=PAGES,
            files=FILES,
            log=self._log,
        )
        configuration = self._scratch / "nginx.conf"
        configuration.write_text(text)
        return [
            self._nginx,
            "-e",
            f"{self._scratch}/nginx.log",
            "-p",
            str(self._scratch),
            "-c",
            str(configuration),
        ]


def _nginx_version(nginx: str) -> str:
    done = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True)
    return done.stderr.strip().rpartition(" ")[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/simple/")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    process.kill()
    raise SystemExit("the index server did not start")


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    extensions_map = _KINDS

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""

    def send_head(self):  # type: ignore[no-untyped-def]
        if self.headers.get("If-None-Match") == self._etag():
            self.send_response(304)
            self.end_headers()
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", PAGES if self.path.startswith("/simple/") else FILES)
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


def main(root: str, port: str = "0") -> None:
    """Serve *root* by Python until interrupted."""
    handler = lambda *arguments: _Handler(*arguments, directory=root)  # noqa: E731
    ThreadingHTTPServer.request_queue_size = 512
    with ThreadingHTTPServer(("127.0.0.1", int(port)), handler) as server:
        if port == "0":
            print(f"http://127.0.0.1:{server.server_address[1]}/simple/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
