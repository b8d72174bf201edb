"""The inline executor: this process, and one forked child where that pays. No dask, no heavy import."""

import os

from puffin.pipeline import lifeline
from puffin.pipeline.graph import unit_weight
from puffin.pipeline.lost import describe_exit, run_surviving
from puffin.pipeline.pull import PullQueue, taker
from puffin.pipeline.runner import Runner
from puffin.pipeline.waves import run_here, run_waves
from puffin.pipeline.wire import Inbox, encode, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.pull import Parcel
    from puffin.pipeline.task import Outcome

    Record = Callable[[Outcome], None]

FORK_FROM_UNITS = 8
FORK_FROM_WEIGHT = 4 * 1024 * 1024


class InlineExecutor:
    """Runs units in waves in this process; ``jobs`` of 2 or more allows one forked child beside it.

    While builds run, on as many threads as there are jobs, no child is forked.
    """

    name = "inline"
    fuse = True
    address = ""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, ledger: "Ledger", notify: "Record") -> None:
        """Run the graph to its end."""

        def record(outcome: "Outcome") -> None:
            for each in ledger.record(outcome):
                notify(each)

        run_waves(ledger, self._jobs, record, lambda parcels: self.wave(parcels, ledger, record))

    def wave(self, parcels: "Sequence[Parcel]", ledger: "Ledger", record: "Record") -> None:
        """Run *parcels* of *ledger* to their end; *record* gets each outcome."""
        if self._jobs > 1 and _pays(parcels):
            run_surviving(parcels, lambda some: run_with_child(some, record), ledger, record)
        else:
            run_here(parcels, record)

    def close(self) -> None:
        """Nothing outlives a run."""


def _pays(parcels: "Sequence[Parcel]") -> bool:
    if not hasattr(os, "fork") or len(parcels) < 2:
        return False
    return len(parcels) >= FORK_FROM_UNITS or sum(unit_weight(unit) for unit, _ in parcels) > FORK_FROM_WEIGHT


def run_with_child(parcels: "Sequence[Parcel]", record: "Record") -> str:
    """Run *parcels* in this process and a forked child; return how the child was lost, or ``""``.

    A single parcel runs in the child alone, for the sake of this process.
    """
    queue = PullQueue(len(parcels))
    child = Child(queue, parcels)
    try:
        if len(parcels) > 1:
            Runner(taker(queue, parcels), child.between(record)).run()
        return child.finish(record)
    except BaseException:
        child.kill()
        raise
    finally:
        queue.close()


class Child:
    """A forked process that pulls units and sends outcomes through a pipe."""

    def __init__(self, queue: PullQueue, parcels: "Sequence[Parcel]") -> None:
        self._inbox = Inbox()
        lifeline.prepare()
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._reader)
            be_child(queue, parcels, writer)
        os.close(writer)

    def between(self, record: "Record") -> "Record":
        """Return *record* extended: after each own outcome it takes in what the child has sent by then."""
        os.set_blocking(self._reader, False)

        def record_both(outcome: "Outcome") -> None:
            record(outcome)
            try:
                self._take_in(os.read(self._reader, 1 << 16), record)
            except BlockingIOError:
                pass

        return record_both

    def finish(self, record: "Record") -> str:
        """Take in the rest and wait for the child; return how it was lost, or ``""``."""
        os.set_blocking(self._reader, True)
        while data := os.read(self._reader, 1 << 20):
            self._take_in(data, record)
        os.close(self._reader)
        return describe_exit(os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1]))

    def _take_in(self, data: bytes, record: "Record") -> None:
        for outcome in self._inbox.feed(data):
            record(outcome)

    def kill(self) -> None:
        """End the child now."""
        try:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def be_child(queue: PullQueue, parcels: "Sequence[Parcel]", writer: int) -> "NoReturn":
    """Be a forked worker: pull, run, send outcomes, and leave without touching anything of the parent's."""
    code = 1
    try:
        lifeline.follow()
        Runner(taker(queue, parcels), lambda outcome: send(writer, encode(outcome))).run()
        code = 0
    except (KeyboardInterrupt, BrokenPipeError):
        code = 130
    finally:
        os._exit(code)
