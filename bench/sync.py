"""How long ``puffin pip sync`` of a big requirements file takes, beside uv (and pip) in the same run.

``python bench/sync.py --on /dev/shm --on /var/tmp --json result.json`` prints tables in Markdown. Linux only;
method and figures are in README.md beside this file.
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
from tools import Job, Tool, environment, find_tools
from wheels import fetch_wheels, pins_of

HERE = Path(__file__).resolve().parent
MEMORY_BOUND = 1024**3  # bytes


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure; ``bound`` is what puffin's time may be of uv's.

    ``options`` are for puffin, ``shared`` for all tools; ``pip_conf`` puts a configuration of pip's into the home.
    """

    title: str
    bound: float
    fresh_environment: bool = True
    fresh_cache: bool = False
    options: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    pip_conf: bool = False


CASES = {
    "noop": Case(title="up to date, nothing to do", bound=1.0, fresh_environment=False),
    "noop-conf": Case(title="the same, with a `pip.conf`", bound=1.0, fresh_environment=False, pip_conf=True),
    "warm": Case(title="warm cache, fresh environment", bound=0.9),
    "cold": Case(title="cold, `auto`", bound=1.0, fresh_cache=True),
    "cluster": Case(
        title="cold, `--executor cluster`", bound=1.2, fresh_cache=True, options=("--executor", "cluster")
    ),
    "bytecode": Case(title="warm, `--compile-bytecode`", bound=0.05, shared=("--compile-bytecode",)),
}


class Bench:
    """Measures cases on one directory; everything it makes there goes with the ``with`` block."""

    def __init__(self, place: Path, tools: list[Tool], url: str, options: argparse.Namespace) -> None:
        self._place = place
        self._tools = tools
        self._url = url
        self._options = options

    def __enter__(self) -> Bench:
        self._root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._place))
        (self._root / "home").mkdir()
        shutil.copyfile(self._options.requirements, self._root / "requirements.txt")
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._root)

    def measure(self, case: Case) -> dict[str, Any]:
        """Return the figures of *case*: those of each run, and the peak of memory in runs of their own."""
        runs: dict[str, list[dict[str, float]]] = {tool.name: [] for tool in self._tools}
        for tool in self._tools:
            self._clear(tool)
            if not case.fresh_cache:
                self._run(tool, case)
        rounds = self._options.warmup + self._options.rounds
        for number in range(rounds):
            for tool in self._tools if number % 2 else reversed(self._tools):
                figures = self._prepared_run(tool, case)
                if number >= self._options.warmup:
                    runs[tool.name].append(figures)
            print(f"{case.title}: round {number + 1} of {rounds}", file=sys.stderr)
        watched = self._tools if self._options.memory else []
        memory = {tool.name: self._prepared_run(tool, case, "--memory") for tool in watched}
        return {"runs": runs, "summary": summarise(runs, "uv"), "memory": memory}

    def _prepared_run(self, tool: Tool, case: Case, *flags: str) -> dict[str, float]:
        if case.fresh_cache:
            shutil.rmtree(self._cache(tool), ignore_errors=True)
        if case.fresh_environment:
            self._make_environment(tool)
        os.sync()  # what was written so far is not for this run to wait for
        return self._run(tool, case, *flags)

    def _clear(self, tool: Tool) -> None:
        shutil.rmtree(self._cache(tool), ignore_errors=True)
        self._make_environment(tool)

    def _make_environment(self, tool: Tool) -> None:
        shutil.rmtree(self._environment(tool), ignore_errors=True)
        command = [self._options.python, "-I", "-m", "venv", "--without-pip", self._environment(tool)]
        subprocess.run(command, check=True)

    def _run(self, tool: Tool, case: Case, *flags: str) -> dict[str, float]:
        job = Job(
            requirements=self._root / "requirements.txt",
            url=self._url,
            environment=self._environment(tool),
            cache=self._cache(tool),
            link_mode=self._options.link_mode,
            options=(*case.shared, *(case.options if tool.name == "puffin" else ())),
        )
        command = [sys.executable, "-I", str(HERE / "measure.py"), *flags, *tool.command(job)]
        variables = environment(self._root / "home", job.environment)
        if case.pip_conf:
            self._write_pip_conf()
            del variables["PIP_CONFIG_FILE"]
        done = subprocess.run(command, env=variables, cwd=self._root, capture_output=True, text=True)
        figures: dict[str, float] = (
            json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"code": -1}
        )
        installed = len(list(job.environment.glob("lib/python*/site-packages/*.dist-info")))
        if figures["code"] != 0 or installed != len(pins_of(job.requirements)):
            raise SystemExit(f"{tool.name} failed ({installed} installed):\n{done.stdout}{done.stderr}")
        return figures

    def _write_pip_conf(self) -> None:
        path = self._root / "home" / ".config" / "pip" / "pip.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[global]\nindex-url = {self._url}\ntimeout = 60\n")

    def _cache(self, tool: Tool) -> Path:
        return self._root / f"cache-{tool.name}"

    def _environment(self, tool: Tool) -> Path:
        return self._root / f"env-{tool.name}"


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.index_on) as scratch:
        report = _measure_all(options, Path(scratch))
    print(markdown(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    misses = missed(report)
    for line in misses:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if misses and options.check else 0


def _measure_all(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    machine = describe_machine()
    wheels = fetch_wheels(options.requirements, options.wheels or scratch / "wheels", options.python)
    write_index(wheels, scratch / "index")
    tools = find_tools(scratch, puffin=options.puffin, uv=options.uv, pip=options.pip, python=options.python)
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
        "pins": len(wheels),
        "bytes": sum(wheel.stat().st_size for wheel in wheels),
        "link_mode": options.link_mode,
        "rounds": options.rounds,
        "warmup": options.warmup,
        "memory_bound": MEMORY_BOUND,
        "results": results,
    }


def _options(argv: list[str]) -> argparse.Namespace:
    shared = Path("/dev/shm")
    fast = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--on",
        type=Path,
        action="append",
        metavar="DIR",
        help=f"where to sync; may be repeated (default: {fast})",
    )
    add("--index-on", type=Path, default=fast, metavar="DIR", help="where the index lies while it is served")
    add(
        "--case", action="append", choices=sorted(CASES), help="what to measure; may be repeated (default: all)"
    )
    add("--rounds", type=int, default=9)
    add("--warmup", type=int, default=1, help="rounds before those that count")
    add("--requirements", type=Path, default=HERE / "inputs" / "big.txt", metavar="FILE", help="plain pins")
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
    add("--pip", action="store_true", help="measure pip as well")
    add("--link-mode", default="hardlink", choices=("hardlink", "copy", "clone", "symlink"))
    add("--no-memory", dest="memory", action="store_false", help="leave out the runs that measure memory")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(argv)
    options.on = [place.resolve() for place in options.on or [fast]]
    options.case = options.case or [
        name for name in CASES if name != "bytecode"
    ]  # uv takes 18 s for a run of it
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
