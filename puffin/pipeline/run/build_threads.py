"""Units that wait for another process, run on threads of this one as soon as their inputs are there.

A build waits for its backend all the time. So builds need no workers of puffin's, only a limit to how many run at
once; and those of one affinity, which share a warm backend, run one after the other while there is other work.
"""

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

import puffin.forks  # noqa: F401 - it makes forks safe after these threads
from puffin.pipeline.graph.task import Outcome
from puffin.pipeline.run.runner import WorkItem, run_unit

Record = Callable[[Outcome], None]


class BuildThreads:
    """Runs items on at most *jobs* threads. Threads end with this process, whatever they wait for."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._waiting: list[WorkItem] = []
        self._running: list[str] = []
        self._warm: set[str] = set()
        self._ended: SimpleQueue[tuple[str, list[Outcome]]] | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._running or self._waiting)

    def add(self, items: list[WorkItem]) -> None:
        """Take *items* in and start what there is room for."""
        self._waiting += items
        self._fill()

    def ended(self, *, wait: bool) -> list[Outcome]:
        """Return the outcomes of a item that ended; with *wait* there is one, else perhaps none."""
        if self._ended is None:
            return []
        try:
            affinity, outcomes = self._ended.get(block=wait)
        except Empty:
            return []
        self._running.remove(affinity)
        self._warm.add(affinity)
        self._fill()
        return outcomes

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._jobs:
            chosen = min(self._waiting, key=self._order)
            self._waiting.remove(chosen)
            self._start(chosen)

    def _order(self, item: WorkItem) -> tuple[bool, int, bool, int]:
        """Prefer what no running one shares, then what most others share, then what is warm, then what is long."""
        affinity = item[0][0].affinity
        others = sum(1 for unit, _ in self._waiting if unit[0].affinity == affinity)
        is_shared = affinity in self._running and bool(affinity)
        return is_shared, -others, affinity not in self._warm, -item[0][0].weight

    def _start(self, item: WorkItem) -> None:
        if self._ended is None:
            self._ended = SimpleQueue()
        self._running.append(item[0][0].affinity)
        Thread(target=self._run, args=(item,), name="puffin-builds", daemon=True).start()

    def _run(self, item: WorkItem) -> None:
        unit, inputs = item
        outcomes: list[Outcome] = []
        try:
            run_unit(unit, inputs, {}, outcomes.append, str(os.getpid()))
        finally:
            assert self._ended is not None
            self._ended.put((unit[0].affinity, outcomes))
