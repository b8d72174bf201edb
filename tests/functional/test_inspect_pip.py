"""What ``freeze``, ``list`` and ``show`` print beside what pip prints of the same environment."""

import json
import os
import subprocess

import pytest

from tests.helpers.cli import lines
from tests.helpers.forked_cli import ForkedPuffin
from tests.helpers.index_server import IndexServer
from tests.helpers.pythons import base_python
from tests.helpers.wheels import forge_wheel

AS_PIP = [
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
]
METADATA = """Summary: Does ünthings
Home-page: https://example.org
Author: A. Nybody
Author-email: "A. Nybody" <a@example.org>
License: MIT
Classifier: Topic :: Utilities
Classifier: Typing :: Typed
Project-URL: Source, https://example.org/src
"""


# Runs commands of the pip in a directory with the interpreter that runs this, as pip does for `--python`.
RUN_PIP = """
import json, os, sys
from importlib.machinery import PathFinder

class Finds:
    def find_spec(self, name, path=None, target=None):
        return PathFinder.find_spec(name, [sys.argv[1]], target) if name == "pip" else None

sys.meta_path.insert(0, Finds())
from pip._internal.cli.main import main
from pip._internal.commands import freeze, list, show
for words in json.loads(sys.argv[2]):
    reader, writer = os.pipe()
    if not os.fork():
        os.dup2(writer, 1)
        sys.stdout = open(1, "w", closefd=False)
        sys.argv[1:] = words
        main(words)
        sys.stdout.flush()
        os._exit(0)
    os.close(writer)
    with open(reader) as file:
        print(json.dumps(file.read()))
"""


@pytest.fixture(scope="session")
def pips_directory():
    """The directory that holds a real pip; skips without one that can look at another environment."""
    code = "import os, pip; print(os.path.dirname(os.path.dirname(pip.__file__)), *pip.__version__.split('.'))"
    done = subprocess.run([base_python(), "-I", "-c", code], capture_output=True, text=True)
    directory, *version = done.stdout.split() or ("", "0")
    if tuple(map(int, version[:2])) < (22, 3):
        pytest.skip("there is no pip that knows `--python`")
    return directory


def pips_answers(env, directory, *commands):
    """Return what pip prints about the environment, by command."""
    words = [["--disable-pip-version-check", *command] for command in commands]
    environ = {
        "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(env.root), "_PIP_RUNNING_IN_SUBPROCESS": "1"
    }  # fmt: skip
    command = [env.python, "-c", RUN_PIP, directory, json.dumps(words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ)
    return dict(zip(commands, map(json.loads, done.stdout.splitlines()), strict=True))


def fill(puffin, index):
    """Make an environment with what pip and puffin could see differently.

    These are names, direct URLs, editables and requirements.
    """
    env = puffin.venv()
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
def full(puffin, index):
    """An environment that a test may change."""
    return fill(puffin, index)


@pytest.fixture
def pip(full, pips_directory):
    """Real pip's output about the environment."""
    return lambda *words: pips_answers(full, pips_directory, words)[words]


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory, interpreters, commands, pips_directory):
    """A puffin with an environment that nobody changes, and what pip prints of it."""
    puffin = ForkedPuffin(tmp_path_factory.mktemp("unchanged") / "p", interpreters, commands)
    with IndexServer() as index:
        env = fill(puffin, index)
    return puffin, pips_answers(env, pips_directory, *AS_PIP)


@pytest.mark.parametrize("words", AS_PIP, ids=" ".join)
def test_as_pip(unchanged, words):
    puffin, theirs = unchanged
    assert theirs[words]
    assert puffin("pip", *words).raw_out == theirs[words]


def test_freeze_of_paths_as_pip(puffin, full, pip):
    words = ("freeze", "--path", str(full.site))
    assert puffin("pip", *words, env={"VIRTUAL_ENV": "/nowhere"}).raw_out == pip(*words)
    assert puffin("pip", "list", "--path", "nowhere").out == ""
    relative = os.path.relpath(full.site, puffin.cwd)
    assert puffin("pip", "list", "--path", relative, "--format", "freeze").out.startswith(
        "alpha==1.0\nBeta.x==2.0"
    )


def test_an_editable_as_pip(puffin, full, pips_directory):
    project = puffin.cwd / "project"
    project.mkdir()
    info = full.site / "zeta-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zeta\nVersion: 0.1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    (info / "RECORD").write_text("zeta-0.1.dist-info/RECORD,,\n")
    asked = [
        ("list",),
        ("list", "-e"),
        ("list", "--exclude-editable"),
        ("list", "--format=json"),
        ("show", "zeta"),
    ]
    for words, theirs in pips_answers(full, pips_directory, *asked).items():
        assert puffin("pip", *words).raw_out == theirs


def test_outdated_as_pip(puffin, full, pips_directory, index):
    index.add(*forge_wheel("alpha", "1.5"), requires_python=">=3")
    index.add(*forge_wheel("alpha", "1.6"), requires_python="<3")
    index.add(*forge_wheel("alpha", "1.7"), yanked="no")
    index.add(*forge_wheel("alpha", "2.0rc1"))
    index.add(*forge_wheel("alpha", "1.8", {"x.py": ""}, tag="py2-none-any"))
    index.add("beta_x-2.1.tar.gz", b"who knows")
    options = (("-o",), ("--outdated", "--format", "json"), ("--outdated", "--pre"))
    asked = [("list", *words, "-i", index.url) for words in options]
    for words, theirs in pips_answers(full, pips_directory, *asked).items():
        assert theirs
        assert puffin("pip", *words).raw_out == theirs
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
