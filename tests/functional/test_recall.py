"""A resolution is not made again while the pages that it was made of are the same and fresh."""

import os
import shutil

import pytest

from puffin.cache import frame
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("app", "1.0", requires=["lib[more]", "gone; python_version < '3'"]))
    index.add(*forge_wheel("lib", "1.0"))
    index.add(*forge_wheel("lib", "2.0", metadata_extra="Provides-Extra: more\n"))
    return index


@pytest.fixture
def compile_(puffin, shop):
    puffin.file("requirements.in", "app\n")

    def run(*words):
        return puffin("pip", "compile", "requirements.in", "-i", shop.url, *words)

    return run


def lose_metadata(puffin):
    """Take away what only the making of a resolution reads, on both sides."""
    shutil.rmtree(puffin.cache / "metadata-v0")


def asked(shop):
    return len(shop.paths())


def test_the_same_request_is_answered_without_its_metadata(compile_, puffin, shop):
    first = compile_()
    assert "lib==2.0" in first.out
    count = asked(shop)
    lose_metadata(puffin)
    again = compile_("--no-header")
    assert asked(shop) == count
    assert again.out in first.out


@pytest.mark.parametrize(
    "words", [("--no-deps",), ("--resolution", "lowest"), ("--refresh",), ("-U",), ("--python-version", "3.9")]
)
def test_another_request_is_another_resolution(compile_, puffin, shop, words):
    compile_()
    count = asked(shop)
    lose_metadata(puffin)
    assert compile_(*words).code == 0
    assert asked(shop) > count


def test_a_page_that_was_replaced_counts(compile_, puffin, shop):
    compile_()
    (page,) = (puffin.cache / "simple-v0").glob("*/lib")
    os.utime(page, (1, 1))
    count = asked(shop)
    lose_metadata(puffin)
    assert compile_().code == 0
    assert asked(shop) > count


def test_a_damaged_record_is_a_miss(compile_, puffin):
    first = compile_()
    (record,) = (puffin.cache / "resolutions-v0").iterdir()
    record.write_bytes(record.read_bytes()[:-9])
    assert compile_().out == first.out


def test_local_places_are_always_looked_at(puffin, tmp_path):
    for version in ("1.0", "2.0"):
        name, data = forge_wheel("solo", version)
        (tmp_path / name).write_bytes(data)
        puffin.file("requirements.in", "solo\n")
        done = puffin("pip", "compile", "requirements.in", "--no-index", "-f", str(tmp_path))
        assert f"solo=={version}" in done.out
    assert not (puffin.cache / "resolutions-v0").exists()


def test_what_is_remembered_and_breaks_a_rule_is_made_again(puffin, shop):
    puffin.file("requirements.in", "app\n")
    puffin.file("limits.txt", "lib<3\n")
    words = ("pip", "compile", "requirements.in", "-c", "limits.txt", "-i", shop.url)
    first = puffin(*words)
    (path,) = [each for each in (puffin.cache / "resolutions-v0").rglob("*") if each.is_file()]
    record = frame.load(path.read_bytes())
    name, until, pages, packages, rest = record
    wrong = tuple(tuple("3.0" if field == "2.0" else field for field in row) for row in packages)
    path.write_bytes(frame.dump((name, until, pages, wrong, rest)))
    again = puffin(*words)
    assert again.out == first.out
    assert "lib==2.0" in again.out
