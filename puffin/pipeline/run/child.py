"""The forked child beside the inline executor. Runs that fork none do not import it."""

import os

from puffin.cache.atomic import write_all
from puffin.forks import ChildSilent, hear
from puffin.pipeline.run.runner import QueueReader, Runner, WorkQueue, run_here
from puffin.pipeline.run.wire import Inbox, encode_outcome
from puffin.pipeline.run.worker_loss import exit_of, fork_child, run_surviving
from puffin.signals import Uninterrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Outcome
    from puffin.pipeline.run.runner import Pending, WorkItem

    Record = Callable[[Outcome], None]

_ROOM = 1 << 20  # bytes read from the child at once


def run_in_two(items: "Sequence[WorkItem]", ledger: "Ledger", record: "Record") -> None:
    """Run *items* of *ledger* in this process and a forked child; what a child takes along with it is run again."""
    run_surviving(items, lambda some: run_with_child(some, record), ledger, record)


def run_with_child(items: "Sequence[WorkItem]", record: "Record") -> str:
    """Run *items* in this process and a forked child; return how the child was lost, or ``""``.

    A single item runs in the child alone, for the sake of this process.
    """
    queue = WorkQueue(len(items))
    try:
        child = Child(queue, items, record)
    except OSError:  # a limit on processes or open files
        queue.close()
        run_here(items, record)
        return ""
    try:
        if len(items) > 1:
            take = QueueReader(queue, items)
            Runner(take, child.record, wait=child.wait, left=lambda: take.left).run()
        return child.finish()
    except BaseException:
        child.kill()
        raise
    finally:
        queue.close()


class Child:
    """A forked process that pulls units and sends outcomes through a pipe, on which this process never waits alone.

    *record* gets its outcomes, and those of this process.
    """

    def __init__(self, queue: WorkQueue, items: "Sequence[WorkItem]", record: "Record") -> None:
        self._record = record
        self._inbox = Inbox()
        self._reader, writer = os.pipe()
        try:
            self._pid = fork_child(lambda: self._run_queued(queue, items, writer))
        except OSError:
            os.close(self._reader)
            os.close(writer)
            raise
        os.close(writer)
        os.set_blocking(self._reader, False)
        self._told = True
        self._bell: Bell | None = None

    def _run_queued(self, queue: WorkQueue, items: "Sequence[WorkItem]", writer: int) -> None:
        """In the child: pull, run and send outcomes, without touching anything of the parent's."""
        os.close(self._reader)
        take = QueueReader(queue, items)
        Runner(take, lambda outcome: write_all(writer, encode_outcome(outcome)), left=lambda: take.left).run()

    def record(self, outcome: "Outcome") -> None:
        """Record an outcome of this process, then the outcomes that the child has sent so far."""
        self._record(outcome)
        self._hear()

    def wait(self, pending: "Pending") -> None:
        """Wait until one of *pending* is done, and record the outcomes of the child meanwhile."""
        self._bell = self._bell or Bell()
        self._bell.watch(pending)
        while not any(future.done() for future in pending):
            if self._reader in self._bell.listen(self._reader if self._told else -1):
                self._hear()

    def finish(self) -> str:
        """Take in the rest and wait for the child; return how it was lost, or ``""``."""
        silent = ""
        try:
            while self._told:
                self._take(hear(self._reader, _ROOM))
        except ChildSilent as error:
            os.kill(self._pid, 9)
            silent = str(error)
        os.close(self._reader)
        if self._bell is not None:
            self._bell.close()
        how = exit_of(self._pid)
        return silent or how

    def _hear(self) -> None:
        try:
            data = os.read(self._reader, _ROOM)
        except BlockingIOError:
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._told = bool(data)
        for outcome in self._inbox.feed(data):
            self._record(outcome)

    def kill(self) -> None:
        with Uninterrupted():
            try:
                os.kill(self._pid, 9)
                os.waitpid(self._pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass


class Bell:
    """Rings when tasks on other threads are done, so that one can wait for these and for a pipe at once."""

    def __init__(self) -> None:
        self._listening, self._ringing = os.pipe()
        os.set_blocking(self._listening, False)
        os.set_blocking(self._ringing, False)
        self._watched: set[object] = set()

    def watch(self, pending: "Pending") -> None:
        for future in pending:
            if future not in self._watched:
                self._watched.add(future)
                future.add_done_callback(self._ring)

    def _ring(self, _future: object) -> None:
        try:
            os.write(self._ringing, b".")
        except OSError:
            pass  # it rings already, or nobody listens any more

    def listen(self, reader: int) -> "list[int]":
        """Wait until it rings, or there is something to read from *reader*; return what there is something from."""
        from select import POLLIN, poll

        waiting = poll()
        waiting.register(self._listening, POLLIN)
        if reader >= 0:
            waiting.register(reader, POLLIN)
        found = [descriptor for descriptor, _ in waiting.poll()]
        if self._listening in found:
            os.read(self._listening, 1 << 12)
        return found

    def close(self) -> None:
        os.close(self._listening)
        os.close(self._ringing)
