"""A build never outlives puffin, however puffin ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from puffin.stages.build.job import HookJob
from tests.helpers.backends import build_environment, hook_job, installed_job, source_tree
from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import lives, until

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at processes in /proc")

ROOT = str(CHECKOUT)

# A hook with a command that has a command, as compilers are run.
BUSY = """
import subprocess, time
def build_wheel(wheel_directory, *_):
    shell = subprocess.Popen(["sh", "-c", "echo $$ > shell; sleep 600 & echo $! > compiler; mv compiler done; wait"])
    while not os.path.exists("done"):
        time.sleep(0.001)
    with open("hook.tmp", "w") as file:
        file.write(f"{os.getpid()} {os.getppid()}")
    os.rename("hook.tmp", "hook")
    STAY
"""
STAYS = {
    "sleeps": "time.sleep(600)",
    "holds the interpreter lock": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "ignores signals": "import signal\n"
    "    for each in (1, 2, 15, 29): signal.signal(each, signal.SIG_IGN)\n"
    "    time.sleep(600)",
}

SCRIPT = """
import os, signal, sys
sys.path.insert(0, {root!r})
from puffin.stages.build.hooks import run_hooks
from puffin.stages.build.job import HookJob
class Terminated(BaseException):
    pass
def terminate(*_):
    raise Terminated
signal.signal(signal.SIGTERM, terminate)
{before}
try:
    run_hooks({job!r})
except (KeyboardInterrupt, Terminated):
    sys.exit(3)
"""


_seen: list[int] = []


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    """End what a failed test would leave running."""
    _seen.clear()
    yield
    for pid in _seen:
        if lives(pid):
            os.kill(pid, signal.SIGKILL)


def processes(tree: Path) -> list[int]:
    """Return the hook's process, its supervisor, the shell and the compiler, once all of them run."""
    until(lambda: (tree / "hook").exists())
    found = [int(text) for name in ("hook", "shell", "done") for text in (tree / name).read_text().split()]
    _seen.extend(found)
    return found


def start(job: HookJob, before: str = "") -> subprocess.Popen[bytes]:
    script = SCRIPT.format(root=ROOT, job=job, before=before)
    return subprocess.Popen([sys.executable, "-c", script], start_new_session=True)


@pytest.mark.parametrize("stay", STAYS)
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name
)
def test_a_build_ends_with_puffin(tmp_path: Path, stay: str, number: int) -> None:
    tree = source_tree(tmp_path, BUSY.replace("STAY", STAYS[stay]))
    with start(hook_job(tmp_path, tree)) as process:
        pids = processes(tree)
        assert len(pids) == 4
        assert all(map(lives, pids))
        process.send_signal(number)
        assert process.wait() == (-9 if number == signal.SIGKILL else 3)
        if number != signal.SIGKILL:
            assert not any(map(lives, pids[:2]))  # puffin has waited for them
        until(lambda: not any(map(lives, pids)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_forked_build_ends_with_puffin(tmp_path: Path, number: int) -> None:
    environment = build_environment(tmp_path, BUSY.replace("STAY", STAYS["sleeps"]))
    job = installed_job(tmp_path, environment, share="key")
    with start(job) as process:
        pids = processes(Path(job.tree))
        process.send_signal(number)
        process.wait()
        until(lambda: not any(map(lives, pids)))


def test_a_child_of_puffin_that_lives_on_does_not_keep_a_build(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, BUSY.replace("STAY", STAYS["sleeps"]))
    before = f"""
import threading, time
def fork():
    while not os.path.exists({str(tree / "hook")!r}):
        time.sleep(0.001)
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    with open({str(tree / "forked.tmp")!r}, "w") as file:
        file.write(str(pid))
    os.rename({str(tree / "forked.tmp")!r}, {str(tree / "forked")!r})
threading.Thread(target=fork, daemon=True).start()
"""
    with start(hook_job(tmp_path, tree), before) as process:
        pids = processes(tree)
        until(lambda: (tree / "forked").exists())
        _seen.append(int((tree / "forked").read_text()))
        process.kill()
        process.wait()
        until(lambda: not any(map(lives, pids)))
        assert lives(_seen[-1])


def test_a_build_ends_with_its_supervisor(tmp_path: Path) -> None:
    tree = source_tree(tmp_path, BUSY.replace("STAY", STAYS["sleeps"]))
    with start(hook_job(tmp_path, tree)) as process:
        pids = processes(tree)
        os.kill(pids[1], 9)
        assert process.wait() == 1
        until(lambda: not any(map(lives, pids)))
