"""Children: forks in a process that had threads, and waits for what children say.

A fork waits until ended threads are gone.

Before Python 3.13 ``Thread.join`` returns while the thread still runs its destructors. OpenSSL's take a lock. A fork
in that moment leaves the lock taken in the child for ever, and the child hangs at its first TLS connection. So a fork
waits until all ended threads are gone. Modules that start threads import this one for that.

A child that says nothing for an hour, or for ``PUFFIN_CHILD_TIMEOUT`` seconds, is taken for lost.
"""

import os
import sys
import time

_PATIENCE = 2.0  # seconds; destructors take microseconds, or milliseconds on a busy machine
_PAUSE = 0.0005  # seconds
_SILENCE = 3600.0  # seconds
_others = 0  # threads that Python does not know and that do not end


def _wait_for_ended_threads() -> None:
    """Wait until the system has no more threads of this process than Python knows."""
    global _others
    threading = sys.modules.get("threading")
    if threading is None:
        return
    deadline = time.monotonic() + _PATIENCE
    while (count := _threads()) > threading.active_count() + _others:
        if time.monotonic() > deadline:
            _others = count - threading.active_count()
            return
        time.sleep(_PAUSE)


class ChildSilent(Exception):
    """A child has said nothing for too long; the text tells how long."""


def silence() -> float:
    """Return how many seconds a child may say nothing."""
    try:
        return float(os.environ.get("PUFFIN_CHILD_TIMEOUT") or _SILENCE)
    except ValueError:
        return _SILENCE


def silent() -> ChildSilent:
    """Return the error for a child that has said nothing for too long."""
    return ChildSilent(f"did not answer for {silence():g} s")


def hear(reader: int, count: int) -> bytes:
    """Read what a child says, at most *count* bytes, ``b""`` at its end; raises :class:`ChildSilent`."""
    import select

    if hasattr(select, "poll"):  # not on Windows, where pipes cannot be waited for
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        if not poll.poll(silence() * 1000):
            raise silent()
    return os.read(reader, count)


def available_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _threads() -> int:
    """Return how many threads of this process the system has, 0 where it does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def _forget() -> None:
    """Forget the threads of the parent, which a child does not have."""
    global _others
    _others = 0


if sys.version_info < (3, 13) and hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_ended_threads, after_in_child=_forget)
