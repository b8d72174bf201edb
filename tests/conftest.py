"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from puffin.signals import ENDING
from tests.helpers.cli import Env, Puffin
from tests.helpers.forked_cli import ForkedCommands, ForkedPuffin
from tests.helpers.index_server import IndexServer

# what fails, fails always: no example is drawn by chance, and none has to be quick
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _signals_for_children() -> None:
    """Let programs of the tests get signals that the tests ignore, as they do under ``nohup`` or behind ``&``.

    What is ignored is ignored by children as well; what has a handler is as usual in them.
    """
    for number in (signal.SIGINT, *ENDING):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the interpreter of the tests says of itself, asked once for all caches."""
    puffin = Puffin(tmp_path_factory.mktemp("interpreters"))
    assert puffin("venv").code == 0
    return puffin.cache / "interpreter-v0"


@pytest.fixture(scope="session")
def commands() -> Iterator[ForkedCommands]:
    """What runs the command lines of the tests."""
    with ForkedCommands() as found:
        yield found


@pytest.fixture
def puffin(tmp_path: Path, interpreters: Path, commands: ForkedCommands) -> Puffin:
    """The command line, with a home, a cache and a working directory of its own."""
    return ForkedPuffin(tmp_path / "p", interpreters, commands)


@pytest.fixture
def env(puffin: Puffin) -> Env:
    """A virtual environment, ``.venv`` in the working directory."""
    return puffin.env()


@pytest.fixture
def index(request: pytest.FixtureRequest) -> Iterator[IndexServer]:
    """An index on the loopback interface; output calls it ``[INDEX]``."""
    with IndexServer() as server:
        if "puffin" in request.fixturenames:
            request.getfixturevalue("puffin").names[server.root] = "[INDEX]"
        yield server


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables away that would change what installers do."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "PUFFIN_", "VIRTUAL_ENV"))]:
        monkeypatch.delenv(name)
