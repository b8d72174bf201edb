"""Fixtures of several modules here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.remote_cache import RemoteCacheServer


@pytest.fixture
def cache() -> Iterator[RemoteCacheServer]:
    """An empty remote cache."""
    with RemoteCacheServer() as server:
        yield server
