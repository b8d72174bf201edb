"""Builds on a full disk, builds that kill whoever runs them, and builds whose puffin is killed."""

import os
import signal
import subprocess
import sys

import pytest

from tests.functional.test_workspace import GLOB, services, sync
from tests.helpers.faults import at_rest, of_packages, small_disk, started
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS, until
from tests.helpers.wheels import forge_wheel

FILL = """
import tempfile
with tempfile.TemporaryFile() as file:
    for _ in range(64):
        file.write(bytes(1 << 16))
    file.flush()
"""

POISON = """
import os, signal, time

def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])

os.kill(parent(parent(os.getpid())), signal.SIGKILL)  # the process that runs the build, and not only its keeper
time.sleep(60)
"""


DEMON = """
import os, time

def daemon():
    os.setsid()
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir(os.environ["TMPDIR"])
    with open(os.environ["DEMON"] + "~", "w") as file:
        file.write(str(os.getpid()))
    os.rename(os.environ["DEMON"] + "~", os.environ["DEMON"])
    time.sleep(600)

if not os.fork():
    daemon()
while not os.path.exists(os.environ["DEMON"]):
    time.sleep(0.001)
if os.environ["THEN"] == "fail":
    raise SystemExit(3)
if os.environ["THEN"] == "wait":
    time.sleep(600)
"""


@pytest.fixture
def log(tmp_path):
    """A file that gets a line for each hook that ran."""
    return tmp_path / "told"


@pytest.fixture
def shop(index, log):
    index.add(*forge_backend())
    index.add(*forge_wheel("lib", "1.0"))
    index.add(*forge_wheel("fill", "1.0", {"fill.py": FILL}))
    index.add(*forge_wheel("poison", "1.0", {"poison.py": POISON}))
    index.add(*forge_wheel("demon", "1.0", {"demon.py": DEMON}))
    index.add(*forge_sdist("thing", told=log))
    return index


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def pids(log):
    return [int(line.rsplit(" ", 1)[1]) for line in log.read_text().splitlines()] if log.exists() else []


def test_no_space_for_temporary_files_of_a_build(puffin, env, shop):
    shop.add(*forge_sdist("big", needs=("toy", "fill"), imports=("fill",)))
    assert puffin.sync("lib==1.0\n", "-i", shop.url).code == 0
    before = of_packages(env)
    with small_disk(puffin.root / "small", "400k") as place:
        done = puffin.sync("big==1.0\nlib==1.0\n", "-i", shop.url, env={"TMPDIR": str(place)})
        assert done.code == 1
        assert "Failed to build `big==1.0`" in done.err
        assert "No space left on device" in done.err
        hint = f"make room in the cache and in `{puffin.plain(str(place))}`, or point `TMPDIR`"
        assert f"hint: {hint}" in done.err
    assert of_packages(env) == before
    assert at_rest(env)
    assert puffin.sync(None, "-i", shop.url).code == 0
    assert env.installed() == {"big": "1.0", "lib": "1.0"}


def test_a_source_that_kills_its_worker_fails_alone(puffin, shop, log):
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("needs /proc")
    puffin.executor = "cluster"
    shop.add(*forge_sdist("bad", needs=("toy", "poison"), imports=("poison",), told=log.with_name("bad")))
    envs = services(puffin, a="lib==1.0\nthing==1.0\n", b="bad==1.0\nlib==1.0\n", c="thing==1.0\n")
    done = sync(puffin, shop)
    assert done.code == 3
    assert "In `services/b`" in done.err
    assert "`bad==1.0`" in done.err
    assert envs["a"].installed() == {"lib": "1.0", "thing": "1.0"}
    assert envs["c"].installed() == {"thing": "1.0"}
    assert not envs["b"].root.exists()
    assert len(pids(log.with_name("bad"))) <= 4, "twice beside the others, and twice alone"
    assert not [pid for pid in (*pids(log), *pids(log.with_name("bad"))) if alive(pid)]


@pytest.mark.parametrize("executor", ["inline", "pool", "cluster"])
def test_builds_end_with_the_run_that_is_killed(puffin, shop, log, executor):
    slow = log.with_name("slow")
    shop.add(*forge_sdist("slow", wait=60, told=slow))
    envs = services(puffin, a="lib==1.0\nslow==1.0\n", b="slow==1.0\n")
    words = ("sync", GLOB, "-i", shop.url, "--executor", executor)
    with started(puffin, *words) as process:
        until(lambda: pids(slow))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=SECONDS)
    until(lambda: not any(alive(pid) for pid in pids(slow)))
    services(puffin, a="lib==1.0\nthing==1.0\n", b="thing==1.0\n")
    done = sync(puffin, shop)
    assert done.code == 0, done.err
    for env in envs.values():
        assert env.installed()["thing"] == "1.0"
        assert at_rest(env)


needs_subreaper = pytest.mark.skipif(sys.platform != "linux", reason="daemons are found on Linux alone")


@pytest.fixture
def possessed(shop, tmp_path):
    """Have the build of ``thing2`` leave a daemon behind; return where that writes its number."""
    shop.add(*forge_sdist("thing2", needs=("toy", "demon"), imports=("demon",)))
    return tmp_path / "demon"


@needs_subreaper
@pytest.mark.parametrize(("then", "code"), [("", 0), ("fail", 1)])
def test_a_daemon_ends_with_its_build(puffin, env, shop, possessed, then, code):
    """Nothing uses what was mounted for the build when puffin has ended."""
    with small_disk(puffin.root / "small", "4m") as place:
        environ = {"TMPDIR": str(place), "DEMON": str(possessed), "THEN": then}
        done = puffin.sync("thing2==1.0\n", "-i", shop.url, env=environ)
        assert done.code == code, done.err
        assert not alive(int(possessed.read_text()))
        assert subprocess.run(["umount", str(place)], capture_output=True, text=True).stderr == ""
        subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)


@needs_subreaper
def test_a_daemon_ends_with_the_run_that_is_killed(puffin, env, shop, possessed, tmp_path):
    words = ("pip", "install", "thing2", "-i", shop.url)
    with started(puffin, *words, TMPDIR=str(tmp_path), DEMON=str(possessed), THEN="wait") as process:
        until(possessed.exists)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=SECONDS)
    until(lambda: not alive(int(possessed.read_text())))


def test_a_source_that_is_something_else(puffin, env, index):
    """It is refused by its name; by its path alone it is what it says; what was built so does not pass for the name."""
    index.add(*forge_backend())
    index.add("wanted-1.0.tar.gz", forge_sdist("other", "2.0")[1], name="wanted")
    archive = puffin.file("wanted-1.0.tar.gz", forge_sdist("other", "2.0")[1])
    for words in (("install", "wanted"), ("install", f"wanted @ {index.file_url('wanted-1.0.tar.gz')}")):
        done = puffin("pip", *words, "-i", index.url)
        assert (done.code, "metadata is that of `other`" in done.err) == (1, True), done.err
    assert puffin("pip", "install", archive, "-i", index.url).code == 0
    assert env.installed() == {"other": "2.0"}
    done = puffin.sync("wanted==1.0\n", "-i", index.url)
    assert (done.code, "is of `other`" in done.err) == (1, True), done.err
    assert env.installed() == {"other": "2.0"}
