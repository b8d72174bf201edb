"""Schedulers and workers that are not there, cannot be used, die, or hang: told, or made up for; never waited for."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.helpers.dask_farm import HIDDEN, OTHER_PYTHON, OTHER_VERSION, Farm
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS, until
from tests.helpers.wheels import forge_wheel

NOBODY = {"PUFFIN_SCHEDULER_TIMEOUT": "1"}  # for what is not there
QUICK = {"PUFFIN_SCHEDULER_TIMEOUT": "8"}  # for what is there: a slow machine must answer meanwhile


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


@pytest.fixture
def make(tmp_path):
    """Make farms that end with the test."""
    made = []

    def farm(**options):
        made.append(Farm(tmp_path / f"farm{len(made)}", **options))
        return made[-1]

    yield farm
    for each in made:
        each.__exit__()


def hook(shop, name, code, **options):
    """Add a source distribution whose build runs *code*, a module that is imported for it."""
    shop.add(*forge_wheel(f"{name}-hook", "1.0", {f"{name}_hook.py": code}))
    shop.add(*forge_sdist(name, needs=("toy", f"{name}-hook"), imports=(f"{name}_hook",), **options))


KILL_WORKER = """
import os, signal
import time


def ancestors():
    pid = os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])
        with open(f"/proc/{pid}/cmdline") as file:
            if "child.py" not in file.read():
                return pid

worker = ancestors()
"""
KILL = KILL_WORKER + "os.kill(worker, signal.SIGKILL)\ntime.sleep(600)\n"


def once(place, code):
    """Return code that does *code* the first time, whichever process gets there first."""
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    return (
        f"import os\ntry:\n    os.close(os.open({str(place)!r}, os.O_CREAT | os.O_EXCL))\n"
        f"except FileExistsError:\n    pass\nelse:\n{indented}"
    )


def test_a_wrong_address_is_told_before_anything_is_fetched(puffin, env, shop):
    shop.add(*forge_sdist("thing"))
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.executor = "tcp://127.0.0.1:9"
    done = puffin.sync("thing==1.0\nlib==1.0\n", "-i", shop.url, env=NOBODY)
    assert done.code == 75
    assert "Failed to connect to the scheduler at `tcp://127.0.0.1:9`" in done.err
    assert not any("/files/lib" in str(each) for each in shop.requests)
    assert env.installed() == {}


def test_an_address_where_nobody_answers_is_told_by_a_run_that_needs_nobody(puffin, env, shop):
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.executor = "tcp://127.0.0.1:9"
    done = puffin.sync("lib==1.0\n", "-i", shop.url)
    assert (done.code, env.installed()) == (0, {"lib": "1.0"})
    said = (
        "warning: Nobody answers at `tcp://127.0.0.1:9` (Connection refused); nothing had to be built there\n"
    )
    assert said in done.err
    puffin.file("requirements.in", "lib\n")
    for words in (("pip", "compile", "requirements.in"), ("lock", "requirements.in")):
        done = puffin(*words, "-i", shop.url, "--executor", "tcp://127.0.0.1:9")
        assert (done.code, said in done.err) == (0, True), done.err
    with socket.create_server(("127.0.0.1", 0)) as server:
        puffin.executor = "tcp://{}:{}".format(*server.getsockname())
        assert puffin.sync(None, "-i", shop.url, "--reinstall").err.count("warning") == 0


@pytest.mark.parametrize(
    ("answer", "why", "patience"),
    [
        (b"", "timed out", NOBODY),
        (b"HTTP/1.1 400 Bad Request\r\n" * 9, "the program there is not a dask scheduler", QUICK),
    ],
    ids=["silent", "another server"],
)
def test_what_is_no_scheduler_is_told_from_one_that_is_away(puffin, env, shop, answer, why, patience):
    shop.add(*forge_sdist("thing"))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                taken.append(server.accept()[0])
                taken[-1].sendall(answer)

    taken = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=serve)
        thread.start()
        puffin.executor = "tcp://{}:{}".format(*server.getsockname())
        done = puffin.sync("thing==1.0\n", "-i", shop.url, env=patience)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in taken:
            each.close()
    assert done.code == 75
    said = f"error: Failed to connect to the scheduler at `{puffin.executor}`\n  ╰─▶ {why}\n"
    assert said in done.err


TLS = ("--executor", "tls://h:1", "--tls-ca", "x")
WRONG = [
    (("--executor", "tcp://host"), {}, "`tcp://host` is not the address of a scheduler"),
    (("--shared-filesystem",), {}, "`--shared-filesystem` needs a scheduler"),
    (("--executor", "tcp://h:1", "--tls-ca", "x"), {}, "`tcp://h:1` is a scheduler without TLS"),
    (TLS, {}, "`--tls-ca`, `--tls-cert` and `--tls-key` belong together: give all three or none"),
    ((*TLS, "--tls-cert", "x", "--tls-key", "x"), {}, "There is no file `[TMP]/here/x`"),
    (
        ("--dashboard",),
        {"PUFFIN_SCHEDULER": "tcp://h:1"},
        "The dashboard shows the cluster executor, not `tcp://h:1`",
    ),
    ((), {"PUFFIN_SCHEDULER": "elsewhere"}, "`elsewhere` is not an executor"),
    (
        ("--executor", "tcp://h:1"),
        {"PUFFIN_WORKER_TIMEOUT": "soon"},
        "`PUFFIN_WORKER_TIMEOUT=soon` is not a number of seconds above 0",
    ),
]


@pytest.mark.parametrize(("words", "env", "told"), WRONG)
def test_what_is_asked_for_wrongly(puffin, words, env, told):
    puffin.file("requirements.txt", "")
    done = puffin("pip", "sync", "requirements.txt", *words, env=env)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: {told}")


def test_no_workers(puffin, env, shop, make):
    shop.add(*forge_sdist("thing"))
    puffin.executor = make().address
    done = puffin.sync("thing==1.0\n", "-i", shop.url, env=QUICK)
    assert (done.code, done.err.splitlines()[-3:]) == (
        75,
        [
            f"error: The scheduler at `{puffin.executor}` has no workers, and none came within 8 s",
            "",
            "hint: start one with `dask worker ADDRESS` in an environment that has puffin installed",
        ],
    )


def test_workers_without_puffin_or_with_another_are_told_and_left_unharmed(puffin, env, shop, make):
    shop.add(*forge_sdist("thing"))
    farm = make()
    without, other = farm.worker(customize=HIDDEN), farm.worker(customize=OTHER_VERSION)
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("thing==1.0\n", "-i", shop.url)
    assert done.code == 2
    assert f"error: The scheduler at `{farm.address}` and its workers cannot be used\n" in done.err
    assert f"  `{without.address}` has no puffin installed\n" in done.err
    from puffin import __version__

    assert f"  `{other.address}` has puffin 0.0.1, and not {__version__}\n" in done.err
    assert without.is_alive()
    assert other.is_alive()
    good = farm.worker()
    farm.ready()
    done = puffin.sync(None, "-i", shop.url)
    assert done.code == 0, done.err
    assert f"warning: The worker `{without.address}` is not used: it has no puffin installed\n" in done.err
    assert list(good.cache.glob("built-wheels-v0/*/*/*.wheel/thing-1.0-py3-none-any.whl"))
    assert "Traceback" not in farm.logs()


def test_no_worker_has_the_interpreter(puffin, env, shop, make):
    shop.add(*forge_sdist("thing"))
    farm = make()
    worker = farm.worker(customize=OTHER_PYTHON)
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("thing==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "Failed to build `thing==1.0`: no worker has cpython 3." in done.err
    assert f"`{worker.address}` has cpython 2.7 (cp27m, " in done.err


def test_one_of_four_workers_is_killed_while_it_builds(puffin, env, shop, make, tmp_path):
    hook(shop, "victim", once(tmp_path / "done", KILL))
    for name in ("one", "two", "three"):
        shop.add(*forge_sdist(name))
    farm = make()
    for _ in range(4):
        farm.worker()
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("victim==1.0\none==1.0\ntwo==1.0\nthree==1.0\n", "-i", shop.url)
    assert done.code == 0, done.err
    assert sorted(env.installed()) == ["one", "three", "two", "victim"]
    assert sorted(worker.is_alive() for worker in farm.workers) == [False, True, True, True]


def test_a_build_that_takes_two_workers_down_fails_alone(puffin, env, shop, make):
    hook(shop, "poison", KILL)
    shop.add(*forge_sdist("fine"))
    farm = make()
    for _ in range(3):
        farm.worker(threads=2)
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("poison==1.0\nfine==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "Failed to build `poison==1.0`: 2 workers failed to build it" in done.err
    assert done.err.count(" was lost") == 2
    assert "fine" not in done.err
    assert sum(worker.is_alive() for worker in farm.workers) == 1
    assert list(puffin.cache.glob("built-wheels-v0/*/*/*.wheel/fine-1.0-py3-none-any.whl"))


def test_a_nanny_starts_another_worker(puffin, env, shop, make, tmp_path):
    hook(shop, "victim", once(tmp_path / "done", KILL))
    farm = make()
    farm.worker(nanny=True)
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("victim==1.0\n", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"victim": "1.0"}


def test_all_workers_are_lost(puffin, env, shop, make):
    hook(shop, "poison", KILL)
    farm = make()
    farm.worker()
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("poison==1.0\n", "-i", shop.url, env=QUICK)
    assert done.code == 75
    assert (
        f"The scheduler at `{farm.address}` has lost all of its workers, and none came within 8 s" in done.err
    )


def test_a_worker_that_hangs_is_given_up(puffin, env, shop, make, tmp_path):
    code = KILL_WORKER + "os.kill(worker, signal.SIGSTOP)\ntime.sleep(600)\n"
    hook(shop, "sleeper", once(tmp_path / "done", code))
    farm = make()
    farm.worker()
    farm.worker()
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("sleeper==1.0\n", "-i", shop.url, env={"PUFFIN_WORKER_TIMEOUT": "6"})
    assert done.code == 0, done.err
    assert env.installed() == {"sleeper": "1.0"}


def test_a_build_that_takes_too_long_is_ended_there(puffin, env, shop, make, tmp_path):
    note = tmp_path / "pid"
    hook(shop, "long", f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    farm = make()
    farm.worker()
    farm.ready()
    puffin.executor = farm.address
    done = puffin.sync("long==1.0\n", "-i", shop.url, env={"PUFFIN_REMOTE_BUILD_TIMEOUT": "6"})
    assert done.code == 1
    assert "took longer than 6 s and was ended" in done.err
    until(lambda: not is_running(int(note.read_text())))
    assert farm.workers[0].is_alive()


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def running_build(puffin, shop, farm, note):
    """Start a sync whose build waits, and return it when that has begun."""
    hook(shop, "long", f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    puffin.file("requirements.txt", "long==1.0\n")
    words = ("pip", "sync", "requirements.txt", "-i", shop.url, "--executor", farm.address)
    process = subprocess.Popen(
        [sys.executable, "-m", "puffin", *words], cwd=puffin.cwd, env=puffin.environ(**QUICK), stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    until(lambda: note.exists() and note.read_text())
    return process


def test_the_scheduler_dies_while_a_worker_builds(puffin, env, shop, make, tmp_path):
    farm = make()
    farm.worker()
    farm.ready()
    before = env.tree()
    process = running_build(puffin, shop, farm, tmp_path / "pid")
    farm.scheduler.kill()
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 75
    assert f"The scheduler at `{farm.address}` no longer answers" in told
    assert "Traceback" not in told
    assert env.tree() == before
    until(lambda: not is_running(int((tmp_path / "pid").read_text())))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_compilers_end_when_nobody_waits_for_them(puffin, env, shop, make, tmp_path, number):
    farm = make()
    farm.worker()
    farm.ready()
    process = running_build(puffin, shop, farm, tmp_path / "pid")
    process.send_signal(number)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in told
    until(lambda: not is_running(int((tmp_path / "pid").read_text())))
    assert farm.workers[0].is_alive()
