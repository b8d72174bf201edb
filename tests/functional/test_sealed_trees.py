"""``--link-mode tree``: environments that take whole directories from sealed trees in the cache."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.cli import checked, lines
from tests.helpers.wheels import forge_wheel

MODE = ("--link-mode", "tree")
ALPHA = {
    "alpha/__init__.py": "A = 1\n",
    "alpha/sub/__init__.py": "",
    "alpha/sub/x.py": "X = 1\n",
    "alpha_single.py": "S = 1\n",
}
# two packages that share a namespace, and two that share a package with one file of the same and one of other content
WHEELS = (
    ("alpha", ALPHA),
    ("ns-a", {"ns/a/__init__.py": "V = 'a'\n", "ns/a/deep/__init__.py": "", "ns/a/deep/m.py": "M = 1\n"}),
    ("ns-b", {"ns/b/__init__.py": "V = 'b'\n", "ns/b/deep/m.py": "M = 2\n"}),
    ("old-a", {"old/__init__.py": "", "old/both.py": "V = 'a'\n", "old/a/__init__.py": "V = 'a'\n"}),
    (
        "old-b",
        {
            "old/__init__.py": "",
            "old/both.py": "V = 'bb'\n",
            "old/b/__init__.py": "V = 'b'\n",
            "old/b/c/d.py": "",
        },
    ),
)


@pytest.fixture
def shop(index):
    for name, files in WHEELS:
        entry_points = {"alpha": "alpha:main"} if name == "alpha" else None
        index.add(*forge_wheel(name, "1", files, entry_points=entry_points))
    index.add(*forge_wheel("alpha", "2", {"alpha/__init__.py": "A = 2\n"}))
    return index


def _sync(puffin, shop, *names, mode=MODE, words=()):
    pins = "".join(f"{name}\n" if "==" in name else f"{name}==1\n" for name in names)
    done = puffin.sync(pins, *mode, "-i", shop.url, *words)
    assert done.code == 0, done.err
    return done


def _links(env):
    """Return the directories that are taken from sealed trees."""
    found = [path for path in env.site.rglob("*") if path.is_symlink()]
    assert all("/trees-v0/" in os.readlink(path) for path in found)
    return sorted(path.relative_to(env.site).as_posix() for path in found)


def _store(puffin):
    """Return every file of the sealed trees, and its content."""
    root = puffin.cache / "trees-v0"
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def _whole(puffin, env, *modules):
    assert puffin("verify", "--deep").code == 0, puffin("verify").out
    assert env.unlisted() == set()
    if modules:
        env.run("-c", f"import {', '.join(modules)}", bytecode=True)


def test_directories_are_links_and_all_else_is_as_ever(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a")
    assert _links(env) == ["alpha", "ns/a/deep"]
    rows = (env.info("alpha") / "RECORD").read_text().splitlines()
    assert "alpha,," in rows
    assert not any(row.startswith("alpha/") for row in rows)
    assert not (env.site / "alpha_single.py").is_symlink()
    assert (env.bin / "alpha").is_file()
    _whole(puffin, env, "alpha.sub.x", "alpha_single", "ns.a.deep.m")
    before = _store(puffin)
    assert any(path.suffix == ".pyc" for path in before)
    closed = {path.parent for path in before if len(path.parent.name) != 64 and path.suffix != ".manifest"}
    assert all(not path.stat().st_mode & 0o222 for path in closed)
    env.run("-c", "import alpha.sub.x, ns.a.deep.m", bytecode=True)
    assert _store(puffin) == before, "the bytecode is there"
    assert puffin.sync(None, *MODE, "-i", shop.url).err == checked(2)
    assert puffin.sync(None, "-i", shop.url).err == checked(2), "an environment of sealed trees stays one"
    assert puffin("pip", "freeze").out == lines("alpha==1", "ns-a==1")


@pytest.mark.parametrize("first", ["ns-a", "old-a", "old-b"])
def test_a_directory_is_opened_when_another_package_comes(puffin, env, shop, first):
    kind, second = first[:-2], f"{first[:-1]}{'b' if first[-1] == 'a' else 'a'}"
    _sync(puffin, shop, first)
    before = _store(puffin)
    assert _sync(puffin, shop, first, second).err.splitlines()[-1] == f" + {second}==1"
    assert kind not in _links(env)
    modules = ("ns.a.deep.m", "ns.b.deep.m") if kind == "ns" else ("old.both", "old.a", "old.b.c.d")
    _whole(puffin, env, *modules)
    if kind == "old":
        assert env.run("-c", "import old.both; print(old.both.V)") == "a", "the first by name wins"
        assert env.run("-c", "import old.a, old.b; print(old.a.V, old.b.V)") == "a b"
    assert puffin.sync(None, *MODE, "-i", shop.url).err == checked(2)
    assert puffin("pip", "uninstall", first).code == 0
    _whole(puffin, env, {"ns-a": "ns.b.deep.m", "old-a": "old.b.c.d", "old-b": "old.a"}[first])
    assert all(_store(puffin)[path] == content for path, content in before.items())
    assert puffin("pip", "uninstall", second).code == 0
    assert not (env.site / kind).exists()


def test_both_at_once_and_beside_files_of_nobody(puffin, env, shop):
    (env.site / "alpha").mkdir()
    (env.site / "alpha" / "mine.txt").write_text("mine")
    _sync(puffin, shop, "alpha", "old-a", "old-b")
    assert _links(env) == ["old/b/c"]
    env.run("-c", "import alpha.sub.x, old.a, old.b.c.d")
    assert puffin("verify").code == 0
    _sync(puffin, shop, "old-b")
    assert sorted(os.listdir(env.site / "alpha")) == ["mine.txt"]


@pytest.mark.parametrize("atomic", ["auto", "always"])
def test_link_modes_change_by_a_sync(puffin, env, shop, atomic):
    names, words = ("alpha", "ns-a", "old-a", "old-b"), ("--atomic", atomic)
    modules = ("alpha.sub.x", "alpha_single", "ns.a.deep.m", "old.a", "old.b.c.d")
    _sync(puffin, shop, *names, mode=(), words=words)
    assert _links(env) == []
    _sync(puffin, shop, *names, words=words)
    assert _links(env) == ["alpha", "ns/a/deep", "old/b/c"]
    _whole(puffin, env, *modules)
    _sync(puffin, shop, "alpha==2", *names[1:], words=words)
    _sync(puffin, shop, *names, words=(*words, "--reinstall"))
    _whole(puffin, env, *modules)
    _sync(puffin, shop, *names, mode=("--link-mode", "hardlink"), words=words)
    assert _links(env) == []
    _whole(puffin, env, *modules)


@pytest.mark.parametrize("executor", ["pool", "cluster"])
def test_many_environments_share_one_tree(puffin, shop, executor):
    puffin.file("a/requirements.txt", "alpha==1\nns-a==1\n")
    puffin.file("b/requirements.txt", "alpha==1\nns-a==1\nns-b==1\n")
    puffin.file("c/requirements.txt", "alpha==1\n")
    puffin.file(
        "puffin.toml",
        'link-mode = "tree"\n[envs]\na = {requirements = "a/requirements.txt"}\n'
        'b = {requirements = "b/requirements.txt"}\n'
        'c = {requirements = "c/requirements.txt", link-mode = "copy", compile-bytecode = true}\n',
    )
    done = puffin("sync", "--executor", executor, "-i", shop.url)
    assert done.code == 0, done.err
    found = [
        os.path.realpath(path)
        for path in sorted(puffin.cwd.rglob("alpha"))
        if path.parent.name == "site-packages"
    ]
    assert len(found) == 3
    assert len({path for path in found if "/trees-v0/" in path}) == 1
    assert puffin("sync", "--executor", executor, "-i", shop.url, "--check").code == 0


def test_pip_removes_links_and_nothing_behind_them(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a", "ns-b", "old-a", "old-b")
    before = _store(puffin)
    pip = [sys.executable, "-m", "pip", "--python", str(env.python), "uninstall", "-y"]
    subprocess.run([*pip, "alpha", "ns-a", "old-a"], check=True, capture_output=True, cwd=puffin.cwd)
    assert _store(puffin) == before
    assert _links(env) == ["ns/b/deep", "old/b/c"]
    env.run("-c", "import ns.b.deep.m, old.b.c.d")
    subprocess.run([*pip, "ns-b", "old-b"], check=True, capture_output=True, cwd=puffin.cwd)
    assert _store(puffin) == before
    assert not [path for name in ("ns", "old", "alpha") for path in env.site.glob(f"{name}*/**/*.py")]
    assert not _links(env)


def test_the_cache_keeps_what_living_environments_use(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a")
    env_root, before = os.path.realpath(env.root), _store(puffin)
    kept = f"Kept 2 packages that `{puffin.plain(env_root)}` uses; `--force` removes them too"
    assert kept in puffin("cache", "prune", "--unused-for", "0s").err
    assert kept in puffin("cache", "prune", "--max-size", "0").err
    assert "Kept 1 package" in puffin("cache", "clean", "alpha").err
    assert kept in puffin("cache", "clean").err
    assert _store(puffin) == before
    _whole(puffin, env, "alpha.sub.x", "ns.a.deep.m")
    _sync(puffin, shop, "ns-a")
    assert "Kept" not in puffin("cache", "clean", "alpha").err, "it is not used any more"
    os.rename(env.root, f"{env.root}.away")
    assert "Kept" not in puffin("cache", "prune", "--unused-for", "0s").err, "one that moved is forgotten"
    assert not _store(puffin)
    assert not list((puffin.cache / "living-v0").glob("*"))
    os.rename(f"{env.root}.away", env.root)
    found = puffin("verify")
    assert found.code == 4
    assert "ns-a==1: `" in found.out
    assert "/ns/a/deep` is a broken link: its sealed tree is not in the cache" in found.out
    assert puffin.sync(None, "-i", shop.url).code == 0
    _whole(puffin, env, "ns.a.deep.m")
    shutil.rmtree(env.root)
    assert "Kept" not in puffin("cache", "clean").err


def test_force_takes_them_and_a_sync_brings_them_back(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a", "ns-b")
    assert "Kept" not in puffin("cache", "clean", "--force").err
    assert puffin("pip", "uninstall", "ns-b").code == 0
    done = puffin.sync("alpha==1\nns-a==1\n", *MODE, "-i", shop.url)
    assert done.err.endswith(" ~ alpha==1\n ~ ns-a==1\n")
    _whole(puffin, env, "alpha.sub.x", "ns.a.deep.m")


@pytest.mark.parametrize("words", [(), ("--verify",)])
def test_a_damaged_tree_is_made_again(puffin, env, shop, words):
    _sync(puffin, shop, "alpha", "ns-a")
    tree = (env.site / "alpha").resolve()
    for directory in (tree, tree / "sub"):
        directory.chmod(0o755)
    (tree / ("sub/x.py" if words else "__init__.py")).unlink()
    found = puffin("verify")
    assert found.out.endswith("is missing\n"), found.out
    assert found.out.startswith("alpha==1: `")
    done = puffin.sync(None, *MODE, "-i", shop.url, *words)
    assert done.err.endswith(" ~ alpha==1\n"), done.err
    _whole(puffin, env, "alpha.sub.x")
    assert (env.site / "alpha").resolve() == tree


def test_detach_makes_an_environment_that_needs_no_cache(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a", "old-a", "old-b")
    assert puffin("detach", "--dry-run").err == "Would detach 4 packages\n"
    assert puffin("detach", ".venv").err == "Detached 4 packages in [TIME]\n"
    assert _links(env) == []
    _whole(puffin, env)
    assert puffin.sync(None, "-i", shop.url).err == checked(4)
    assert puffin("detach").err == "Nothing to detach\n"
    refused = puffin("detach", ".venv", "other")
    assert (refused.code, "Unexpected argument: `other`" in refused.err) == (2, True)
    assert "Kept" not in puffin("cache", "clean").err
    env.run("-c", "import alpha.sub.x, ns.a.deep.m, old.a, old.b.c.d, old.both")


def test_detach_changes_nothing_if_the_cache_lost_something(puffin, env, shop):
    _sync(puffin, shop, "alpha", "ns-a")
    before = env.tree()
    puffin("cache", "clean", "--force")
    assert puffin("detach").code == 1
    assert env.tree() == before
