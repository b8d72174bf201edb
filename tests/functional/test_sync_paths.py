"""Several packages with one path, namespaces, symlinks: what is on disk after a sync, and what is refused."""

import os

import pytest

from tests.helpers.cli import PYTHON, checked, lines, told
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shared(index):
    """Three packages that bring one file: ``aa`` and ``cc`` the same, ``bb`` another."""
    for name, text in (("aa", "one"), ("bb", "two"), ("cc", "one")):
        index.add(*forge_wheel(name, "1.0", {"shared/x.py": text, f"{name}.py": ""}))
    return index


WARNING = "`shared/x.py` differs between {}; that of `{}` is used"


def test_equal_files_are_shared_in_silence_and_counted(puffin, env, shared):
    done = puffin.sync("aa==1.0\ncc==1.0\n", "-i", shared.url)
    assert done.err == told("+ aa==1.0", "+ cc==1.0", pins=2, prepared=2, installed=2)
    assert puffin.sync("cc==1.0\n", "-i", shared.url).err == told("- aa==1.0", pins=1, uninstalled=1)
    assert (env.site / "shared/x.py").read_text() == "one"
    assert puffin.sync(None, "-i", shared.url).err == checked(1)
    assert puffin("pip", "uninstall", "cc").code == 0
    assert not (env.site / "shared").exists()
    assert env.unlisted() == set()


def test_of_different_files_the_first_name_wins_and_the_loser_s_comes_back(puffin, env, shared):
    done = puffin.sync("bb==1.0\naa==1.0\n", "-i", shared.url)
    assert done.err == told(
        "+ aa==1.0",
        "+ bb==1.0",
        pins=2,
        prepared=2,
        installed=2,
        warnings=(WARNING.format("`aa`, `bb`", "aa"),),
    )
    assert (env.site / "shared/x.py").read_text() == "one"
    assert puffin.sync(None, "-i", shared.url).err == checked(2)
    done = puffin.sync("bb==1.0\n", "-i", shared.url)
    assert done.err == told("- aa==1.0", "~ bb==1.0", pins=1, uninstalled=2, installed=1)
    assert (env.site / "shared/x.py").read_text() == "two"
    env.record("bb")
    done = puffin.sync("aa==1.0\nbb==1.0\n", "-i", shared.url)
    assert done.code == 0
    assert (env.site / "shared/x.py").read_text() == "one", "the order of installs does not matter"


def test_uninstalling_the_winner_brings_the_loser_s_file_back(puffin, env, shared):
    puffin.sync("aa==1.0\nbb==1.0\n", "-i", shared.url)
    assert puffin("pip", "uninstall", "aa").err == lines("Uninstalled 1 package in [TIME]", " - aa==1.0")
    assert (env.site / "shared/x.py").read_text() == "two"
    assert env.unlisted() == set()
    env.record("bb")


def test_a_reinstall_of_both_with_a_directory_that_goes_and_comes(puffin, env, shared):
    puffin.sync("aa==1.0\n", "-i", shared.url)
    done = puffin.sync("aa==1.0\nbb==1.0\n", "--reinstall", "-i", shared.url)
    warnings = (WARNING.format("`aa`, `bb`", "aa"),)
    assert done.err == told(
        "~ aa==1.0", "+ bb==1.0", pins=2, prepared=1, uninstalled=1, installed=2, warnings=warnings
    )
    assert puffin.sync(None, "--reinstall", "-i", shared.url).code == 0
    assert (env.site / "shared/x.py").read_text() == "one"


def test_a_winner_by_url_does_not_make_its_loser_come_anew_every_time(puffin, env, shared):
    text = f"aa @ {shared.file_url('aa-1.0-py3-none-any.whl')}\nbb==1.0\n"
    assert puffin.sync(text, "-i", shared.url).code == 0
    assert puffin.sync(text, "-i", shared.url).err == checked(2)


def test_path_conflicts_refused(puffin, env, shared):
    done = puffin.sync("aa==1.0\nbb==1.0\n", "--path-conflict", "error", "-i", shared.url)
    assert done.code == 1
    assert done.err == lines(
        "Resolved 2 packages in [TIME]",
        "Prepared 2 packages in [TIME]",
        "error: Refused to install: 1 path has different contents in different packages",
        f"  `[TMP]/here/.venv/lib/{PYTHON}/site-packages/shared/x.py`: aa, bb",
        "",
        "hint: without `--path-conflict error` the first of them by name wins, with a warning",
    )
    assert env.installed() == {}
    assert not (env.site / "shared").exists()
    done = puffin.sync("aa==1.0\ncc==1.0\n", "-i", shared.url, env={"PUFFIN_PATH_CONFLICT": "error"})
    assert done.code == 0


def test_a_file_in_one_and_a_directory_in_the_other(puffin, env, index):
    index.add(*forge_wheel("aa", "1.0", {"thing/x.py": ""}))
    index.add(*forge_wheel("bb", "1.0", {"thing": "a file"}))
    done = puffin.sync("aa==1.0\nbb==1.0\n", "-i", index.url)
    assert done.code == 1
    assert "error: Failed to install `aa` and `bb` together: " in done.err
    assert "site-packages/thing` is a file in one and a directory in the other" in done.err
    assert env.installed() == {}
    (env.site / "thing").mkdir()
    done = puffin.sync("bb==1.0\n", "-i", index.url)
    assert "error: Failed to install `bb`: " in done.err
    assert "hint: move it to another place, or remove it" in done.err


def test_namespace_packages_merge_and_part_again(puffin, env, index):
    index.add(*forge_wheel("ns-a", "1.0", {"ns/a/__init__.py": "A = 1", "ns/__init__.py": ""}))
    index.add(*forge_wheel("ns-b", "1.0", {"ns/b/__init__.py": "B = 2", "ns/__init__.py": ""}))
    index.add(*forge_wheel("ns-b", "2.0", {"ns/b/c/__init__.py": "B = 3"}))
    puffin.sync("ns-a==1.0\n", "-i", index.url)
    done = puffin.sync("ns-a==1.0\nns-b==1.0\n", "-i", index.url)
    assert done.err == told("+ ns-b==1.0", pins=2, prepared=1, installed=1)
    assert env.run("-c", "import ns.a, ns.b; print(ns.a.A, ns.b.B)", bytecode=True) == "1 2"
    puffin.sync("ns-a==1.0\nns-b==2.0\n", "-i", index.url)
    assert env.run("-c", "import ns.a, ns.b.c; print(ns.a.A, ns.b.c.B)") == "1 3"
    assert not (env.site / "ns/b/__init__.py").exists()
    puffin.sync("ns-a==1.0\n", "-i", index.url)
    assert not (env.site / "ns/b").exists()
    assert env.run("-c", "import ns.a; print(ns.a.A)") == "1"
    assert puffin.sync(None, "-i", index.url).err == checked(1)


def test_files_of_nobody_stay(puffin, env, shared):
    puffin.sync("aa==1.0\n", "-i", shared.url)
    (env.site / "shared" / "mine.txt").write_text("mine")
    (env.site / "_virtualenv.pth").write_text("")
    assert puffin.sync("cc==1.0\n", "-i", shared.url).code == 0
    assert puffin("pip", "uninstall", "cc").code == 0
    assert [path.name for path in (env.site / "shared").iterdir()] == ["mine.txt"]
    assert (env.site / "_virtualenv.pth").exists()


def test_a_package_directory_that_is_a_symlink_to_outside_is_refused(puffin, env, shared):
    outside = puffin.root / "outside"
    outside.mkdir()
    (outside / "keep.txt").write_text("keep")
    (env.site / "shared").symlink_to(outside)
    done = puffin.sync("aa==1.0\n", "-i", shared.url)
    refusal = f"error: Refused to change files behind the symlink `[TMP]/here/.venv/lib/{PYTHON}/site-packages/shared`"
    assert done.code == 1
    assert refusal in done.err
    assert os.listdir(outside) == ["keep.txt"]
    assert env.installed() == {}
    (env.site / "shared").unlink()
    puffin.sync("aa==1.0\n", "-i", shared.url)
    (env.site / "shared").rename(puffin.root / "moved")
    (env.site / "shared").symlink_to(puffin.root / "moved")
    for done in (puffin("pip", "uninstall", "aa"), puffin.sync("cc==1.0\n", "-i", shared.url)):
        assert done.code == 1
        assert refusal in done.err
    assert os.listdir(puffin.root / "moved") == ["x.py"]
    assert env.installed() == {"aa": "1.0"}


def test_site_packages_behind_a_symlink(puffin, env, shared):
    moved = puffin.root / "elsewhere"
    env.site.rename(moved)
    (env.root / f"lib/{PYTHON}/site-packages").symlink_to(moved)
    done = puffin.sync("aa==1.0\nbb==1.0\n", "-i", shared.url)
    assert done.code == 0, done.err
    assert puffin.sync(None, "-i", shared.url).err == checked(2)
    assert env.run("-c", "import aa, bb; print(aa.__name__)") == "aa"
    assert puffin.sync("bb==1.0\n", "-i", shared.url).code == 0
    assert sorted(os.listdir(moved)) == ["bb-1.0.dist-info", "bb.py", "shared"]
    assert puffin("pip", "uninstall", "bb").code == 0
    assert os.listdir(moved) == []
