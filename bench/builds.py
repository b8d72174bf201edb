"""How long ``puffin pip sync`` of twelve source distributions takes, beside uv in the same run.

``python bench/builds.py --files DIR`` prints tables in Markdown. The index holds the twelve of ``inputs/sdists.txt``
and the wheels of what their build backends need (``inputs/build-requirements.txt``). Method and figures: README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index_server import IndexServer
from index_tree import write_index
from machine import describe_machine, file_system, python_version
from report import markdown, missed, summarise
from tools import Tool, environment, find_tools
from wheels import fetch_sdists, fetch_wheels, pins_of

HERE = Path(__file__).resolve().parent
SDISTS = HERE / "inputs" / "sdists.txt"
KEPT = "build-envs-v0"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure; ``bound`` is what puffin's time may be of uv's, ``kept`` the part of its cache kept."""

    title: str
    bound: float
    kept: str = ""
    options: tuple[str, ...] = ()


CASES = {
    "cold": Case(title="twelve sdists, cold", bound=0.6),
    "kept": Case(title="the same, build environments kept", bound=0.4, kept=KEPT),
    "pool": Case(title="cold, `--executor pool`", bound=0.6, options=("--executor", "pool")),
}


class Bench:
    """Measures cases in one directory, which goes with the ``with`` block."""

    def __init__(self, place: Path, tools: list[Tool], url: str, options: argparse.Namespace) -> None:
        self._place = place
        self._tools = tools
        self._url = url
        self._options = options

    def __enter__(self) -> Bench:
        self._root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._place))
        (self._root / "home").mkdir()
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._root)

    def measure(self, case: Case) -> dict[str, Any]:
        """Return the figures of *case*."""
        runs: dict[str, list[dict[str, float]]] = {tool.name: [] for tool in self._tools}
        rounds = self._options.rounds + 1
        for number in range(rounds):
            for tool in self._tools if number % 2 else reversed(self._tools):
                figures = self._run(tool, case)
                if number:
                    runs[tool.name].append(figures)
            print(f"{case.title}: round {number + 1} of {rounds}", file=sys.stderr)
        return {"runs": runs, "summary": summarise(runs, "uv"), "memory": {}}

    def _run(self, tool: Tool, case: Case) -> dict[str, float]:
        place, cache = self._root / f"env-{tool.name}", self._root / f"cache-{tool.name}"
        self._clear(cache, case.kept if tool.name == "puffin" else "")
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([self._options.python, "-I", "-m", "venv", "--without-pip", place], check=True)
        os.sync()
        own = [*self._command(tool, cache), *(case.options if tool.name == "puffin" else ())]
        variables = environment(self._root / "home", place)
        command = [sys.executable, "-I", str(HERE / "measure.py"), *own]
        done = subprocess.run(command, env=variables, cwd=self._root, capture_output=True, text=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        installed = len(list(place.glob("lib/python*/site-packages/*.dist-info")))
        if figures["code"] != 0 or installed != len(pins_of(SDISTS)):
            raise SystemExit(f"{tool.name} failed ({installed} installed):\n{done.stdout}{done.stderr}")
        return figures

    def _clear(self, cache: Path, kept: str) -> None:
        for entry in cache.iterdir() if cache.is_dir() else ():
            if entry.name != kept:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def _command(self, tool: Tool, cache: Path) -> list[str]:
        unbinary = [word for name in pins_of(SDISTS) for word in ("--no-binary", name)]
        common = ["-q", str(SDISTS), "--link-mode", "hardlink", "--cache-dir", str(cache), *unbinary]
        if tool.name == "uv":
            return [tool.executable, "--no-config", "pip", "sync", "--default-index", self._url, *common]
        return [tool.executable, "pip", "sync", "--index-url", self._url, *common]


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.on[0]) as scratch:
        report = _measure_all(options, Path(scratch))
    print(markdown(report))
    misses = missed(report)
    for line in misses:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if misses and options.check else 0


def _measure_all(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    machine = describe_machine()
    files = options.files or scratch / "files"
    wheels = fetch_wheels(HERE / "inputs" / "build-requirements.txt", files, options.python)
    sdists = fetch_sdists(SDISTS, files, options.python)
    write_index(wheels, scratch / "index", sdists)
    tools = find_tools(scratch, puffin=options.puffin, uv=options.uv, pip=False, python=options.python)
    results = []
    with IndexServer(scratch / "index", scratch) as server:
        for place in options.on:
            with Bench(place, tools, server.url, options) as bench:
                for name in options.case:
                    case = CASES[name]
                    told = {"case": name, "title": case.title, "bound": case.bound, "place": file_system(place)}
                    results.append({**told, **bench.measure(case)})
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine,
        "tools": {tool.name: tool.version for tool in tools},
        "python": python_version(options.python),
        "server": server.kind,
        "pins": len(sdists),
        "bytes": sum(file.stat().st_size for file in (*wheels, *sdists)),
        "link_mode": "hardlink",
        "rounds": options.rounds,
        "warmup": 1,
        "memory_bound": 0,
        "results": results,
    }


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    shared = Path("/dev/shm")
    fast = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    add("--on", type=Path, action="append", metavar="DIR", help=f"where to sync (default: {fast})")
    add("--case", action="append", choices=sorted(CASES), help="may be repeated (default: all)")
    add("--rounds", type=int, default=5)
    add("--files", type=Path, metavar="DIR", help="distributions kept from run to run (default: downloaded)")
    add("--python", default=sys.executable, help="the interpreter of the environments")
    add("--puffin", default="", metavar="EXE", help="an installed puffin (default: this checkout)")
    add("--uv", default="", metavar="EXE", help="uv (default: the one on PATH, else installed)")
    add("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(argv)
    options.on = options.on or [fast]
    options.case = options.case or list(CASES)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
