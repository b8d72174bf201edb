"""What all cases have in common: rounds in which every tool has its turn, and fresh directories for them."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.indexes import Indexes
from bench.machine import file_system
from bench.server import IndexServer
from bench.tools import Tool, environment

Figures = dict[str, float]
Report = dict[str, Any]
FAST = ("uv", "puffin")
NO_WORDS: Mapping[str, tuple[str, ...]] = {}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A situation to measure.

    ``bound`` is what puffin's time may be of that of ``base``: on a tmpfs, on a disk, and of a puffin on a second
    interpreter. ``requests`` bounds the requests in the same way; ``cpu`` says that CPU seconds count, not the clock.
    ``second`` has the other interpreter take part, ``on_disk`` repeats the case there, ``options`` are by kind of tool.
    """

    name: str
    title: str
    bound: float = math.inf
    disk_bound: float = math.inf
    second_bound: float = math.inf
    requests: float = math.inf
    inodes: float = math.inf
    base: str = "uv"
    cpu: bool = False
    rounds: int = 1000
    warmup: int = 1
    kinds: tuple[str, ...] = FAST
    second: bool = False
    on_disk: bool = False
    late: bool = False
    tree: bool = False
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def allowed(self, tool: Tool, place: str) -> float:
        """Return the bound of a tool on a file system; only puffin has any."""
        if tool.kind != "puffin" or tool.name == "before":
            return math.inf
        if place != "tmpfs":
            return self.disk_bound
        return self.second_bound if tool.second else self.bound


C = TypeVar("C", bound=Case)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all cases share; ``python`` is the interpreter of the environments."""

    options: argparse.Namespace
    tools: list[Tool]
    server: IndexServer
    indexes: Indexes
    python: str

    @cached_property
    def link_modes(self) -> str:
        """Return the part of puffin's help that names the link modes."""
        puffin = next(tool.executable for tool in self.tools if tool.name == "puffin")
        told = subprocess.run([puffin, "pip", "sync", "--help"], capture_output=True, text=True, check=True)
        return told.stdout.partition("--link-mode")[2].partition("]")[0]


class Bench(Generic[C]):
    """Measures cases of one family on one directory; everything it makes there goes with the ``with`` block.

    A family says what it runs: :meth:`prime`, :meth:`prepare` and :meth:`run` are its own.
    """

    def __init__(self, place: Path, setting: Setting, *, is_further: bool = False) -> None:
        self.setting = setting
        self._is_further = is_further  # then three rounds are enough, and memory is known
        self.tools = setting.tools
        self.number = 0
        self._place = place
        self._in_memory = file_system(place) == "tmpfs"
        self._cleared = 0

    def __enter__(self) -> Bench[C]:
        self.root = Path(tempfile.mkdtemp(prefix="puffin-bench-", dir=self._place))
        (self.root / "home").mkdir()
        command: list[str | Path] = [
            self.setting.python,
            "-I",
            "-m",
            "venv",
            "--without-pip",
            self.root / "venv",
        ]
        subprocess.run(command, check=True)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.root)

    def prime(self, tool: Tool, case: C) -> None:
        """Make what the case finds before its first round."""

    def prepare(self, tool: Tool, case: C) -> None:
        """Clear away what the case wants fresh, before each run and outside the clock."""

    def run(self, tool: Tool, case: C, *flags: str) -> Figures:
        """Return the figures of one run, *flags* being those of ``measure.py``; exit if it failed."""
        raise NotImplementedError

    def measure(self, case: C) -> Report:
        """Return the figures of each tool's runs that count, and the peak of memory, in a run of its own.

        Where one round counts, its own run is watched for memory. Where CPU seconds count, none is. A tool that fails
        has no figures in this case; ``failed`` has its complaint, and the others go on.
        """
        options = self.setting.options
        rounds = 1 if options.quick else min(options.rounds, case.rounds, 3 if self._is_further else 1000)
        warmup = 0 if rounds == 1 else case.warmup
        watch = ("--memory",) if options.memory and not (case.cpu or self._is_further) else ()
        taking = _Taking(self._takers(case))
        for tool in list(taking.tools):
            taking.attempt(tool, partial(self.prime, tool, case))
        for self.number in range(warmup + rounds):
            for tool in list(taking.tools if self.number % 2 else taking.tools[::-1]):
                if tool.is_slow and self.number != warmup:
                    continue  # once is enough
                flags = watch if rounds == 1 or tool.is_slow else ()
                figures = taking.attempt(tool, partial(self.prepared_run, tool, case, *flags))
                if figures and self.number >= warmup:
                    taking.runs[tool.name].append(figures)
        print(f"{time.strftime('%H:%M:%S')} {case.name}: {rounds} rounds", file=sys.stderr)
        for tool in [tool for tool in taking.tools if watch and rounds > 1 and not tool.is_slow]:
            watched = taking.attempt(tool, partial(self.prepared_run, tool, case, *watch)) or {}
            for name in watched.keys() & {"memory", "processes"}:
                taking.runs[tool.name][0][name] = watched[name]
        return {"runs": taking.runs, "failed": taking.failed}

    def _takers(self, case: C) -> list[Tool]:
        return [tool for tool in self.tools if tool.kind in case.kinds and (case.second or not tool.second)]

    def prepared_run(self, tool: Tool, case: C, *flags: str) -> Figures:
        """Return the figures of one run of what is prepared for it, with the requests that it made."""
        self.prepare(tool, case)
        os.sync()  # what was written so far is not for this run to wait for
        mark = self.setting.server.mark()
        figures = self.run(tool, case, *flags)
        return {**figures, "requests": len(self.setting.server.asked(mark))}

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

    def make_environment(self, place: Path) -> None:
        """Make a fresh virtual environment at *place*, by ``venv`` and for every tool alike."""
        self.clear(place)
        shutil.copytree(self.root / "venv", place, symlinks=True)

    def variables(self, virtual_env: Path) -> dict[str, str]:
        """Return the variables of a run."""
        return {**environment(self.root / "home", virtual_env), "TMPDIR": str(self.root)}

    def link_mode(self, tool: Tool, case: C) -> str:
        """Return how a tool links: sealed trees are puffin's alone."""
        return "tree" if case.tree and tool.kind == "puffin" else str(self.setting.options.link_mode)


def measured(command: list[str], *flags: str, variables: dict[str, str], cwd: Path) -> tuple[Figures, str]:
    """Run *command* by ``measure.py``; return the figures (``code`` is the exit code) and all that was printed."""
    helper = [sys.executable, "-I", str(Path(__file__).with_name("measure.py")), *flags, *command]
    done = subprocess.run(helper, env=variables, cwd=cwd, capture_output=True, text=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"code": -1}
    return figures, done.stdout + done.stderr


class RunFailed(Exception):
    """A run of a tool failed, or did not do what the case is about; its figures would be none."""


def demand(fact: bool, complaint: str) -> None:
    """Raise :class:`RunFailed` with *complaint* unless *fact* holds."""
    if not fact:
        raise RunFailed(complaint)


class _Taking:
    """The tools that take part in a case, until one fails."""

    def __init__(self, tools: list[Tool]) -> None:
        self.tools = tools
        self.runs: dict[str, list[Figures]] = {tool.name: [] for tool in tools}
        self.failed: dict[str, str] = {}

    def attempt(self, tool: Tool, step: Callable[[], T]) -> T | None:
        """Return what *step* returns; if the tool fails in it, it is out of the case and None is returned."""
        try:
            return step()
        except RunFailed as error:
            print(error, file=sys.stderr)
            self.failed[tool.name] = str(error).partition("\n")[0]
            self.tools.remove(tool)
            del self.runs[tool.name]
            return None


def installed(environment: Path) -> int:
    """Return how many distributions an environment has."""
    return len(list(environment.glob("lib/python*/site-packages/*.dist-info")))
