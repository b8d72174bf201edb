"""The tox plugin: environments with ``runner = puffin`` come from one graph, at the first of them.

tox makes environments one after the other. This runner makes all that tox is going to run, and that do not exist, with
their ``deps`` and ``dependency_groups`` in one run of puffin. What tox installs later, such as the package, puffin
installs into each environment. https://tox.wiki/en/latest/plugins.html describes the hooks.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tox.config.types import Command
from tox.plugin import impl
from tox.tox_env.errors import Fail, Skip
from tox.tox_env.python.dependency_groups import resolve as groups_of
from tox.tox_env.python.pip.pip_install import Pip
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

from puffin.library import CommandFailed, EnvironmentRequest, sync

if TYPE_CHECKING:
    from tox.config.main import Config
    from tox.config.sets import ConfigSet
    from tox.session.state import State
    from tox.tox_env.register import ToxEnvRegister

PUFFIN = (sys.executable, "-P", "-m", "puffin")
_WITH_VALUE = frozenset(
    (
        "-r", "-c", "-e", "-i", "-f", "--index-url", "--extra-index-url", "--find-links", "--no-binary",
        "--only-binary", "--trusted-host",
    )
)  # fmt: skip
_PREFIXES = ("PIP_", "PUFFIN_")


class PuffinInstaller(Pip):
    """Installs by puffin, with tox's rules of when and what; what the graph brought is not installed again."""

    def default_install_command(self, conf: "Config", env_name: str | None) -> Command:
        """Return the command that tox calls with its options and packages."""
        return Command([*PUFFIN, "pip", "install", "--python", str(self._env.env_dir), "{opts}", "{packages}"])

    def freeze_cmd(self) -> list[str]:
        """Return the command that lists the distributions."""
        return [*PUFFIN, "pip", "freeze", "--python", str(self._env.env_dir)]

    def _execute_installer(self, deps: Sequence[str], of_type: str) -> None:
        if of_type not in ("deps", "dependency-groups") or not _GRAPH.holds(self._env.name, of_type, deps):
            super()._execute_installer(deps, of_type)


class PuffinRunner(VirtualEnvRunner):
    """A virtual environment that puffin makes and fills."""

    @staticmethod
    def id() -> str:
        """Return what ``runner`` calls it."""
        return "puffin"

    @property
    def installer(self) -> Pip:
        """Return the installer of this environment."""
        if self._installer is None:
            self._installer = PuffinInstaller(self)
        return self._installer

    def create_python_env(self) -> None:
        """Make the environment, with all others of this run that do not exist. Raises ``Fail``."""
        _GRAPH.make(self)

    def _default_pass_env(self) -> list[str]:
        return [*super()._default_pass_env(), "PUFFIN_*"]

    @property
    def _allow_externals(self) -> list[str]:
        return [*super()._allow_externals, sys.executable]


class _Graph:
    """The environments of one run of tox. Threads of a parallel run take turns."""

    def __init__(self) -> None:
        self._state: State | None = None
        self._lock = threading.Lock()
        self._held: dict[str, dict[str, list[str]]] = {}

    def begin(self, state: "State") -> None:
        """Take note of a run, whose environments are known later."""
        self._state, self._held = state, {}

    def holds(self, name: str, of_type: str, words: Sequence[str]) -> bool:
        """Return whether the environment has what tox would install with *words*."""
        held = self._held.get(name, {})
        return sorted(held.get(of_type, [])) == sorted(words) and of_type in held

    def make(self, env: PuffinRunner) -> None:
        """Make *env* if the graph has not made it yet."""
        with self._lock:
            if env.name not in self._held or not _exists(env):
                self._make([env, *self._others(env)])

    def _others(self, env: PuffinRunner) -> Iterator[PuffinRunner]:
        """Yield the other environments of this run that are to be made."""
        if self._state is None:
            return
        for name in self._state.envs.iter():
            other = self._state.envs[name]
            if isinstance(other, PuffinRunner) and other is not env and not other.env_dir.exists():
                yield other

    def _make(self, envs: list[PuffinRunner]) -> None:
        first = envs[0]
        if first.env_dir.exists():  # with files of tox, beside which puffin makes no environment
            first.session.run()
        requests = {first.name: _request(first)}
        for each in envs[1:]:
            try:
                requests[each.name] = _request(each)
            except (Fail, Skip, ValueError):
                continue  # tox says so when its turn comes
        try:
            result = sync(requests.values(), progress=first.options.verbosity > 2)
        except CommandFailed as error:
            if error.result is None:
                raise Fail(error.text) from error
            result = error.result
        ended = {each.name: each for each in result.environments}
        if ended[first.name].error:
            raise Fail(f"{ended[first.name].error}\n{ended[first.name].hint}".strip())
        for each in envs:
            if each.name in ended and not ended[each.name].error:
                self._held[each.name] = _wanted(each)


_GRAPH = _Graph()


def _exists(env: PuffinRunner) -> bool:
    return (env.env_dir / "pyvenv.cfg").exists()


def _request(env: PuffinRunner) -> EnvironmentRequest:
    words = [word for own in _wanted(env).values() for word in own]
    return EnvironmentRequest(
        path=str(env.env_dir),
        name=env.name,
        requirements=tuple(requirement_lines(words, env.core["toxinidir"])),
        python=str(env.base_python.extra["executable"]),
    )


def _wanted(env: PuffinRunner) -> dict[str, list[str]]:
    """Return the words that tox is going to install by, by their type; none if only tox can do it.

    That is so for ``pylock``, for ``--no-deps``, and where variables of the environment change how puffin installs.
    """
    deps = [*env.conf["deps"].as_root_args]
    groups = env.conf["dependency_groups"]
    locked = "pylock" in env.conf and bool(env.conf["pylock"])  # older versions of tox have no such key
    if locked or "--no-deps" in deps or _settings(env.environment_variables) != _settings(os.environ):
        return {}
    grouped = [str(each) for each in groups_of(env.core["package_root"], groups)] if groups else []
    limits = [*env.installer.constraints.as_root_args]
    found = {"deps": deps, "dependency-groups": grouped}
    return {of_type: [*words, *limits] for of_type, words in found.items() if words}


def _settings(environ: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in environ.items() if name.startswith(_PREFIXES)}
    return {
        name: value
        for name, value in found.items()
        if name not in ("PIP_USER", "PIP_DISABLE_PIP_VERSION_CHECK")
    }


def requirement_lines(words: Sequence[str], directory: Path) -> list[str]:
    """Return the lines of a requirements file that mean the same as *words* of ``pip install`` in *directory*."""
    lines, rest = [], iter(words)
    for word in rest:
        if word not in _WITH_VALUE:
            lines.append(_placed(word, directory))
        elif word in ("-r", "-c", "-e"):
            lines.append(f"{word} {_placed(next(rest, ''), directory)}")
        else:
            lines.append(f"{word} {next(rest, '')}")
    return lines


def _placed(word: str, directory: Path) -> str:
    """Return *word* with a path that begins in *directory*, if it is the path of something that exists there."""
    path, bracket, more = word.partition("[")
    if "://" in word or os.path.isabs(path) or not (directory / path).exists() or not path:
        return word
    local = path.startswith(".") or os.sep in path or (directory / path).is_file()
    return f"{directory / path}{bracket}{more}" if local else word


@impl
def tox_register_tox_env(register: "ToxEnvRegister") -> None:
    """Make ``runner = puffin`` known."""
    register.add_run_env(PuffinRunner)


@impl
def tox_add_core_config(core_conf: "ConfigSet", state: "State") -> None:
    """Begin the graph of a run."""
    _GRAPH.begin(state)
