"""Fixtures that several unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.index_server import IndexServer
from tests.helpers.index_universe import Make, universes


@pytest.fixture
def make(tmp_path: Path, index: IndexServer) -> Iterator[Make]:
    """Makes universes over one cache; all of them are closed, and no thread may be left."""
    with universes(tmp_path / "cache", index) as universe:
        yield universe
