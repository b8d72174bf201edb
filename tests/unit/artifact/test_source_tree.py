"""The state of a source directory: what changes it, and what does not."""

import os
from pathlib import Path

import pytest

from puffin.artifact.tree import tree_state
from tests.helpers.repositories import Repository, needs_git


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    write(root, "pyproject.toml", '[project]\nname = "a"\nversion = "1"\n')
    write(root, "a/__init__.py", "A = 1\n")
    write(root, "a/data/x.bin", "0")
    write(root, "VERSION", "1\n")
    return root


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


CHANGES = {
    "a module": lambda root: write(root, "a/__init__.py", "A = 2\n"),
    "a file deep inside": lambda root: write(root, "a/data/x.bin", "1"),
    "a new file": lambda root: write(root, "a/new.py", ""),
    "a file that goes": lambda root: (root / "VERSION").unlink(),
    "a directory": lambda root: (root / "src").mkdir(),
    "permission": lambda root: (root / "VERSION").chmod(0o755),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_the_state(tree, change):
    before = tree_state(str(tree))
    change(tree)
    assert tree_state(str(tree)) != before


def test_the_old_time_of_a_file_hides_nothing(tree):
    before = tree_state(str(tree))
    facts = (tree / "VERSION").stat()
    write(tree, "VERSION", "2\n")
    os.utime(tree / "VERSION", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert tree_state(str(tree)) != before


def test_what_tools_leave_does_not_count(tree):
    before = [tree_state(str(tree), editable=each) for each in (False, True)]
    for name in (
        "a/__pycache__/a.pyc", ".venv/x", "env/pyvenv.cfg", "build/lib/a.py", "a.egg-info/PKG-INFO", ".git/HEAD",
        "dist/a.whl", ".mypy_cache/x", "cache/CACHEDIR.TAG", "pylock.toml", "pylock.dev.toml",
        "uv.lock", "..venv.lock", "..venv.12-345678ab.new/bin/x", ".x.12-345678ab.old/y",
    ):  # fmt: skip
        write(tree, name, "x")
    os.utime(tree / "VERSION", (1e9, 1e9))
    assert [tree_state(str(tree), editable=each) for each in (False, True)] == before
    for name in ("build/__init__.py", "a/pylock.toml"):  # files of packages
        now = tree_state(str(tree))
        write(tree, name, "")
        assert tree_state(str(tree)) != now


def test_what_tools_leave_in_a_project_below_the_top_does_not_count(tree):
    inner = tree / "libs" / "b"
    write(inner, "setup.py", "")
    before = tree_state(str(tree), "libs/b")
    for name in ("pylock.toml", "build/lib/b.py", "dist/b.whl"):
        write(inner, name, "x")
    assert tree_state(str(tree), "libs/b") == before
    assert tree_state(str(tree)) != before


def test_an_editable_is_what_its_top_says(tree):
    before = tree_state(str(tree), editable=True)
    write(tree, "a/__init__.py", "A = 2\n")
    write(tree, "new.py", "")
    assert tree_state(str(tree), editable=True) == before
    for name in ("VERSION", "setup.py", "src/b/__init__.py"):
        write(tree, name, "2")
        now = tree_state(str(tree), editable=True)
        assert now != before, name
        before = now


@needs_git
def test_commit_and_tags_count_where_no_version_is_written_down(tmp_path):
    repository = Repository(tmp_path / "repo")
    repository.commit({"sub/setup.py": "", "setup.py": ""})
    for inner in ("", "sub"):
        told = {tree_state(str(tmp_path / "repo"), inner, editable=True)}
        repository.commit({})
        told.add(tree_state(str(tmp_path / "repo"), inner, editable=True))
        repository.git("tag", f"v{inner}1")
        told.add(tree_state(str(tmp_path / "repo"), inner, editable=True))
        repository.git("pack-refs", "--all")
        repository.git("tag", f"v{inner}2")
        told.add(tree_state(str(tmp_path / "repo"), inner, editable=True))
        assert len(told) == 4
    before = tree_state(str(tmp_path / "repo"), "sub")
    write(tmp_path / "repo", "sub/pyproject.toml", '[project]\nname = "a"\nversion = "1"\n')
    static = tree_state(str(tmp_path / "repo"), "sub")
    repository.git("tag", "v3")
    assert static == tree_state(str(tmp_path / "repo"), "sub") != before


def test_a_project_may_say_what_counts(tree, monkeypatch):
    keys = 'cache-keys = ["a/*.py", { file = "VERSION" }, { env = "WITH_X" }, { dir = "a/data" }]'
    write(tree, "pyproject.toml", f'[project]\nname = "a"\n[tool.puffin]\n{keys}\n')
    before = tree_state(str(tree))
    write(tree, "README", "x")
    assert tree_state(str(tree)) == before
    for change in (
        lambda: write(tree, "a/__init__.py", "A = 3\n"),
        lambda: write(tree, "VERSION", "3\n"),
        lambda: monkeypatch.setenv("WITH_X", "1"),
        lambda: write(tree, "a/data/y", ""),
    ):
        change()
        now = tree_state(str(tree))
        assert now != before
        before = now
