"""Disks that are full, odd or failing, and limits of the system."""

import os
import resource
import shutil
import stat
import subprocess
import sys

import pytest

from tests.helpers.cli import Env, checked
from tests.helpers.faults import at_rest, can_strace, of_packages, small_disk, snapshot, temporaries, traced
from tests.helpers.wheels import forge_wheel

needs_strace = pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")


def noise(size):
    """Return bytes that do not compress."""
    from random import Random

    return Random(size).randbytes(size)


@pytest.fixture
def links(puffin):
    """A directory with wheels ``a`` 1 and 2, ``b`` 1, and ``big`` 1 of a megabyte."""
    directory = puffin.root / "links"
    directory.mkdir()
    for name, version, files in (
        ("a", "1", {"a/__init__.py": "1"}), ("a", "2", {"a/__init__.py": "2"}), ("b", "1", {"b.py": "1"}),
        ("big", "1", {"big/__init__.py": "", "big/blob": noise(1 << 20)}),
    ):  # fmt: skip
        filename, data = forge_wheel(name, version, files, entry_points={f"run-{name}": f"{name}:main"})
        (directory / filename).write_bytes(data)
    return directory


@pytest.fixture
def sync(puffin, links):
    def run(text, *words, **environ):
        return puffin.sync(text, "--no-index", "--find-links", links, *words, env=environ)

    return run


def test_no_space_in_the_cache(puffin, env, sync):
    assert sync("a==1\n").code == 0
    before = of_packages(env)
    with small_disk(puffin.root / "small", "400k") as cache:
        shutil.copytree(puffin.cache / "interpreter-v0", cache / "interpreter-v0")
        done = sync("a==1\nbig==1\n", PUFFIN_CACHE_DIR=str(cache))
        assert done.code == 1
        assert "No space left on device" in done.err
        assert "big" in done.err
        assert not list(cache.glob("archive-v0/*/*.manifest"))
        assert os.listdir(cache / "tmp-v0") == []
    assert of_packages(env) == before
    assert at_rest(env)
    assert sync("a==1\nbig==1\n").code == 0


def test_no_space_in_the_environment(puffin, links, sync):
    with small_disk(puffin.root / "small", "600k") as place:
        env = Env(place / "env")
        assert puffin("venv", place / "env").code == 0
        assert sync("a==1\n", VIRTUAL_ENV=str(env.root)).code == 0
        before = of_packages(env)
        done = sync("a==2\nbig==1\n", VIRTUAL_ENV=str(env.root))
        assert done.code == 1
        assert "No space left on device" in done.err
        assert of_packages(env) == before
        assert at_rest(env)
        assert "Files are copied" not in sync("a==2\n", "--link-mode", "copy", VIRTUAL_ENV=str(env.root)).err
        assert env.installed() == {"a": "2"}


@needs_strace
@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "link,linkat"])
def test_no_space_at_a_call(puffin, env, sync, links, call):
    assert sync("a==1\n").code == 0
    old = of_packages(env)
    assert sync("a==2\nb==1\n").code == 0
    new = of_packages(env)
    assert sync("a==1\n").code == 0
    puffin.file("new.txt", "a==2\nb==1\n")
    words = ("pip", "sync", "new.txt", "--executor", "inline", "--no-index", "--find-links", links)
    for when in (1, 3, 5):
        code, err, _ = traced(puffin, f"{call}:error=ENOSPC:when={when}", *words)
        assert "Traceback" not in err
        assert code in (0, 1), err
        assert of_packages(env) == (old if code else new), err
        assert at_rest(env)
        assert sync("a==1\n").code == 0


def test_a_file_size_limit(puffin, env, links):
    puffin.file("requirements.txt", "big==1\n")
    before = of_packages(env)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "puffin",
            "pip",
            "sync",
            "requirements.txt",
            "--no-index",
            "--find-links",
            links,
        ],
        env=puffin.environ(),
        cwd=puffin.cwd,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    assert of_packages(env) == before
    assert temporaries(puffin) == []


@pytest.mark.parametrize("executor", ["inline", "pool"])
def test_few_open_files_and_many_wheels(puffin, env, index, executor):
    names = [f"pkg{number}" for number in range(80)]
    for name in names:
        index.add(*forge_wheel(name, "1"))
    puffin.file("many.txt", "".join(f"{name}==1\n" for name in names))
    done = subprocess.run(
        [sys.executable, "-m", "puffin", "pip", "sync", "many.txt", "-i", index.url, "--executor", executor],
        env=puffin.environ(),
        cwd=puffin.cwd,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )
    assert done.returncode == 0, done.stderr
    assert len(env.installed()) == 80


@needs_strace
def test_too_many_hard_links(puffin, env, sync, links):
    sync("a==1\n")
    assert sync("b==1\n").code == 0
    puffin.file("new.txt", "a==1\n")
    code, err, trace = traced(
        puffin, "linkat:error=EMLINK:when=1..2", "pip", "sync", "new.txt", "--no-index", "--find-links", links
    )
    assert code == 0, err
    assert "EMLINK" in trace
    assert "warning" not in err
    env.record("a")


@needs_strace
def test_no_hard_links_between_devices_is_told_once(puffin, env, sync, links):
    sync("a==1\nb==1\n")
    puffin.file("new.txt", "a==2\nb==1\nbig==1\n")
    words = (
        "pip",
        "sync",
        "new.txt",
        "--reinstall",
        "--no-index",
        "--find-links",
        links,
        "--executor",
        "inline",
    )
    code, err, _ = traced(puffin, "linkat:error=EXDEV", *words)
    assert code == 0, err
    assert err.count("warning: Files are copied") == 1
    assert "--link-mode copy" in err
    assert env.record("a")
    code, err, _ = traced(puffin, "linkat:error=EXDEV", *words, "--link-mode", "copy")
    assert (code, "warning" in err) == (0, False)


def test_a_cache_on_another_device(puffin, env, sync):
    with small_disk(puffin.root / "other", "8m") as cache:
        shutil.copytree(puffin.cache / "interpreter-v0", cache / "interpreter-v0")
        done = sync("a==1\nbig==1\n", PUFFIN_CACHE_DIR=str(cache))
        assert done.code == 0
        assert done.err.count("Files are copied") == 1
        mode = stat.S_IMODE((env.bin / "run-big").stat().st_mode)
        assert mode & 0o111
        assert env.record("big")


def test_a_read_only_cache_that_is_warm(puffin, env, sync):
    with small_disk(puffin.root / "mount", "8m") as cache:
        shutil.copytree(puffin.cache, cache, dirs_exist_ok=True)
        assert sync("a==1\nb==1\n", PUFFIN_CACHE_DIR=str(cache)).code == 0
        assert sync("b==1\n", PUFFIN_CACHE_DIR=str(cache)).code == 0
        if subprocess.run(["mount", "-o", "remount,ro", str(cache)], capture_output=True).returncode:
            pytest.skip("cannot remount here")
        before = snapshot(cache)
        done = sync("a==1\nb==1\n", PUFFIN_CACHE_DIR=str(cache))
        assert done.code == 0, done.err
        assert snapshot(cache) == before
        assert puffin("pip", "uninstall", "a", env={"PUFFIN_CACHE_DIR": str(cache)}).code == 0
        assert snapshot(cache) == before
    assert env.installed() == {"b": "1"}


def test_a_read_only_cache_that_lacks_a_pointer_alone(puffin, env, sync):
    with small_disk(puffin.root / "mount", "8m") as cache:
        shutil.copytree(puffin.cache, cache, dirs_exist_ok=True)
        assert sync("a==1\n", PUFFIN_CACHE_DIR=str(cache)).code == 0
        for path in cache.glob("wheels-v0/*/*/*/*"):
            path.unlink()
        if subprocess.run(["mount", "-o", "remount,ro", str(cache)], capture_output=True).returncode:
            pytest.skip("cannot remount here")
        done = sync("a==1\n", "--reinstall", PUFFIN_CACHE_DIR=str(cache))
        assert done.code == 0, done.err


def test_a_cache_whose_archive_is_damaged(puffin, env, sync):
    assert sync("a==1\n").code == 0
    assert sync("b==1\n").code == 0
    (archive,) = [path for path in puffin.cache.glob("archive-v0/*/*/a/__init__.py") if path.read_text() == "1"]
    archive.unlink()
    done = sync("a==1\nb==1\n")
    assert done.code == 0
    assert "The cached archive of `a` was damaged; fetching it again" in done.err
    assert env.record("a")


@needs_strace
def test_cache_files_that_cannot_be_read(puffin, env, sync, links):
    assert sync("a==1\nb==1\n").code == 0
    for bucket, words in (
        ("archive-v0/*/*.manifest", ()),
        ("archive-v0/*/*/a/__init__.py", ("--link-mode", "copy")),
    ):
        assert sync("b==1\n").code == 0
        puffin.file("new.txt", "a==1\nb==1\n")
        command = (
            "pip",
            "sync",
            "new.txt",
            "--no-index",
            "--find-links",
            links,
            "--executor",
            "inline",
            *words,
        )
        code, err, trace = traced(puffin, "read:error=EIO", *command, only=list(puffin.cache.glob(bucket)))
        assert "EIO" in trace
        assert "Traceback" not in err
        assert code in (0, 1)
        assert env.installed() == ({"a": "1", "b": "1"} if code == 0 else {"b": "1"})
        assert sync("a==1\nb==1\n").code == 0
        assert env.record("a")


def test_an_environment_that_may_not_be_written_to(puffin, index):
    index.add(*forge_wheel("z", "1"))
    with small_disk(puffin.root / "mount", "8m") as place:
        env = Env(place / "env")
        assert puffin("venv", place / "env").code == 0
        before = of_packages(env)
        if subprocess.run(["mount", "-o", "remount,ro", str(place)], capture_output=True).returncode:
            pytest.skip("cannot remount here")
        done = puffin.sync("z==1\n", "-i", index.url, env={"VIRTUAL_ENV": str(env.root)})
        assert done.code == 2, done.err
        assert "Cannot write to" in done.err
        assert "Read-only file system" in done.err
        assert index.requests == []
        assert of_packages(env) == before


def test_an_environment_that_may_not_be_written_to_is_looked_at(puffin, index):
    index.add(*forge_wheel("y", "1"))
    index.add(*forge_wheel("z", "1"))
    with small_disk(puffin.root / "mount", "8m") as place:
        env = Env(place / "env")
        there = {"env": {"VIRTUAL_ENV": str(env.root)}}
        assert puffin("venv", place / "env").code == 0
        assert puffin.sync("y==1\n", "-i", index.url, **there).code == 0
        puffin.file("other.txt", "z==1\n")
        before = of_packages(env)
        if subprocess.run(["mount", "-o", "remount,ro", str(place)], capture_output=True).returncode:
            pytest.skip("cannot remount here")
        for words in (["pip", "install", "y"], ["pip", "sync", "requirements.txt"]):
            done = puffin(*words, "-i", index.url, **there)
            assert (done.code, "Checked 1 package" in done.err) == (0, True), done.err
        for words in (["pip", "install", "z", "--dry-run"], ["pip", "sync", "other.txt", "--dry-run"]):
            done = puffin(*words, "-i", index.url, **there)
            assert done.code == 0, done.err
        done = puffin("pip", "install", "z", "-i", index.url, **there)
        assert done.code == 2, done.err
        assert "Cannot write to" in done.err
        assert of_packages(env) == before


@pytest.mark.parametrize("words", [("clean",), ("prune",), ("clean", "--force")])
def test_a_read_only_cache_is_not_cleaned(puffin, env, sync, words):
    with small_disk(puffin.root / "mount", "8m") as cache:
        shutil.copytree(puffin.cache, cache, dirs_exist_ok=True)
        assert sync("a==1\n", PUFFIN_CACHE_DIR=str(cache)).code == 0
        if subprocess.run(["mount", "-o", "remount,ro", str(cache)], capture_output=True).returncode:
            pytest.skip("cannot remount here")
        before = snapshot(cache)
        done = puffin("cache", *words, env={"PUFFIN_CACHE_DIR": str(cache)})
        assert snapshot(cache) == before
    assert done.code == 1, done.err
    first, cause, *rest = done.err.splitlines()
    forced = "--force" in words
    assert first == (
        "error: Failed to clean the cache at `[TMP]/mount`"
        if forced
        else "error: Failed to lock the cache (`[TMP]/mount/.lock`)"
    )
    assert cause.startswith("  ╰─▶ Read-only file system (`[TMP]/mount/")
    assert rest == ["", "hint: make the cache writable for this user, or choose another with `--cache-dir`"]


@needs_strace
def test_without_symlinks_there_are_hard_links(puffin, env, sync, links):
    assert sync("a==1\nb==1\n").code == 0
    other = puffin.venv(name="other")
    words = (
        "pip",
        "sync",
        "requirements.txt",
        "--no-index",
        "--find-links",
        links,
        "--link-mode",
        "tree",
        "-p",
        other.root,
    )
    code, err, _ = traced(puffin, "?symlink,?symlinkat:error=EPERM", *words)
    assert code == 0, err
    assert f"Symlinks cannot be made in `{other.root}`, so it gets hard links" in err
    assert not [path for path in other.site.rglob("*") if path.is_symlink()]
    assert puffin("verify", "-p", other.root).code == 0
    assert puffin(*words).err == checked(2), "nothing is tried again for what is installed"
