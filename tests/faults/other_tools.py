"""The same worlds for pip and uv, to put their figures beside those of puffin."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from tests.faults.worlds import World
from tests.helpers.cli import Env, Result
from tests.helpers.waiting import SECONDS


class PipWorld(World):
    """An environment that pip changes. It has no command that removes what is not listed, and no other to repair."""

    def _words(self, env: Env, file: str) -> list[str]:
        options = (
            "--no-compile",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "-q",
            "-r",
            file,
            *self.place,
        )
        return [sys.executable, "-m", "pip", "--python", str(env.python), "install", *options]

    def sync(self, env: Env, pins: Sequence[str]) -> None:
        self.puffin.file("some.txt", "".join(f"{pin}\n" for pin in pins))
        done = self._run(self._words(env, "some.txt"))
        assert done.code == 0, done.err

    def command(self) -> list[str]:
        return [*self._words(self.envs[0], self.operation.words[-1]), *self.more]

    def run(self, *words: object) -> Result:
        return self._run(self.command())

    def _run(self, command: Sequence[str]) -> Result:
        done = subprocess.run(
            command, env=self.environ, cwd=self.puffin.cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="surrogateescape", timeout=SECONDS,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr, done.stdout, done.stderr)

    def _temporaries(self) -> list[str]:
        return []

    def _of_environment(self, env: Env) -> list[str]:
        return []


class UvWorld(PipWorld):
    """An environment that uv changes."""

    def _words(self, env: Env, file: str) -> list[str]:
        uv = shutil.which("uv")
        assert uv is not None, "there is no uv on PATH"
        options = ("--cache-dir", str(self.puffin.cache / "uv"), "--offline", "-q", *self.place)
        return [uv, "pip", "sync", file, "-p", str(env.python), *options]


WORLDS: dict[str, type[World]] = {"puffin": World, "pip": PipWorld, "uv": UvWorld}
