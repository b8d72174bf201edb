"""How soon a command shows a sign of life on a terminal, and for how long it stands still at the most.

``python -m bench.terminal --puffin EXE --python EXE`` runs commands in a pseudo-terminal of 100 columns and records
when what is on the screen changes. ``python -m bench.terminal -- COMMAND…`` records one command. A run that changes
nothing for more than a second has a stretch in which a person thinks that it hangs.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

INPUTS = Path(__file__).resolve().parent / "inputs"
COLUMNS, LINES = 100, 30


class Session(NamedTuple):
    """A recorded session: when output came (seconds since the start) and the output itself."""

    code: int
    wall: float
    cpu: float
    parts: tuple[tuple[float, bytes], ...]

    @property
    def first(self) -> float:
        """When the first sign of life came; the end, if none did."""
        return self.parts[0][0] if self.parts else self.wall

    @property
    def stillness(self) -> tuple[float, float]:
        """How long the screen stood still at the most, and from when on."""
        times = [0.0, *[at for at, _ in self.parts], self.wall]
        return max((later - at, at) for at, later in pairwise(times))


def record(command: list[str], environ: dict[str, str], cwd: Path) -> Session:
    """Run *command* on a terminal and record what it writes there."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(cwd)
        os.execvpe(command[0], command, environ)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    parts: list[tuple[float, bytes]] = []
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # the end, on Linux
            break
        if not data:
            break
        parts.append((time.perf_counter() - began, data))
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    os.close(terminal)
    return Session(os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, tuple(parts))


def commands(puffin: str, scratch: Path, python: str) -> dict[str, list[str]]:
    """Return what is recorded: each command with an empty cache."""
    venv = scratch / "venv"
    shutil.copytree(INPUTS / "monorepo", scratch / "monorepo")
    where = ["-p", str(venv)]
    return {
        "big": [puffin, "pip", "sync", *where, str(INPUTS / "big.txt")],
        "compile": [
            puffin,
            "pip",
            "compile",
            "-p",
            python,
            str(INPUTS / "big.in"),
            "-o",
            str(scratch / "out.txt"),
        ],
        "sdists": [puffin, "pip", "sync", *where, str(INPUTS / "sdists.txt"), "--no-binary", ":all:"],
        "monorepo": [puffin, "sync", "-p", python, *sorted(_files(scratch / "monorepo"))],
    }


def _files(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("requirements*.txt")]


def main(argv: list[str]) -> int:
    """Record and print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.terminal")
    parser.add_argument("--puffin", default="puffin")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the environments")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="a directory for the recordings")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory(prefix="puffin-terminal-") as directory:
        scratch = Path(directory)
        cases = {"command": options.command} if options.command else None
        cases = cases or commands(options.puffin, scratch, options.python)
        for name, command in cases.items():
            if options.case and name not in options.case:
                continue
            environ = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PIP_", "PUFFIN_", "UV_"))
            }
            environ |= {
                "PUFFIN_CACHE_DIR": str(scratch / f"cache-{name}"),
                "PIP_CONFIG_FILE": os.devnull,
                "TERM": "xterm",
            }
            if not options.command:
                subprocess.run(
                    [options.puffin, "venv", "-q", "--clear", "-p", options.python, scratch / "venv"],
                    env=environ,
                    check=True,
                )
            session = record(command, environ, scratch)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{name}.txt").write_bytes(b"".join(data for _, data in session.parts))
            still, since = session.stillness
            rows.append(
                {
                    "case": name,
                    "code": session.code,
                    "wall": round(session.wall, 2),
                    "cpu": round(session.cpu, 2),
                    "first": round(session.first, 3),
                    "still": round(still, 2),
                    "since": round(since, 2),
                    "pictures": len(session.parts),
                }
            )
    print(json.dumps(rows, indent=1) if options.json else _table(rows))
    return 0


def _table(rows: list[dict[str, object]]) -> str:
    heads = ("case", "code", "wall", "cpu", "first", "still", "since", "pictures")
    lines = ["  ".join(f"{head:>9}" for head in heads)]
    return "\n".join(lines + ["  ".join(f"{row[head]!s:>9}" for head in heads) for row in rows])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
