"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cli import Env, Puffin
from tests.helpers.index_server import IndexServer


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the interpreter of the tests says of itself, asked once for all caches."""
    puffin = Puffin(tmp_path_factory.mktemp("interpreters"))
    assert puffin("venv").code == 0
    return puffin.cache / "interpreter-v0"


@pytest.fixture
def puffin(tmp_path: Path, interpreters: Path) -> Puffin:
    """The command line, with a home, a cache and a working directory of its own."""
    return Puffin(tmp_path / "p", interpreters)


@pytest.fixture
def env(puffin: Puffin) -> Env:
    """A virtual environment, ``.venv`` in the working directory."""
    return puffin.venv()


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
