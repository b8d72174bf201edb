"""Resolutions for all platforms: requirements with markers, lock files, and what is selected from them."""

import sys
import tomllib

import pytest

from tests.helpers.cli import lines
from tests.helpers.wheels import forge_wheel

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def shop(index):
    """``app`` needs ``lib`` and, on Windows, ``win``; newer versions of ``lib`` need newer Pythons."""
    index.add(*forge_wheel("app", "1.0", requires=["lib", "win ; sys_platform == 'win32'"]))
    for version, python in (("1.0", ">=3.8"), ("2.0", ">=3.10"), ("3.0", ">=3.13")):
        index.add(*forge_wheel("lib", version, requires_python=python), requires_python=python)
    for name in ("win", "fast", "tester"):
        index.add(*forge_wheel(name, "1.0"))
    return index


@pytest.fixture
def compile_(puffin, shop):
    def run(text, *words):
        puffin.file("requirements.in", text)
        quiet = ("--no-header", "--no-annotate", "-q", "-i", shop.url)
        return puffin("pip", "compile", "requirements.in", "--universal", *quiet, *words)

    return run


def test_versions_differ_only_where_they_must(compile_):
    done = compile_("app\n", "--python-version", "3.9")
    assert done.out == lines(
        "app==1.0",
        "lib==1.0 ; python_version < '3.10'",
        "lib==2.0 ; python_version >= '3.10' and python_version < '3.13'",
        "lib==3.0 ; python_version >= '3.13'",
        "win==1.0 ; sys_platform == 'win32'",
    )
    assert compile_("app\nlib<3\n", "--python-version", "3.10").out == lines(
        "app==1.0", "lib==2.0", "win==1.0 ; sys_platform == 'win32'"
    )


@pytest.mark.parametrize("pythons", [">=3", ">=3.2"])
def test_pythons_that_a_version_leaves_out_do_not_count(puffin, index, pythons):
    wanted = ">=2.7,!=3.0.*,!=3.1.*,!=3.2.*"
    index.add(*forge_wheel("six", "1.17.0", requires_python=wanted), requires_python=wanted)
    puffin.file(
        "pyproject.toml",
        f'[project]\nname = "own"\nversion = "1"\nrequires-python = "{pythons}"\ndependencies = ["six"]\n',
    )
    quiet = ("--no-header", "--no-annotate", "-q", "-i", index.url)
    done = puffin("pip", "compile", "pyproject.toml", "--universal", *quiet)
    assert done.out == lines("six==1.17.0"), done.err


def test_an_earlier_output_is_kept_and_upgraded_package_by_package(compile_, shop, puffin):
    def compiled(*more):
        assert compile_("app\n", "--python-version", "3.9", "-o", "out.txt", "--refresh", *more).code == 0
        return (puffin.cwd / "out.txt").read_text()

    first = compiled()
    for python, version in ((">=3.10", "2.5"), (">=3.13", "3.5")):
        shop.add(*forge_wheel("lib", version, requires_python=python), requires_python=python)
    shop.add(*forge_wheel("app", "1.1", requires=["lib"]))
    assert compiled() == first
    upgraded = compiled("-P", "lib")
    assert "lib==2.5 ; " in upgraded
    assert "lib==3.5 ; " in upgraded
    assert "app==1.0" in upgraded
    assert "app==1.1" in compiled("-U")


def test_requirements_with_markers_are_installed_as_before(compile_, puffin, shop, env):
    puffin.file("all.txt", compile_("app\n", "--python-version", "3.9").raw_out)
    assert puffin("pip", "sync", "all.txt", "-i", shop.url).code == 0
    assert "lib" in env.installed()
    assert "win" not in env.installed()


def test_a_lock_for_all_platforms(compile_, puffin, env, shop):
    for tag in ("cp311-cp311-win_amd64", "cp311-cp311-manylinux_2_17_x86_64", "cp38-cp38-win_amd64"):
        shop.add(*forge_wheel("native", "1.0", tag=tag))
    assert (
        compile_(
            "app\nnative ; sys_platform == 'win32'\n", "--python-version", "3.11", "-o", "pylock.toml"
        ).code
        == 0
    )
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    assert lock["requires-python"] == ">=3.11"
    assert "environments" not in lock
    packages = {(each["name"], each["version"]): each for each in lock["packages"]}
    assert packages["win", "1.0"]["marker"] == "sys_platform == 'win32'"
    assert packages["lib", "3.0"]["marker"] == "python_version >= '3.13'"
    assert [wheel["url"].rpartition("-")[2] for wheel in packages["native", "1.0"]["wheels"]] == [
        "win_amd64.whl"
    ]
    assert puffin("pip", "sync", "pylock.toml").code == 0
    assert "native" not in env.installed()


PROJECT = """
[project]
name = "shop"
version = "1"
requires-python = ">=3.9"
dependencies = ["app"]
[project.optional-dependencies]
fast = ["fast ; sys_platform != 'win32'"]
[dependency-groups]
test = ["tester"]
"""


def test_a_lock_has_extras_and_groups_for_selection(puffin, shop, env):
    puffin.file("pyproject.toml", PROJECT)
    puffin.file(
        "puffin.toml",
        '[envs.prod]\nproject = "."\npath = "prod"\n'
        '[envs.dev]\nproject = "."\npath = "dev"\nextras = ["fast"]\ngroups = ["test"]\n',
    )
    done = puffin("lock", "--universal", "-i", shop.url)
    assert done.code == 0, done.err
    lock = tomllib.loads((puffin.cwd / "pylock.toml").read_text())
    assert (lock["extras"], lock["dependency-groups"]) == (["fast"], ["test"])
    marked = {each["name"]: each.get("marker", "") for each in lock["packages"]}
    assert marked["fast"] == "'fast' in extras and sys_platform != 'win32'"
    assert marked["tester"] == "'test' in dependency_groups"
    assert not (puffin.cwd / "pylock.dev.toml").exists()
    assert puffin("pip", "sync", "pylock.toml", "--extra", "fast").code == 0
    assert {"fast", "app"} <= set(env.installed())
    assert "tester" not in env.installed()
    assert puffin("sync", "--frozen").code == 0
    installed = {
        name: [path.name for path in (puffin.cwd / name).rglob("*.dist-info")] for name in ("prod", "dev")
    }
    assert "tester-1.0.dist-info" in installed["dev"]
    assert "fast-1.0.dist-info" in installed["dev"]
    assert not {"tester-1.0.dist-info", "fast-1.0.dist-info"} & set(installed["prod"])


def test_an_unchanged_lock_is_not_written_and_a_changed_project_is_told(puffin, shop):
    puffin.file("pyproject.toml", PROJECT)
    words = ("--universal", "-i", shop.url)
    assert puffin("lock", *words).code == 0
    before = (puffin.cwd / "pylock.toml").read_bytes()
    assert "(unchanged)" in puffin("lock", *words, "--no-cache").err
    assert puffin("lock", *words, "--check").code == 0
    puffin.file("pyproject.toml", PROJECT.replace('"tester"', '"tester", "win"'))
    assert puffin("lock", *words, "--check").code == 4
    assert (puffin.cwd / "pylock.toml").read_bytes() == before
    assert puffin("lock", *words).code == 0
    assert (
        b"'test' in dependency_groups or sys_platform == 'win32'" in (puffin.cwd / "pylock.toml").read_bytes()
    )


def test_a_conflict_says_for_which_environments(compile_, shop):
    shop.add(*forge_wheel("old", "1.0", requires=["lib<2"]))
    wanted = (
        "old ; sys_platform == 'win32'\nlib>=2 ; sys_platform == 'win32'\nlib<2 ; sys_platform != 'win32'\n"
    )
    done = compile_(wanted, "--python-version", "3.13")
    assert done.code == 1
    assert "no versions fit together where `sys_platform == 'win32'`" in done.err
    assert done.out == ""


def test_pythons_that_nothing_meets(puffin, shop):
    puffin.file("pyproject.toml", PROJECT.replace(">=3.9", "<3"))
    done = puffin("pip", "compile", "pyproject.toml", "--universal", "-i", shop.url)
    assert done.code == 2
    assert "No version of Python 3 meets `<3`" in done.err


def test_a_path_with_a_marker_counts_where_it_holds(compile_, puffin, tmp_path):
    name, data = forge_wheel("lib", "9.0")
    (puffin.cwd / name).write_bytes(data)
    done = compile_(
        f"./{name} ; sys_platform == 'linux'\nlib ; sys_platform != 'linux'\n", "--python-version", "3.13"
    )
    assert done.out == lines("lib==3.0 ; sys_platform != 'linux'", f"./{name} ; sys_platform == 'linux'")
