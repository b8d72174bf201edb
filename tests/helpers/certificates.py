"""A private certificate authority, made with the openssl command: what a company's index has."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """Files beneath *directory*: ``ca.pem``, ``server.pem`` (for 127.0.0.1) and ``client.pem``, with their keys."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = directory / "ca.pem"
        self.client = directory / "client.pem"
        self._make("ca", "-x509", "-subj", "/CN=puffin tests CA")
        self._issue("server", "-addext", "subjectAltName=IP:127.0.0.1")
        self._issue("client")

    def context(self, *, client: bool = False) -> ssl.SSLContext:
        """Return what a server needs; with *client* it demands a certificate of this authority."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.directory / "server.pem")
        if client:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(self.ca)
        return made

    def _make(self, name: str, *words: str) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs the openssl command")
        files = ("-keyout", str(self.directory / f"{name}.key"), "-out", str(self.directory / f"{name}.pem"))
        subprocess.run([openssl, "req", *_KEY, *files, *words], check=True, capture_output=True)

    def _issue(self, name: str, *words: str) -> None:
        signer = ("-CA", str(self.ca), "-CAkey", str(self.directory / "ca.key"))
        self._make(name, "-x509", "-subj", f"/CN={name}", *signer, *words)
        path = self.directory / f"{name}.pem"
        path.write_text(path.read_text() + (self.directory / f"{name}.key").read_text())
