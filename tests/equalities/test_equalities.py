"""Each row of the table by each of its ways: the same set, the same origins, the same refusal, on every executor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.equalities.rows import DIRECT, LOCK, LOCKED, OPTION, SEED, Row
from tests.equalities.table import TABLE
from tests.equalities.trial import Trial
from tests.equalities.world import World, made_world
from tests.helpers.cli import Puffin
from tests.helpers.repositories import needs_git

_BY_PLACE = (*DIRECT, LOCK, SEED)  # the other ways take settings as one of these does


def _cases() -> Iterator[object]:
    for row in TABLE:
        for number, place in enumerate(row.places if row.settings else (OPTION,)):
            for way in row.ways:
                if number and way not in _BY_PLACE:
                    continue
                executors = (
                    ("inline", "pool", "cluster") if row.stages and way in (*DIRECT, *LOCKED) else ("inline",)
                )
                for executor in executors:
                    yield _case(row, way, place, executor)


def _case(row: Row, way: str, place: str, executor: str) -> object:
    parts = [
        row.name,
        way,
        *([place] if len(row.places) > 1 else []),
        *([executor] if executor != "inline" else []),
    ]
    return pytest.param(row, way, place, executor, id=" · ".join(parts))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made_world(tmp_path_factory.mktemp("world")) as found:
        yield found


@needs_git
@pytest.mark.parametrize(("row", "way", "place", "executor"), list(_cases()))
def test_equal(puffin: Puffin, world: World, row: Row, way: str, place: str, executor: str) -> None:
    trial = Trial(puffin, world, row, way, place, executor)
    expected = trial.expected()
    again = ("cold",) if way in DIRECT else ()  # in the same environment; then in another one by the same cache
    for name in ("cold", *again, "warm"):
        found, told = trial.run(name)
        assert found == expected, told
        assert row.refused is None or row.refused[1] in told
    if row.primed:
        trial.prime()
        found, told = trial.run("primed already")
        assert found == expected, told
        assert row.refused is None or row.refused[1] in told


def test_the_names_of_rows_are_unique() -> None:
    names = [row.name for row in TABLE]
    assert sorted(names) == sorted(set(names))
