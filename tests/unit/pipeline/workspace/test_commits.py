"""The view of a commit shows what a checkout of it has, whatever the work tree has become."""

import os
import random
import shutil
import stat
from pathlib import Path

import pytest

from puffin.pipeline.workspace.commits import CommitTree, WorkTree, difference, fetch_hints
from tests.helpers.repositories import own_git

NAMES = ("a", "b", "c")


def paths(depth=3):
    """Return every path of *depth* names at most."""
    found = [""]
    for _ in range(depth):
        found += [f"{each}/{name}".lstrip("/") for each in found for name in NAMES]
    return sorted(set(found) - {""})


def clear(path):
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def change(root, chance):
    """Put a file, a link or nothing at some places; what is in the way goes."""
    for _ in range(12):
        path = root / chance.choice(paths())
        for above in reversed(path.relative_to(root).parents[:-1]):
            if not (root / above).is_dir() or (root / above).is_symlink():
                clear(root / above)
                (root / above).mkdir()
        clear(path)
        kind = chance.choice(("file", "file", "link", "link", "nothing"))
        if kind == "file":
            path.write_text(str(chance.random()))
            path.chmod(chance.choice((0o644, 0o755)))
        elif kind == "link":
            path.symlink_to(chance.choice((*NAMES, "../a", "../b", "../c/a", "nowhere", "a/b")))
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()) and ".git" not in path.parts:
            path.rmdir()  # git has no empty directories


def said(function, path):
    try:
        return function(path)
    except OSError:
        return None


def facts(tree, root, path):
    """Return all that a view says of a path, or where *tree* is None, what the disk does."""
    whole = os.path.join(root, path)
    if tree is None:
        mode = said(lambda each: os.stat(each).st_mode, whole) or 0
        link = os.readlink(whole) if os.path.islink(whole) else ""
        names = said(os.listdir, whole)
        data = said(Path.read_bytes, Path(whole)) if stat.S_ISREG(mode) else None
        real = os.path.realpath(whole)
    else:
        mode, link = tree.mode(whole), said(tree.link, whole) or ""
        names, real = said(tree.names, whole), said(tree.real, whole)
        data = said(tree.read, whole) if stat.S_ISREG(mode) else None
    kind = (stat.S_IFMT(mode), bool(mode & 0o111) if stat.S_ISREG(mode) else None)
    real = os.path.relpath(real, root) if mode else ""
    return kind, link, None if names is None else sorted(set(names) - {".git"}), data, real


@pytest.mark.parametrize("seed", range(12))
def test_a_view_of_a_commit_shows_what_a_checkout_has(tmp_path, seed):
    chance = random.Random(seed)
    work, other = tmp_path / "work", tmp_path / "other"
    work.mkdir()
    own_git(work, "init")
    change(work, chance)
    (work / "keep").write_text("")
    own_git(work, "add", "--all")
    own_git(work, "commit", "-m", "one")
    own_git(work, "worktree", "add", str(other), "HEAD")
    change(work, chance)
    tree = CommitTree(difference("HEAD", str(work), "--since"))
    try:
        wrong = {
            path: (found, expected)
            for path in paths()
            if (found := facts(tree, str(work), path)) != (expected := facts(None, str(other), path))
        }
    finally:
        tree.close()
    assert wrong == {}


def test_a_directory_is_listed_once_however_many_files_are_new(tmp_path, monkeypatch):
    own_git(tmp_path, "init")
    own_git(tmp_path, "commit", "--allow-empty", "-m", "nothing")
    for path in paths(4):
        (tmp_path / path).mkdir()
        (tmp_path / path / "file").touch()
    found = difference("HEAD", str(tmp_path), "--since")
    listed = []
    list_directory = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or list_directory(path))
    tree = CommitTree(found)
    assert len(tree.touched()) == 2 * len(paths(4)) + 1
    tree.close()
    assert sorted(listed) == sorted(set(listed))


def test_a_circle_of_links_is_looked_at_and_has_a_path(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to(".")
    tree = WorkTree("")
    for path in ("a", "a/x", "c/b"):
        tree.looked = set()
        assert tree.mode(str(tmp_path / path)) == 0
        assert {str(tmp_path / "a"), str(tmp_path / "b")} <= tree.looked
        assert tree.real(str(tmp_path / path)) == os.path.realpath(tmp_path / path)


@pytest.mark.parametrize(
    ("reference", "remotes", "shallow", "expected"),
    [
        (
            "main",
            ["origin"],
            False,
            "`git fetch origin main:refs/remotes/origin/main`, and compare with `origin/main`",
        ),
        ("up/a/b", ["origin", "up"], False, "`git fetch up a/b:refs/remotes/up/a/b`"),
        ("a/b", ["up"], True, "`git fetch --depth 1 up a/b:refs/remotes/up/a/b`, and compare with `up/a/b`"),
        ("a" * 40, ["origin"], True, f"`git fetch --depth 1 origin {'a' * 40}`"),
        ("HEAD~3", ["origin"], False, "name a commit, a branch or a tag, for example `origin/main`"),
        ("HEAD~3", ["origin"], True, "this clone is shallow: run `git fetch --unshallow`"),
        ("main..HEAD", ["origin"], True, "name a commit, a branch or a tag, for example `origin/main`"),
        ("HEAD", [], False, "commit something first"),
    ],
)
def test_what_to_fetch(reference, remotes, shallow, expected):
    assert expected in fetch_hints(reference, remotes, shallow=shallow)[0]
