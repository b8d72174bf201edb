"""What ``freeze``, ``list`` and ``show`` print beside what pip prints of the same environment."""

import json
import os
import subprocess

import pytest

from tests.helpers.cli import lines
from tests.helpers.pythons import base_python
from tests.helpers.wheels import forge_wheel

METADATA = """Summary: Does ünthings
Home-page: https://example.org
Author: A. Nybody
Author-email: "A. Nybody" <a@example.org>
License: MIT
Classifier: Topic :: Utilities
Classifier: Typing :: Typed
Project-URL: Source, https://example.org/src
"""


@pytest.fixture
def full(puffin, env, index):
    """An environment with what pip and puffin could see differently: names, direct URLs, editables, requirements."""
    index.add(
        *forge_wheel("Beta.x", "2.0", {"beta.py": ""}, requires=["alpha>=1", "zope_thing ; extra == 'more'"],
                     entry_points={"beta": "beta:main"}, metadata_extra=METADATA)
    )  # fmt: skip
    index.add(*forge_wheel("alpha", "1.0", requires=["Zope.Thing", "local ; python_version < '3'"]))
    index.add(*forge_wheel("zope_thing", "0.1.dev1"))
    puffin.file(*forge_wheel("local", "1.0"))
    pins = "alpha==1.0\nbeta-x==2.0\nzope-thing==0.1.dev1\n./local-1.0-py3-none-any.whl\n"
    assert puffin.sync(pins, "-i", index.url).code == 0
    return env


@pytest.fixture
def pip(full):
    """Real pip's output about the environment; skips without one that can look at another environment."""

    def run(*words):
        command = [
            base_python(),
            "-I",
            "-m",
            "pip",
            "--python",
            str(full.python),
            "--disable-pip-version-check",
        ]
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(full.root)}
        done = subprocess.run([*command, *words], capture_output=True, text=True, env=environ)
        return done.stdout

    if "pip" not in run("--version"):
        pytest.skip("there is no pip that knows `--python`")
    return run


@pytest.mark.parametrize(
    "words",
    [
        ("freeze",),
        ("freeze", "--exclude", "Alpha", "--exclude", "beta_x"),
        ("list",),
        ("list", "--format", "freeze"),
        ("list", "--format", "json"),
        ("list", "--format", "json", "--exclude", "alpha"),
        ("list", "--not-required"),
        ("list", "-v"),
        ("list", "--format", "json", "-v"),
        ("list", "--format", "freeze", "-v"),
        ("show", "beta-x"),
        ("show", "Beta.X", "alpha"),
        ("show", "-f", "beta-x"),
        ("show", "-v", "beta-x"),
        ("show", "nobody", "zope.thing"),
    ],
    ids=" ".join,
)
def test_as_pip(puffin, full, pip, words):
    theirs = pip(*words)
    assert theirs
    done = puffin("pip", *words)
    assert done.raw_out == theirs


def test_freeze_of_paths_as_pip(puffin, full, pip):
    words = ("freeze", "--path", str(full.site))
    assert puffin("pip", *words, env={"VIRTUAL_ENV": "/nowhere"}).raw_out == pip(*words)
    assert puffin("pip", "list", "--path", "nowhere").out == ""
    relative = os.path.relpath(full.site, puffin.cwd)
    assert puffin("pip", "list", "--path", relative, "--format", "freeze").out.startswith(
        "alpha==1.0\nBeta.x==2.0"
    )


def test_an_editable_as_pip(puffin, full, pip):
    project = puffin.cwd / "project"
    project.mkdir()
    info = full.site / "zeta-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zeta\nVersion: 0.1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    (info / "RECORD").write_text("zeta-0.1.dist-info/RECORD,,\n")
    for words in (
        ("list",),
        ("list", "-e"),
        ("list", "--exclude-editable"),
        ("list", "--format=json"),
        ("show", "zeta"),
    ):
        assert puffin("pip", *words).raw_out == pip(*words)


def test_outdated_as_pip(puffin, full, pip, index):
    index.add(*forge_wheel("alpha", "1.5"), requires_python=">=3")
    index.add(*forge_wheel("alpha", "1.6"), requires_python="<3")
    index.add(*forge_wheel("alpha", "1.7"), yanked="no")
    index.add(*forge_wheel("alpha", "2.0rc1"))
    index.add(*forge_wheel("alpha", "1.8", {"x.py": ""}, tag="py2-none-any"))
    index.add("beta_x-2.1.tar.gz", b"who knows")
    for words in (("-o",), ("--outdated", "--format", "json"), ("--outdated", "--pre")):
        theirs = pip("list", *words, "-i", index.url)
        assert theirs
        done = puffin("pip", "list", *words, "-i", index.url)
        assert done.raw_out == theirs
    assert "2.0rc1" in theirs
    done = puffin("pip", "list", "-o", "--pre", "--default-index", index.url, "-i", "http://127.0.0.1:9/simple")
    assert done.raw_out == theirs, "the options about indexes that pip does not have count too"
    conf = puffin.pip_conf(index_url=index.url)
    done = puffin("pip", "list", "-o", "--pre", env=conf)
    assert done.raw_out == theirs, "the indexes of a configuration too"
    assert "(latest: v1.5)" in puffin("pip", "tree", "--outdated", env=conf).out
    done = puffin("pip", "list", "-o", "--format", "freeze")
    assert (done.code, done.err) == (
        2, lines("error: `--outdated` cannot be used with `--format freeze`", "", "hint: use `--format json`")
    )  # fmt: skip


def test_show_of_nothing(puffin, full):
    done = puffin("pip", "show")
    assert (done.code, done.err) == (
        2, lines("error: No packages were given", "", "hint: for example: `puffin pip show six`")
    )  # fmt: skip
    done = puffin("pip", "show", "nobody")
    assert (done.code, done.out, done.err) == (1, "", lines("warning: `nobody` is not installed"))


def test_show_of_a_licence_expression_and_of_what_nothing_lists(puffin, full, index):
    index.add(*forge_wheel("modern", "1.0", metadata_extra="License-Expression: MIT\n"))
    assert puffin("pip", "install", "modern", "-i", index.url).code == 0
    (full.info("modern") / "RECORD").unlink()
    said = puffin("pip", "show", "-f", "modern").out.splitlines()
    assert "License-Expression: MIT" in said
    assert said[-2:] == ["Files:", "Cannot locate RECORD or installed-files.txt"]


def test_strict(puffin, full):
    assert puffin("pip", "freeze", "--strict").err == ""
    assert puffin("pip", "uninstall", "zope-thing").code == 0
    warning = "warning: `alpha` requires `Zope.Thing`, which is not installed"
    for command in ("freeze", "list"):
        assert warning in puffin("pip", command, "--strict").err


def test_through_a_symlinked_site_packages(puffin, full):
    before = puffin("pip", "list").out, puffin("pip", "freeze").out
    elsewhere = full.root / "elsewhere"
    full.site.rename(elsewhere)
    next(full.root.glob("lib/python*")).joinpath("site-packages").symlink_to(elsewhere)
    assert (puffin("pip", "list").out, puffin("pip", "freeze").out) == before
    assert "Location: [TMP]/here/.venv/elsewhere" in puffin("pip", "show", "alpha").out
