"""A fork waits for threads that have ended for Python but not for the system."""

import ctypes
import os
import subprocess
import sys
import time

import pytest

import puffin.forks
from tests.helpers.cli import CHECKOUT
from tests.helpers.waiting import SECONDS

pytestmark = [
    pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="the system does not list threads"),
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="join waits for the end of the thread"),
]


def _native_thread(microseconds: int) -> None:
    """Start a thread that Python does not know, as one is that runs its destructors."""
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    assert libc.pthread_create(ctypes.byref(thread), None, libc.usleep, ctypes.c_void_p(microseconds)) == 0
    libc.pthread_detach(thread)


def _fork() -> int:
    """Fork, and return how many threads there were in that moment."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    count = len(os.listdir("/proc/self/task"))
    os.waitpid(pid, 0)
    return count


def _in_a_process(name: str) -> None:
    """Run a function of this module in a process of its own: pytest-xdist has threads that Python does not count."""
    code = f"from tests.unit.test_forks import {name}; {name}()"
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=environ, check=True, timeout=SECONDS)


def test_a_fork_waits_for_a_thread_that_is_ending():
    _in_a_process("wait_for_a_thread_that_is_ending")


def wait_for_a_thread_that_is_ending():
    assert _fork() == 1
    _native_thread(200_000)
    assert len(os.listdir("/proc/self/task")) == 2
    assert _fork() == 1


def test_a_thread_that_does_not_end_is_waited_for_once():
    _in_a_process("wait_once_for_a_thread_that_does_not_end")


def wait_once_for_a_thread_that_does_not_end():
    puffin.forks._PATIENCE = 0.1
    _native_thread(60_000_000)  # it ends with the process
    began = time.monotonic()
    assert _fork() == 2
    assert time.monotonic() - began >= 0.1
    assert puffin.forks._others == 1
    puffin.forks._PATIENCE = 5.0
    began = time.monotonic()
    assert _fork() == 2
    assert time.monotonic() - began < 5
