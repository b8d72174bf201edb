"""What the system refuses: processes, threads, descriptors, memory, places. Never "a bug in puffin"."""

import errno
import os
import resource
import subprocess
import sys

import pytest

from puffin.errors import (
    FAILED,
    TEMPORARY,
    CallRefused,
    LimitReached,
    ModuleUnreadable,
    PlaceRefused,
    refused_by_system,
)
from tests.helpers.faults import can_strace, traced
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel

strace = pytest.mark.skipif(not can_strace(), reason="strace cannot trace here")


@pytest.fixture
def shop(index):
    for number in range(10):
        index.add(*forge_wheel(f"pkg{number}", "1.0"))
    index.add(*forge_backend())
    index.add(*forge_sdist("sdist", "1.0"))
    return index


@strace
@pytest.mark.parametrize("call", ["clone", "clone3", "clone,clone3,fork,vfork"])
@pytest.mark.parametrize(
    "words", [("pip", "sync", "r.txt"), ("pip", "compile", "r.txt"), ("pip", "install", "-rr.txt")]
)
def test_no_process_or_thread_at_all(puffin, env, shop, call, words):
    puffin.file("r.txt", "".join(f"pkg{number}==1.0\n" for number in range(10)))
    code, err, _ = traced(puffin, f"{call}:error=EAGAIN:when=1+", *words, "-i", shop.url)
    assert "Traceback" not in err
    assert code in (0, TEMPORARY), err
    if code:
        assert "The system refused another process or thread" in err
        assert "ulimit -u" in err
    elif words[1] != "compile":
        assert len(env.installed()) == 10


@strace
def test_no_process_for_a_build(puffin, env, shop):
    puffin.file("r.txt", "sdist==1.0\n")
    code, err, _ = traced(
        puffin, "clone,clone3,fork,vfork:error=EAGAIN:when=1+", "pip", "sync", "r.txt", "-i", shop.url
    )
    assert "Traceback" not in err
    assert (code, "another process or thread" in err) == (TEMPORARY, True), err


def with_few_files(puffin, files, *words):
    done = subprocess.run(
        [sys.executable, "-m", "puffin", *words],
        env=puffin.environ(),
        cwd=puffin.cwd,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
@pytest.mark.parametrize("files", [12, 16, 20, 32, 48, 64])
def test_few_descriptors(puffin, env, shop, files, executor):
    puffin.file("r.txt", "".join(f"pkg{number}==1.0\n" for number in range(10)))
    words = ("pip", "sync", "r.txt", "-i", shop.url, "--retries", "0", "--jobs", "2", "--executor", executor)
    done = with_few_files(puffin, files, *words)
    if files < 16:  # not enough to tell always
        assert done.returncode in (0, FAILED, TEMPORARY), done.stderr
        return
    assert done.returncode in (0, TEMPORARY), done.stderr
    assert done.returncode == 0 or "open file" in done.stderr
    if done.returncode == 0 or (files >= 32 and executor != "cluster"):
        assert len(env.installed()) == 10
    if executor == "cluster":
        assert f"a cluster needs up to 80, and the limit is {files}" in done.stderr


@pytest.mark.parametrize("files", [12, 20, 32, 64])
def test_few_descriptors_for_a_build(puffin, env, shop, files):
    puffin.file("r.txt", "sdist==1.0\n")
    done = with_few_files(puffin, files, "pip", "sync", "r.txt", "-i", shop.url, "--retries", "0")
    assert done.returncode in (0, TEMPORARY), done.stderr
    if done.returncode == 0 or files >= 32:
        assert env.installed() == {"sdist": "1.0"}


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_directory_that_cannot_be_read(puffin, env, shop):
    env.site.chmod(0)
    try:
        done = puffin("pip", "list", "-p", env.root)
    finally:
        env.site.chmod(0o755)
    assert done.code == FAILED
    assert "site-packages" in done.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words", [("pip", "sync", "r.txt"), ("pip", "sync", "absent.txt"), ("pip", "list", "-x")]
)
def test_no_room_for_any_output(puffin, env, shop, words):
    puffin.file("r.txt", "pkg0==1.0\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "puffin", *words, *(("-i", shop.url) if "sync" in words else ())],
            env=puffin.environ(),
            cwd=puffin.cwd,
            stdout=full,
            stderr=full,
            timeout=SECONDS,
        )
    assert done.returncode in (1, 2)


def test_a_link_to_itself(puffin, env):
    loop = puffin.cwd / "loop"
    loop.symlink_to("loop")
    for words in (
        ("pip", "compile", loop),
        ("pip", "sync", loop / "r.txt"),
        ("pip", "install", "-r", loop),
        ("sync",),
    ):
        done = puffin(*words, "--cache-dir", puffin.root / "c", cwd=puffin.cwd)
        assert done.code in (1, 2), done.err
    done = puffin("pip", "install", "x", "--cache-dir", loop, "--no-index")
    assert (done.code, "Traceback" in done.err) == (1, False), done.err


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError(), "more memory"),
        (RuntimeError("can't start new thread"), "another process or thread"),
        (BlockingIOError(errno.EAGAIN, "no"), "another process or thread"),
        (OSError(errno.EMFILE, "no", "x"), "another open file"),
        (OSError(errno.ENOMEM, "no"), "more memory"),
    ],
)
def test_limits_have_names(error, what):
    found = refused_by_system(error)
    assert isinstance(found, LimitReached)
    assert (found.what, found.exit_code) == (what, TEMPORARY)
    assert found.hints


def test_places_are_named_and_mistakes_are_not_excused():
    found = refused_by_system(PermissionError(errno.EACCES, "Permission denied", "/x"))
    assert isinstance(found, PlaceRefused)
    assert (str(found), found.exit_code, str(found.causes[0])) == (
        "Failed to use `/x`",
        FAILED,
        "Permission denied",
    )
    found = refused_by_system(PermissionError(errno.EACCES, "Permission denied"))
    assert isinstance(found, CallRefused)
    assert (found.exit_code, str(found.causes[0])) == (FAILED, "Permission denied")
    found = refused_by_system(ModuleNotFoundError("No module named 'puffin.x'", name="puffin.x"))
    assert isinstance(found, ModuleUnreadable)
    assert (found.exit_code, "`puffin.x`" in str(found)) == (FAILED, True)
    for mistake in (OSError(errno.EBADF, "Bad file descriptor"), RuntimeError("x"), KeyError("x")):
        assert refused_by_system(mistake) is None


@strace
def test_a_list_of_files_that_cannot_be_read_is_not_an_empty_one(puffin, env, shop):
    puffin.file("r.txt", "pkg0==1.0\npkg1==1.0\n")
    assert puffin("pip", "sync", "r.txt", "-i", shop.url).code == 0
    record = env.info("pkg1") / "RECORD"
    words = ("pip", "uninstall", "pkg1")
    for number in (1, 2, 3):
        code, err, trace = traced(puffin, f"openat:error=EIO:when={number}", *words, only=[record])
        if "INJECTED" not in trace:
            break
        assert (code, "Traceback" in err) == (FAILED, False), err
        assert "RECORD" in err
        assert env.record("pkg1")
    assert number > 1
    assert env.installed() == {"pkg0": "1.0"}
    assert not (env.site / "pkg1").exists()
