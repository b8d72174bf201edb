"""The real command line in forked processes: what one command imported, the next finds imported.

A command costs a fork in place of the start of an interpreter. The process that forks has no threads, and never
runs a command itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.helpers.cli import CHECKOUT, Puffin, Result


class ForkedCommands:
    """A process that runs commands of puffin in children of its own; one for many :class:`ForkedPuffin`."""

    def __enter__(self) -> ForkedCommands:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(CHECKOUT),
                "PYTHONHASHSEED": "0",
                "LC_ALL": "C.UTF-8",
            },
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
        assert not stdin
        stem = str(self.root / "command")
        told = [str(word) for word in words]
        code = self._commands.run(told, self.environ(**dict(env or {})), str(cwd or self.cwd), stem)
        out, err = (_text(f"{stem}.{name}") for name in ("out", "err"))
        assert "\nTraceback (most recent call last)" not in f"\n{err}", err
        return Result(code, self.plain(out), self.plain(err), out, err)


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
        with open(reader) as pipe:
            names = pipe.read().split()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for name in names:
            if name not in known:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        known.update(names)
        print(status, flush=True)


def _run(words: list[str], environ: dict[str, str], cwd: str, stem: str, writer: int) -> None:
    """Run a command in this child, tell *writer* what it imported, and end."""
    os.set_inheritable(writer, False)
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, f"{stem}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, f"{stem}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
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
    from puffin.cli.entry import run

    try:
        run()
    except BaseException:
        import traceback

        traceback.print_exc()
    leave(70)


if __name__ == "__main__":
    _serve()
