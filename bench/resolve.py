"""Cases of resolutions, and of starting up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.indexes import BIG
from bench.pages import forged_sets
from bench.rounds import Bench, Case, Figures, demand, measured
from bench.shapes import INPUTS
from bench.tools import Tool


@dataclass(frozen=True, kw_only=True)
class ResolveCase(Case):
    """A case of a resolution.

    ``kept`` leaves the output there, ``edited`` adds another requirement in each round, ``universal`` resolves for all
    platforms. ``source`` is ``big``, ``set``
    (that of the index), or a service of the monorepo and how much of it is pinned (``00 half``).
    """

    index: str = "wheels"
    source: str = "big"
    fresh_cache: bool = False
    edited: bool = False
    kept: bool = False
    universal: bool = False


class ResolveBench(Bench[ResolveCase]):
    """Resolves one file, or where it is edited, another one each round."""

    def prime(self, tool: Tool, case: ResolveCase) -> None:
        self.number = -1
        if not case.fresh_cache:
            self.run(tool, case)

    def prepare(self, tool: Tool, case: ResolveCase) -> None:
        if case.fresh_cache:
            self.clear(self._cache(tool, case))

    def run(self, tool: Tool, case: ResolveCase, *flags: str) -> Figures:
        output = self.root / f"{tool.name.replace(' ', '-')}.txt"
        if not case.kept:
            output.unlink(missing_ok=True)
        url, python = self.setting.indexes.url(case.index, late=case.late), self.setting.python
        source, words = self._source(case), ["--cache-dir", str(self._cache(tool, case))]
        words += ["-c", str(self.root / "constraints.txt")] if case.source == "set" else []
        words += ["--universal"] if case.universal else []
        command = tool.resolution(source, output, url=url, python=python, words=words)
        variables = self.variables(Path(python).parent.parent)
        figures, told = measured(command, *flags, variables=variables, cwd=self.root)
        demand(figures["code"] == 0 and output.exists(), f"{tool.name} failed on {case.name}:\n{told}")
        return figures

    def _cache(self, tool: Tool, case: ResolveCase) -> Path:
        return self.root / f"cache-{tool.name.replace(' ', '-')}-{'cold' if case.fresh_cache else case.index}"

    def _source(self, case: ResolveCase) -> Path:
        text = (INPUTS / "big.in").read_text()
        if case.source == "set":
            forged = forged_sets()[case.index.removeprefix("set-")]()
            (self.root / "constraints.txt").write_text(forged.constraints)
            text = forged.requirements
        elif case.source != "big":
            text = service(case.source)
        if case.edited:
            text += sorted(BIG.read_text().split())[self.number * 3 + 3] + "\n"
        path = self.root / "source.in"
        path.write_text(text)
        return path


def service(source: str) -> str:
    """Return the requirements of a service: open, with every second package pinned, or all pinned."""
    number, kind = source.split()
    directory = INPUTS / "monorepo" / "services" / f"service-{number}"
    pins = (directory / "requirements.txt").read_text()
    if kind == "pinned":
        return pins
    text = (directory / "requirements.in").read_text()
    return text + "\n".join([*pins.split()[::2], ""]) if kind == "half" else text


@dataclass(frozen=True, kw_only=True)
class StartCase(Case):
    """A case of starting a tool up, to print something."""

    word: str


class StartBench(Bench[StartCase]):
    """Runs what only prints."""

    def run(self, tool: Tool, case: StartCase, *flags: str) -> Figures:
        words = {"python": ["-c", "pass"], "pip": ["-m", "pip", case.word]}.get(tool.kind, [case.word])
        variables = self.variables(self.root / "venv")
        figures, told = measured([tool.executable, *words], *flags, variables=variables, cwd=self.root)
        demand(figures["code"] == 0, f"{tool.name} failed on {case.name}:\n{told}")
        return figures
