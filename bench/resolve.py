"""How long ``puffin pip compile`` of a big file takes, beside uv (and pip's resolver) in the same run.

``python bench/resolve.py --wheels DIR`` prints tables in Markdown. The index holds the wheels of ``inputs/big.txt``,
with their metadata (PEP 658); what is resolved is ``inputs/big.in``. Method and figures are in README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index_server import IndexServer
from index_tree import write_index
from machine import describe_machine
from report import summarise
from tools import Tool, environment, find_tools
from wheels import fetch_wheels

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure; ``bounds`` are what puffin's time may be of each tool's."""

    title: str
    bounds: dict[str, float]
    fresh_cache: bool = False
    edited: bool = False


CASES = {
    "cold": Case(title="cold", bounds={"uv": 1.5, "pip": 0.15}, fresh_cache=True),
    "warm": Case(title="warm, the same file", bounds={"uv": 3.0}),
    "edited": Case(title="warm, one requirement more", bounds={}, edited=True),
}


class Bench:
    """Measures resolutions in one directory, which goes with the ``with`` block."""

    def __init__(self, tools: list[Tool], url: str, log: Path, options: argparse.Namespace) -> None:
        self._tools = tools
        self._url = url
        self._log = log
        self._options = options
        self._edits = 0

    def __enter__(self) -> Bench:
        self._root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._options.on))
        (self._root / "home").mkdir()
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._root)

    def measure(self, case: Case) -> dict[str, Any]:
        """Return the figures of *case*: those of each run, and the requests that each tool made in the last one."""
        runs: dict[str, list[dict[str, float]]] = {tool.name: [] for tool in self._tools}
        requests: dict[str, int] = {}
        for tool in self._tools:
            self._run(tool, self._source(case, 0))
        for number in range(1, self._options.rounds + 2):
            source = self._source(case, number)
            for tool in self._tools if number % 2 else reversed(self._tools):
                if tool.name == "pip" and number > 2:
                    continue
                if case.fresh_cache:
                    shutil.rmtree(self._cache(tool), ignore_errors=True)
                before = self._asked()
                figures = self._run(tool, source)
                requests[tool.name] = self._asked() - before
                if number > 1:
                    runs[tool.name].append(figures)
        return {"runs": runs, "requests": requests}

    def _source(self, case: Case, number: int) -> Path:
        """Return the file to resolve: where it is edited, another one each round."""
        path = self._root / f"{case.title.partition(',')[0]}-{number if case.edited else 'same'}.in"
        text = (HERE / "inputs" / "big.in").read_text()
        extra = sorted((HERE / "inputs" / "big.txt").read_text().split())[number * 3] if case.edited else ""
        path.write_text(f"{text}\n{extra}\n")
        return path

    def _asked(self) -> int:
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0

    def _cache(self, tool: Tool) -> Path:
        return self._root / f"cache-{tool.name}"

    def _run(self, tool: Tool, source: Path) -> dict[str, float]:
        output = self._root / f"{tool.name}.txt"
        output.unlink(missing_ok=True)
        command = [sys.executable, "-I", str(HERE / "measure.py"), *self._command(tool, source, output)]
        variables = environment(self._root / "home", Path(self._options.python).parent.parent)
        done = subprocess.run(command, env=variables, cwd=self._root, capture_output=True, text=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        if figures["code"] != 0 or not output.exists():
            raise SystemExit(f"{tool.name} failed:\n{done.stdout}{done.stderr}")
        return figures

    def _command(self, tool: Tool, source: Path, output: Path) -> list[str]:
        cache = ["--cache-dir", str(self._cache(tool))]
        python = self._options.python
        if tool.name == "uv":
            own = [tool.executable, "--no-config", "pip", "compile", "-q", str(source), "-o", str(output)]
            return [*own, "--default-index", self._url, "-p", python, *cache]
        if tool.name == "puffin":
            own = [tool.executable, "pip", "compile", "-q", str(source), "-o", str(output)]
            return [*own, "--index-url", self._url, "-p", python, *cache]
        own = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--dry-run"]
        more = ["--ignore-installed", "--index-url", self._url, "--report", str(output)]
        return [*own, *more, "-r", str(source), *cache]


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.on) as scratch:
        results = _measure_all(options, Path(scratch))
    print(_markdown(results))
    misses = [line for line in _verdicts(results) if "missed" in line]
    return 1 if misses and options.check else 0


def _measure_all(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    machine = describe_machine()
    wheels = fetch_wheels(HERE / "inputs" / "big.txt", options.wheels or scratch / "wheels", options.python)
    write_index(wheels, scratch / "index")
    tools = find_tools(scratch, puffin=options.puffin, uv=options.uv, pip=options.pip, python=options.python)
    log = scratch / "access.log"
    with (
        IndexServer(scratch / "index", scratch, log=log) as server,
        Bench(tools, server.url, log, options) as bench,
    ):
        cases = {name: bench.measure(CASES[name]) for name in options.case}
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine,
        "tools": {tool.name: tool.version for tool in tools},
        "server": server.kind,
        "rounds": options.rounds,
        "cases": cases,
    }


def _markdown(report: dict[str, Any]) -> str:
    machine = report["machine"]
    lines = [
        f"{report['date']} · {', '.join(report['tools'].values())} · {machine['cores']} cores ({machine['cpu']}), "
        f"Linux {machine['kernel']} · index served by {report['server']} · {report['rounds']} rounds · "
        f"load at the start {machine['load']:.2f}",
        "",
        "| case | tool | wall s (median) | min | max | CPU s | requests | ÷ uv | ÷ uv by minima |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, result in report["cases"].items():
        for tool, row in _summary(result).items():
            lines.append(
                f"| {CASES[name].title} | {tool} | {row['median']:.3f} | {row['min']:.3f} | {row['max']:.3f} "
                f"| {row['cpu']:.2f} | {result['requests'][tool]} | {row['ratio']:.2f} | {row['ratio_min']:.2f} |"
            )
    return "\n".join([*lines, "", *_verdicts(report)])


def _summary(result: dict[str, Any]) -> dict[str, dict[str, float]]:
    runs = {tool: own for tool, own in result["runs"].items() if own}
    paired = {tool: own for tool, own in runs.items() if len(own) == len(runs["uv"])}
    single = {tool: own for tool, own in runs.items() if tool not in paired}
    summary = summarise(paired, "uv")
    for tool, own in single.items():
        summary |= summarise({tool: own, "uv": runs["uv"][: len(own)]}, "uv") | {"uv": summary["uv"]}
    return summary


def _verdicts(report: dict[str, Any]) -> list[str]:
    lines = []
    for name, result in report["cases"].items():
        summary = _summary(result)
        for other, bound in CASES[name].bounds.items():
            if other in summary:
                ratio = summary["puffin"]["median"] / summary[other]["median"]
                word = "holds" if ratio <= bound else "missed"
                lines.append(f"- {CASES[name].title}: {ratio:.2f} × {other}, {bound} allowed: {word}")
    return lines


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    shared = Path("/dev/shm")
    fast = shared if shared.is_dir() else Path(tempfile.gettempdir())
    add("--on", type=Path, default=fast, metavar="DIR", help=f"where caches lie (default: {fast})")
    add("--case", action="append", choices=sorted(CASES), help="may be repeated (default: all)")
    add("--rounds", type=int, default=9)
    add(
        "--wheels", type=Path, metavar="DIR", help="wheels kept from run to run (default: downloaded each time)"
    )
    add("--python", default=sys.executable, help="the interpreter to resolve for")
    add("--puffin", default="", metavar="EXE", help="an installed puffin (default: this checkout)")
    add("--uv", default="", metavar="EXE", help="uv (default: the one on PATH, else installed)")
    add("--pip", action="store_true", help="measure pip's resolver as well, once")
    add("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(argv)
    options.case = options.case or list(CASES)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
