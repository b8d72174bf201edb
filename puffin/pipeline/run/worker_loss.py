"""Lost processes: work whose worker died is tried again, then alone; children end when their parent does.

A child that works on after its parent was killed holds files open and finishes what nobody waits for. Each child has
the reading end of a pipe whose only writing end is the parent's: when that closes, the kernel sends SIGIO, which ends
a process that does not handle it, whatever it is doing.
"""

import os
import time

from puffin.errors import PuffinError
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.task import FAILED, LOST, Outcome, Task
from puffin.pipeline.run.runner import WorkItem
from puffin.types import Callable, Sequence

Wave = Callable[[Sequence[WorkItem]], str]


_ends: "tuple[int, int, int] | None" = None  # of the pipe that children follow, and the process that made it


class WorkerLost(PuffinError):
    """A worker process died whenever it had this work."""

    sentence = "The process that worked on `{label}` {how}"
    label: str
    how: str


def run_surviving(
    items: "Sequence[WorkItem]", wave: "Wave", ledger: "Ledger", record: "Callable[[Outcome], None]"
) -> None:
    """Run *items* with *wave*, which says how a worker was lost (or ``""``).

    What a lost worker took with it is run again with the rest, then each unit alone, so that a unit that
    kills its process takes no neighbour along; such a unit fails with :class:`WorkerLost`.
    """
    left = items
    for _ in range(2):
        how = wave(left)
        left = [item for item in left if any(task.key not in ledger.outcomes for task in item[0])]
        if not how or not left:
            return
        tell_lost(left, how, ledger)
    for item in left:
        how = wave([item])
        if how:
            for task in item[0]:
                record(failed_with_worker(task, how))


def tell_lost(items: "Sequence[WorkItem]", how: str, ledger: "Ledger") -> None:
    """Tell the ledger that the first task of each unit that has no outcome was lost with its process."""
    for unit, _ in items:
        task = next((task for task in unit if task.key not in ledger.outcomes), None)
        if task is not None:
            ledger.attempted(task, lost_attempt(task, how))


def lost_attempt(task: "Task", how: str) -> Outcome:
    """Return the outcome of an attempt that ended with its process; when it began nobody knows."""
    now = time.time()
    return Outcome(key=task.key, status=LOST, error=_error(task, how), started=now, ended=now)


def failed_with_worker(task: "Task", how: str) -> Outcome:
    """Return the outcome of a task whose worker died each time."""
    return Outcome(key=task.key, status=FAILED, error=_error(task, how))


def _error(task: "Task", how: str) -> WorkerLost:
    return WorkerLost(label=task.label, how=how, package=task.label)


def describe_exit(status: int) -> str:
    """Return how a process ended, from its exit code (negative: a signal); ``""`` for 0."""
    if status == 0:
        return ""
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


def prepare_children() -> None:
    """In the parent: make the pipe that children forked from now on will follow."""
    global _ends
    if _ends is None:
        _ends = (*os.pipe(), os.getpid())


def fork_child(body: "Callable[[], None]") -> int:
    """Fork a child that does *body*, follows this process and ends; return its id. Raises ``OSError`` if refused."""
    prepare_children()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        follow_parent()
        body()
        code = 0
    except (KeyboardInterrupt, BrokenPipeError):
        code = 130
    finally:
        os._exit(code)


def exit_of(pid: int) -> str:
    """Wait for a child; return how it was lost, or ``""``."""
    return describe_exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _let_go() -> None:
    """In every forked child: close the parent's end."""
    if _ends is not None:
        os.close(_ends[1])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def follow_parent() -> None:
    """In a child forked after :func:`prepare_children`: end when the parent ends."""
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
