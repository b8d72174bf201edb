"""The rule by which one file of a version is chosen, point by point."""

from typing import Any

import pytest

from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.index.page import FileLink
from puffin.stages.resolve.locate.file_choice import FileChooser, FileTarget, Offered
from puffin.stages.resolve.universe.offer import release_of
from puffin.value import astuple

TARGET = FileTarget(("cp312-cp312-linux_x86_64", "py3-none-any"), "3.12.1")
WHEEL, BEST, SDIST = "a-1.0-py3-none-any.whl", "a-1.0-cp312-cp312-linux_x86_64.whl", "a-1.0.tar.gz"
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def offered(filename: str, text: str = "1.0", *, linked: bool = False, **fields: Any) -> Offered:
    link = FileLink(filename=filename, url=f"https://h.invalid/{filename}", **fields)
    return Offered(astuple(link), text, "https://h.invalid", linked)


def chosen(
    *files: Offered, hashes: tuple[str, ...] = (), exclude_newer: str = "", **policy: Any
) -> Offered | None:
    options = {key: frozenset(value) for key, value in policy.items()}
    return FileChooser(TARGET, FilePolicy(**options), exclude_newer).choose("a", files, hashes).best


POINTS = {
    "a wheel rather than a source distribution": (offered(WHEEL), offered(SDIST)),
    "the best tag": (offered(BEST), offered(WHEEL)),
    "the higher build tag": (offered("a-1.0-2-py3-none-any.whl"), offered("a-1.0-1-py3-none-any.whl")),
    "the usual kind of archive": (offered(SDIST), offered("a-1.0.zip")),
    "the later version": (offered("a-1.0+l.tar.gz", "1.0+l"), offered(WHEEL)),
    "what is not yanked": (offered(SDIST), offered(WHEEL, yanked="bad")),
    "what is not yanked rather than the later version": (
        offered(WHEEL),
        offered("a-1.0+l-py3-none-any.whl", "1.0+l", yanked=""),
    ),
    "what Python admits, though it is yanked": (
        offered(WHEEL, yanked="bad"),
        offered(BEST, requires_python=">=3.99"),
    ),
    "what Python admits, read leniently": (
        offered(WHEEL, requires_python=">=3.6.*"),
        offered(BEST, requires_python=">=3.99.*"),
    ),
    "a file of find-links": (offered(WHEEL, linked=True), offered(WHEEL)),
}


@pytest.mark.parametrize(("best", "other"), POINTS.values(), ids=POINTS)
def test_of_two_files_one_is_better(best: Offered, other: Offered) -> None:
    assert chosen(best, other) is chosen(other, best) is best


@pytest.mark.parametrize(
    "odd", ["b-1.0-beta-py3-none-any.whl", "b-py3-none-any.whl", "b-1-0-2-py3-none-any.whl"]
)
def test_a_name_that_is_none_of_a_wheel_says_nothing_of_others_with_its_tags(odd: str) -> None:
    for first, second in ((odd, WHEEL), (WHEEL, odd)):
        chooser = FileChooser(TARGET)
        ranks = {first: chooser.rank(first), second: chooser.rank(second)}
        assert ranks == {WHEEL: 1, odd: None}


def test_a_yanked_file_is_used_where_all_are_yanked() -> None:
    files = (offered(SDIST, yanked=""), offered(WHEEL, yanked="bad"))
    best = chosen(*files)
    assert best is files[1]
    assert release_of("a", "1.0", FileChooser(TARGET).choose("a", files), TARGET).yanked == "bad"
    assert chosen(offered(WHEEL, yanked="bad"), offered(SDIST), no_build=[":all:"]) is not None


def test_demanded_hashes() -> None:
    said, silent, other = offered(SDIST, hashes=(A,)), offered(WHEEL), offered(BEST, hashes=(B,))
    assert chosen(said, silent, other, hashes=(A,)) is said
    assert chosen(silent, other, hashes=(A,)) is silent
    assert chosen(other, hashes=(A,)) is None
    told = release_of("a", "1.0", FileChooser(TARGET).choose("a", (other,), (A,)), TARGET)
    assert told.hashes_differ
    assert release_of("a", "1.0", FileChooser(TARGET).choose("a", (said,), (A,)), TARGET).hashes == (A,)


def test_what_is_too_new_does_not_exist() -> None:
    old, new = (
        offered(SDIST, upload_time="2020-01-01T00:00:00Z"),
        offered(WHEEL, upload_time="2024-01-01T00:00:00Z"),
    )
    assert chosen(old, new, offered(BEST), exclude_newer="2020-09-13T12:26:40Z") is old
    assert not FileChooser(TARGET, exclude_newer="1970-01-01T00:00:01Z").choose("a", (old,)).visible


def test_options_leave_kinds_of_files_out() -> None:
    files = (offered(WHEEL), offered(SDIST))
    assert chosen(*files, no_binary=["a"]) is files[1]
    assert chosen(*files, only_binary=["a"]) is files[0]
    assert chosen(files[1], no_build=[":all:"]) is None
    assert chosen(offered("a-1.0-cp39-cp39-win32.whl")) is None


def test_a_package_may_have_a_date_of_its_own() -> None:
    new = offered(WHEEL, upload_time="2024-01-01T00:00:00Z")
    for text, visible in (
        ("2023-01-01", False),
        ("2023-01-01 a=2025-01-01", True),
        ("2023-01-01 a=false", True),
        ("2023-01-01 b=2025-01-01", False),
        (" a=2023-01-01", False),
        (" b=2023-01-01", True),
    ):
        assert bool(FileChooser(TARGET, exclude_newer=text).choose("a", (new,)).visible) is visible, text
