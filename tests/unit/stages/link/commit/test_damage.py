"""What of an environment is not as RECORD says."""

import os
from types import SimpleNamespace

import pytest

from puffin.cache.layout import Cache
from puffin.stages.link.commit.damage import find_damage, verified
from puffin.stages.link.commit.state import Owned, State

INFO = "a-1.dist-info"


@pytest.fixture
def site(tmp_path):
    (tmp_path / INFO).mkdir()
    (tmp_path / "a.py").write_text("A = 1\n")
    return tmp_path


def state_of(site, *, stamp=0):
    owned = Owned(name="a", version="1", dist_info=INFO, archive="0" * 64, direct_url="", tops=("a.py", INFO))
    return State(
        boot="", site="", seed=False, distributions=(owned,), stamps=((0, stamp, (".", INFO)),), conflicts=()
    )


def findings(site, **options):
    place = SimpleNamespace(
        root=str(site), purelib=str(site), scripts=str(site / "bin"), seed=False, is_venv=True
    )
    return verified(place, state_of(site), (), Cache(str(site / "cache"), lower=()), **options)[1]


@pytest.mark.parametrize("row", ["a.py,,6", "a.py,,", "a.py"])
def test_a_file_of_the_right_size_is_whole(site, row):
    (site / INFO / "RECORD").write_text(f"{row}\n{INFO}/RECORD,,\n")
    damaged, changed = find_damage(str(site), state_of(site), everywhere=False)
    assert (damaged, changed) == (frozenset(), [".", INFO])
    assert findings(site, deep=True) == ()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a.py,,7", "has another size"),
        ("a.py,,many", "cannot be read"),
        ("a.py,sha256=x,6", "has another content"),
        ("a.py,rot13=x,6", "cannot be read"),
        ("b.py,,", "is missing"),
    ],
)
def test_what_differs_is_damage_and_is_named(site, row, what):
    (site / INFO / "RECORD").write_text(f"{row}\n{INFO}/RECORD,,\n")
    assert find_damage(str(site), state_of(site), everywhere=False)[0] == {"a"}
    (finding,) = findings(site)
    assert (finding.what, os.path.dirname(finding.path)) == (what, str(site))


def test_a_record_that_is_not_csv_is_damage(site):
    (site / INFO / "RECORD").write_text('"a.py,,\n')
    assert find_damage(str(site), state_of(site), everywhere=True)[0] == {"a"}
    assert [each.what for each in findings(site)] == ["cannot be read"]
