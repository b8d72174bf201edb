"""Locks: never two holders, never going on without, and gone with their process whatever children live."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from puffin.cache import lock as locks
from puffin.cache.clean import collect, measure, remove
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import Lock, LockFailed, LockTimeout, WorkLock, holders, tell_waits
from puffin.cache.usage import LOCK, Usage, exclusive, shared
from puffin.errors import TEMPORARY


def lock(path, timeout=0.0):
    return Lock(str(path), what="the environment `x`", timeout=timeout)


def in_child(action):
    """Run *action* in a forked child; return the pid and a pipe that closes when it is done."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            action(writer)
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def held(path):
    """Return the pid of a child that holds the lock *path*, and its pipe."""

    def hold(writer):
        with lock(path):
            os.write(writer, b"x")
            signal.pause()

    pid, reader = in_child(hold)
    os.read(reader, 1)
    return pid, reader


def finish(pid, reader):
    os.close(reader)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_taken_lock_times_out_and_names_its_holder(tmp_path):
    with lock(tmp_path / "lock"), pytest.raises(LockTimeout) as caught, lock(tmp_path / "lock"):
        pass
    assert caught.value.exit_code == TEMPORARY
    assert caught.value.summary() == (
        f"Gave up after 0 s: the environment `x` is locked by process {os.getpid()} (`{tmp_path}/lock`)"
    )


def test_a_waiting_lock_is_taken_when_it_is_free(tmp_path):
    pid, reader = held(tmp_path / "lock")
    with pytest.raises(LockTimeout), lock(tmp_path / "lock"):
        pass
    os.kill(pid, signal.SIGKILL)  # a killed holder lets go
    with lock(tmp_path / "lock", 10.0):
        pass
    finish(pid, reader)


@pytest.fixture
def stopped(tmp_path):
    """The number of a process that holds a lock and is stopped."""
    pid, reader = held(tmp_path / "lock")
    os.kill(pid, signal.SIGSTOP)
    yield pid
    finish(pid, reader)


def test_who_waits_says_for_whom(tmp_path, stopped, monkeypatch):
    monkeypatch.setattr(locks, "_NOTICE_AFTER", 0.05)
    monkeypatch.setattr(locks, "_told", None)
    told = []
    tell_waits(told.append)
    with pytest.raises(LockTimeout), lock(tmp_path / "lock", 0.3):
        pass
    assert told == [f"Waiting for the environment `x`, which process {stopped} has locked"]


def test_the_time_to_wait_is_the_users(tmp_path, stopped, monkeypatch):
    monkeypatch.setenv("PUFFIN_LOCK_TIMEOUT", "0.1")
    with pytest.raises(LockTimeout) as caught, Lock(str(tmp_path / "lock"), what="it"):
        pass
    assert caught.value.seconds == 0.1


def test_a_lock_that_only_saves_work_stops_nobody(tmp_path, stopped, monkeypatch):
    path = str(tmp_path / "lock")
    with WorkLock(path, what="it", timeout=0.1) as late:
        assert not late.taken
    monkeypatch.setattr(locks, "_STOPPED_AFTER", 0.1)
    with WorkLock(path, what="it", timeout=600.0) as early:  # a holder that cannot go on
        assert not early.taken
    with WorkLock(str(tmp_path), what="a directory") as impossible:
        assert not impossible.taken
    with WorkLock(str(tmp_path / "free"), what="it") as free:
        assert free.taken


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="the system does not tell who holds locks")
def test_the_kernel_knows_who_holds_a_lock(tmp_path, stopped):
    assert holders(str(tmp_path / "lock")) in (
        f"process {stopped}",
        "",
    )  # "" where it numbers devices otherwise
    assert holders(str(tmp_path / "none")) == ""


@pytest.mark.usefixtures("stopped")
def test_a_stopped_holder_keeps_its_lock(tmp_path):
    with pytest.raises(LockTimeout), lock(tmp_path / "lock", 0.1):
        pass


def test_a_child_does_not_keep_its_parents_lock(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from puffin.cache.lock import Lock\n"
        "from puffin.cache.layout import Cache\n"
        "from puffin.cache.usage import shared\n"
        f"with Lock({str(tmp_path / 'lock')!r}, what='x'), shared(Cache({str(tmp_path)!r})):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.write(1, b'ready\\n')\n"
        "        signal.pause()\n"
        "    os.write(1, b'%d\\n' % pid)\n"
        "    signal.pause()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    lines = {process.stdout.readline().strip() for _ in range(2)}
    child = int((lines - {"ready"}).pop())
    try:
        with pytest.raises(LockTimeout), lock(tmp_path / "lock"):
            pass
        process.kill()
        process.wait()
        with lock(tmp_path / "lock"), Usage(Cache(str(tmp_path)), alone=True, timeout=0):
            os.kill(child, 0)  # while the child lives
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


def test_a_lock_whose_file_was_replaced_is_taken_anew(tmp_path, monkeypatch):
    import fcntl

    path = tmp_path / "lock"
    real = fcntl.flock
    swapped = []

    def swap_first(descriptor, kind):
        real(descriptor, kind)
        if not swapped:
            swapped.append(os.unlink(path))

    monkeypatch.setattr(fcntl, "flock", swap_first)
    with lock(path, 5.0), pytest.raises(LockTimeout), lock(path):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_of_once(tmp_path, monkeypatch, number):
    import fcntl

    def refuse(_descriptor, _kind):
        raise OSError(number, os.strerror(number))

    told = []
    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(locks, "_unlocked", set())
    monkeypatch.setattr(locks, "_told", told.append)
    with WorkLock(str(tmp_path / "work"), what="it") as work:
        assert not work.taken
    before = len(os.listdir("/proc/self/fd"))
    for name in ("one", "two"):
        with lock(tmp_path / name):
            pass
    assert len(os.listdir("/proc/self/fd")) == before
    assert [text.partition(":")[0] for text in told] == [f"The file system has no locks (`{tmp_path}/one`)"]


def test_a_refused_lock_is_an_error_with_a_hint(tmp_path, monkeypatch):
    import fcntl

    def refuse(_descriptor, _kind):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(LockFailed) as caught, lock(tmp_path / "lock"):
        pass
    assert "file system that supports locks" in caught.value.hints[0]
    assert str(caught.value.causes[0]) == "Stale file handle"
    assert caught.value.exit_code == 1, "trying again does not help"
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_does_not_keep_from_locking(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with lock(tmp_path / "lock"), pytest.raises(LockTimeout) as caught, lock(tmp_path / "lock"):
        pass
    assert caught.value.holder == ""


@pytest.fixture
def cache(tmp_path):
    return Cache(str(tmp_path / "cache"))


def alone(cache):
    return Usage(cache, alone=True, timeout=0.0)


def test_runs_share_the_cache_and_cleaning_waits(cache):
    with shared(cache), shared(cache):
        with pytest.raises(LockTimeout) as caught, alone(cache):
            pass
        assert "--force" in caught.value.hints[0]
        with exclusive(cache, force=True, told=pytest.fail) as kept:
            assert kept == frozenset()
    with alone(cache) as kept:
        assert kept == {LOCK}
        with pytest.raises(LockTimeout), Usage(cache, alone=False, timeout=0.0):
            pass


def test_waiting_for_the_cache_is_told_once(cache):
    told = []
    with shared(cache), pytest.raises(LockTimeout), Usage(cache, alone=True, timeout=0.15, told=told.append):
        pass
    assert told == ["The cache is in use; waiting for other puffin processes to finish"]  # itself is not named


def test_a_cache_that_cannot_be_written_to_is_shared_freely(tmp_path):
    (tmp_path / "file").write_text("")
    with shared(Cache(str(tmp_path / "file/cache"))) as kept:
        assert kept == frozenset()


def test_the_lock_of_a_cleaned_cache_is_not_taken_for_the_new_one(cache, monkeypatch):
    import fcntl

    real = fcntl.flock
    swapped = []

    def clean_first(descriptor, kind):
        if not swapped:
            swapped.append(os.unlink(f"{cache.root}/{LOCK}"))
        real(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", clean_first)
    with shared(cache), pytest.raises(LockTimeout), alone(cache):
        pass


def test_what_dead_processes_left_is_collected(cache):
    cache.initialise()
    pid = os.fork()
    if pid == 0:
        os.makedirs(f"{cache.temporary()}/inner/deep")
        with open(cache.temporary(), "w") as file:
            file.write("half")
        os._exit(0)
    os.waitpid(pid, 0)
    mine = cache.temporary("-dask")
    os.mkdir(mine)
    foreign, old = (
        cache.path(Bucket.TEMPORARY, "7-elsewhere-abc"),
        cache.path(Bucket.TEMPORARY, "8-elsewhere-abc"),
    )
    os.mkdir(foreign)
    os.mkdir(old)
    os.utime(old, (0, 0))
    assert collect(cache) == 3
    left = sorted(os.listdir(cache.path(Bucket.TEMPORARY)))
    assert left == sorted(map(os.path.basename, (mine, foreign)))
    assert collect(Cache(f"{cache.root}/nowhere")) == 0


def test_the_cache_is_locked_though_its_directory_is_removed_just_then(tmp_path, monkeypatch):
    cache = Cache(str(tmp_path / "cache"))
    real, made = os.makedirs, []

    def make_and_lose(path, *words, **options):
        real(path, *words, **options)
        made.append(path)
        if len(made) < 3:
            os.rmdir(path)

    monkeypatch.setattr(os, "makedirs", make_and_lose)
    for usage in (shared(cache), Usage(cache, alone=True, timeout=0)):
        made.clear()
        with usage as kept:
            assert kept == {LOCK}
        os.unlink(f"{cache.root}/{LOCK}")
        os.rmdir(cache.root)


def test_what_comes_and_goes_while_the_cache_is_cleaned(tmp_path, monkeypatch):
    room = tmp_path / "answers-v0"
    room.mkdir()
    (room / "one").write_text("1")
    real = os.rmdir

    def fill(path, **options):
        if path == str(room) and os.listdir(room) == [] and filled.append(path) is None and len(filled) < 3:
            (room / "two").write_text("2")
        real(path, **options)

    filled: list[str] = []
    monkeypatch.setattr(os, "rmdir", fill)
    assert remove([str(room)]).files == 1
    assert not room.exists()
    room.mkdir()
    (room / "gone").write_text("")
    lost = (str(tmp_path), [], ["gone"])
    monkeypatch.setattr(os, "walk", lambda path: [lost, (str(room), [], ["gone"])])
    assert measure(str(room)) == (1, 0)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="processes do not tell when they began")
def test_a_process_that_only_has_the_number_of_the_maker_is_another(tmp_path):
    cache = Cache(str(tmp_path))
    cache.initialise()
    with subprocess.Popen(["sleep", "60"]) as process:
        place = cache.temporary()
        entry = place.replace(f"/{os.getpid()}-", f"/{process.pid}-")
        assert entry != place
        os.mkdir(entry)
        assert collect(cache) == 0
        os.utime(entry, (1, 1))
        assert collect(cache) == 1
        process.kill()
