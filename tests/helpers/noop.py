"""Kept answers, as tests look at them, and what a run looked at, as strace saw it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from puffin.cache import frame
from puffin.cli.noop.check import repeated
from tests.helpers.cli import CHECKOUT, Puffin
from tests.helpers.waiting import SECONDS

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
_CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)$")
_WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LIBRARY = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
_FAILED = re.compile(r"= -1 E\w+ \(")
_WRITING = (
    "execve",
    "chdir",
    "unlink",
    "mkdir",
    "rename",
    "unlinkat",
    "renameat",
    "renameat2",
    "mkdirat",
    "rmdir",
)
_DIRECTORY = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>")
_SYSTEM = (
    "/proc", "/sys", "/dev", "/lib", "/lib64", "/usr/lib", "/usr/share", "/usr/local/lib", "/etc/ssl",
)  # fmt: skip
_OWN = {
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd",
    "/etc/resolv.conf", "/etc/host.conf", "/etc/hosts",
}  # fmt: skip


class Kept:
    """The one answer that the cache of *puffin* has."""

    def __init__(self, puffin: Puffin, cwd: Any = None) -> None:
        self.puffin = puffin
        self.cwd = cwd or puffin.cwd
        paths = list((puffin.cache / "answers-v0").glob("*"))
        self.path = str(paths[0]) if paths else ""
        fields = frame.load(Path(self.path).read_bytes()) if paths else (None,) * 11
        _, self.since, self.until, files, _, kinds, directories, _, self.variables, environments, _ = fields
        self.files = dict(files or ())
        self.kinds = dict(kinds or ())
        self.directories = dict(directories or ())
        self.environments = dict(environments or ())

    def holds(self, **changes: str) -> bool:
        """Tell whether the answer would be repeated now."""
        here = os.getcwd()
        os.chdir(self.cwd)
        try:
            return repeated(self.path, self.puffin.environ(**changes), perf_counter()) is not None
        finally:
            os.chdir(here)


def kept(puffin: Puffin, *words: object, runs: int = 3, **options: Any) -> Kept:
    """Run a command until its answer is kept, and return that."""
    for _ in range(runs):
        done = puffin(*words, **options)
        assert done.code == 0, done.err
        if any((puffin.cache / "answers-v0").glob("*")):
            return Kept(puffin, options.get("cwd"))
    raise AssertionError(f"no answer was kept: {done.err}")


def forget(puffin: Puffin) -> None:
    """Forget all answers."""
    shutil.rmtree(puffin.cache / "answers-v0", ignore_errors=True)


class Seen:
    """The paths that a run looked at, the files that it opened, and the directories that it read."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.opened: set[str] = set()
        self.directories: set[str] = set()


def looked_at(puffin: Puffin, *words: object, env: Any = None, cwd: Any = None) -> Seen:
    """Run a command under strace and return what it looked at."""
    log = puffin.root / "strace"
    strace = ("strace", "-f", "-y", "-s", "4096", "-o", log, "-e", "trace=%file,getdents64")
    done = subprocess.run(
        [*strace, sys.executable, "-m", "puffin", *map(str, words)],
        env=puffin.environ(**dict(env or {})),
        cwd=cwd or puffin.cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return _parsed(log.read_text(errors="replace"), str(cwd or puffin.cwd))


def _parsed(text: str, cwd: str) -> Seen:
    seen = Seen()
    for line in text.splitlines():
        call = _CALL.match(line)
        if not call or call[1] in _WRITING:
            continue
        place = _DIRECTORY.match(call[2])
        if call[1] == "getdents64":
            seen.directories.add(place[1] if place else "")
            continue
        word = _WORDS.search(call[2])
        if not word or not word[1] or "O_CREAT" in line:
            continue
        path = os.path.normpath(os.path.join(place[1] if place else cwd, word[1]))
        seen.paths.add(path)
        if call[1] == "openat" and "O_DIRECTORY" not in line and not _FAILED.search(line):
            seen.opened.add(path)
    return seen


def uncovered(puffin: Puffin, answer: Kept, seen: Seen, cwd: Any = None) -> set[str]:
    """Return what was looked at, opened or read and is not among what *answer* depends on."""
    base = str(cwd or puffin.cwd)
    files = [os.path.normpath(os.path.join(base, path)) for path in answer.files]
    walked = [os.path.normpath(os.path.join(base, path)) for path in answer.directories]
    looked_for = [os.path.normpath(os.path.join(base, path)) for path in answer.kinds]
    known = {
        part for path in (*files, *walked, *looked_for, *answer.environments) for part in _on_the_way(path)
    }
    elsewhere = _Elsewhere(puffin, answer, base)
    read = {os.path.realpath(path) for path in files}
    entered = {os.path.realpath(path) for path in walked}
    directories = {each for each in seen.directories if os.path.realpath(each) not in entered}
    return {
        *(f"path {path}" for path in seen.paths if path not in known and path not in elsewhere),
        *(
            f"file {path}"
            for path in seen.opened
            if os.path.realpath(path) not in read and path not in elsewhere
        ),
        *(f"directory {each}" for each in directories if each not in elsewhere),
    }


class _Elsewhere:
    """Places that are no part of what is asked: puffin, its Python, the cache, and the system's own files."""

    def __init__(self, puffin: Puffin, answer: Kept, base: str) -> None:
        self._beneath = [str(puffin.cache), str(CHECKOUT / "puffin"), sys.prefix, sys.base_prefix, *_SYSTEM]
        self._beneath += sysconfig.get_paths().values()
        for root in answer.environments:  # that the state tells
            self._beneath += [f"{root}/.puffin", f"{root}/lib", f"{root}/lib64"]
        self._exactly = {*_OWN, *_on_the_way(base), *_on_the_way(str(CHECKOUT)), *_on_the_way(sys.executable)}

    def __contains__(self, path: str) -> bool:
        home = os.path.dirname(sys.executable)
        return (
            path in self._exactly
            or os.path.basename(path) == _LIBRARY
            or os.path.dirname(path)
            in (str(CHECKOUT), home, os.path.dirname(home))  # where Python looks at its start
            or any(path == place or path.startswith(f"{place}/") for place in self._beneath)
        )


def _on_the_way(path: str) -> set[str]:
    """Return *path*, the directories above it, and all that links on the way lead to."""
    found: set[str] = set()
    left = [path]
    while left:
        each = left.pop()
        while each not in found:
            found.add(each)
            if os.path.islink(each):
                left.append(os.path.normpath(os.path.join(os.path.dirname(each), os.readlink(each))))
            each = os.path.dirname(each)
    return found
