"""How long ``puffin sync`` of a monorepo takes, beside uv once per environment, two at a time, in the same run.

``python bench/many.py --on /dev/shm --json result.json`` prints tables in Markdown. Linux only; method and figures are
in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from options import add_memory, add_places, add_wheels, benchmark_parser, parsed
from report import MIB, markdown
from runs import (
    INPUTS,
    Bench,
    Case,
    Figures,
    Report,
    Setting,
    demand,
    installed,
    measured,
    results,
    run_benchmark,
    setting,
    sync_report,
)
from tools import Tool
from wheels import fetch_wheels, pins_of

MEMORY_BOUND = 2 * 1024**3  # bytes
PINS = "services/*/requirements.txt"


@dataclass(frozen=True, kw_only=True)
class ManyCase(Case):
    """A case of many environments."""

    fresh_environments: bool = True
    fresh_cache: bool = False


CASES = {
    "noop": ManyCase(title="everything up to date", bound=0.3, fresh_environments=False),
    "warm": ManyCase(title="warm cache, fresh environments", bound=0.5),
    "cold": ManyCase(title="cold", bound=0.6, fresh_cache=True),
}


class ManyBench(Bench[ManyCase]):
    """Syncs every environment of a monorepo."""

    def furnish(self) -> None:
        for tool in self.tools:
            shutil.copytree(self.options.monorepo, self.root / tool.name)

    def prime(self, tool: Tool, case: ManyCase) -> None:
        self.clear_cache(tool)
        self.prepared_run(tool, CASES["warm"])

    def prepare(self, tool: Tool, case: ManyCase) -> None:
        """uv's environments are made outside the clock, puffin makes its own."""
        if case.fresh_cache:
            self.clear_cache(tool)
        if case.fresh_environments:
            for directory in self._directories(tool):
                self.clear(directory / ".venv")
                if tool.kind == "uv":
                    self.make_environment(directory / ".venv")

    def run(self, tool: Tool, case: ManyCase, *flags: str) -> Figures:
        log = self.setting.log
        since = log.stat().st_size if log.exists() else 0
        figures = self._sync(tool, *flags)
        fetched = downloads(log, since)
        again = len(fetched) - len(set(fetched))
        demand(tool.kind != "puffin" or not again, f"puffin fetched {again} wheels more than once")
        return {**figures, "downloads": len(fetched)}

    def _sync(self, tool: Tool, *flags: str) -> Figures:
        variables = self.variables(self.root)
        del variables["VIRTUAL_ENV"]
        figures, told = measured(self._command(tool), *flags, variables=variables, cwd=self.root / tool.name)
        for directory in self._directories(tool):
            whole = installed(directory / ".venv") == len(pins_of(directory / "requirements.txt"))
            demand(figures["code"] == 0 and whole, f"{tool.name} failed in {directory.name}:\n{told}")
        return figures

    def _directories(self, tool: Tool) -> list[Path]:
        return sorted((self.root / tool.name).glob("services/*"))

    def _command(self, tool: Tool) -> list[str]:
        common = ["--link-mode", self.options.link_mode, "--cache-dir", str(self.cache(tool))]
        if tool.kind == "puffin":
            python = ["--python", self.options.python]
            return [tool.executable, "sync", PINS, "--index-url", self.url, *python, *common]
        sync = [tool.executable, "--no-config", "pip", "sync", "-q", "--default-index", self.url, *common]
        words = " ".join(f"'{word}'" for word in sync)
        each = f"{words} --python @/.venv/bin/python @/requirements.txt"
        return ["sh", "-c", f"printf '%s\\n' services/* | xargs -P2 -I@ {each}"]


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
    return run_benchmark(
        _options(argv), _measure, render=lambda report: "\n".join([markdown(report), *report["linear"]])
    )


def _measure(options: argparse.Namespace, scratch: Path) -> Report:
    def wheels() -> list[Path]:
        pins = union(options.monorepo, scratch / "union.txt")
        return fetch_wheels(pins, options.wheels or scratch / "wheels", options.python)

    with setting(options, scratch, wheels=wheels, logged=True) as found:
        figures = results(ManyBench, CASES, found)
        linear = [line for place in options.on for line in _linear(found, place)] if options.linear else []
    report = sync_report(found, figures, pins=len(found.wheels), memory_bound=MEMORY_BOUND)
    return {**report, "linear": linear}


def _linear(found: Setting, place: Path) -> list[str]:
    """Measure puffin alone on 25, 50 and 100 environments of 60 packages, warm: time for each link, peak of memory."""
    lines = ["", "| environments | links | wall s | µs a link | peak memory, MiB |", "|---|---|---|---|---|"]
    puffin = [tool for tool in found.tools if tool.name == "puffin"]
    for count in (25, 50, 100):
        monorepo = found.scratch / f"monorepo-{count}"
        enlarge(found.options.monorepo, monorepo, count, 60)
        options = argparse.Namespace(**{**vars(found.options), "monorepo": monorepo})
        lines.append(_line(replace(found, options=options, tools=puffin), place, count))
        shutil.rmtree(monorepo)  # the next place makes it anew
    return lines


def _line(found: Setting, place: Path, count: int) -> str:
    (puffin,) = found.tools
    with ManyBench(place, found) as bench:
        bench.prime(puffin, CASES["warm"])
        wall = bench.prepared_run(puffin, CASES["warm"])["wall"]
        memory = bench.prepared_run(puffin, CASES["warm"], "--memory")["memory"]
        links = sum(len(files) for _, _, files in os.walk(bench.root / "puffin"))
    return f"| {count} | {links} | {wall:.2f} | {wall / links * 1e6:.1f} | {memory / MIB:.0f} |"


def _options(argv: list[str]) -> argparse.Namespace:
    parser = benchmark_parser(__doc__, CASES, rounds=7)
    add_places(parser)
    add_wheels(parser)
    add_memory(parser)
    monorepo = "the environments: `services/*/requirements.txt` of this directory"
    parser.add_argument("--monorepo", type=Path, default=INPUTS / "monorepo", metavar="DIR", help=monorepo)
    linear = "measure puffin on 25, 50 and 100 environments of 60 packages too"
    parser.add_argument("--linear", action="store_true", help=linear)
    return parsed(parser, argv, CASES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
