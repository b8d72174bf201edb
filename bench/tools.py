"""The installers that are compared: where they come from, and the commands each is given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.machine import python_version
from bench.server import CHECKOUT

BEFORE = "before"  # the name of the other puffin
_DROPPED = ("PIP_", "UV_", "PYTHON", "PUFFIN_", "VIRTUAL_ENV", "CONDA", "XDG_", "NO_PROXY")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a tool has to do: *requirements* from the index *url* into *environment*, by way of *cache*."""

    requirements: Path
    url: str
    environment: Path
    cache: Path
    link_mode: str
    verb: str = "sync"
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An installer by its executable; ``kind`` (puffin, uv, pip, python) says which command line it understands.

    ``second`` marks a puffin on another interpreter, which has part in some cases only.
    """

    name: str
    kind: str
    executable: str
    version: str
    second: bool = False

    @property
    def is_slow(self) -> bool:
        """Return whether one round of it is enough."""
        return self.kind == "pip"

    def command(self, job: Job) -> list[str]:
        """Return the command line of an installation."""
        cache = ["--cache-dir", str(job.cache)]
        if self.kind == "pip":
            python = ["--python", str(job.environment / "bin" / "python")]
            common = ["--disable-pip-version-check", "--index-url", job.url, *cache]
            return [
                *[self.executable, "-m", "pip", *python, "install", "--no-deps", *common, *job.options],
                *["-r", str(job.requirements)],
            ]
        files = [str(job.requirements)] if job.verb == "sync" else ["-r", str(job.requirements)]
        modes = ["--link-mode", job.link_mode]
        return [*self.start(), "pip", job.verb, *files, *self.index(job.url), *modes, *cache, *job.options]

    def start(self) -> list[str]:
        """Return how its commands begin."""
        return [self.executable, "--no-config"] if self.kind == "uv" else [self.executable]

    def index(self, url: str) -> list[str]:
        """Return the options that name the one index to use."""
        return ["--default-index" if self.kind == "uv" else "--index-url", url]

    def resolution(self, source: Path, output: Path, *, url: str, python: str, words: list[str]) -> list[str]:
        """Return the command line that resolves *source*."""
        if self.kind == "pip":
            own = [self.executable, "-m", "pip", "--python", python, "install", "-q", "--dry-run"]
            more = [
                "--disable-pip-version-check",
                "--ignore-installed",
                "--report",
                str(output),
                "-r",
                str(source),
            ]
            return [*own, *more, *self.index(url), *words]
        own = [*self.start(), "pip", "compile", "-q", str(source), "-o", str(output)]
        return [*own, *self.index(url), "-p", python, *words]


def environment(home: Path, virtual_env: Path) -> dict[str, str]:
    """Return the variables that every run sees: this process's, without what would change an installer."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and not name.lower().endswith("_proxy")
    }
    return {**kept, "HOME": str(home), "VIRTUAL_ENV": str(virtual_env), "PIP_CONFIG_FILE": os.devnull}


def find_tools(
    scratch: Path,
    *,
    pythons: list[str],
    puffins: list[str],
    uv: str,
    versus: str,
    beside: list[str],
    offline: bool,
    editable: bool,
) -> list[Tool]:
    """Return uv, puffin on each of *pythons*, *versus* as ``before``, pip, and the interpreter itself.

    What is not given is installed under *scratch*: a wheel of this checkout, and beside the first one the tools of
    *beside*. A tool that cannot be had is left out. *offline* takes uv and pip from where they are already.
    """
    homes = [scratch / f"tools-{number}" for number in range(len(pythons))]
    if not puffins:
        puffins = _installed_puffins(scratch, homes, pythons)
    tools = [
        Tool(
            name=f"puffin on {_python_of(puffin)}" if number else "puffin",
            kind="puffin",
            executable=puffin,
            version=f"{_version([puffin, '--version'])} on Python {_python_of(puffin)}",
            second=number > 0,
        )
        for number, puffin in enumerate(puffins)
    ]
    if versus:
        tools.append(_tool(BEFORE, "puffin", versus))
    for puffin in [tool.executable for tool in tools if not editable]:
        if not _is_installed_wheel(puffin):
            raise SystemExit(f"{puffin} is not an installed wheel; an editable one starts more slowly")
    others = _beside(beside, homes[0], pythons[0], offline)
    uv = uv or others.get("uv", "")
    tools = [_tool("uv", "uv", uv), *tools] if uv else tools
    if "pip" in others:
        tools.append(
            Tool(name="pip", kind="pip", executable=others["pip"], version=_pip_version(others["pip"]))
        )
    python = str(Path(puffins[0]).with_name("python"))
    version = f"Python {_python_of(puffins[0])}"
    return [*tools, Tool(name="python -c pass", kind="python", executable=python, version=version)]


def _python_of(puffin: str) -> str:
    return python_version(str(Path(puffin).with_name("python")))


def _tool(name: str, kind: str, executable: str) -> Tool:
    return Tool(name=name, kind=kind, executable=executable, version=_version([executable, "--version"]))


def _installed_puffins(scratch: Path, homes: list[Path], pythons: list[str]) -> list[str]:
    print("installing puffin …", file=sys.stderr)
    wheel: list[str | Path] = [
        pythons[0],
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        scratch / "puffin",
        CHECKOUT,
    ]
    subprocess.run(wheel, check=True)
    for home, python in zip(homes, pythons, strict=True):
        _make_home(home, python)
        what = [*(scratch / "puffin").glob("*.whl")]
        subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", *what], check=True)
    return [str(home / "bin" / "puffin") for home in homes]


def _make_home(home: Path, python: str) -> None:
    if not home.exists():
        subprocess.run([python, "-m", "venv", home], check=True)


def _beside(names: list[str], home: Path, python: str, offline: bool) -> dict[str, str]:
    """Return uv's executable and the interpreter that has pip, as far as they can be had."""
    if offline:
        found = {"uv": shutil.which("uv") or "", "pip": python if _pip_version(python) else ""}
        return {name: found[name] for name in names if found[name]}
    if not names:
        return {}
    print(f"installing {' and '.join(names)} …", file=sys.stderr)
    _make_home(home, python)
    done = subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", "-U", *names])
    found = {"uv": str(home / "bin" / "uv"), "pip": str(home / "bin" / "python")}
    return {name: found[name] for name in names if not done.returncode}


def _is_installed_wheel(puffin: str) -> bool:
    prefix = Path(shutil.which(puffin) or puffin).parent.parent
    return any(prefix.glob("lib/python*/site-packages/puffin/__init__.py"))


def _pip_version(python: str) -> str:
    done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True)
    return " ".join(done.stdout.split()[:2])


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split()[:2])
