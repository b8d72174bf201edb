"""Cases of many environments: ``puffin sync`` beside uv once per environment, two at a time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.forge import enlarged
from bench.rounds import Bench, Case, Figures, demand, installed, measured
from bench.shapes import INPUTS, pins_of
from bench.tools import Tool

PINS = "services/*/requirements.txt"
_SERVICES = 20  # of inputs/monorepo


@dataclass(frozen=True, kw_only=True)
class ManyCase(Case):
    """A case of so many environments; ``changed`` has one of them lack a package before each run.

    Those of an index of small packages have 60 small packages each, the others are those of ``inputs/monorepo``.
    """

    count: int = _SERVICES
    index: str = "wheels"
    fresh_environments: bool = True
    fresh_cache: bool = False
    changed: bool = False


class ManyBench(Bench[ManyCase]):
    """Syncs every environment of a monorepo, of which each tool has its own."""

    def __enter__(self) -> ManyBench:
        super().__enter__()
        self._primed: set[tuple[object, ...]] = set()
        self._places: dict[str, Path] = {}
        return self

    def prime(self, tool: Tool, case: ManyCase) -> None:
        key = (tool.name, case.count, case.index, self.link_mode(tool, case))
        if not case.fresh_cache and key not in self._primed:
            self._make_fresh(tool, case)
            self._sync(tool, case)
            self._primed.add(key)

    def prepare(self, tool: Tool, case: ManyCase) -> None:
        """uv's environments are made outside the clock, puffin makes its own."""
        if case.fresh_cache:
            self.clear(self._cache(tool, case))
        if case.fresh_environments:
            self._make_fresh(tool, case)
        if case.changed:
            pins = self._directories(tool, case)[0] / "requirements.txt"
            text = pins.read_text()
            pins.write_text(text.partition("\n")[2])
            self._sync(tool, case)
            pins.write_text(text)

    def run(self, tool: Tool, case: ManyCase, *flags: str) -> Figures:
        mark = self.setting.server.mark()
        figures = self._sync(tool, case, *flags)
        fetched = [path for path in self.setting.server.asked(mark) if path.endswith(".whl")]
        again = len(fetched) - len(set(fetched))
        demand(tool.kind != "puffin" or not again, f"puffin fetched {again} wheels more than once")
        return figures

    def _make_fresh(self, tool: Tool, case: ManyCase) -> None:
        for directory in self._directories(tool, case):
            self.clear(directory / ".venv")
            if tool.kind == "uv":
                self.make_environment(directory / ".venv")

    def _sync(self, tool: Tool, case: ManyCase, *flags: str) -> Figures:
        variables = self.variables(self.root)
        del variables["VIRTUAL_ENV"]
        command = self._command(tool, case)
        figures, told = measured(command, *flags, variables=variables, cwd=self._monorepo(tool, case))
        for directory in self._directories(tool, case):
            whole = installed(directory / ".venv") == len(pins_of(directory / "requirements.txt"))
            demand(figures["code"] == 0 and whole, f"{tool.name} failed in {directory.name}:\n{told}")
        return figures

    def _monorepo(self, tool: Tool, case: ManyCase) -> Path:
        place = self.root / f"{tool.name.replace(' ', '-')}-{case.index}-{case.count}"
        if place.exists():
            return place
        self._leave_former(tool, place)
        if case.index.startswith("small-"):
            packages = range(int(case.index.removeprefix("small-")))
            return enlarged([f"small-{number:04}==1.0" for number in packages], place, case.count, 60)
        for number in range(case.count):
            source = INPUTS / "monorepo" / "services" / f"service-{number % _SERVICES:02}"
            shutil.copytree(source, place / "services" / f"service-{number:03}")
        return place

    def _leave_former(self, tool: Tool, place: Path) -> None:
        """Clear the environments of earlier cases: a file system in memory has room for some thousand of them only."""
        former, self._places[tool.name] = self._places.get(tool.name), place
        for environment in former.glob("services/*/.venv") if former else ():
            self.clear(environment)
        self._primed = {key for key in self._primed if key[0] != tool.name}

    def _directories(self, tool: Tool, case: ManyCase) -> list[Path]:
        return sorted((self._monorepo(tool, case) / "services").iterdir())

    def _cache(self, tool: Tool, case: ManyCase) -> Path:
        return self.root / f"cache-{tool.name.replace(' ', '-')}-{'cold' if case.fresh_cache else 'warm'}"

    def _command(self, tool: Tool, case: ManyCase) -> list[str]:
        url = self.setting.indexes.url(case.index, late=case.late)
        cache = ["--cache-dir", str(self._cache(tool, case))]
        common = [*tool.index(url), "--link-mode", self.link_mode(tool, case), *cache]
        if tool.kind == "puffin":
            words = case.options.get("puffin", ())
            return [*tool.start(), "sync", PINS, "--python", self.setting.python, *common, *words]
        sync = [*tool.start(), "pip", "sync", "-q", *common]
        words = " ".join(f"'{word}'" for word in sync)
        each = f"{words} --python @/.venv/bin/python @/requirements.txt"
        return ["sh", "-c", f"printf '%s\\n' services/* | xargs -P2 -I@ {each}"]
