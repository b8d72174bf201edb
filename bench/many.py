"""How long ``puffin sync`` of a monorepo takes, beside uv once per environment, two at a time, in the same run.

``python bench/many.py --on /dev/shm --json result.json`` prints tables in Markdown. Linux only; method and figures are
in README.md beside this file.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
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
from wheels import fetch_wheels, pins_of

HERE = Path(__file__).resolve().parent
MEMORY_BOUND = 2 * 1024**3  # bytes
PINS = "services/*/requirements.txt"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure; ``bound`` is what puffin's time may be of uv's."""

    title: str
    bound: float
    fresh_environments: bool = True
    fresh_cache: bool = False


CASES = {
    "noop": Case(title="everything up to date", bound=0.3, fresh_environments=False),
    "warm": Case(title="warm cache, fresh environments", bound=0.5),
    "cold": Case(title="cold", bound=0.6, fresh_cache=True),
}


class Bench:
    """Measures cases on one directory; everything it makes there goes with the ``with`` block."""

    def __init__(
        self, place: Path, tools: list[Tool], server: IndexServer, log: Path, options: argparse.Namespace
    ) -> None:
        self._place = place
        self._tools = tools
        self._server = server
        self._options = options
        self._log = log

    def __enter__(self) -> Bench:
        self._root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._place))
        (self._root / "home").mkdir()
        for tool in self._tools:
            shutil.copytree(self._options.monorepo, self._root / tool.name)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._root)

    def measure(self, case: Case) -> dict[str, Any]:
        """Return the figures of *case*: those of each run, and the peak of memory in runs of their own."""
        runs: dict[str, list[dict[str, float]]] = {tool.name: [] for tool in self._tools}
        for tool in self._tools:
            shutil.rmtree(self._root / f"cache-{tool.name}", ignore_errors=True)
            self._prepare(tool, CASES["warm"])
            self._run(tool)
        rounds = self._options.warmup + self._options.rounds
        for number in range(rounds):
            for tool in self._tools if number % 2 else reversed(self._tools):
                self._prepare(tool, case)
                since = self._log.stat().st_size if self._log.exists() else 0
                figures = self._run(tool)
                fetched = downloads(self._log, since)
                if tool.name == "puffin" and len(fetched) != len(set(fetched)):
                    raise SystemExit(f"puffin fetched {len(fetched) - len(set(fetched))} wheels more than once")
                if number >= self._options.warmup:
                    runs[tool.name].append({**figures, "downloads": len(fetched)})
            print(f"{case.title}: round {number + 1} of {rounds}", file=sys.stderr)
        memory = {}
        for tool in self._tools if self._options.memory else []:
            self._prepare(tool, case)
            memory[tool.name] = self._run(tool, "--memory")
        return {"runs": runs, "summary": summarise(runs, "uv"), "memory": memory}

    def _prepare(self, tool: Tool, case: Case) -> None:
        """Clear away what the case wants fresh. uv's environments are made outside the clock, puffin makes its own."""
        if case.fresh_cache:
            shutil.rmtree(self._root / f"cache-{tool.name}", ignore_errors=True)
        if case.fresh_environments:
            for directory in (self._root / tool.name).glob("services/*"):
                shutil.rmtree(directory / ".venv", ignore_errors=True)
                if tool.name == "uv":
                    command = [self._options.python, "-I", "-m", "venv", "--without-pip", directory / ".venv"]
                    subprocess.run(command, check=True)
        os.sync()  # what was written so far is not for this run to wait for

    def _run(self, tool: Tool, *flags: str) -> dict[str, float]:
        cwd = self._root / tool.name
        command = [sys.executable, "-I", str(HERE / "measure.py"), *flags, *self._command(tool)]
        variables = environment(self._root / "home", cwd)
        del variables["VIRTUAL_ENV"]
        done = subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True)
        figures: dict[str, float] = (
            json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"code": -1}
        )
        for directory in sorted(cwd.glob("services/*")):
            installed = len(list(directory.glob(".venv/lib/python*/site-packages/*.dist-info")))
            if figures["code"] != 0 or installed != len(pins_of(directory / "requirements.txt")):
                raise SystemExit(f"{tool.name} failed in {directory.name}:\n{done.stdout}{done.stderr}")
        return figures

    def _command(self, tool: Tool) -> list[str]:
        cache = str(self._root / f"cache-{tool.name}")
        options = ["--link-mode", self._options.link_mode, "--cache-dir", cache]
        if tool.name == "puffin":
            python = ["--python", self._options.python]
            return [tool.executable, "sync", PINS, "--index-url", self._server.url, *python, *options]
        sync = [
            tool.executable,
            "--no-config",
            "pip",
            "sync",
            "-q",
            "--default-index",
            self._server.url,
            *options,
        ]
        words = " ".join(f"'{word}'" for word in sync)
        script = (
            f"printf '%s\\n' services/* | xargs -P2 -I@ {words} --python @/.venv/bin/python @/requirements.txt"
        )
        return ["sh", "-c", script]


def downloads(log: Path, since: int) -> list[str]:
    """Return the wheels that the server was asked for since so many bytes of its log."""
    if not log.exists():
        return []
    with log.open() as file:
        file.seek(since)
        return [line.strip() for line in file if line.strip().endswith(".whl")]


def enlarge(pins: Path, target: Path, environments: int, packages: int) -> None:
    """Write a monorepo of so many environments of so many of the pins each, always the same."""
    generator = random.Random(42)
    lines = sorted({line for path in pins.glob(PINS) for line in path.read_text().splitlines() if line})
    newest = list({line.partition("==")[0]: line for line in lines}.values())
    for number in range(environments):
        directory = target / "services" / f"service-{number:03}"
        directory.mkdir(parents=True)
        (directory / "requirements.txt").write_text(
            "\n".join(sorted(generator.sample(newest, packages))) + "\n"
        )


def union(monorepo: Path, target: Path) -> Path:
    """Write all pins of a monorepo to one file; versions of one package follow each other."""
    lines = {line for path in monorepo.glob(PINS) for line in path.read_text().splitlines() if line}
    target.write_text("\n".join(sorted(lines)) + "\n")
    return target


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.index_on) as scratch:
        report = _measure_all(options, Path(scratch))
    print(markdown(report))
    for line in report["linear"]:
        print(line)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    misses = missed(report)
    for line in misses:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if misses and options.check else 0


def _measure_all(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    machine = describe_machine()
    pins = union(options.monorepo, scratch / "union.txt")
    wheels = fetch_wheels(pins, options.wheels or scratch / "wheels", options.python)
    write_index(wheels, scratch / "index")
    tools = find_tools(scratch, puffin=options.puffin, uv=options.uv, pip=False, python=options.python)
    results = []
    linear: list[str] = []
    log = scratch / "access.log"
    with IndexServer(scratch / "index", scratch, log=log) as server:
        for place in options.on:
            with Bench(place, tools, server, log, options) as bench:
                for name in options.case:
                    case = CASES[name]
                    told = {"case": name, "title": case.title, "bound": case.bound, "place": file_system(place)}
                    results.append({**told, **bench.measure(case)})
            if options.linear:
                linear += _linear(options, place, scratch, tools, server)
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine,
        "tools": {tool.name: tool.version for tool in tools},
        "python": python_version(options.python),
        "server": server.kind,
        "pins": len(wheels),
        "bytes": sum(wheel.stat().st_size for wheel in wheels),
        "link_mode": options.link_mode,
        "rounds": options.rounds,
        "warmup": options.warmup,
        "memory_bound": MEMORY_BOUND,
        "results": results,
        "linear": linear,
    }


def _linear(
    options: argparse.Namespace, place: Path, scratch: Path, tools: list[Tool], server: IndexServer
) -> list[str]:
    """Measure puffin alone on 25, 50 and 100 environments of 60 packages, warm: time for each link, peak of memory."""
    lines = ["", "| environments | links | wall s | µs a link | peak memory, MiB |", "|---|---|---|---|---|"]
    puffin = [tool for tool in tools if tool.name == "puffin"]
    for count in (25, 50, 100):
        monorepo = scratch / f"monorepo-{count}"
        enlarge(options.monorepo, monorepo, count, 60)
        several = argparse.Namespace(**{**vars(options), "monorepo": monorepo, "rounds": 1, "warmup": 0})
        with Bench(place, puffin, server, scratch / "access.log", several) as bench:
            case = CASES["warm"]
            bench._prepare(puffin[0], case)
            bench._run(puffin[0])
            bench._prepare(puffin[0], case)
            wall = bench._run(puffin[0])["wall"]
            bench._prepare(puffin[0], case)
            memory = bench._run(puffin[0], "--memory")["memory"]
            root = bench._root / "puffin"
            links = sum(len(files) for _, _, files in os.walk(root))
        lines.append(f"| {count} | {links} | {wall:.2f} | {wall / links * 1e6:.1f} | {memory / 1024**2:.0f} |")
    return lines


def _options(argv: list[str]) -> argparse.Namespace:
    shared = Path("/dev/shm")
    fast = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--on", type=Path, action="append", metavar="DIR", help=f"where to sync (default: {fast})")
    add("--index-on", type=Path, default=fast, metavar="DIR", help="where the index lies while it is served")
    add("--case", action="append", choices=sorted(CASES), help="what to measure (default: all)")
    add("--rounds", type=int, default=7)
    add("--warmup", type=int, default=1, help="rounds before those that count")
    add("--monorepo", type=Path, default=HERE / "inputs" / "monorepo", metavar="DIR")
    add(
        "--wheels", type=Path, metavar="DIR", help="wheels kept from run to run (default: downloaded each time)"
    )
    add("--python", default=sys.executable, help="the interpreter of the environments")
    add(
        "--puffin",
        default="",
        metavar="EXE",
        help="an installed puffin (default: this checkout, installed anew)",
    )
    add("--uv", default="", metavar="EXE", help="uv (default: the one on PATH, else installed)")
    add("--link-mode", default="hardlink", choices=("hardlink", "copy", "clone", "symlink"))
    add("--no-memory", dest="memory", action="store_false", help="leave out the runs that measure memory")
    add(
        "--linear", action="store_true", help="measure puffin on 25, 50 and 100 environments of 60 packages too"
    )
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(argv)
    options.on = [place.resolve() for place in options.on or [fast]]
    options.case = options.case or list(CASES)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
