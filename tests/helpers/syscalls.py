"""System calls of a command under strace: which it makes, and one of them with a fault in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

CHANGING = (
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir",
    "mkdir", "mkdirat", "openat", "write", "pwrite64", "sendfile", "copy_file_range", "ftruncate", "fsync",
    "fdatasync", "chmod", "fchmod", "fchmodat", "utimensat", "ioctl",
)  # fmt: skip
_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_FICLONE = "FICLONE"


class Call(NamedTuple):
    """The *number*-th call of this name in one process, as strace counts them, and its arguments."""

    name: str
    number: int
    arguments: str = ""

    def inject(self, fault: str, *, on: bool = False) -> str:
        """Return the expression for strace that puts *fault* there, or there and in all after it."""
        return f"{self.name}:{fault}:when={self.number}{'+' if on else ''}"


class Ended(NamedTuple):
    """How a traced command ended, and the lines of its trace."""

    code: int
    err: str
    trace: list[str]

    @property
    def struck(self) -> bool:
        """Whether the fault came about."""
        return any("INJECTED" in line or "SI_KERNEL" in line or line.endswith("= ?") for line in self.trace)


def run(
    words: Sequence[object],
    *,
    inject: Sequence[str] = (),
    trace: str = "",
    only: Sequence[Path] = (),
    env: Mapping[str, str],
    cwd: Path,
    seconds: float = 60.0,
) -> Ended:
    """Run a command under strace with faults in it, in calls about the paths *only* if there are any.

    It may take so many *seconds* (``subprocess.TimeoutExpired``).
    """
    names = trace or ",".join(each.partition(":")[0] for each in inject)
    with tempfile.NamedTemporaryFile("r", suffix=".strace", errors="replace") as log:
        command = ["strace", "-f", "-q", "-o", log.name, "-e", f"trace={names}"]
        command += [word for each in inject for word in ("-e", f"inject={each}")]
        command += [word for path in only for word in ("-P", str(path))]
        with subprocess.Popen(
            [*command, *map(str, words)],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            start_new_session=True,
        ) as process:
            try:
                _, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # strace alone would leave what it traces
                raise
        return Ended(process.returncode, err, log.read().splitlines())


def changing(name: str, arguments: str) -> bool:
    """Tell whether a call of :data:`CHANGING` changes something: not each that opens a file does."""
    if name == "openat":
        return "O_CREAT" in arguments or "O_TRUNC" in arguments or "O_TMPFILE" in arguments
    return name != "ioctl" or _FICLONE in arguments


def calls(trace: Sequence[str], *, after: str = "") -> list[Call]:
    """Return the calls of a trace in their order, each once; those that follow a line with *after* alone.

    A call of a child whose number another process reached before that line is left out: a fault there would come early.
    """
    found: dict[tuple[str, int], Call] = {}
    early: set[tuple[str, int]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    begun = not after
    for line in trace:
        begun = begun or after in line
        if match := _CALL.match(line):
            process, name, arguments = match.groups()
            counts[process, name] += 1
            call = Call(name, counts[process, name], arguments)
            if not begun:
                early.add(call[:2])
            elif call[:2] not in early:
                found.setdefault(call[:2], call)
    return list(found.values())
