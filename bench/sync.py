"""How long ``puffin pip sync`` of a big requirements file takes, beside uv (and pip) in the same run.

``python bench/sync.py --on /dev/shm --on /var/tmp --json result.json`` prints tables in Markdown. Linux only;
method and figures are in README.md beside this file.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from options import add_memory, add_places, add_wheels, benchmark_parser, parsed
from runs import INPUTS, Case, Figures, Report, SyncBench, results, run_benchmark, setting, sync_report
from tools import Tool
from wheels import fetch_wheels

MEMORY_BOUND = 1024**3  # bytes


@dataclass(frozen=True, kw_only=True)
class SyncCase(Case):
    """A case of one environment.

    ``options`` are for puffin, ``shared`` for all tools (``{environment}`` is a tool's own); ``pip_conf`` are the lines
    of a configuration of pip's in the home (``{index}`` is the index, ``{beside}`` the directory that it is in).
    """

    fresh_environment: bool = True
    fresh_cache: bool = False
    options: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    pip_conf: tuple[str, ...] = ()


PLAIN_CONF = ("index-url = {index}", "timeout = 60")
FULL_CONF = (
    *PLAIN_CONF,
    "extra-index-url = {index}/",
    "find-links = {beside}/links",
    "constraint = {beside}/constraints.txt",
)
CASES = {
    "noop": SyncCase(title="up to date, nothing to do", bound=1.0, fresh_environment=False),
    "noop-conf": SyncCase(
        title="the same, with a `pip.conf`", bound=1.0, fresh_environment=False, pip_conf=PLAIN_CONF
    ),
    "noop-full-conf": SyncCase(
        title="the same, with constraints, links and two indexes in it",
        bound=1.0,
        fresh_environment=False,
        pip_conf=FULL_CONF,
    ),
    "noop-python": SyncCase(
        title="the same, with `-p DIR/bin/python`",
        bound=1.0,
        fresh_environment=False,
        shared=("-p", "{environment}/bin/python"),
    ),
    "warm": SyncCase(title="warm cache, fresh environment", bound=0.9),
    "cold": SyncCase(title="cold, `auto`", bound=1.0, fresh_cache=True),
    "cluster": SyncCase(
        title="cold, `--executor cluster`", bound=1.2, fresh_cache=True, options=("--executor", "cluster")
    ),
    "bytecode": SyncCase(title="warm, `--compile-bytecode`", bound=0.05, shared=("--compile-bytecode",)),
}
USUAL = [name for name in CASES if name != "bytecode"]  # uv takes 18 s for a run of it


class PinsBench(SyncBench[SyncCase]):
    """Syncs the pins of a requirements file."""

    def furnish(self) -> None:
        shutil.copyfile(self.options.requirements, self._requirements())

    def prime(self, tool: Tool, case: SyncCase) -> None:
        self.clear_cache(tool)
        self.make_environment(self.environment(tool))
        if not case.fresh_cache:
            self.run(tool, case)

    def prepare(self, tool: Tool, case: SyncCase) -> None:
        if case.fresh_cache:
            self.clear_cache(tool)
        if case.fresh_environment:
            self.make_environment(self.environment(tool))

    def run(self, tool: Tool, case: SyncCase, *flags: str) -> Figures:
        own = case.options if tool.kind == "puffin" else ()
        shared = [word.format(environment=self.environment(tool)) for word in case.shared]
        job = self.job(tool, self._requirements(), (*shared, *own))
        variables = self.variables(job.environment)
        if case.pip_conf:
            self._write_pip_conf(case.pip_conf)
            del variables["PIP_CONFIG_FILE"]
        return self.sync(tool, job, *flags, variables=variables)

    def _requirements(self) -> Path:
        return self.root / "requirements.txt"

    def _write_pip_conf(self, lines: tuple[str, ...]) -> None:
        """Write the file unless it exists: a configuration does not change between runs."""
        path = self.root / "home" / ".config" / "pip" / "pip.conf"
        told = [line.format(index=self.url, beside=path.parent) for line in lines]
        text = "\n".join(["[global]", *told, ""])
        if path.exists() and path.read_text() == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.options.requirements, path.with_name("constraints.txt"))
        path.with_name("links").mkdir(exist_ok=True)
        path.write_text(text)


def main(argv: list[str]) -> int:
    """Run the benchmark and print its tables; 1 if ``--check`` is given and a bound is missed."""
    return run_benchmark(_options(argv), _measure)


def _measure(options: argparse.Namespace, scratch: Path) -> Report:
    def wheels() -> list[Path]:
        return fetch_wheels(options.requirements, options.wheels or scratch / "wheels", options.python)

    with setting(options, scratch, wheels=wheels) as found:
        figures = results(PinsBench, CASES, found)
    return sync_report(found, figures, pins=len(found.wheels), memory_bound=MEMORY_BOUND)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = benchmark_parser(__doc__, CASES, rounds=9, default="all but bytecode")
    add_places(parser)
    add_wheels(parser)
    add_memory(parser)
    big = INPUTS / "big.txt"
    parser.add_argument("--requirements", type=Path, default=big, metavar="FILE", help="plain pins")
    parser.add_argument("--pip", action="store_true", help="measure pip as well")
    return parsed(parser, argv, USUAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
