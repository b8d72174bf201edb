import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import parse_wheel_filename

from puffin.stages.resolve.locate.tags import build_order, mismatch, nearness, priorities, rank

TAGS = ("cp312-cp312-linux_x86_64", "cp312-abi3-linux_x86_64", "py3-none-any", "py2-none-any")


@pytest.mark.parametrize(
    ("filename", "place"),
    [
        ("a-1-cp312-cp312-linux_x86_64.whl", 0),
        ("a-1-2b-cp311.cp312-abi3.cp311-manylinux1_x86_64.linux_x86_64.whl", 1),
        ("a-1-py2.py3-none-any.whl", 2),
        ("a-1-PY3-None-Any.WHL", 2),
        ("a-1-cp39-cp39-linux_x86_64.whl", None),
        ("a-1-x-py3-none-any.whl", None),
        ("a-py3-none-any.whl", None),
        ("a-1.tar.gz", None),
        ("", None),
    ],
)
def test_rank(filename: str, place: int | None) -> None:
    assert rank(filename, priorities(TAGS)) == place


part = st.lists(
    st.sampled_from(["py2", "py3", "cp312", "none", "abi3", "any", "linux_x86_64"]), min_size=1, max_size=3
)


@given(part, part, part, st.sampled_from(["", "1-", "2x-"]))
def test_rank_agrees_with_packaging(
    pythons: list[str], abis: list[str], platforms: list[str], build: str
) -> None:
    filename = f"a-1-{build}{'.'.join(pythons)}-{'.'.join(abis)}-{'.'.join(platforms)}.whl"
    places = priorities(TAGS)
    own = [places[str(tag)] for tag in parse_wheel_filename(filename)[3] if str(tag) in places]
    assert rank(filename, places) == min(own, default=None)


@given(st.text(max_size=40))
def test_rank_takes_any_text(text: str) -> None:
    for name in (text, text + ".whl", f"a-1-{text}-py3-none-any.whl"):
        rank(name, priorities(TAGS))
        build_order(name)


def test_build_tags_sort_by_number_then_text() -> None:
    names = [f"a-1-{build}py3-none-any.whl" for build in ("", "1-", "2a-", "2ab-", "10-")]
    shuffled = [names[at] for at in (3, 0, 4, 2, 1)]
    assert sorted(shuffled, key=build_order) == names


def test_mismatch_names_the_first_part_that_does_not_fit() -> None:
    assert mismatch("a-1-cp39-abi3-any.whl", TAGS) == "Python tag"
    assert mismatch("a-1-cp312-none-any.whl", TAGS) == "ABI tag"
    assert mismatch("a-1-cp312-abi3-win32.whl", TAGS) == "platform tag"


def test_how_near_a_foreign_wheel_is_to_a_target() -> None:
    target = ("cp312-cp312-manylinux_2_17_x86_64", "py3-none-any")
    nearest_first = [
        "a-1-cp312-cp312-linux_aarch64.whl",
        "a-1-cp312-cp312-win_amd64.whl",
        "a-1-py3-none-musllinux_1_1_x86_64.whl",
        "a-1-cp311-abi3-manylinux1_x86_64.whl",
        "a-1-cp36.cp35-none-macosx_10_9_x86_64.whl",
        "a-1-cp313-cp313-linux_x86_64.whl",
        "a-1-cp314-cp314-linux_x86_64.whl",
    ]
    found = [nearness(name, target, "3.12.1") for name in nearest_first]
    assert found == sorted(found, key=lambda each: each or (), reverse=True)
    assert len(set(found)) == len(found)
    for name in ("a-1-cp27-cp27mu-linux_x86_64.whl", "a-1-py2-none-any.whl", "a-1-beta-py3-none-any.whl"):
        assert nearness(name, target, "3.12.1") is None
