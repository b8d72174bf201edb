"""Cases of one environment: pins, source distributions, more and more packages."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.indexes import BIG, SDISTS
from bench.rounds import Bench, Case, Figures, demand, installed, measured
from bench.shapes import INPUTS, pins_of
from bench.tools import Job, Tool


@dataclass(frozen=True, kw_only=True)
class SyncCase(Case):
    """A case of one environment.

    ``{environment}`` in options is a tool's own; ``pip_conf`` are the lines of a configuration of pip's in the home
    (``{index}`` is the index, ``{beside}`` the directory that it is in). ``kept`` is the part of puffin's cache that a
    fresh one keeps, ``layered`` says that the cache depends on the
    options.
    """

    index: str = "wheels"
    verb: str = "sync"
    fresh_environment: bool = True
    fresh_cache: bool = False
    from_older: bool = False
    layered: bool = False
    kept: str = ""
    pip_conf: tuple[str, ...] = ()


class SyncBench(Bench[SyncCase]):
    """Syncs one environment for each tool, whose state is kept from case to case where that does not matter."""

    def __enter__(self) -> SyncBench:
        super().__enter__()
        self._warm: set[tuple[object, ...]] = set()
        self._holds: dict[str, tuple[object, ...]] = {}
        return self

    def prime(self, tool: Tool, case: SyncCase) -> None:
        key = self._key(tool, case)
        if (case.fresh_cache and not case.kept) or key in {*self._warm, self._holds.get(tool.name)}:
            return
        self._fill(tool, case)
        self._warm.add(key)

    def prepare(self, tool: Tool, case: SyncCase) -> None:
        if case.fresh_cache:
            self._clear_cache(tool, case)
        if case.fresh_environment:
            self.make_environment(self._environment(tool))
        elif self._holds.get(tool.name) != self._key(tool, case):
            self._fill(tool, case)
        if case.from_older:
            self._sync(tool, case, self._older())

    def run(self, tool: Tool, case: SyncCase, *flags: str) -> Figures:
        figures = self._sync(tool, case, self._requirements(case), *flags)
        self._holds[tool.name] = self._key(tool, case)
        inodes = {"inodes": _inodes(self._environment(tool))} if case.tree else {}
        return {**figures, **inodes}

    def _fill(self, tool: Tool, case: SyncCase) -> None:
        self.make_environment(self._environment(tool))
        self.run(tool, case)

    def _key(self, tool: Tool, case: SyncCase) -> tuple[object, ...]:
        own = case.options.get(tool.kind, ()) if case.layered and tool.kind == "puffin" else ()
        return (tool.name, case.index, self._is_cold(tool, case), self.link_mode(tool, case), own)

    def _sync(self, tool: Tool, case: SyncCase, requirements: Path, *flags: str) -> Figures:
        """Return the figures of one sync; exit if it failed, or if not everything is there."""
        place = self._environment(tool)
        url = self.setting.indexes.url(case.index, late=case.late)
        job = Job(
            requirements=requirements,
            url=url,
            environment=place,
            cache=self._cache(tool, case),
            link_mode=self.link_mode(tool, case),
            verb=case.verb,
            options=tuple(word.format(environment=place) for word in case.options.get(tool.kind, ())),
        )
        variables = self.variables(place)
        if case.pip_conf:
            self._write_pip_conf(case.pip_conf, url)
            del variables["PIP_CONFIG_FILE"]
        figures, told = measured(tool.command(job), *flags, variables=variables, cwd=self.root)
        whole = figures["code"] == 0 and installed(place) == len(pins_of(requirements))
        demand(whole, f"{tool.name} failed on {case.name} ({installed(place)} installed):\n{told}")
        return figures

    def _requirements(self, case: SyncCase) -> Path:
        if case.index == "sdists":
            return SDISTS
        if case.index == "wheels":
            return BIG
        place, count = self.root / f"{case.index}.txt", int(case.index.removeprefix("small-"))
        place.write_text("".join(f"small-{number:04}==1.0\n" for number in range(count)))
        return place

    def _older(self) -> Path:
        """Return the pins with ten packages at an older version."""
        place, older = self.root / "older.txt", dict(pins_of(INPUTS / "older.txt"))
        lines = [f"{name}=={older.get(name, version)}\n" for name, version in pins_of(BIG)]
        place.write_text("".join(lines))
        return place

    def _environment(self, tool: Tool) -> Path:
        return self.root / f"env-{tool.name.replace(' ', '-')}"

    def _cache(self, tool: Tool, case: SyncCase) -> Path:
        return (
            self.root / f"cache-{tool.name.replace(' ', '-')}-{'cold' if self._is_cold(tool, case) else 'warm'}"
        )

    def _is_cold(self, tool: Tool, case: SyncCase) -> bool:
        """Return whether a case has a cache of its own; that of a slow tool stays warm for the next case."""
        return case.fresh_cache and not tool.is_slow

    def _clear_cache(self, tool: Tool, case: SyncCase) -> None:
        cache = self._cache(tool, case)
        if not (case.kept and tool.kind == "puffin"):
            self.clear(cache)
            return
        for entry in cache.iterdir() if cache.is_dir() else ():
            if entry.name != case.kept:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def _write_pip_conf(self, lines: tuple[str, ...], url: str) -> None:
        """Write the file unless it exists: a configuration does not change between runs."""
        path = self.root / "home" / ".config" / "pip" / "pip.conf"
        text = "\n".join(["[global]", *(line.format(index=url, beside=path.parent) for line in lines), ""])
        if path.exists() and path.read_text() == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(BIG, path.with_name("constraints.txt"))
        path.with_name("links").mkdir(exist_ok=True)
        path.write_text(text)


def _inodes(directory: Path) -> int:
    return sum(len(names) + len(files) for _, names, files in os.walk(directory))
