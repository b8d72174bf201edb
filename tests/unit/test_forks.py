"""A fork waits for threads that have ended for Python but not for the system."""

import ctypes
import os
import sys
import threading
import time

import pytest

import puffin.forks

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


def test_a_fork_waits_for_a_thread_that_is_ending():
    assert _fork() == threading.active_count()
    _native_thread(200_000)
    assert len(os.listdir("/proc/self/task")) == threading.active_count() + 1
    assert _fork() == threading.active_count()


def test_a_thread_that_does_not_end_is_waited_for_once(monkeypatch):
    monkeypatch.setattr(puffin.forks, "_PATIENCE", 0.1)
    monkeypatch.setattr(puffin.forks, "_others", 0)
    _native_thread(1_500_000)
    began = time.monotonic()
    assert _fork() == threading.active_count() + 1
    assert time.monotonic() - began >= 0.1
    assert puffin.forks._others == 1
    assert _fork() == threading.active_count() + 1
