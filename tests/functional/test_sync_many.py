"""Many pins at once: the index is asked by two children, and nobody can tell."""

import pytest

from tests.helpers.wheels import forge_wheel

NAMES = [f"many{number:02}" for number in range(60)]


@pytest.fixture
def shop(index):
    for name in NAMES:
        index.add(*forge_wheel(name, "1.0"))
    return index


def test_all_arrive_and_each_file_is_fetched_once(puffin, env, shop):
    done = puffin.sync("".join(f"{name}==1.0\n" for name in NAMES), "-i", shop.url)
    assert done.code == 0
    assert env.installed() == dict.fromkeys(NAMES, "1.0")
    for name in NAMES:
        assert shop.count(f"/files/{name}-1.0-py3-none-any.whl") == 1
        assert shop.count(f"/simple/{name}/") == 1


def test_what_is_missing_in_either_half_is_told_at_once(puffin, env, shop):
    pins = [*[f"{name}==1.0" for name in NAMES], "nobody==1", "many03==9"]
    pins.remove("many03==1.0")
    done = puffin.sync("\n".join(pins), "-i", shop.url)
    assert done.code == 1
    assert done.err.startswith("error: Failed to find the files of 2 of 61 packages\n")
    assert "`nobody==1`" in done.err
    assert "`many03==9`" in done.err
    assert env.installed() == {}
