"""Targets other than the interpreter at hand."""

import pytest
from packaging.tags import parse_tag

from puffin.errors import UsageError
from puffin.stages.resolve.locate.platforms import ResolutionTarget, parse_python, platform_named, target_for
from puffin.value import frozen
from tests.helpers.requirements import LINUX


@frozen
class Fake:
    implementation: str = "cpython"
    version: tuple[int, int, int] = (3, 12, 4)
    version_text: str = "3.12.4"
    abis: tuple[str, ...] = ("cp312",)
    platforms: tuple[str, ...] = ("manylinux_2_36_x86_64", "linux_x86_64")
    tags: tuple[str, ...] = ("own",)
    markers: tuple[tuple[str, str], ...] = tuple(LINUX.items())


def target(asked: str = "", platform: str = "", **fake: object) -> ResolutionTarget:
    return target_for(Fake(**fake), python_version=asked, python_platform=platform)  # type: ignore[arg-type]


def takes(found: ResolutionTarget, wheel_tag: str) -> bool:
    return any(str(tag) in found.tags for tag in parse_tag(wheel_tag))


def test_the_interpreter_itself() -> None:
    found = target()
    assert (dict(found.markers), found.tags) == (LINUX, ("own",))
    assert found.python_version == found.real_python_version == "3.12.4"


def test_another_version_has_its_markers_and_tags() -> None:
    found = target("3.8")
    assert found.python_version == dict(found.markers)["implementation_version"] == "3.8.0"
    assert dict(found.markers)["python_version"] == "3.8"
    assert found.real_python_version == "3.12.4"
    assert takes(found, "cp38-cp38-linux_x86_64")
    assert takes(found, "cp36-abi3-manylinux_2_36_x86_64")
    assert not takes(found, "cp39-cp39-linux_x86_64")


def test_another_patch_version_keeps_the_tags() -> None:
    assert target("3.12.1").tags == ("own",)
    assert target("3.12.1").python_version == "3.12.1"


def test_other_implementations_have_no_binary_wheels_of_other_versions() -> None:
    found = target("3.10", implementation="pypy", abis=("pypy311_pp73",), version=(3, 11, 4))
    assert not any("pypy311" in tag for tag in found.tags)
    assert "py3-none-any" in found.tags


def test_free_threading_stays() -> None:
    found = target("3.14", abis=("cp313t",), version=(3, 13, 1))
    assert takes(found, "cp314-cp314t-linux_x86_64")
    assert not takes(found, "cp314-cp314-linux_x86_64")


@pytest.mark.parametrize(
    ("name", "system", "machine", "wheel", "foreign"),
    [
        ("linux", "linux", "x86_64", "manylinux_2_28_x86_64", "manylinux_2_29_x86_64"),
        ("x86_64-manylinux_2_35", "linux", "x86_64", "manylinux1_x86_64", "manylinux_2_36_x86_64"),
        ("x86_64-manylinux2014", "linux", "x86_64", "manylinux2014_x86_64", "manylinux_2_18_x86_64"),
        ("aarch64-manylinux_2_17", "linux", "aarch64", "manylinux2014_aarch64", "manylinux2010_aarch64"),
        ("aarch64-unknown-linux-musl", "linux", "aarch64", "musllinux_1_2_aarch64", "manylinux_2_17_aarch64"),
        ("macos", "darwin", "arm64", "macosx_11_0_universal2", "macosx_14_0_arm64"),
        ("x86_64-apple-darwin", "darwin", "x86_64", "macosx_10_9_x86_64", "macosx_11_0_arm64"),
        ("windows", "win32", "AMD64", "win_amd64", "win32"),
        ("aarch64-pc-windows-msvc", "win32", "ARM64", "win_arm64", "win_amd64"),
    ],
)
def test_platforms(name: str, system: str, machine: str, wheel: str, foreign: str) -> None:
    found = target(platform=name)
    markers = dict(found.markers)
    assert (markers["sys_platform"], markers["platform_machine"]) == (system, machine)
    assert markers["platform_release"] == markers["platform_version"] == ""
    assert markers["os_name"] == ("nt" if system == "win32" else "posix")
    assert found.python_version == "3.12.4"
    assert takes(found, f"cp312-cp312-{wheel}")
    assert not takes(found, f"cp312-cp312-{foreign}")


@pytest.mark.parametrize("name", ["amiga", "x86_64", "x86_64-manylinux_2_4", "mips-unknown-linux-gnu", "-"])
def test_unknown_platforms_are_explained(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        platform_named(name)
    assert "x86_64-manylinux_2_28" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("text", "full"), [("3.8", "3.8.0"), ("3.8.1", "3.8.1"), ("3.14rc1", "3.14.0rc1"), ("3.14.0b2", "3.14.0b2")]
)
def test_python_versions(text: str, full: str) -> None:
    assert str(parse_python(text)) == full


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("311", "did you mean `3.11`?"),
        ("3.7-dev", "3.8"),
        ("3", "3.8"),
        ("2.7", "3.8"),
        ("x", "3.8"),
        ("3.8.1.2", "3.8"),
    ],
)
def test_no_python_versions(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"`{text}`") as caught:
        parse_python(text)
    assert hint in caught.value.hints[0]
