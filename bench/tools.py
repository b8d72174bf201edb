"""The installers that are compared: where they come from, and the command each is given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
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
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An installer by its executable; ``kind`` (uv, puffin, pip) says which command line it understands."""

    name: str
    kind: str
    executable: str
    version: str

    def command(self, job: Job) -> list[str]:
        """Return the command line of a sync."""
        return _COMMANDS[self.kind](self.executable, job)


def _puffin(executable: str, job: Job) -> list[str]:
    command = [executable, "pip", "sync", str(job.requirements), "--index-url", job.url]
    return [*command, "--link-mode", job.link_mode, "--cache-dir", str(job.cache), *job.options]


def _uv(executable: str, job: Job) -> list[str]:
    command = [executable, "--no-config", "pip", "sync", str(job.requirements), "--default-index", job.url]
    return [*command, "--link-mode", job.link_mode, "--cache-dir", str(job.cache), *job.options]


def _pip(executable: str, job: Job) -> list[str]:
    command = [
        executable,
        "-m",
        "pip",
        "--python",
        str(job.environment / "bin" / "python"),
        "install",
        "--no-deps",
    ]
    common = ["--disable-pip-version-check", "--index-url", job.url, "--cache-dir", str(job.cache)]
    return [*command, *common, "-r", str(job.requirements)]


_COMMANDS = {"puffin": _puffin, "uv": _uv, "pip": _pip}


def environment(home: Path, virtual_env: Path) -> dict[str, str]:
    """Return the variables that every run sees: this process's, without what would change an installer."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and not name.lower().endswith("_proxy")
    }
    return {**kept, "HOME": str(home), "VIRTUAL_ENV": str(virtual_env), "PIP_CONFIG_FILE": os.devnull}


def find_tools(scratch: Path, *, puffin: str, uv: str, versus: str, pip: bool, python: str) -> list[Tool]:
    """Return uv, puffin and, if asked for, pip; what is not given or found is installed under *scratch*.

    *versus* is another installed puffin, called ``before``.
    """
    executables = {"uv": uv or shutil.which("uv") or "", "puffin": puffin}
    missing = [name for name, executable in executables.items() if not executable]
    if missing:
        executables |= _install(missing, scratch, python)
    executables |= {BEFORE: versus} if versus else {}
    for name in {"puffin", BEFORE} & set(executables):
        if not _is_installed_wheel(executables[name]):
            raise SystemExit(
                f"{executables[name]} is not an installed wheel; an editable one starts more slowly"
            )
    tools = [
        Tool(
            name=name,
            kind="uv" if name == "uv" else "puffin",
            executable=executable,
            version=_version([executable, "--version"]),
        )
        for name, executable in executables.items()
    ]
    if pip:
        version = _version([python, "-m", "pip", "--version"])
        tools.append(Tool(name="pip", kind="pip", executable=python, version=version))
    return tools


def _install(names: list[str], scratch: Path, python: str) -> dict[str, str]:
    print(f"installing {' and '.join(names)} …", file=sys.stderr)
    home = scratch / "tools"
    subprocess.run([python, "-m", "venv", home], check=True)
    what = [str(CHECKOUT) if name == "puffin" else name for name in names]
    subprocess.run([home / "bin" / "python", "-m", "pip", "install", "-q", *what], check=True)
    return {name: str(home / "bin" / name) for name in names}


def _is_installed_wheel(puffin: str) -> bool:
    prefix = Path(shutil.which(puffin) or puffin).parent.parent
    return any(prefix.glob("lib/python*/site-packages/puffin/__init__.py"))


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split()[:2])
