"""What the benchmarks have in common: an index that is served, rounds in which every tool has its turn, a report."""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from index_server import IndexServer
from index_tree import write_index
from machine import describe_machine, file_system, python_version
from report import markdown, missed, summarise
from tools import Job, Tool, environment, find_tools
from wheels import pins_of

HERE = Path(__file__).resolve().parent
INPUTS = HERE / "inputs"

Figures = dict[str, float]
Report = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure; ``bound`` is what puffin's time may be of uv's."""

    title: str
    bound: float = math.inf


C = TypeVar("C", bound=Case)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all cases share: the tools and the index; ``log`` names what the index was asked for, if that is kept."""

    options: argparse.Namespace
    scratch: Path
    machine: dict[str, object]
    wheels: list[Path]
    sdists: list[Path]
    tools: list[Tool]
    server: IndexServer
    log: Path

    def facts(self) -> Report:
        """Return the head of a report: when, on what machine, with which tools."""
        return {
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": self.machine,
            "tools": {tool.name: tool.version for tool in self.tools},
        }


@contextmanager
def setting(
    options: argparse.Namespace,
    scratch: Path,
    *,
    wheels: Callable[[], list[Path]],
    sdists: Callable[[], list[Path]] = list,
    logged: bool = False,
) -> Iterator[Setting]:
    """Fetch the distributions, find the tools, and serve an index for the ``with`` block, all of it in *scratch*."""
    machine, log = describe_machine(), scratch / "access.log"
    fetched, sources = wheels(), sdists()
    write_index(fetched, scratch / "index", sources)
    tools = find_tools(
        scratch,
        puffin=options.puffin,
        uv=options.uv,
        versus=options.versus,
        pip=options.pip,
        python=options.python,
    )
    with IndexServer(scratch / "index", scratch, log=log if logged else None) as server:
        yield Setting(
            options=options,
            scratch=scratch,
            machine=machine,
            wheels=fetched,
            sdists=sources,
            tools=tools,
            server=server,
            log=log,
        )


class Bench(Generic[C]):
    """Measures cases on one directory; everything it makes there goes with the ``with`` block.

    A benchmark says what it runs: :meth:`furnish`, :meth:`prime`, :meth:`prepare` and :meth:`run` are its own.
    """

    def __init__(self, place: Path, setting: Setting) -> None:
        self.setting = setting
        self.options = setting.options
        self.tools = setting.tools
        self.url = setting.server.url
        self._place = place
        self._in_memory = file_system(place) == "tmpfs"
        self._cleared = 0

    def __enter__(self) -> Bench[C]:
        self.root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._place))
        (self.root / "home").mkdir()
        self.furnish()
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.root)

    def furnish(self) -> None:
        """Put into the directory what stays there for all cases."""

    def prime(self, tool: Tool, case: C) -> None:
        """Make what the case finds before its first round."""

    def prepare(self, tool: Tool, case: C) -> None:
        """Clear away what the case wants fresh, before each run and outside the clock."""

    def run(self, tool: Tool, case: C, *flags: str) -> Figures:
        """Return the figures of one run, *flags* being those of ``measure.py``; exit if it failed."""
        raise NotImplementedError

    def turns(self, number: int) -> Iterable[Tool]:
        """Return the tools in the order of a round, which is reversed every second time."""
        return self.tools if number % 2 else reversed(self.tools)

    def prepared_run(self, tool: Tool, case: C, *flags: str) -> Figures:
        """Return the figures of one run of what is prepared for it."""
        self.prepare(tool, case)
        os.sync()  # what was written so far is not for this run to wait for
        return self.run(tool, case, *flags)

    def rounds(self, case: C) -> dict[str, list[Figures]]:
        """Return the figures of each tool's runs that count."""
        runs: dict[str, list[Figures]] = {tool.name: [] for tool in self.tools}
        for tool in self.tools:
            self.prime(tool, case)
        rounds = self.options.warmup + self.options.rounds
        for number in range(rounds):
            for tool in self.turns(number):
                figures = self.prepared_run(tool, case)
                if number >= self.options.warmup:
                    runs[tool.name].append(figures)
            print(f"{case.title}: round {number + 1} of {rounds}", file=sys.stderr)
        return runs

    def measure(self, case: C) -> Report:
        """Return the figures of *case*: those of each run, and the peak of memory in runs of their own."""
        runs = self.rounds(case)
        watched = self.tools if self.options.memory else []
        memory = {tool.name: self.prepared_run(tool, case, "--memory") for tool in watched}
        return {"runs": runs, "summary": summarise(runs, "uv"), "memory": memory}

    def clear(self, path: Path) -> None:
        """Have *path* out of the way.

        On a disk it is removed at the end only: for minutes ext4 hands out no inode that was freed, and looking for
        another would take most of the time of every run.
        """
        if self._in_memory:
            shutil.rmtree(path, ignore_errors=True)
        elif path.exists():
            self._cleared += 1
            path.rename(self.root / f"cleared-{self._cleared}")

    def cache(self, tool: Tool) -> Path:
        """Return the cache of a tool."""
        return self.root / f"cache-{tool.name}"

    def clear_cache(self, tool: Tool) -> None:
        """Empty the cache of a tool."""
        self.clear(self.cache(tool))

    def make_environment(self, place: Path) -> None:
        """Make a fresh virtual environment at *place*, by ``venv`` and for every tool alike."""
        self.clear(place)
        command = [self.options.python, "-I", "-m", "venv", "--without-pip", place]
        subprocess.run(command, check=True)

    def variables(self, virtual_env: Path) -> dict[str, str]:
        """Return the variables of a run."""
        return environment(self.root / "home", virtual_env)


class SyncBench(Bench[C]):
    """Measures syncs of one environment for each tool."""

    def environment(self, tool: Tool) -> Path:
        """Return where the environment of a tool is."""
        return self.root / f"env-{tool.name}"

    def job(self, tool: Tool, requirements: Path, options: Iterable[str]) -> Job:
        """Return the job of syncing *requirements* into a tool's environment."""
        return Job(
            requirements=requirements,
            url=self.url,
            environment=self.environment(tool),
            cache=self.cache(tool),
            link_mode=self.options.link_mode,
            options=tuple(options),
        )

    def sync(self, tool: Tool, job: Job, *flags: str, variables: dict[str, str]) -> Figures:
        """Return the figures of one sync; exit if it failed, or if not everything is there."""
        figures, told = measured(tool.command(job), *flags, variables=variables, cwd=self.root)
        found = installed(job.environment)
        demand(
            figures["code"] == 0 and found == len(pins_of(job.requirements)),
            f"{tool.name} failed ({found} installed):\n{told}",
        )
        return figures


def measured(command: list[str], *flags: str, variables: dict[str, str], cwd: Path) -> tuple[Figures, str]:
    """Run *command* by ``measure.py``; return the figures (``code`` is the exit code) and all that was printed."""
    helper = [sys.executable, "-I", str(HERE / "measure.py"), *flags, *command]
    done = subprocess.run(helper, env=variables, cwd=cwd, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"code": -1}
    return figures, done.stdout + done.stderr


def demand(fact: bool, complaint: str) -> None:
    """Exit with *complaint* unless *fact* holds: figures of a run that failed are none."""
    if not fact:
        raise SystemExit(complaint)


def installed(environment: Path) -> int:
    """Return how many distributions an environment has."""
    return len(list(environment.glob("lib/python*/site-packages/*.dist-info")))


def results(bench: type[Bench[C]], cases: Mapping[str, C], setting: Setting) -> list[Report]:
    """Return the figures of the cases that were asked for, on each place."""
    found = []
    for place in setting.options.on:
        with bench(place, setting) as each:
            for name in setting.options.case:
                case = cases[name]
                told = {"case": name, "title": case.title, "bound": case.bound, "place": file_system(place)}
                found.append({**told, **each.measure(case)})
    return found


def sync_report(setting: Setting, results: list[Report], *, pins: int, memory_bound: int) -> Report:
    """Return the report of syncs of so many *pins*; *memory_bound* is in bytes."""
    options = setting.options
    return {
        **setting.facts(),
        "python": python_version(options.python),
        "server": setting.server.kind,
        "pins": pins,
        "bytes": sum(file.stat().st_size for file in (*setting.wheels, *setting.sdists)),
        "link_mode": options.link_mode,
        "rounds": options.rounds,
        "warmup": options.warmup,
        "memory_bound": memory_bound,
        "results": results,
    }


def run_benchmark(
    options: argparse.Namespace,
    measure: Callable[[argparse.Namespace, Path], Report],
    *,
    render: Callable[[Report], str] = markdown,
    judge: Callable[[Report], list[str]] = missed,
) -> int:
    """Measure, print the tables, write the figures; return 1 if ``--check`` is given and a bound is missed."""
    with tempfile.TemporaryDirectory(prefix="puffin-bench-", dir=options.index_on) as scratch:
        report = measure(options, Path(scratch))
    print(render(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    misses = judge(report)
    for line in misses:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if misses and options.check else 0
