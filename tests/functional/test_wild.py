"""What puffin makes of requirements files as found in the wild, beside what pip and uv were seen to make of them."""

import json

import pytest

from tests.wild.cases import CASES, OUTCOMES, build
from tests.wild.record import RECORDED, outcome

TABLE = json.loads(RECORDED.read_text())


def same(one, other):
    """Tell whether two tools agree; one that does not tell the version of a file by its URL is taken at its name."""
    ours, theirs = one.split(), other.split()
    return len(ours) == len(theirs) and all(
        mine == his or mine.partition("==")[0] == his for mine, his in zip(ours, theirs, strict=True)
    )


def of_puffin(puffin, case):
    build(case, puffin.cwd)
    words = ("--no-index", "-f", "wheels", "-r", "requirements.txt")
    done = puffin("pip", "install", "--dry-run", *words, env={"WILD_VERSION": "1.0"})
    assert done.code in (0, 1, 2), done.err
    lines = [line.split()[1] for line in done.err.splitlines() if line.startswith(" + ")]
    return outcome(done.code, lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_three_tools_make_of_a_file(puffin, env, case):
    expected, why = OUTCOMES[case.name]
    assert of_puffin(puffin, case) == expected
    differs = [tool for tool in ("pip", "uv") if not same(expected, TABLE[case.name][tool])]
    assert bool(why) is bool(differs), (expected, TABLE[case.name])
    assert all(tool in why for tool in differs)


def test_every_case_is_recorded():
    assert [*TABLE] == [*OUTCOMES] == [case.name for case in CASES]
    assert len(CASES) >= 20


def test_a_hash_that_differs_is_found_when_it_is_installed(puffin, env):
    case = next(each for each in CASES if each.name == "a hash that differs")
    build(case, puffin.cwd)
    done = puffin("pip", "install", "--no-index", "-f", "wheels", "-r", "requirements.txt")
    assert (done.code, env.installed()) == (1, {})
