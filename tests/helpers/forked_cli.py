"""The real command line in forked processes: what one command imported, the next finds imported.

A command costs a fork in place of the start of an interpreter. The process that forks has no threads, and never
runs a command itself. A command gets an interpreter of its own where its environment changes how one starts.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.helpers.cli import CHECKOUT, Puffin, Result
from tests.helpers.waiting import SECONDS

# the variables by which an interpreter starts, and those that libraries read when they are imported
_STARTS = {"PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "DASK_", "MALLOC_")


class ForkedCommands:
    """A process that runs commands of puffin in children of its own; one for many :class:`ForkedPuffin`."""

    def __enter__(self) -> ForkedCommands:
        self.idle = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env={"PATH": os.environ["PATH"], **_STARTS},
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what some libraries log when they are imported
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, words: list[str], environ: Mapping[str, str], cwd: str, stem: str) -> int:
        """Run a command, whose output goes to *stem* with ``.out`` and ``.err``, and return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([words, dict(environ), cwd, stem]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class ForkedPuffin(Puffin):
    """The command line as :class:`Puffin` has it, by forked processes."""

    def __init__(self, root: Path, interpreters: Path | None, commands: ForkedCommands) -> None:
        super().__init__(root, interpreters)
        self._commands = commands

    def __call__(
        self, *words: object, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Any = None
    ) -> Result:
        environ = self.environ(**dict(env or {}))
        starts = {name: value for name, value in environ.items() if name.startswith(_AT_START)}
        if starts != _STARTS or not self._commands.idle.acquire(blocking=False):
            return super().__call__(*words, env=env, stdin=stdin, cwd=cwd)
        try:
            told = self._forked([str(word) for word in words], environ, cwd, stdin)
        finally:
            self._commands.idle.release()
        return self.result(*told)

    def run_code(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python code as a program of its own, where the command line would run."""
        with self._commands.idle:
            return subprocess.CompletedProcess(code, *self._forked(["-c", code], self.environ()))

    def _forked(
        self, words: list[str], environ: Mapping[str, str], cwd: Any = None, stdin: str = ""
    ) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr of a command."""
        stem = str(self.root / "command")
        Path(f"{stem}.in").write_text(stdin)
        code = self._commands.run(words, environ, str(cwd or self.cwd), stem)
        return code, _text(f"{stem}.out"), _text(f"{stem}.err")


def _text(path: str) -> str:
    with open(path, errors="surrogateescape") as file:
        return file.read()


def _serve() -> None:
    known: set[str] = set()
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            _run(*json.loads(line), writer)
        os.close(writer)
        names: list[str] = []
        if select.select([reader], [], [], SECONDS)[0]:
            names = os.read(reader, 1 << 16).decode().split()
        else:
            os.kill(child, signal.SIGKILL)
        os.close(reader)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for name in names:
            if name not in known:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        known.update(names)
        print(status, flush=True)


def _run(words: list[str], environ: dict[str, str], cwd: str, stem: str, writer: int) -> None:
    """Run a command, or Python code after ``-c``, in this child, tell *writer* what it imported, and end."""
    os.set_inheritable(writer, False)
    for number, path, flags in (
        (0, f"{stem}.in", os.O_RDONLY),
        (1, f"{stem}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, f"{stem}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    tempfile.tempdir = None  # some module that was imported may have asked for it
    before = set(sys.modules)
    here, real = os.getpid(), os._exit

    def leave(code: int) -> None:
        if os.getpid() == here:
            told = [name for name in set(sys.modules) - before if not name.startswith("__m")]
            os.write(writer, " ".join(told).encode()[: 1 << 16])
        real(code)

    os._exit = leave  # type: ignore[assignment]
    sys.argv = ["puffin", *words]
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, "r" if number == 0 else "w", closefd=False)  # noqa: SIM115 - open to the end
        for number in range(3)
    )
    try:
        if words[:1] == ["-c"]:
            leave(_exit_code(words[1]))
        from puffin.cli import entry

        entry.STARTED, entry.STARTED_CPU = time.perf_counter(), time.process_time()
        entry.run()
    except BaseException:
        import traceback

        traceback.print_exc()
    leave(70)


def _exit_code(code: str) -> int:
    """Run *code* as an interpreter does, and return the exit code that it ends with."""
    status: object = None
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        status = end.code
    if isinstance(status, str):
        print(status, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    _serve()
