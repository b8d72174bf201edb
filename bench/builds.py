"""How long ``puffin pip sync`` of twelve source distributions takes, beside uv in the same run.

``python bench/builds.py --files DIR`` prints tables in Markdown. The index holds the twelve of ``inputs/sdists.txt``
and the wheels of what their build backends need (``inputs/build-requirements.txt``). Method and figures: README.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from options import add_places, benchmark_parser, parsed
from runs import INPUTS, Case, Figures, Report, SyncBench, results, run_benchmark, setting, sync_report
from tools import Tool
from wheels import fetch_sdists, fetch_wheels, pins_of

SDISTS = INPUTS / "sdists.txt"
KEPT = "build-envs-v0"


@dataclass(frozen=True, kw_only=True)
class BuildCase(Case):
    """A case of builds; ``kept`` is the part of puffin's cache that is there before, ``options`` are for puffin."""

    kept: str = ""
    options: tuple[str, ...] = ()


CASES = {
    "cold": BuildCase(title="twelve sdists, cold", bound=0.6),
    "kept": BuildCase(title="the same, build environments kept", bound=0.4, kept=KEPT),
    "pool": BuildCase(title="cold, `--executor pool`", bound=0.6, options=("--executor", "pool")),
}


class BuildBench(SyncBench[BuildCase]):
    """Syncs source distributions."""

    def prepare(self, tool: Tool, case: BuildCase) -> None:
        kept = case.kept if tool.kind == "puffin" else ""
        cache = self.cache(tool)
        for entry in cache.iterdir() if cache.is_dir() else ():
            if entry.name != kept:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.make_environment(self.environment(tool))

    def run(self, tool: Tool, case: BuildCase, *flags: str) -> Figures:
        sources = [word for name in pins_of(SDISTS) for word in ("--no-binary", name)]
        own = case.options if tool.kind == "puffin" else ()
        job = self.job(tool, SDISTS, ("-q", *sources, *own))
        return self.sync(tool, job, *flags, variables=self.variables(job.environment))


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    return run_benchmark(_options(argv), _measure)


def _measure(options: argparse.Namespace, scratch: Path) -> Report:
    files = options.files or scratch / "files"
    with setting(
        options,
        scratch,
        wheels=lambda: fetch_wheels(INPUTS / "build-requirements.txt", files, options.python),
        sdists=lambda: fetch_sdists(SDISTS, files, options.python),
    ) as found:
        figures = results(BuildBench, CASES, found)
    return sync_report(found, figures, pins=len(found.sdists), memory_bound=0)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = benchmark_parser(__doc__, CASES, rounds=5)
    add_places(parser)
    kept = "distributions kept from run to run (default: downloaded each time)"
    parser.add_argument("--files", type=Path, metavar="DIR", help=kept)
    return parsed(parser, argv, CASES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
