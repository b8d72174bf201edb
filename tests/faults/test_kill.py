"""Signals and lost processes: the environment is the old or the new one, and a rerun makes it the new one.

SIGKILL at each system call is in ``test_sweep``.
"""

import os
import shutil
import signal
import subprocess

import pytest

from tests.faults import worlds
from tests.helpers.cli import Puffin
from tests.helpers.faults import at_rest, can_strace, of_packages, session, started, temporaries, traced
from tests.helpers.waiting import SECONDS, SOON, until
from tests.helpers.wheels import forge_wheel

needs_strace = pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")

OLD, NEW = worlds.text(worlds.OLD), worlds.text(worlds.NEW)


class Stage:
    """A command line whose environment holds OLD, or NEW, at will; the cache is warm for both."""

    def __init__(self, puffin: Puffin):
        self.puffin = puffin
        self.env = puffin.venv()
        self.links = puffin.root / "links"
        worlds.offer(self.links)
        self.place = ("--no-index", "--find-links", self.links)
        self.new = self.state(NEW)
        self.old = self.state(OLD)

    def state(self, text):
        done = self.sync(text)
        assert done.code == 0, done.err
        return of_packages(self.env)

    def sync(self, text, **environ):
        return self.puffin.sync(text, *self.place, env=environ)

    def words(self, executor="inline"):
        self.puffin.file("new.txt", NEW)
        return ("pip", "sync", "new.txt", "--executor", executor, *map(str, self.place))

    def rerun(self):
        done = self.sync(NEW)
        assert done.code == 0, done.err
        assert of_packages(self.env) == self.new
        assert at_rest(self.env)
        assert self.sync(NEW).err.endswith(f"Checked {len(worlds.NEW)} packages in [TIME]\n")


@pytest.fixture(scope="module")
def theatre(tmp_path_factory, interpreters):
    return Stage(Puffin(tmp_path_factory.mktemp("theatre") / "p", interpreters))


@pytest.fixture
def stage(theatre):
    if of_packages(theatre.env) != theatre.old:
        theatre.state(OLD)
    return theatre


@needs_strace
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_in_the_commit_finish_it(stage, number, code):
    for when in (1, 6, 13):
        found, err, trace = traced(stage.puffin, f"rename:signal={number.value}:when={when}", *stage.words())
        assert found == code, (when, err, trace)
        assert "Traceback" not in err
        assert of_packages(stage.env) in (stage.old, stage.new)
        assert at_rest(stage.env)
        stage.rerun()
        stage.state(OLD)


@needs_strace
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_staging_leave_the_old(stage, number, code):
    for when in (1, 4, 8):
        found, err, _ = traced(stage.puffin, f"mkdir,mkdirat:signal={number.value}:when={when}", *stage.words())
        assert found == code, err
        assert "Traceback" not in err
        assert of_packages(stage.env) == stage.old
        assert at_rest(stage.env)


@needs_strace
@pytest.mark.parametrize("content", [b"", b"junk", None], ids=["empty", "junk", "directory"])
@pytest.mark.parametrize("when", [1, 3])
def test_a_damaged_journal_is_no_dead_end(stage, content, when):
    traced(stage.puffin, f"renameat2:signal=KILL:when={when}", *stage.words())
    journal = stage.env.root / ".puffin/journal"
    journal.unlink()
    journal.mkdir() if content is None else journal.write_bytes(content)
    done = stage.puffin("pip", "uninstall", "gone", "--dry-run")
    assert done.code == 0, done.err
    assert not journal.exists()
    stage.rerun()
    stage.state(OLD)


@needs_strace
def test_a_lost_staging_area_is_no_dead_end(stage):
    for when in (1, 4):
        traced(stage.puffin, f"renameat2:signal=KILL:when={when}", *stage.words())
        for place in (stage.env.root / ".puffin").glob("tx-*"):
            shutil.rmtree(place)
        done = stage.sync(NEW)
        assert done.code == 0, done.err
        assert "are lost; its files were compared with its records\n" in done.err
        assert of_packages(stage.env) == stage.new
        stage.state(OLD)


@pytest.fixture
def slow(puffin, index):
    """An index on which six of twelve wheels stop half-way for ever."""
    names = [f"pkg{number}" for number in range(12)]
    for name in names:
        filename, data = forge_wheel(name, "1")
        index.add(filename, data)
        if int(name[3:]) % 2:
            index.fail(f"/files/{filename}", ["slow"], forever=True)
    puffin.file("slow.txt", "".join(f"{name}==1\n" for name in names))
    index.waiting = lambda: sum(path.startswith("/files/") and path.endswith(".whl") for path in index.paths())
    return index


EXECUTORS = ["inline", "pool", "cluster"]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("to_all", [True, False], ids=["group", "driver"])
def test_signals_while_fetching_end_it_at_once(puffin, env, slow, executor, number, code, to_all):
    before = of_packages(env)
    with started(puffin, "pip", "sync", "slow.txt", "--executor", executor, "--index-url", slow.url) as process:
        until(lambda: slow.waiting() >= 2)
        (os.killpg if to_all else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=SOON)
        assert process.returncode == code
        assert err.endswith("Interrupted: the environment is as it was\n")
        assert err.replace("Resolved 12 packages", "").count("\n") <= 2, err
        until(lambda: not session(process.pid))
    assert of_packages(env) == before
    assert at_rest(env)


@pytest.mark.parametrize("words", [("pip", "install"), ("pip", "compile"), ("pip", "list", "--outdated")])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_an_index_is_slow_end_it_at_once(puffin, env, index, words, number, code):
    filename, data = forge_wheel("app", "1")
    index.add(filename, data)
    (puffin.cwd / filename).write_bytes(data)
    assert puffin("pip", "install", f"./{filename}").code == 0
    puffin.file("requirements.in", "app\n")
    index.fail("/simple/app/", ["slow"], forever=True)
    more = {"install": ("app", "-U"), "compile": ("requirements.in",)}.get(words[1], ())
    with started(puffin, *words, *more, "-i", index.url) as process:
        until(lambda: index.count("/simple/app/"))
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=SOON)
    told = "Interrupted: the environment is as it was\n" if words[1] == "install" else "Interrupted\n"
    assert (process.returncode, err) == (code, told)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_killed_driver_takes_its_workers_along(puffin, env, slow, executor):
    with started(puffin, "pip", "sync", "slow.txt", "--executor", executor, "--index-url", slow.url) as process:
        until(lambda: slow.waiting() >= 2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: not session(process.pid))
    for number in range(12):
        slow.fail(f"/files/pkg{number}-1-py3-none-any.whl", ["ok"], forever=True)
    puffin.executor = executor
    done = puffin.sync(
        "".join(f"pkg{number}==1\n" for number in range(12)),
        "--index-url",
        slow.url,
        env={"PUFFIN_LOCK_TIMEOUT": "0"},
    )
    assert done.code == 0, done.err
    assert len(env.installed()) == 12
    assert at_rest(env)
    assert temporaries(puffin) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_killed_worker_costs_nothing_but_time(puffin, env, slow, executor):
    with started(puffin, "pip", "sync", "slow.txt", "--executor", executor, "--index-url", slow.url) as process:
        until(lambda: slow.waiting() >= 2)
        workers = until(lambda: [pid for pid in session(process.pid) if pid != process.pid])
        for number in range(12):
            slow.fail(f"/files/pkg{number}-1-py3-none-any.whl", ["ok"], forever=True)
        os.kill(workers[0], signal.SIGKILL)
        slow.released.set()
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
    assert len(env.installed()) == 12
    assert at_rest(env)


def test_a_python_that_runs_meanwhile_is_not_disturbed(stage):
    script = (
        "import sys, app, lib; print('ready', flush=True); sys.stdin.readline()\n"
        "import app.deep.m, ns.a\nprint(app.v, lib.v, flush=True)"
    )
    process = subprocess.Popen(
        [stage.env.python, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    stage.state(NEW)
    out, _ = process.communicate("go\n", timeout=SECONDS)
    assert out == "1 1\n"
    assert process.returncode == 0
    stage.rerun()
