"""One row, given to puffin in one way: the files that are written, the commands that run, and what comes of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from puffin.stages.link.installed.installed import read_installed
from puffin.stages.link.installed.lines import freeze_lines
from tests.equalities import rows as r
from tests.equalities.world import World
from tests.helpers.cli import Env, Puffin, Result
from tests.helpers.commands import LEAVES

_MADE = {r.COMPILE: "out.txt", r.PYLOCK: "pylock.toml", r.PYLOCK_SYNC: "pylock.toml"}
_ENVIRONMENTS = (r.SYNC, r.LOCK, r.PYLOCK_SYNC)  # the ways in which puffin.toml names the environment
_CHANGING = ("pip sync", "pip install", "sync")


class Trial:
    """A way for a row, in the directory and the cache of *puffin*."""

    def __init__(self, puffin: Puffin, world: World, row: r.Row, way: str, place: str, executor: str) -> None:
        self.puffin = puffin
        self.world = world
        self.row = row
        self.way = way
        self.executor = executor
        commands = {words.split(" -")[0] for words in self._commands()}
        lacking = any(name not in _options(command) for command in commands for name in row.settings)
        elsewhere = place == r.IN_FILE and way not in (*r.DIRECT, r.LOCK)
        self.place = r.PUFFIN_TOML if elsewhere or (place in (r.OPTION, r.VARIABLE) and lacking) else place
        self.source = row.source or ("requirements.txt" if r.PIP_SYNC in row.ways else "requirements.in")
        for name, text in row.files.items():
            puffin.file(name, self._expand(text))
        puffin.file(self.source, self._in_file() + self._expand(row.text))

    def prime(self) -> None:
        """Install into another environment what has to be in the cache before."""
        if self.row.primed:
            env = self.puffin.env("primed")
            done = self.puffin(
                "pip", "install", *self.row.primed.split(), "-i", self.world.index.url, "-p", env.root
            )
            assert done.code == 0, done.err

    def run(self, name: str) -> tuple[r.Outcome, str]:
        """Bring the environment *name* to what the row says, and return what came of it, and what was told."""
        env = Env(self.puffin.cwd / name)
        self.puffin.file("puffin.toml", self._puffin_toml(name))
        if not env.root.exists() and self.way not in (*_ENVIRONMENTS, r.SEED):
            self.puffin.env(name)
        done, words = Result(0, "", "", "", ""), ""
        for words in self._commands():
            done = self._command(words, env)
            if done.code:
                break
        return self._outcome(self._code(done.code, words), env), done.raw_err

    def expected(self) -> r.Outcome:
        """Return what must come of it."""
        if self.row.refused is not None:
            return r.Outcome(self.row.refused[0])
        direct = ((name, self._expand(_text(value))) for name, value in self.row.direct.items())
        return r.Outcome(
            0,
            tuple(self._expand(line) for line in self.row.installs),
            tuple(sorted(self.row.marks.items())),
            tuple(sorted(direct)),
        )

    def _expand(self, text: str) -> str:
        return self.world.expand(text, self.puffin.cwd)

    def _commands(self) -> list[str]:
        """Return the commands of this way, each with the words that are its own."""
        hashed = "--hash" in self.row.text or "require-hashes" in self.row.settings
        hashes = " --generate-hashes" if hashed else ""
        return {
            r.PIP_SYNC: ["pip sync -FILE"],
            r.PIP_INSTALL: ["pip install -r -FILE"],
            r.SYNC: ["sync"],
            r.COMPILE: [f"pip compile -FILE -o out.txt{hashes}", "pip sync out.txt"],
            r.LOCK: [f"lock{hashes}", "sync --frozen"],
            r.PYLOCK: ["pip compile -FILE --format pylock.toml -o pylock.toml", "pip sync pylock.toml"],
            r.PYLOCK_SYNC: ["pip compile -FILE --format pylock.toml -o pylock.toml", "sync"],
            r.SEED: ["venv --seed"],
        }[self.way]

    def _command(self, command: str, env: Env) -> Result:
        words = [self.source if word == "-FILE" else word for word in command.split()]
        name = next(leaf for leaf in _LONGEST_FIRST if command.startswith(leaf))
        if "-FILE" in command:
            words += [self._expand(word) for word in self.row.words]
        if name == "venv":
            words += [str(env.root)]
        elif name.startswith("pip "):
            words += ["-p", sys.executable if name == "pip compile" else str(env.root)]
        if name in _CHANGING:
            words += ["--executor", self.executor]
        if not {"index-url", "default-index", "no-index"} & set(self.row.settings):
            words += ["-i", self.world.index.url]
        of_lock = "-FILE" not in command and self.way in (r.PYLOCK, r.PYLOCK_SYNC)  # a lock is complete
        words += self._option_words() if self.place == r.OPTION and not of_lock else []
        return self.puffin(*words, env=self._variables())

    def _settings(self) -> dict[str, str]:
        return {name: self._expand(value) for name, value in self.row.settings.items()}

    def _option_words(self) -> list[str]:
        return [
            w for name, value in self._settings().items() for w in (f"--{name}", *([value] if value else []))
        ]

    def _variables(self) -> dict[str, str]:
        told = {name: value or "1" for name, value in self._settings().items()}
        if self.place == r.PIP_CONF:
            return self.puffin.pip_conf(**told)
        prefix = {r.VARIABLE: "PUFFIN_", r.PIP_VARIABLE: "PIP_"}.get(self.place)
        return (
            {prefix + name.upper().replace("-", "_"): value for name, value in told.items()} if prefix else {}
        )

    def _in_file(self) -> str:
        if self.place != r.IN_FILE:
            return ""
        return "".join(f"--{name} {value}\n" for name, value in self._settings().items())

    def _puffin_toml(self, name: str) -> str:
        lines = []
        if self.place == r.PUFFIN_TOML:
            lines = [f"{key} = {_toml(key, value)}" for key, value in self._settings().items()]
        if self.way in _ENVIRONMENTS:
            made_from = {r.PYLOCK_SYNC: 'pylock = "pylock.toml"'}.get(self.way)
            own = self._expand(self.row.envs) or f'requirements = ["{self.source}"]'
            lines += ["[envs.x]", f'path = "{name}"', made_from or own]
        return "\n".join(lines) + "\n"

    def _code(self, code: int, words: str) -> int:
        """Return the code that a row names: what is wrong with a file is 2, and 1 where environments fail for it."""
        wrong_file = self.row.refused is not None and self.row.refused[0] == 2
        return 2 if code == 1 and wrong_file and words.startswith(("sync", "lock")) else code

    def _outcome(self, code: int, env: Env) -> r.Outcome:
        if not env.root.exists():
            return r.Outcome(code)
        infos = {_normal(path.name): path for path in env.site.glob("*.dist-info")}
        marks = {name: mark for name, path in infos.items() if (mark := _mark(path))}
        direct = {
            name: _text(json.loads(path.read_text()))
            for name, info in infos.items()
            if (path := info / "direct_url.json").exists()
        }
        return r.Outcome(
            code,
            tuple(freeze_lines(read_installed(self.puffin.environment(env)))),
            tuple(sorted(marks.items())),
            tuple(sorted(direct.items())),
        )


def _toml(key: str, value: str) -> str:
    """Return a value as puffin.toml has it: a list where the option may be repeated."""
    options = [option for command in LEAVES.values() for option in command.params if f"--{key}" in option.opts]
    many = any(isinstance(option, click.Option) and option.multiple for option in options)
    return json.dumps([value] if many else value) if value else "true"


def _normal(directory: str) -> str:
    return directory.split("-")[0].lower().replace("_", "-")


def _mark(info: Path) -> str:
    if "Generator: toy" in (info / "WHEEL").read_text():
        return "built"
    lines = (info / "METADATA").read_text().splitlines()
    return next((line.removeprefix("Summary: ") for line in lines if line.startswith("Summary: ")), "")


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


_LONGEST_FIRST = sorted(LEAVES, key=len, reverse=True)


def _options(command: str) -> set[str]:
    name = next(leaf for leaf in _LONGEST_FIRST if command.startswith(leaf))
    found = [option for option in LEAVES[name].params if isinstance(option, click.Option)]
    return {spelling.removeprefix("--") for option in found for spelling in option.opts}
