"""How long ``puffin pip compile`` of a big file takes, beside uv (and pip's resolver) in the same run.

``python bench/resolve.py --wheels DIR`` prints tables in Markdown. The index holds the wheels of ``inputs/big.txt``,
with their metadata (PEP 658); what is resolved is ``inputs/big.in``. Method and figures are in README.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from options import add_wheels, benchmark_parser, fast_directory, parsed
from report import compared, summarise
from runs import INPUTS, Bench, Case, Figures, Report, demand, measured, run_benchmark, setting
from tools import Tool
from wheels import fetch_wheels


@dataclass(frozen=True, kw_only=True)
class ResolveCase(Case):
    """A case of a resolution; ``pip_bound`` is what puffin's time may be of pip's; ``kept`` leaves the output there."""

    pip_bound: float = math.inf
    fresh_cache: bool = False
    edited: bool = False
    kept: bool = False

    def bounds(self) -> dict[str, float]:
        """Return what puffin's time may be of each tool's."""
        bounds = {"uv": self.bound, "pip": self.pip_bound}
        return {tool: bound for tool, bound in bounds.items() if bound < math.inf}


CASES = {
    "cold": ResolveCase(title="cold", bound=1.5, pip_bound=0.15, fresh_cache=True),
    "warm": ResolveCase(title="warm, the same file", bound=3.0),
    "unchanged": ResolveCase(title="warm, the output is there and right", bound=1.0, kept=True),
    "edited": ResolveCase(title="warm, one requirement more", bound=2.0, edited=True),
}


class ResolveBench(Bench[ResolveCase]):
    """Resolves one file, or where it is edited, another one each round."""

    def furnish(self) -> None:
        self._round = 0
        self._requests: dict[str, int] = {}

    def prime(self, tool: Tool, case: ResolveCase) -> None:
        self._round = 0
        self.run(tool, case)

    def turns(self, number: int) -> Iterable[Tool]:
        self._round = number + 1
        last = self.options.warmup  # pip takes so long that one round that counts is enough
        return [tool for tool in super().turns(number) if tool.name != "pip" or number <= last]

    def prepare(self, tool: Tool, case: ResolveCase) -> None:
        if case.fresh_cache:
            self.clear_cache(tool)

    def run(self, tool: Tool, case: ResolveCase, *flags: str) -> Figures:
        output, before = self.root / f"{tool.name}.txt", self._asked()
        if not case.kept:
            output.unlink(missing_ok=True)
        command = self._command(tool, self._source(case), output)
        variables = self.variables(Path(self.options.python).parent.parent)
        figures, told = measured(command, *flags, variables=variables, cwd=self.root)
        demand(figures["code"] == 0 and output.exists(), f"{tool.name} failed:\n{told}")
        self._requests[tool.name] = self._asked() - before
        return figures

    def measure(self, case: ResolveCase) -> Report:
        """Return the figures of *case*: those of each run, and the requests that each tool made in the last one."""
        runs = self.rounds(case)
        return {"runs": runs, "requests": dict(self._requests)}

    def _source(self, case: ResolveCase) -> Path:
        number = self._round if case.edited else 0
        path = self.root / f"{case.title.partition(',')[0]}-{number if case.edited else 'same'}.in"
        extra = sorted((INPUTS / "big.txt").read_text().split())[number * 3] if case.edited else ""
        path.write_text(f"{(INPUTS / 'big.in').read_text()}\n{extra}\n")
        return path

    def _asked(self) -> int:
        log = self.setting.log
        return len(log.read_text().splitlines()) if log.exists() else 0

    def _command(self, tool: Tool, source: Path, output: Path) -> list[str]:
        cache = ["--cache-dir", str(self.cache(tool))]
        python = self.options.python
        if tool.kind == "uv":
            own = [tool.executable, "--no-config", "pip", "compile", "-q", str(source), "-o", str(output)]
            return [*own, "--default-index", self.url, "-p", python, *cache]
        if tool.kind == "puffin":
            own = [tool.executable, "pip", "compile", "-q", str(source), "-o", str(output)]
            return [*own, "--index-url", self.url, "-p", python, *cache]
        own = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--dry-run"]
        more = ["--ignore-installed", "--index-url", self.url, "--report", str(output)]
        return [*own, *more, "-r", str(source), *cache]


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    return run_benchmark(_options(argv), _measure, render=tables, judge=missed)


def _measure(options: argparse.Namespace, scratch: Path) -> Report:
    def wheels() -> list[Path]:
        return fetch_wheels(INPUTS / "big.txt", options.wheels or scratch / "wheels", options.python)

    with (
        setting(options, scratch, wheels=wheels, logged=True) as found,
        ResolveBench(options.on[0], found) as bench,
    ):
        cases = {name: bench.measure(CASES[name]) for name in options.case}
    return {**found.facts(), "server": found.server.kind, "rounds": options.rounds, "cases": cases}


def tables(report: dict[str, Any]) -> str:
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
    ratios = [
        line for name, result in report["cases"].items() for line in compared(CASES[name].title, result["runs"])
    ]
    return "\n".join([*lines, "", *_verdicts(report), *ratios])


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
        for other, bound in CASES[name].bounds().items():
            if other in summary:
                ratio = summary["puffin"]["median"] / summary[other]["median"]
                word = "holds" if ratio <= bound else "missed"
                lines.append(f"- {CASES[name].title}: {ratio:.2f} × {other}, {bound} allowed: {word}")
    return lines


def missed(report: dict[str, Any]) -> list[str]:
    """Return what puffin did not reach, a line each."""
    return [line[2:].removesuffix(": missed") for line in _verdicts(report) if line.endswith("missed")]


def _options(argv: list[str]) -> argparse.Namespace:
    parser = benchmark_parser(__doc__, CASES, rounds=9)
    add_wheels(parser)
    where = f"where caches lie (default: {fast_directory()})"
    parser.add_argument("--on", type=Path, nargs=1, metavar="DIR", help=where)
    parser.add_argument("--pip", action="store_true", help="measure pip's resolver as well, once")
    return parsed(parser, argv, CASES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
