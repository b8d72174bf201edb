"""What of a built wheel is checked, and which requirements of a hook are missing."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement

from puffin.stages.build.failures import WrongWheel, missing_requirements
from puffin.stages.build.hooks import check_built_wheel, metadata_of
from puffin.stages.unzip.errors import BadArchive
from tests.helpers.wheels import forge_wheel

TAGS = ("cp312-cp312-linux_x86_64", "cp312-none-any", "py3-none-any")


def wheel(tmp_path: Path, name: str = "Some_Thing", version: str = "1.0", **options: Any) -> str:
    filename, data = forge_wheel(name, version, {"some.py": ""}, **options)
    path = tmp_path / filename
    path.write_bytes(data)
    return str(path)


def check(path: str, name: str = "some-thing", version: str = "1.0") -> tuple[str, str]:
    return check_built_wheel(path, package=f"{name}=={version}", name=name, version=version, tags=TAGS)


def test_a_wheel_that_fits(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    assert check(path) == ("some-thing", "1.0")
    assert check(path, "Some.Thing", "1") == ("some-thing", "1.0")
    assert check(path, "", "") == ("some-thing", "1.0")
    assert b"\nVersion: 1.0\n" in metadata_of(path)


@pytest.mark.parametrize(
    ("name", "version", "reason"),
    [
        ("other", "1.0", "is of `some-thing`"),
        ("some-thing", "1.1", "has the version `1.0`, and not `1.1`"),
        ("some-thing", "1.0+local", "has the version `1.0`, and not `1.0+local`"),
    ],
)
def test_wheels_of_something_else(tmp_path: Path, name: str, version: str, reason: str) -> None:
    path = wheel(tmp_path)
    with pytest.raises(WrongWheel) as caught:
        check(path, name, version)
    error = pickle.loads(pickle.dumps(caught.value))
    filename = Path(path).name
    assert str(error) == f"Failed to build `{name}=={version}`: the built wheel, `{filename}`, {reason}"


def test_a_wheel_for_another_system(tmp_path: Path) -> None:
    path = wheel(tmp_path, tag="cp312-cp312-win_amd64")
    with pytest.raises(WrongWheel, match="does not fit the environment by its platform tag"):
        check(path)


def test_a_file_name_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(Path(wheel(tmp_path)).read_bytes())
    with pytest.raises(BadArchive):
        check(str(path))


def test_metadata_that_say_otherwise_than_the_file_name(tmp_path: Path) -> None:
    path = Path(wheel(tmp_path))
    path = path.rename(path.with_name(path.name.replace("1.0", "1.1")))
    with pytest.raises(BadArchive):
        check(str(path), "some-thing", "1.1")


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "some_thing-1.0-py3-none-any.whl"
    path.write_bytes(b"no")
    with pytest.raises(BadArchive):
        metadata_of(str(path))


MARKERS = {"python_version": "3.12", "sys_platform": "linux"}


def missing(*wanted: str, made_for: tuple[str, ...] = ()) -> tuple[str, ...]:
    installed = [("Some_Thing", "1.5"), ("other", "2.0b1"), ("other", "9"), ("odd", "not a version")]
    return missing_requirements(wanted, installed, MARKERS, made_for)


@pytest.mark.parametrize(
    "text",
    [
        "some.thing",
        "some-thing>=1,<2",
        "other>1.9",
        "other==2.0b1",
        "no; python_version < '3'",
        "no; extra == 'x'",
    ],
)
def test_what_is_there(text: str) -> None:
    assert missing(text) == ()


@pytest.mark.parametrize(
    "text", ["no", "some-thing>=2", "other==9", "odd>=1", "some-thing[x]", "some-thing @ https://host/x.whl"]
)
def test_what_is_not(text: str) -> None:
    assert missing("some-thing", text) == (text,)


def test_what_it_was_made_for_is_there() -> None:
    made_for = ("Some_Thing[y,x] >1, <2", "some-thing@https://host/x.whl")
    assert missing("some-thing[x, Y]>1,<2", made_for=made_for) == ("some-thing[x, Y]>1,<2",)
    assert missing("some-thing[x, y]<2,>1", "some-thing @ https://host/x.whl", made_for=made_for) == ()


def test_what_it_was_made_for_elsewhere_is_not_there() -> None:
    assert missing("no>1", made_for=("no>1; sys_platform == 'win32'",)) == ("no>1",)


def test_requirements_that_are_none() -> None:
    with pytest.raises(InvalidRequirement):
        missing("a b")


@given(
    st.lists(st.sampled_from(["some-thing", "no", "some-thing<1", "other[x]", "no>1; sys_platform=='linux'"]))
)
def test_after_what_is_missing_was_installed_nothing_is(wanted: list[str]) -> None:
    first = missing(*wanted)
    assert set(first) <= set(wanted)
    assert missing(*wanted, made_for=first) == ()
    assert all(Requirement(text).name in ("some-thing", "no", "other") for text in first)
