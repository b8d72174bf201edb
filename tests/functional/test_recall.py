"""What resolutions read is not read again while the pages that it is from are the same and fresh."""

import os
import shutil
import subprocess
import sys

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


def test_another_request_is_another_resolution(compile_):
    assert "lib" in compile_().out
    assert "lib" not in compile_("--no-deps").out


@pytest.mark.parametrize(
    "words", [("--resolution", "lowest"), ("--refresh",), ("-U",), ("--python-version", "3.9")]
)
def test_what_another_request_needs_is_asked_for(compile_, puffin, shop, words):
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


def cut(data):
    return data[:-9]


def foreign(data):
    name, *rest = frame.load(data)
    return frame.dump((f"{name}!", *rest))


def empty(data):
    return frame.dump(())


@pytest.mark.parametrize("damage", [cut, foreign, empty])
def test_a_damaged_or_foreign_file_is_passed_over(compile_, puffin, damage):
    first = compile_()
    (record,) = (puffin.cache / "resolutions-v0").iterdir()
    whole = record.read_bytes()
    record.write_bytes(damage(whole))
    assert compile_().out == first.out
    assert frame.load(record.read_bytes())[:2] == frame.load(whole)[:2]


def test_no_credentials_are_kept(puffin, shop):
    url = shop.url.replace("//", "//somebody:hidden@")
    link = shop.file_url("app-1.0-py3-none-any.whl").replace("//", "//somebody:hidden@")
    puffin.file("requirements.in", f"lib\napp @ {link}\n")
    assert puffin("pip", "compile", "requirements.in", "-i", url).code == 0
    (record,) = (puffin.cache / "resolutions-v0").iterdir()
    assert b"lib-2.0-py3-none-any.whl" in record.read_bytes()
    assert b"hidden" not in record.read_bytes()


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
    name, packages, answers, texts = record
    ((key, (used, chosen)),) = answers.items()
    assert chosen == {"app": "1.0", "lib": "2.0"}
    path.write_bytes(frame.dump((name, packages, {key: (used, {**chosen, "lib": "3.0"})}, texts)))
    again = puffin(*words)
    assert again.out == first.out
    assert "lib==2.0" in again.out


def imported_by(puffin, words):
    """Return the names of the modules that a run imports."""
    code = (
        f"import sys; sys.path.insert(0, {puffin.environ()['PYTHONPATH']!r}); before = set(sys.modules); "
        f"from puffin.cli import entry; entry.main({words!r}); print(*set(sys.modules) - before)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=puffin.cwd, env=puffin.environ(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_cold_compilation_does_without_the_parsers_of_packaging(puffin, shop):
    shop.add(*forge_wheel("other", "1.5", requires=["lib>=1,!=1.5; sys_platform == 'win32' or os_name != 'x'"]))
    puffin.file("requirements.in", "app>=0.5\nother~=1.0; python_version >= '3.8'\n")
    words = ["pip", "compile", "requirements.in", "-o", "out.txt", "-i", shop.url, "-p", sys.executable, "-q"]
    found = imported_by(puffin, words)
    assert "lib==2.0" in (puffin.cwd / "out.txt").read_text()
    assert "puffin.stages.resolve.universe.index" in found
    heavy = {"packaging.requirements", "packaging.specifiers", "packaging.markers", "packaging.tags"}
    assert sorted(found & heavy) == []


def test_an_edit_imports_neither_packaging_nor_a_client(puffin, shop):
    puffin.file("requirements.in", "app\n")
    words = ["pip", "compile", "requirements.in", "-o", "out.txt", "-i", shop.url, "-p", sys.executable, "-q"]
    assert puffin(*words).code == 0
    for edit in ("app\nlib[more]==2.0\n", "lib\n"):
        puffin.file("requirements.in", edit)
        found = imported_by(puffin, words)
        assert "puffin.stages.resolve.universe.kept" in found
        heavy = {"dataclasses", "re", "threading", "socket", "packaging.version", "packaging.requirements"}
        heavy |= {"puffin.stages.fetch.client", "puffin.stages.resolve.index.pages"}
        heavy |= {"puffin.stages.resolve.projects.reader", "puffin.stages.resolve.requirements.lenient"}
        assert sorted(found & heavy) == []


def test_a_damaged_page_is_fetched_again_for_the_times_of_its_files(compile_, puffin, shop):
    words = ("--exclude-newer", "2030-01-01")
    first = compile_(*words)
    (page,) = (puffin.cache / "simple-v0").glob("*/lib")
    data = bytearray(page.read_bytes())
    data[-9] ^= 1
    page.write_bytes(data)
    for name in ("resolutions-v0", "answers-v0"):
        shutil.rmtree(puffin.cache / name, ignore_errors=True)
    assert compile_(*words).out == first.out
