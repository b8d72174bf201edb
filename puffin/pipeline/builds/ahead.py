"""Builds for metadata on the workers of a scheduler, while the resolver goes on."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Lock, Thread

import puffin.forks  # noqa: F401 - it makes forks safe after these threads
from puffin.pipeline.farm.farm import usable_workers
from puffin.pipeline.request.scheduler import Remote
from puffin.stages.resolve.universe.pages import PoolJob
from puffin.stages.resolve.universe.values import Built

Waiting = tuple[float, int, PoolJob[Built]]


class BuildsAhead:
    """As many builds at once as the workers of *remote* do; of those that wait, the longest begins first.

    Each has a thread of this process, which waits for its worker. Threads end with this process.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._lock = Lock()
        self._waiting: list[Waiting] = []
        self._numbers = count()
        self._running = 0
        self._most = 1  # until the scheduler was asked
        self._error: BaseException | None = None

    def begin(self, seconds: float, build: Callable[[], Built]) -> "PoolJob[Built]":
        """Have *build* done, which probably takes so many *seconds*, and return its job at once."""
        job = PoolJob(lambda: self._built(build))
        with self._lock:
            heappush(self._waiting, (-seconds, next(self._numbers), job))
            self._fill()
        return job

    def _built(self, build: Callable[[], Built]) -> Built:
        if self._error is not None:
            raise self._error
        return build()

    def _fill(self) -> None:
        """Start threads for what waits, with the lock held. Without any thread, all that waits fails."""
        for _ in range(min(len(self._waiting), self._most - self._running)):
            try:
                Thread(target=self._work, name="puffin-metadata", daemon=True).start()
            except Exception as error:
                if self._running:  # those that run do what waits
                    return
                self._error = error
                while self._waiting:
                    heappop(self._waiting)[2].run()
                return
            self._running += 1

    def _work(self) -> None:
        self._ask()
        while (job := self._next()) is not None:
            job.run()

    def _next(self) -> "PoolJob[Built] | None":
        with self._lock:
            if self._waiting:
                return heappop(self._waiting)[2]
            self._running -= 1
            return None

    def _ask(self) -> None:
        """Ask how many builds the workers do at once. If that fails in any way, so do all builds."""
        if self._error is not None:
            return
        try:
            slots, _ = usable_workers(self._remote)
        except BaseException as error:
            self._error = error
            return
        with self._lock:
            self._most = max(1, slots)
            self._fill()
