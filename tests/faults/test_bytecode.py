"""Compilation broken off: killed, interrupted, or without room. What is in the cache then is whole or not there."""

import os
import signal
import subprocess

import pytest

from puffin.cache.layout import Cache
from puffin.stages.bytecode.layer import layer_path, read_layer
from tests.helpers.faults import can_strace, session, small_disk, started, temporaries, traced
from tests.helpers.waiting import until
from tests.helpers.wheels import forge_wheel

needs_strace = pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")
_BODY = "\n".join(f"def f{number}(a, b): return [a + b * {number} for _ in range(a)]" for number in range(1500))


@pytest.fixture
def links(puffin):
    """A directory with a wheel whose compilation takes a second or so, and a small one."""
    directory = puffin.root / "links"
    directory.mkdir()
    for name, files in (
        ("big", {f"big/m{number}.py": _BODY for number in range(40)} | {"big/__init__.py": ""}),
        ("small", {"small/__init__.py": "S = 1\n"}),
    ):
        filename, data = forge_wheel(name, "1", files)
        (directory / filename).write_bytes(data)
    return directory


def _words(puffin, links, *more):
    puffin.file("both.txt", "big==1\nsmall==1\n")
    place = ("--no-index", "--find-links", links, "--executor", "inline")
    return ("pip", "sync", "both.txt", "--compile-bytecode", *place, *more)


def _layers(cache):
    """Return the packages with bytecode in the cache, having checked that each layer is whole."""
    found = []
    for manifest in cache.glob("pyc-v0/*/*/*.manifest"):
        kind, archive = manifest.parts[-3], manifest.stem
        layer = read_layer(str(manifest))
        root = layer_path(Cache(str(cache), lower=()), kind, archive)
        for (directory, names), sizes in zip(layer.tree, layer.sizes, strict=True):
            for name, size in zip(names, sizes, strict=True):
                assert os.path.getsize(f"{root}/{directory}/{name}") == size
        found.append(layer.tree[0][0].partition("/")[0])
    return sorted(found)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_broken_off_while_it_compiles(puffin, env, links, number):
    def compiling():
        return list(puffin.cache.glob("tmp-v0/*/big/__pycache__/*.pyc"))

    with started(puffin, *_words(puffin, links)) as process:
        until(compiling)
        os.kill(process.pid, number)
        assert process.wait(20) in (-number, 128 + number)
        until(lambda: not session(process.pid))  # the interpreters that compile go too
    assert env.installed() == {}
    assert "big" not in _layers(puffin.cache)
    done = puffin(*_words(puffin, links))
    assert done.code == 0, done.err
    assert _layers(puffin.cache) == ["big", "small"]
    assert env.run("-c", "import big.m39, small; print(small.S)") == "1"
    assert puffin("cache", "prune").code == 0
    assert temporaries(puffin) == []


@needs_strace
def test_killed_at_any_rename(puffin, env, links):
    (links / "big-1-py3-none-any.whl").unlink()
    puffin.file("small.txt", "small==1\n")
    words = (
        "pip",
        "sync",
        "small.txt",
        "--compile-bytecode",
        "--no-index",
        "--find-links",
        links,
        "--reinstall",
    )
    assert puffin(*words).code == 0
    count, killed = 1, 0
    while True:
        for manifest in puffin.cache.glob("pyc-v0/*/*/*.manifest"):
            manifest.unlink()
        code, err, _ = traced(puffin, f"rename:signal=KILL:when={count}", *words, "--executor", "inline")
        assert "Traceback" not in err
        done = puffin(*words)
        assert done.code == 0, done.err
        assert _layers(puffin.cache) == ["small"]
        assert env.run("-c", "import small; print(small.S)") == "1"
        if code == 0:
            break
        killed += 1
        count += 1
    assert killed > 3


def test_no_room_for_it(puffin, env, links):
    with small_disk(puffin.root / "mount", "12m") as cache:
        puffin.file("both.txt", "big==1\nsmall==1\n")
        subprocess.run(["cp", "-r", f"{puffin.cache}/interpreter-v0", cache], check=True)
        variables = {"PUFFIN_CACHE_DIR": str(cache)}
        done = puffin(*_words(puffin, links), env=variables)
        assert done.code == 1, done.err
        assert "Failed to" in done.err
        assert env.installed() == {}
        assert "big" not in _layers(cache)
        done = puffin(*(word for word in _words(puffin, links) if word != "--compile-bytecode"), env=variables)
        assert done.code == 0, done.err
