"""``puffin pip tree`` and ``puffin pip check``."""

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
        "app v1.0",
        "├── base v1.0",
        "└── lib[fast] v2.0",
        "    ├── base v1.0",
        "    └── speed v1.0",
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
