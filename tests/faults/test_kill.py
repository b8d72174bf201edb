"""SIGKILL, SIGINT and SIGTERM anywhere: the environment is the old or the new one, and a rerun makes it the new one."""

import os
import shutil
import signal
import subprocess

import pytest

from tests.helpers.cli import Env, Puffin
from tests.helpers.faults import (
    at_rest,
    can_strace,
    layer_above,
    of_packages,
    session,
    started,
    temporaries,
    traced,
    until,
)
from tests.helpers.wheels import forge_wheel

needs_strace = pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")

OLD = "app==1\nlib==1\nns-a==1\nns-b==1\ngone==1\n"
NEW = "app==2\nlib==2\nns-a==1\nns-b==2\nfresh==1\n"


def shop(directory):
    """Fill a directory with the wheels of the old and the new requirements."""
    directory.mkdir()
    for version in ("1", "2"):
        offer(
            directory,
            "app",
            version,
            {"app/__init__.py": f"v = {version}\n", "app/deep/m.py": ""},
            entry_points={"app": "app:main"},
        )
        offer(directory, "lib", version, {"lib.py": f"v = {version}\n"}, data={"share/lib/x.txt": version})
        for part in "ab":
            offer(
                directory, f"ns-{part}", version, {f"ns/{part}.py": version, f"ns/{part}{version}.py": version}
            )
        for name in ("gone", "fresh"):
            offer(directory, name, version, {f"{name}/__init__.py": version})
    return directory


def offer(directory, name, version, files, **options):
    filename, data = forge_wheel(name, version, files, **options)
    (directory / filename).write_bytes(data)


class Stage:
    """A command line whose environment holds OLD, or NEW, at will; the cache is warm for both."""

    def __init__(self, puffin: Puffin):
        self.puffin = puffin
        self.env = puffin.venv()
        self.links = shop(puffin.root / "links")
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

    def usable(self, env=None):
        """Tell whether Python can import every package that is in both, old or new, with what is its own."""
        code = (
            "import app.deep.m, lib, ns.a, ns.b, os; assert {app.v, lib.v} <= {1, 2}\n"
            "names = os.listdir(os.path.dirname(ns.a.__file__)); assert {'a1.py', 'a2.py'} & set(names)\n"
            "assert {'b1.py', 'b2.py'} & set(names)"
        )
        done = subprocess.run([(env or self.env).python, "-c", code], capture_output=True)
        return done.returncode == 0 or done.stderr.decode()

    def check(self):
        """Repair what the next run would repair first, and return whether the environment is the new one."""
        done = self.puffin("pip", "uninstall", "nobody-has-this", "--dry-run")
        assert done.code == 0, done.err
        now = of_packages(self.env)
        assert now in (self.old, self.new)
        return now == self.new

    def rerun(self):
        done = self.sync(NEW)
        assert done.code == 0, done.err
        assert of_packages(self.env) == self.new
        assert at_rest(self.env)
        assert self.sync(NEW).err.endswith("Checked 5 packages in [TIME]\n")


@pytest.fixture(scope="module")
def theatre(tmp_path_factory, interpreters):
    return Stage(Puffin(tmp_path_factory.mktemp("theatre") / "p", interpreters))


@pytest.fixture
def stage(theatre):
    if of_packages(theatre.env) != theatre.old:
        theatre.state(OLD)
    return theatre


@needs_strace
@pytest.mark.parametrize(
    "call", ["rename,renameat2", "renameat2", "mkdir,mkdirat", "unlink,unlinkat,rmdir", "link,linkat", "fsync"]
)
def test_killed_at_a_call_of_a_warm_sync(stage, call):
    count, step, seen = 1, {"rename,renameat2": 3, "renameat2": 1, "fsync": 1}.get(call, 19), set()
    while True:
        code, err, _ = traced(stage.puffin, f"{call}:signal=KILL:when={count}", *stage.words())
        if code == 0:
            break
        assert "Traceback" not in err
        assert stage.usable() is True, count
        seen.add(stage.check())
        stage.rerun()
        assert stage.state(OLD) == stage.old
        count += step
    assert seen
    if call == "rename,renameat2":
        assert seen == {True, False}


@needs_strace
@pytest.mark.parametrize("call", ["rename", "mkdir,mkdirat", "rmdir"])
def test_killed_over_an_environment_of_a_lower_layer(stage, call):
    count, seen = 1, set()
    while True:
        shutil.rmtree(f"{stage.env.root}-layers", ignore_errors=True)
        with layer_above(stage.env.root):
            code, err, _ = traced(stage.puffin, f"{call}:signal=KILL:when={count}", *stage.words())
            if code == 0:
                break
            assert "Traceback" not in err
            seen.add(stage.check())
            stage.rerun()
        assert of_packages(stage.env) == stage.old
        count += 3
    assert seen
    if call == "rename":
        assert seen == {True, False}


@needs_strace
def test_killed_while_a_recovery_is_under_way(stage):
    for first, second in ((6, 1), (9, 2)):
        traced(stage.puffin, f"rename:signal=KILL:when={first}", *stage.words())
        traced(stage.puffin, f"rename:signal=KILL:when={second}", *stage.words())
        stage.check()
        stage.rerun()
        stage.state(OLD)


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
    assert stage.usable() is True
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
        assert "had staged is lost; what is there was compared with its records\n" in done.err
        assert of_packages(stage.env) == stage.new
        stage.state(OLD)


@needs_strace
def test_killed_in_a_fresh_environment(stage):
    for when in (1, 4):
        env = stage.puffin.venv(name=f"fresh{when}")
        code, _, _ = traced(
            stage.puffin, f"rename:signal=KILL:when={when}", *stage.words(), VIRTUAL_ENV=str(env.root)
        )
        assert code == 137 or code == -9
        assert stage.sync(NEW, VIRTUAL_ENV=str(env.root)).code == 0
        assert {path.name for path in env.site.glob("*.dist-info")} == {
            path.name for path in (env.site).glob("*-*.dist-info")
        }
        assert env.installed() == {"app": "2", "fresh": "1", "lib": "2", "ns_a": "1", "ns_b": "2"}
        assert at_rest(env)


@needs_strace
@pytest.mark.parametrize("call", ["rename", "write", "openat"])
def test_killed_while_filling_the_cache(stage, call):
    for when in {"rename": (1, 4), "write": (3, 8), "openat": (500,)}[call]:
        assert stage.puffin("cache", "clean").code == 0
        traced(stage.puffin, f"{call}:signal=KILL:when={when}", *stage.words())
        assert of_packages(stage.env) in (stage.old, stage.new)
        stage.rerun()
        stage.state(OLD)
    assert (
        stage.sync("app==2\nother-thing==1\n").code == 1
    )  # something to look for: collects what the dead left
    assert temporaries(stage.puffin) == []


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
        _, err = process.communicate(timeout=2)
        assert process.returncode == code
        assert err.replace("Resolved 12 packages", "").count("\n") <= 1, err
        until(lambda: not session(process.pid), seconds=2)
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
        _, err = process.communicate(timeout=2)
    assert (process.returncode, err) == (code, "")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_killed_driver_takes_its_workers_along(puffin, env, slow, executor):
    with started(puffin, "pip", "sync", "slow.txt", "--executor", executor, "--index-url", slow.url) as process:
        until(lambda: slow.waiting() >= 2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: not session(process.pid), seconds=5)
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
        _, err = process.communicate(timeout=30)
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
    out, _ = process.communicate("go\n", timeout=20)
    assert out == "1 1\n"
    assert process.returncode == 0
    stage.rerun()


def test_killed_uninstall(stage):
    if not can_strace():
        pytest.skip("strace cannot be used here")
    for when in (2, 4):
        traced(stage.puffin, f"rename:signal=KILL:when={when}", "pip", "uninstall", "app", "ns-a", "lib")
        done = stage.puffin("pip", "uninstall", "app", "ns-a", "lib")
        assert done.code == 0, done.err
        assert Env(stage.env.root).installed() == {"gone": "1", "ns_b": "1"}
        assert stage.env.unlisted() == set()
        assert at_rest(stage.env)
        stage.state(OLD)
