"""``puffin pip freeze``, ``list`` and ``uninstall``."""

import json

import pytest

from tests.helpers.cli import PYTHON, lines
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def full(puffin, env, index):
    """An environment with two packages of an index, one local wheel and one editable project."""
    index.add(*forge_wheel("Beta.x", "2.0", {"beta.py": ""}))
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.file(*forge_wheel("local", "1.0"))
    assert puffin.sync("alpha==1.0\nbeta-x==2.0\n./local-1.0-py3-none-any.whl\n", "-i", index.url).code == 0
    project = puffin.cwd / "project"
    project.mkdir()
    info = env.site / "zeta-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zeta\nVersion: 0.1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    (env.site / "zeta.pth").write_text(f"{project}\n")
    (info / "RECORD").write_text(
        "".join(f"{info.name}/{n},,\n" for n in ("METADATA", "direct_url.json", "RECORD")) + "zeta.pth,,\n"
    )
    (project / "zeta.py").write_text("")
    return env


def test_freeze(puffin, full):
    done = puffin("pip", "freeze")
    alpha, beta, local, zeta = done.out.splitlines()
    assert (alpha, beta) == ("alpha==1.0", "Beta.x==2.0")
    assert local.startswith("local @ file://[TMP]/here/local-1.0-py3-none-any.whl#sha256=")
    assert zeta == "-e file://[TMP]/here/project"
    assert (done.code, done.err) == (0, "")
    assert puffin("pip", "freeze", "-q").out == done.out
    assert puffin("pip", "freeze", "--exclude-editable").out == "\n".join(done.out.splitlines()[:3]) + "\n"


def test_list(puffin, full):
    assert puffin("pip", "list", "--exclude-editable").out == lines(
        "Package Version", "------- -------", "alpha   1.0", "Beta.x  2.0", "local   1.0"
    )
    assert puffin("pip", "list", "--format", "freeze", "--exclude", "Alpha", "--exclude", "local").out == lines(
        "Beta.x==2.0", "zeta==0.1"
    )
    rows = json.loads(puffin("pip", "list", "--format=json").out)
    assert rows[0] == {"name": "alpha", "version": "1.0"}
    assert rows[-1] == {"name": "zeta", "version": "0.1", "editable_project_location": "[TMP]/here/project"}
    editable = puffin("pip", "list", "-e").out.splitlines()
    assert editable[0].split() == ["Package", "Version", "Editable", "project", "location"]
    assert editable[2].split() == ["zeta", "0.1", "[TMP]/here/project"]
    assert puffin("pip", "list", "--format", "xml").code == 2


def test_freeze_and_list_of_nothing(puffin, env):
    assert puffin("pip", "freeze")[:3] == (0, "", "")
    assert puffin("pip", "list")[:3] == (0, "", "")
    assert puffin("pip", "list", "--format=json").out == "[]\n"
    assert not (env.root / ".puffin").exists(), "looking changes nothing"


def test_duplicates_are_reported(puffin, full):
    double = full.site / "alpha-0.5.dist-info"
    double.mkdir()
    (double / "METADATA").write_text("Metadata-Version: 2.1\nName: alpha\nVersion: 0.5\n")
    done = puffin("pip", "freeze")
    assert done.out.startswith("alpha==0.5\nalpha==1.0\n")
    site = f"[TMP]/here/.venv/lib/{PYTHON}/site-packages"
    assert done.err == lines(
        f"warning: `alpha` is installed 2 times: `{site}/alpha-0.5.dist-info`, `{site}/alpha-1.0.dist-info`"
    )
    assert puffin("pip", "uninstall", "alpha").err == lines(
        "Uninstalled 2 packages in [TIME]", " - alpha==0.5", " - alpha==1.0"
    )
    assert "alpha" not in full.installed()


def test_uninstall(puffin, full):
    done = puffin("pip", "uninstall", "-y", "Alpha", "nobody", "BETA_X")
    assert done.code == 0
    assert done.err == lines(
        "warning: Skipped `nobody`: it is not installed",
        "Uninstalled 2 packages in [TIME]",
        " - alpha==1.0",
        " - beta-x==2.0",
    )
    assert full.installed() == {"local": "1.0", "zeta": "0.1"}
    assert not (full.site / "alpha").exists()
    done = puffin("pip", "uninstall", "nobody")
    assert (done.code, done.err) == (
        0, lines("warning: Skipped `nobody`: it is not installed", "Nothing to uninstall"))  # fmt: skip


def test_uninstall_what_files_name(puffin, full):
    puffin.file("drop.txt", "alpha==9\nlocal\n")
    done = puffin("pip", "uninstall", "-r", "drop.txt")
    assert done.err == lines("Uninstalled 2 packages in [TIME]", " - alpha==1.0", " - local==1.0")
    done = puffin("pip", "uninstall", "-r", "nope.txt")
    assert (done.code, done.err) == (2, lines("error: File not found: `nope.txt`"))


def test_uninstall_an_editable_leaves_its_sources(puffin, full):
    assert puffin("pip", "uninstall", "zeta").code == 0
    assert not list(full.site.glob("zeta*"))
    assert (puffin.cwd / "project" / "zeta.py").exists()


def test_uninstall_dry(puffin, full):
    before = full.tree()
    done = puffin("pip", "uninstall", "alpha", "--dry-run")
    assert (done.code, done.err) == (0, lines("Would uninstall 1 package", " - alpha==1.0"))
    assert full.tree() == before


def test_uninstall_mistakes(puffin, env):
    done = puffin("pip", "uninstall")
    assert done.code == 2
    assert done.err == lines(
        "error: No packages were given", "", "hint: for example: `puffin pip uninstall six`"
    )
    done = puffin("pip", "uninstall", "not a name")
    assert (done.code, done.err) == (2, lines("error: `not a name` is not a valid package name"))


def test_old_kinds_of_installs(puffin, env):
    (env.site / "dist-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: dist\nVersion: 1.0\n")
    eggs = env.site / "eggs-1.0-py3.12.egg-info"
    eggs.mkdir()
    (eggs / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: eggs\nVersion: 1.0\n")
    (eggs / "top_level.txt").write_text("eggs\n")
    (env.site / "eggs").mkdir()
    (env.site / "eggs" / "__init__.py").write_text("")
    assert puffin("pip", "freeze").out == lines("dist==1.0", "eggs==1.0")
    done = puffin("pip", "uninstall", "dist")
    assert done.code == 1
    assert done.err.startswith("error: Cannot uninstall `dist`: `dist-1.0.egg-info` was installed by distutils")
    assert puffin("pip", "uninstall", "eggs").err == lines("Uninstalled 1 package in [TIME]", " - eggs==1.0")
    assert [path.name for path in env.site.iterdir()] == ["dist-1.0.egg-info"]


@pytest.mark.parametrize("words", [("pip", "freeze"), ("pip", "list"), ("pip", "uninstall", "x")])
def test_without_an_environment(puffin, words):
    done = puffin(*words)
    assert done.code == 2
    assert done.err.startswith("error: No virtual environment found; run `puffin venv` to make one")
