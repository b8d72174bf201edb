"""The real command line, run as a subprocess in a world of its own: home, cache and working directory."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from puffin.cache.layout import Cache
from puffin.stages.link.environment.environment import Environment, environment_for
from puffin.stages.link.environment.venv import create_venv
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.link.interpreter.known import inspect_interpreter
from tests.helpers.waiting import SECONDS

CHECKOUT = Path(__file__).resolve().parents[2]
_TIME = re.compile(r"\b(?:\d+m \d\ds|\d+(?:\.\d+)?m?s)\b")
_NO_NETWORK = "http://127.0.0.1:9"  # nobody listens there: a test that asks for a public host fails at once


# of pip, and the machine's own files may set them
_PIP_SETTINGS = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy", "timeout",
    "default-timeout", "retries", "only-binary", "no-binary", "keyring-provider",
)  # fmt: skip
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"  # as directories of environments have it


class Result(NamedTuple):
    """How a command ended; ``out`` and ``err`` are normalised, ``raw_out`` and ``raw_err`` are not."""

    code: int
    out: str
    err: str
    raw_out: str
    raw_err: str


class Puffin:
    """Runs puffin beneath *root*: home, cache and working directory are there, and no option is inherited.

    Each run tells ``--executor`` only where the test does, and asks no index that it was not given.
    """

    def __init__(self, root: Path, interpreters: Path | None = None) -> None:
        self.root = root
        self.home = root / "home"
        self.cwd = root / "here"
        self.cache = root / "cache"
        for directory in (self.home, self.cwd):
            directory.mkdir(parents=True)
        if interpreters is not None:
            shutil.copytree(interpreters, self.cache / interpreters.name)
        self.executor = "inline"
        self.names: dict[str, str] = {str(root): "[TMP]"}

    def environ(self, **changes: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_DIRS": str(self.root / "machine"),  # its files for pip are not those of the tests
            "PUFFIN_CACHE_DIR": str(self.cache),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONHASHSEED": "0",
            "NO_COLOR": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "HTTPS_PROXY": _NO_NETWORK,
            "NO_PROXY": "127.0.0.1",
            "LC_ALL": "C.UTF-8",
            **changes,
        }

    def __call__(
        self, *words: object, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Any = None
    ) -> Result:
        """Run ``puffin *words*`` and return how it ended."""
        done = subprocess.run(
            [sys.executable, "-m", "puffin", *map(str, words)],
            env=self.environ(**dict(env or {})),
            cwd=cwd or self.cwd,
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=SECONDS,
        )
        return self.result(done.returncode, done.stdout, done.stderr)

    def result(self, code: int, out: str, err: str) -> Result:
        own = f"\n{err}"  # tracebacks of a build backend are indented
        assert "\nTraceback (most recent call last)" not in own, err
        return Result(code, self.plain(out), self.plain(err), out, err)

    def plain(self, text: str) -> str:
        """Return *text* without what differs from run to run: times and places."""
        for place, name in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(place, name)
        return _TIME.sub("[TIME]", text)

    def file(self, name: str, text: str | bytes) -> Path:
        """Write a file in the working directory."""
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def pip_conf(self, section: str = "global", **values: str) -> dict[str, str]:
        """Write a configuration file of pip's, and return the variables that make it count.

        It takes back whatever the machine's own files may say.
        """
        sections: dict[str, dict[str, str]] = {"global": dict.fromkeys(_PIP_SETTINGS, "")}
        sections.setdefault(section, {}).update(
            {name.replace("_", "-"): value for name, value in values.items()}
        )
        text = "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            for name, keys in sections.items()
        )
        return {"PIP_CONFIG_FILE": str(self.file("pip.conf", text))}

    def venv(self, *words: object, name: str = ".venv") -> Env:
        """Make a virtual environment."""
        done = self("venv", *words, name)
        assert done.code == 0, done.err
        return Env(self.cwd / name)

    def env(self, name: str = ".venv") -> Env:
        """Make a virtual environment of the tests' Python without a command, for tests of other commands."""
        create_venv(str(self.cwd / name), interpreter=self._interpreter())
        return Env(self.cwd / name)

    def environment(self, env: Env) -> Environment:
        """Return an environment of the tests' Python as puffin's own functions take it."""
        return environment_for(self._interpreter(), str(env.root))

    def _interpreter(self) -> Interpreter:
        return inspect_interpreter(sys.executable, Cache(str(self.cache)))

    def sync(self, text: str | bytes | None, *words: object, env: Mapping[str, str] | None = None) -> Result:
        """Write *text* to ``requirements.txt`` and sync it with the executor of this test."""
        if text is not None:
            self.file("requirements.txt", text)
        return self("pip", "sync", "requirements.txt", "--executor", self.executor, *words, env=env)


class Env:
    """A virtual environment on disk, as tests look at it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.python = self.bin / "python"

    @property
    def site(self) -> Path:
        return next(iter(sorted(self.root.glob("lib/python*/site-packages"))))

    def run(self, *words: object, bytecode: bool = False, **options: Any) -> str:
        """Run the environment's Python and return its output; it writes *bytecode* only where asked to."""
        env = {"PATH": os.environ["PATH"], **({} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"})}
        done = subprocess.run(
            [self.python, *map(str, words)], capture_output=True, text=True, env=env, timeout=SECONDS, **options
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def installed(self) -> dict[str, str]:
        """Return the distributions and their versions, by their directories."""
        found = [path.name.removesuffix(".dist-info").split("-") for path in self.site.glob("*.dist-info")]
        return dict(sorted((name.lower(), version) for name, version in found))

    def tree(self) -> dict[str, tuple[int, int]]:
        """Return ``{path: (inode, mtime)}`` of all but puffin's own files: equal before and after a no-op."""
        found = {}
        for directory, names, files in os.walk(self.root):
            if Path(directory) == self.root:
                names[:] = [name for name in names if name != ".puffin"]
            for name in (*names, *files):
                facts = os.lstat(os.path.join(directory, name))
                found[os.path.relpath(os.path.join(directory, name), self.root)] = (
                    facts.st_ino,
                    facts.st_mtime_ns,
                )
        return found

    def info(self, name: str) -> Path:
        """Return the ``.dist-info`` directory of a distribution."""
        return next(path for path in self.site.glob("*.dist-info") if path.name.lower().startswith(f"{name}-"))

    def record(self, name: str) -> dict[str, tuple[str, str]]:
        """Return RECORD of a distribution as ``{path: (hash, size)}``, and fail where it lies about a file."""
        with open(self.info(name) / "RECORD", newline="") as file:
            rows = list(csv.reader(file))
        assert len({row[0] for row in rows}) == len(rows)
        for path, digest, size in rows:
            data = (self.site / path).read_bytes()
            if not path.endswith(".dist-info/RECORD"):
                assert (digest, size) == (_digest(data), str(len(data))), path
            else:
                assert (digest, size) == ("", "")
        return {row[0]: (row[1], row[2]) for row in rows}

    def unlisted(self) -> set[str]:
        """Return the files of the environment that no RECORD lists and ``puffin venv`` did not make."""
        listed = set()
        for info in self.site.glob("*.dist-info"):
            rows = csv.reader((info / "RECORD").read_text().splitlines())
            listed |= {os.path.normpath(self.site / row[0]) for row in rows}
        own = re.compile(r"bin/(python|activate|deactivate)|pyvenv\.cfg|\.gitignore|CACHEDIR\.TAG|lib64$")
        every = [path for path in self.tree() if not os.path.isdir(self.root / path)]
        return {path for path in every if not own.match(path) and str(self.root / path) not in listed}


def _digest(data: bytes) -> str:
    return "sha256=" + urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def lines(*said: str) -> str:
    """Return what a command is expected to say."""
    return "".join(f"{line}\n" for line in said)


def resolved(count: int) -> str:
    return f"Resolved {packages(count)} in [TIME]"


def packages(count: int) -> str:
    return f"{count} package{'s' if count != 1 else ''}"


def told(
    *changes: str,
    pins: int,
    prepared: int = 0,
    uninstalled: int = 0,
    installed: int = 0,
    warnings: tuple[str, ...] = (),
) -> str:
    """Return what a sync that changes something is expected to say."""
    counts = (("Prepared", prepared), ("Uninstalled", uninstalled), ("Installed", installed))
    phases = [f"{verb} {packages(count)} in [TIME]" for verb, count in counts if count]
    warned = [f"warning: {warning}" for warning in warnings]
    return lines(
        resolved(pins),
        *phases[: prepared and 1],
        *warned,
        *phases[prepared and 1 :],
        *[f" {c}" for c in changes],
    )


def checked(count: int) -> str:
    """Return what a sync that has nothing to do is expected to say."""
    return lines(resolved(count), f"Checked {packages(count)} in [TIME]")
