"""Faults on purpose: calls that fail or kill after a while, traced commands, and looks at what is left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from puffin.stages.link.commit import steps
from tests.helpers import syscalls
from tests.helpers.cli import Env, Puffin

CHANGING = ("rename", "replace", "mkdir", "rmdir", "unlink", "utime", "symlink", "link")


class Died(BaseException):
    """What stands for SIGKILL in tests of one process."""


class Saboteur:
    """Lets calls that change the disk pass until the *number*-th, which gets *fault*; after :class:`Died` all do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, fault: BaseException) -> None:
        self.left = number
        self.fault = fault
        self.struck = False
        self._real = {name: getattr(os, name) for name in CHANGING}
        self._patch = monkeypatch

    def __enter__(self) -> Saboteur:
        for name, real in self._real.items():
            self._patch.setattr(os, name, self._guarded(real))
        self._exchange = steps.exchange
        self._patch.setattr(steps, "exchange", self._guarded(steps.exchange))
        return self

    def __exit__(self, *_: object) -> None:
        for name, real in self._real.items():
            self._patch.setattr(os, name, real)
        self._patch.setattr(steps, "exchange", self._exchange)

    def _guarded(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0 or (self.left < 0 and isinstance(self.fault, Died)):
                self.struck = True
                raise self.fault
            return real(*arguments, **options)

        return call


def snapshot(root: Path) -> dict[str, bytes | str | None]:
    """Return what is beneath *root*: contents of files, targets of links, None for directories."""
    found: dict[str, bytes | str | None] = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(directory, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = os.readlink(path)
            else:
                found[key] = None if path.is_dir() else path.read_bytes()
    return found


def of_packages(env: Env) -> dict[str, bytes | str | None]:
    """Return what packages brought into an environment, in site-packages and the scripts directory."""
    site = {
        f"site/{path}": content for path, content in snapshot(env.site).items() if "__pycache__" not in path
    }
    return site | {f"bin/{path}": content for path, content in snapshot(env.bin).items()}


def at_rest(env: Env) -> bool:
    """Tell whether nothing temporary is in the environment."""
    return set(os.listdir(env.root / ".puffin")) <= {"lock", "state"}


def temporaries(puffin: Puffin) -> list[str]:
    """Return what lies in the cache's room for work in progress."""
    room = puffin.cache / "tmp-v0"
    return sorted(os.listdir(room)) if room.is_dir() else []


def can_strace() -> bool:
    """Tell whether strace is here and may trace."""
    if not shutil.which("strace"):
        return False
    done = subprocess.run(["strace", "-f", "-e", "trace=none", "true"], capture_output=True)
    return done.returncode == 0


def traced(
    puffin: Puffin, inject: str, *words: object, only: Sequence[Path] = (), **environ: str
) -> tuple[int, str, str]:
    """Run puffin under strace with a fault in it, in calls about the paths *only* if there are any.

    Return the exit code, stderr, and the trace.
    """
    command = (sys.executable, "-m", "puffin", *words)
    ended = syscalls.run(command, inject=[inject], only=only, env=puffin.environ(**environ), cwd=puffin.cwd)
    return ended.code, ended.err, "\n".join(ended.trace)


@contextmanager
def started(puffin: Puffin, *words: object, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Start puffin in a session of its own; at the end all of the session is gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "puffin", *map(str, words)],
        env=puffin.environ(**environ),
        cwd=puffin.cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for pid in session(process.pid):
            os.kill(pid, 9)
        process.communicate()


def session(leader: int) -> list[int]:
    """Return the processes of the session of *leader* that live."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] not in "ZX":
                found.append(int(entry))
    return found


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    """Mount a tmpfs of *size* at *path*; skip the test where that is not allowed."""
    path.mkdir(parents=True, exist_ok=True)
    command: Sequence[str] = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("cannot mount here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, capture_output=True)


@contextmanager
def layer_above(path: Path) -> Iterator[None]:
    """Mount an overlay at *path*, so that what is there is of a lower layer; skip where that is not allowed."""
    beside = path.parent / f"{path.name}-layers"
    for name in ("upper", "work"):
        (beside / name).mkdir(parents=True, exist_ok=True)
    places = f"lowerdir={path},upperdir={beside / 'upper'},workdir={beside / 'work'}"
    command: Sequence[str] = ["mount", "-t", "overlay", "overlay", "-o", places, str(path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("cannot mount an overlay here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, capture_output=True)
