"""``puffin pip tree`` and ``puffin pip check``."""

import subprocess

import pytest

from tests.helpers.cli import lines
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def full(puffin, env, index):
    """An environment in which ``app`` needs ``lib[fast]`` and ``base``."""
    index.add(*forge_wheel("app", "1.0", requires=["Lib[fast]>=1", "base"]))
    index.add(
        *forge_wheel(
            "lib", "2.0", requires=["base<3", "speed; extra == 'fast'"], metadata_extra="Provides-Extra: fast\n"
        )
    )
    index.add(*forge_wheel("base", "1.0"))
    index.add(*forge_wheel("speed", "1.0"))
    assert puffin.sync("app==1.0\nlib==2.0\nbase==1.0\nspeed==1.0\n", "-i", index.url).code == 0
    return env


def test_tree(puffin, full):
    before = full.tree()
    done = puffin("pip", "tree")
    assert done.out == lines(
        "app v1.0", "├── base v1.0", "└── lib[fast] v2.0", "    ├── base v1.0", "    └── speed v1.0"
    )
    assert (done.code, done.err) == (0, "")
    assert puffin("pip", "tree", "-q").out == done.out
    assert full.tree() == before, "looking changes nothing"


def test_tree_options(puffin, full):
    assert puffin("pip", "tree", "--invert", "--package", "BASE", "--prune", "lib").out == lines(
        "base v1.0", "└── app v1.0"
    )
    assert puffin("pip", "tree", "-d", "0").out == lines("app v1.0")
    assert puffin("pip", "tree", "--package=lib", "--show-version-specifiers").out == lines(
        "lib v2.0", "├── base v1.0 [required: <3]", "└── speed v1.0 [required: *]"
    )
    inverted = lines("base v1.0", "├── app v1.0", "└── lib v2.0", "    └── app v1.0", "speed v1.0")
    assert puffin("pip", "tree", "--invert", "--no-dedupe").out == inverted + "└── lib v2.0\n    └── app v1.0\n"
    env = {"PUFFIN_INVERT": "1", "PUFFIN_PACKAGE": "speed app", "PUFFIN_DEPTH": "1"}
    assert puffin("pip", "tree", env=env).out == lines("speed v1.0", "└── lib v2.0")


def test_tree_of_what_is_not_there(puffin, full):
    done = puffin("pip", "tree", "--package", "nobody", "--package", "base")
    assert (done.code, done.out, done.err) == (0, "base v1.0\n", lines("warning: `nobody` is not installed"))
    done = puffin("pip", "tree", "--package", "nobody")
    assert (done.code, done.out, done.err) == (1, "", lines("warning: `nobody` is not installed"))


@pytest.mark.parametrize("depth", ["-1", "x", "٣"])
def test_tree_of_no_depth(puffin, env, depth):
    done = puffin("pip", "tree", "--depth", depth)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: `{depth}` is not a depth\n")


def test_tree_and_check_of_nothing(puffin, env):
    assert puffin("pip", "tree")[:3] == (0, "", "")
    done = puffin("pip", "check")
    assert (done.code, done.out) == (0, "")
    assert done.err == lines("Checked 0 packages in [TIME]", "All installed packages are compatible")


def test_check(puffin, full):
    done = puffin("pip", "check")
    assert (done.code, done.out) == (0, "")
    assert done.err == lines("Checked 4 packages in [TIME]", "All installed packages are compatible")
    assert puffin("pip", "uninstall", "speed").code == 0
    (full.info("lib") / "METADATA").write_text("Name: lib\nVersion: 2.0\nRequires-Dist: base>=3\n\n")
    (full.site / "base-0.5.dist-info").mkdir()
    (full.site / "base-0.5.dist-info/METADATA").write_text("Name: base\nVersion: 0.5\n")
    done = puffin("pip", "check")
    assert done.code == 1
    assert done.out == lines(
        "`lib` requires `base>=3`, but 1.0 is installed", "`base` is installed 2 times: 0.5, 1.0"
    )
    assert done.err == lines("Checked 4 packages in [TIME]", "Found 2 problems")
    assert puffin("pip", "check", "-q")[:3] == (1, done.out, "")


def test_check_names_an_extra_that_is_not_met(puffin, full):
    assert puffin("pip", "uninstall", "speed").code == 0
    assert puffin("pip", "check").out == lines("`lib` requires `speed`, which is not installed")


def test_reverse_is_another_word_for_invert(puffin, full):
    assert puffin("pip", "tree", "--reverse").out == puffin("pip", "tree", "--invert").out


def test_newer_versions_in_the_tree(puffin, full, index):
    index.add(*forge_wheel("lib", "9.0"))
    done = puffin("pip", "tree", "--outdated", "-i", index.url)
    assert done.code == 0, done.err
    newer = [line for line in done.out.splitlines() if "latest" in line]
    assert newer
    assert all(line.endswith("lib v2.0 (latest: v9.0)") or "(latest: v9.0)" in line for line in newer)


def test_check_with_packages_of_the_system(puffin, index):
    index.add(*forge_wheel("alpha", "1.0", requires=["pip"]))
    env = puffin.venv("--system-site-packages")
    if env.run("-c", "import importlib.util as u; print(u.find_spec('pip') is not None)") != "True":
        pytest.skip("the Python of the tests has no pip")
    assert puffin("pip", "install", "alpha", "-i", index.url).code == 0, "what the system has is there"
    assert env.installed() == {"alpha": "1.0"}
    assert "pip " in puffin("pip", "list").out
    assert "pip " not in puffin("pip", "list", "--local").out
    assert puffin("pip", "freeze", "--local").out == "alpha==1.0\n"
    theirs = subprocess.run([env.python, "-m", "pip", "check"], capture_output=True).returncode
    assert puffin("pip", "check").code == theirs, "what is wrong in the system is wrong here"
    assert "Skipped `pip`: it is not installed" in puffin("pip", "uninstall", "pip").err
    version = env.run("-c", "import pip; print(pip.__version__)")
    assert (
        puffin.sync(f"alpha==1.0\npip=={version}\n", "-i", index.url)
        .err.splitlines()[-1]
        .startswith("Checked 2 ")
    )
    index.add(*forge_wheel("pip", "99.0"))
    assert puffin.sync("alpha==1.0\npip==99.0\n", "-i", index.url).code == 0
    assert env.installed() == {"alpha": "1.0", "pip": "99.0"}
