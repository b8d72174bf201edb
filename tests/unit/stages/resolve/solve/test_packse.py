"""packse's public scenarios (those that need no universal resolution), replayed without a network."""

import pytest

from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.resolve import resolve
from tests.helpers.universe import Packse, packse, pins

ALL = list(packse())


def test_all_scenarios_are_there() -> None:
    assert len(ALL) == 54


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_scenario(scenario: Packse) -> None:
    if not scenario.expected["satisfiable"]:
        with pytest.raises(NoSolution) as caught:
            resolve(scenario.request(), scenario.universe())
        assert 2 <= len(str(caught.value).splitlines()) <= 25
        return
    found = pins(resolve(scenario.request(), scenario.universe()))
    wanted = scenario.expected.get("packages")
    if wanted is not None:
        assert found == wanted
    assert all(version in scenario.packages[name] for name, version in found.items())
