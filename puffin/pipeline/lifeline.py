"""Forked children that end when their parent does, however it ends.

A child that works on after its parent was killed holds files open and finishes what nobody waits for. Each
child has the reading end of a pipe whose only writing end is the parent's: when that closes, the kernel
sends SIGIO, which ends a process that does not handle it, whatever it is doing.
"""

import os

_ends: "tuple[int, int, int] | None" = None


def prepare() -> None:
    """In the parent: make the pipe that children forked from now on will follow."""
    global _ends
    if _ends is None:
        _ends = (*os.pipe(), os.getpid())


def _let_go() -> None:
    """In every forked child: close the parent's end."""
    if _ends is not None:
        os.close(_ends[1])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def follow() -> None:
    """In a child forked after :func:`prepare`: end when the parent ends."""
    global _ends
    if _ends is None:
        return
    (inherited, _, parent), _ends = _ends, None
    try:
        import fcntl

        # An owner belongs to an open file, and forked processes share that: each needs one of its own.
        reader = os.open(f"/proc/self/fd/{inherited}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.close(inherited)
        fcntl.fcntl(reader, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(reader, fcntl.F_SETFL, fcntl.fcntl(reader, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        return  # a system whose pipes send no signals: such a child ends with its next message
    if os.getppid() != parent:
        os._exit(1)
