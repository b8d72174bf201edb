"""The indexes of the cases, each written when a case asks for it, and served with or without a delay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.forge import forged_sdists, forged_wheels, small_wheels
from bench.index import write_index
from bench.pages import forged_sets, real_projects, write_pages
from bench.server import CHECKOUT, IndexServer, free_port, wait_until_open
from bench.shapes import INPUTS
from bench.wheels import fetch_sdists, fetch_wheels

DELAY = 0.02  # seconds a request takes longer on a late index
BIG, SDISTS = INPUTS / "big.txt", INPUTS / "sdists.txt"
_PAGES = {"pages-html": (False, True), "pages-json": (True, True), "pages-bare": (False, False)}


class Indexes:
    """Writes indexes under a server's root; *kept* is where distributions are fetched to, or forged if *hermetic*.

    *real* is the URL of an index that takes the place of forged pages.
    """

    def __init__(
        self, root: Path, server: IndexServer, *, kept: Path, python: str, hermetic: bool, real: str
    ) -> None:
        self._root, self._server, self._kept = root, server, kept
        self._python, self._hermetic, self._real = python, hermetic, real
        self._relay: subprocess.Popen[bytes] | None = None
        self._late_port = 0

    def __enter__(self) -> Indexes:
        return self

    def __exit__(self, *error: object) -> None:
        if self._relay:
            self._relay.kill()
            self._relay.wait()

    def url(self, name: str, *, late: bool = False) -> str:
        """Return the URL of an index, which is written first if nobody asked for it before."""
        if self._real and name.startswith("pages"):
            return self._real
        if not (self._root / name).exists():
            print(f"writing the index {name} …", file=sys.stderr)
            self._write(name, self._root / name)
        return f"http://127.0.0.1:{self._delayed() if late else self._server.port}/{name}/simple/"

    def _write(self, name: str, root: Path) -> None:
        if name == "wheels":
            write_index([*self._wheels(BIG), *self._wheels(INPUTS / "older.txt")], root)
        elif name == "sdists":
            sdists, wheels = self._sdists()
            write_index(wheels, root, sdists)
        elif name.startswith("small-"):
            write_index(small_wheels(self._kept / "small", int(name.removeprefix("small-"))), root)
        elif name in _PAGES:
            json_pages, separate = _PAGES[name]
            write_pages(real_projects(), root, json_pages=json_pages, separate=separate)
        else:
            write_pages(
                forged_sets()[name.removeprefix("set-")]().projects, root, json_pages=True, separate=True
            )

    def _wheels(self, pins: Path) -> list[Path]:
        if self._hermetic:
            return forged_wheels(pins, self._kept / "forged")
        return fetch_wheels(pins, self._kept, self._python)

    def _sdists(self) -> tuple[list[Path], list[Path]]:
        if self._hermetic:
            return forged_sdists(SDISTS, self._kept / "forged-sdists")
        wheels = fetch_wheels(INPUTS / "build-requirements.txt", self._kept, self._python)
        return fetch_sdists(SDISTS, self._kept, self._python), wheels

    def _delayed(self) -> int:
        if not self._relay:
            self._late_port = free_port()
            words = [str(self._late_port), str(self._server.port), str(DELAY)]
            self._relay = subprocess.Popen([sys.executable, "-m", "bench.latency", *words], cwd=CHECKOUT)
            wait_until_open(self._late_port, self._relay)
        return self._late_port
