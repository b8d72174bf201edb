"""The inline executor: this process, and one forked child if that pays. It does not import dask."""

import os
from _thread import allocate_lock

from puffin.pipeline.graph.ledger import unit_weight
from puffin.pipeline.run.executor import FEW
from puffin.pipeline.run.runner import run_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Outcome
    from puffin.pipeline.run.build_threads import BuildThreads as Builds
    from puffin.pipeline.run.runner import WorkItem

    Record = Callable[[Outcome], None]

FORK_FROM_UNITS = 8
FORK_FROM_WEIGHT = 4 * 1024 * 1024
FORK_FROM_LINKS = 1500  # of units that only link: a child begins and ends in the time of so many


class InlineExecutor:
    """Runs units in waves in this process; ``jobs`` of 2 or more allows one forked child beside it.

    While builds run, on as many threads as there are jobs, no child is forked.
    """

    name = "inline"
    address = ""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, ledger: "Ledger", notify: "Record") -> None:
        run_waves(ledger, self._jobs, notify, lambda items, record: self.wave(items, ledger, record))

    def wave(self, items: "Sequence[WorkItem]", ledger: "Ledger", record: "Record") -> None:
        """Run *items* of *ledger* to their end; *record* gets each outcome."""
        if sum([unit[0].waits for unit, _ in items]) > FEW:
            from puffin.pipeline.run.memory import keep_freed_memory

            keep_freed_memory()
        if self._jobs > 1 and _pays(items):
            from puffin.pipeline.run.child import run_in_two

            run_in_two(items, ledger, record)
        else:
            run_here(items, record)

    def close(self) -> None:
        """Nothing outlives a run."""


def _pays(items: "Sequence[WorkItem]") -> bool:
    if not hasattr(os, "fork") or len(items) < 2:
        return False
    linked = sum([unit[0].links for unit, _ in items])
    others = [unit for unit, _ in items if not unit[0].links]
    much = len(others) >= FORK_FROM_UNITS or sum(map(unit_weight, others)) > FORK_FROM_WEIGHT
    return much or linked >= FORK_FROM_LINKS


def run_waves(
    ledger: "Ledger", jobs: int, notify: "Record", wave: "Callable[[Sequence[WorkItem], Record], None]"
) -> None:
    """Run the graph to its end: *wave* runs items and records their outcomes, and builds run on *jobs* threads.

    *notify* sees each outcome, on one thread at a time. While there are threads, nothing is forked, so what comes up
    meanwhile runs in this process.
    """
    lock = allocate_lock()

    def record(outcome: "Outcome") -> None:
        with lock:
            for each in ledger.record(outcome):
                notify(each)

    builds: Builds | None = None
    while (units := ledger.take_ready()) or (builds is not None and builds.is_busy):
        items = [(unit, ledger.inputs_of(unit)) for unit in units if not unit[0].grows]
        growing = [(unit, ledger.inputs_of(unit)) for unit in units if unit[0].grows]
        if growing:
            from puffin.pipeline.run.build_threads import BuildThreads

            builds = builds or BuildThreads(jobs)
            builds.add(growing)
        if builds is None or not builds.is_busy:
            wave(items, record)
            continue
        if items:
            run_here(items, record)
        for outcome in builds.ended(wait=not items):
            record(outcome)
