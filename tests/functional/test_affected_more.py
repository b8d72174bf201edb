"""``puffin affected`` and ``sync --changed-since``: reasons, what cannot be read, and what git cannot tell."""

import json
import os

import pytest

from tests.functional.test_affected import (
    affected,
    append,
    commit,
    members,
    names,
    project,
    put,
    remove,
    repository,
)
from tests.functional.test_workspace_more import git
from tests.helpers.repositories import own_git


def test_the_way_from_a_file_to_an_environment(puffin):
    repository(puffin)
    members(puffin)
    commit(puffin)
    append("packages/m51/src/m51/__init__.py", "A = 1\n")(puffin)
    append("packages/m8/pyproject.toml", "# x\n")(puffin)
    done = puffin("affected", "--since", "HEAD")
    assert done.code == 0
    found = done.out.splitlines()
    assert found[-4:] == [
        "packages/m8",
        "  packages/m8/pyproject.toml → packages/m8",
        "packages/m9",
        "  packages/m8/pyproject.toml → packages/m8 → packages/m9",
    ]
    assert "  packages/m51/src/m51/__init__.py → packages/m51 → packages/m52 → packages/m53" in found
    assert done.err == "5 of 80 environments are affected since `HEAD`\n"
    matrix = json.loads(puffin("affected", "--since", "HEAD", "--format", "github-matrix").out)
    assert matrix["include"][-2] == {
        "environment": "packages/m8", "path": "packages/m8/.venv", "directory": "packages/m8", "python": "",
    }  # fmt: skip
    commit(puffin)
    found = affected(puffin, "HEAD~1", "packages/m8", "packages/m79")
    assert [each["name"] for each in found["environments"]] == ["packages/m8", "packages/m79"]
    assert (
        found["environments"][1]["reasons"][0]["note"] == "its version is dynamic, so that each commit counts"
    )


def test_environments_that_come_and_go(puffin):
    repository(puffin)
    puffin.file("services/a/requirements.txt", "alpha==1\n")
    puffin.file("services/b/requirements.txt", "alpha==1\n")
    commit(puffin)
    puffin.file("puffin.toml", "[[env-glob]]\nmatch = 'services/*/requirements.txt'\n")
    commit(puffin)
    found = affected(puffin, "HEAD~1")  # there was no configuration
    assert {each["reasons"][0]["name"] for each in found["environments"]} == {"new environment"}
    os.rename(puffin.cwd / "services/a", puffin.cwd / "services/c")
    done = puffin("affected", "--since", "HEAD")
    assert done.out.splitlines() == ["services/c", "  new environment", "services/a", "  removed"]
    puffin.file("puffin.toml", "[[env-glob]]\n")
    commit(puffin)
    assert puffin("affected", "--since", "HEAD~1").code == 2
    puffin.file("puffin.toml", "[[env-glob]]\nmatch = 'services/*/requirements.txt'\n")
    done = puffin("affected", "--since", "HEAD")
    assert "new environment (Failed to read the configuration at `puffin.toml:1`" in done.out


def test_what_cannot_be_read_is_affected(puffin):
    repository(puffin)
    puffin.file("services/a/requirements.txt", "alpha==1\n")
    commit(puffin)
    words = ("affected", "--since", "HEAD", "services/*/requirements.txt")
    assert puffin(*words).err == "0 of 1 environment is affected since `HEAD`\n"
    puffin.file("services/a/requirements.txt", "alpha==\n")
    done = puffin(*words)
    assert done.code == 0
    assert (
        "services/a (Invalid requirement" in done.out.replace("Failed", "Invalid") or "services/a" in done.out
    )


BROKEN = "[tool.uv.sources]\nx = 3\n"


@pytest.mark.parametrize(
    "edit",
    [
        append("lib/pyproject.toml", BROKEN),
        put("bc.txt", "alpha==\n"),
        remove("bc.txt"),
        append("pyproject.toml", BROKEN),
        append("apps/other/pyproject.toml", BROKEN),
    ],
    ids=["a project", "build constraints", "no build constraints", "a root", "a member"],
)
def test_an_input_of_an_environment_that_becomes_invalid_affects_it(puffin, edit):
    repository(puffin)
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["apps/*"]\n')
    puffin.file("bc.txt", "alpha==1\n")
    tables = "".join(f'[envs.{each}]\nproject = "apps/{each}"\n' for each in ("one", "two"))
    puffin.file("puffin.toml", f'build-constraint = ["bc.txt"]\n{tables}')
    puffin.file("lib/pyproject.toml", project("lib"))
    for name in ("one", "two", "other"):
        more = '[tool.uv.sources]\nlib = { path = "../../lib", editable = true }\n'
        puffin.file(f"apps/{name}/pyproject.toml", project(name, "lib") + more)
    commit(puffin)
    edit(puffin)
    for _ in range(2):  # the second time with what is remembered
        assert names(affected(puffin, "HEAD")) == {"one", "two"}


def test_a_submodule_that_changed_is_affected(puffin, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        own_git(library, *words)
    (library / "pyproject.toml").write_text(project("lib"))
    own_git(library, "add", ".")
    own_git(library, "commit", "-q", "-m", "x")
    repository(puffin)
    own_git(puffin.cwd, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    puffin.file("a/requirements.txt", "-e ../lib\n")
    puffin.file("b/requirements.txt", "alpha==1\n")
    commit(puffin)
    assert names(affected(puffin, "HEAD", "*/requirements.txt")) == set()
    own_git(puffin.cwd / "lib", "commit", "-q", "--allow-empty", "-m", "y")
    done = puffin("affected", "--since", "HEAD", "*/requirements.txt")
    assert done.out.splitlines()[0] == "a"
    assert "b" not in done.out.splitlines()


@pytest.mark.parametrize("command", [["affected", "--since"], ["sync", "--changed-since"]])
def test_what_git_cannot_tell(puffin, tmp_path, command):
    puffin.file("a/requirements.txt", "alpha==1\n")
    words = [*command, "HEAD", "a/requirements.txt"]
    option = command[1]
    done = puffin(*words)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        f"error: `{option}` needs a git repository with a commit",
    )
    git(puffin, "init")
    done = puffin(*words)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: `HEAD` of `{option}` is not a known commit")
    commit(puffin)
    commit(puffin)
    words[2] = "origin/main"
    done = puffin(*words)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        f"error: `origin/main` of `{option}` is not a known commit",
    )
    assert "hint: fetch it: `git fetch origin main:refs/remotes/origin/main`" in done.err
    own_git(tmp_path, "clone", "-q", "--depth", "1", f"file://{puffin.cwd}", "shallow")
    words[2] = "HEAD~1"
    done = puffin(*words, cwd=tmp_path / "shallow")
    assert done.code == 2
    assert "hint: this clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0`" in done.err
    git(puffin, "branch", "topic")
    words[2] = "origin/topic"
    done = puffin(*words, cwd=tmp_path / "shallow")
    assert "hint: fetch it: `git fetch --depth 1 origin topic:refs/remotes/origin/topic`" in done.err
    own_git(tmp_path / "shallow", "fetch", "-q", "--depth", "1", "origin", "topic:refs/remotes/origin/topic")
    assert (
        puffin("affected", "--since", "origin/topic", "a/requirements.txt", cwd=tmp_path / "shallow").code == 0
    )
    assert puffin(*command, "--output=x", "a/requirements.txt").code == 2


def test_a_directory_of_links_is_not_of_a_commit(puffin):
    repository(puffin)
    puffin.file("a/requirements.txt", "alpha==1\n")
    puffin.file("wheels/alpha-1-py3-none-any.whl", "bytes")
    puffin.file("puffin.toml", "find-links = ['wheels']\n[envs.a]\nrequirements = 'a/requirements.txt'\n")
    puffin.file("puffin.toml", (puffin.cwd / "puffin.toml").read_text() + "[envs.b]\nrequirements = 'b.txt'\n")
    puffin.file("b.txt", "")
    commit(puffin)
    commit(puffin)
    assert names(affected(puffin, "HEAD~1")) == set()
    puffin.file("wheels/alpha-1-py3-none-any.whl", "other bytes")
    assert names(affected(puffin, "HEAD~1")) == {"a", "b"}


def test_links_are_those_of_the_commit(puffin):
    repository(puffin)
    for name in ("one", "two"):
        puffin.file(f"libs/{name}/pyproject.toml", project(name))
    for name in ("a", "b"):
        puffin.file(f"packages/{name}/pyproject.toml", project(name))
    (puffin.cwd / "packages/x").symlink_to("../libs/one")
    (puffin.cwd / "packages/y").symlink_to("a")  # a further name of a member
    puffin.file("pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    commit(puffin)
    assert affected(puffin, "HEAD")["total"] == 3
    (puffin.cwd / "packages/x").unlink()
    (puffin.cwd / "packages/x").symlink_to("../libs/two")
    assert names(affected(puffin, "HEAD")) == {"packages/x"}
    (puffin.cwd / "packages/y").unlink()
    puffin.file("packages/y/pyproject.toml", project("y"))
    assert names(affected(puffin, "HEAD")) == {"packages/x", "packages/y"}
    git(puffin, "checkout", "HEAD", "packages/x")
    found = affected(puffin, "HEAD")
    assert [each["reasons"][0]["note"] for each in found["environments"]] == [None]


def test_what_is_missing_on_the_command_line(puffin):
    assert "error: `puffin affected` needs `--since`" in puffin("affected").err
    puffin.file("a/requirements.txt", "alpha==1\n")
    git(puffin, "init")
    commit(puffin)
    done = puffin("affected", "--since", "HEAD", "b")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: `b` is neither an environment nor a file")


def test_what_is_remembered_of_a_commit_holds_only_as_long_as_what_git_does_not_know(puffin):
    repository(puffin)
    puffin.file("a/requirements.txt", "-r ../local.txt\n")
    puffin.file("b/requirements.txt", "beta==${BETA}\n")
    puffin.file("base.txt", "alpha==1\n")
    puffin.file("other.txt", "alpha==1\n")
    puffin.file(".gitignore", "local.txt\n")
    puffin.file("local.txt", "-r base.txt\n")
    commit(puffin)
    words = ("HEAD", "*/requirements.txt")
    for _ in range(2):  # the second time from memory
        assert affected(puffin, *words, env={"BETA": "1"})["total"] == 2
    puffin.file("other.txt", "alpha==2\n")
    assert names(affected(puffin, *words, env={"BETA": "1"})) == set()
    puffin.file("local.txt", "-r other.txt\n")
    assert names(affected(puffin, *words, env={"BETA": "1"})) == {"a"}
    puffin.file("base.txt", "alpha==3\n")
    assert names(affected(puffin, *words, env={"BETA": "2"})) == {"a"}
    commit(puffin)
    assert names(affected(puffin, "HEAD~1", "*/requirements.txt", env={"BETA": "2"})) == {"a"}
    assert names(affected(puffin, "HEAD", "*/requirements.txt", env={"BETA": "2"})) == set()
