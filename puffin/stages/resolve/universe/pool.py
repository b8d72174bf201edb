"""A few threads for work that waits for the network, started when they are needed."""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

import puffin.forks  # noqa: F401 - it makes forks safe after these threads

T = TypeVar("T")


class Dropped(Exception):
    """The pool was closed before the job was begun."""


class PoolJob(Generic[T]):
    """One piece of work, and its result or error when it is done."""

    def __init__(self, work: "Callable[[], T]") -> None:
        self._work: Callable[[], T] | None = work
        self._done = Event()
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work; its error is kept for :meth:`result`."""
        work, self._work = self._work, None
        try:
            if work is not None:
                self._result.append(work())
        except BaseException as error:
            self._error = error
        self._done.set()

    def drop(self) -> None:
        """Give the work up; :meth:`result` raises :class:`Dropped`."""
        self._error = Dropped()
        self._done.set()

    @property
    def done(self) -> bool:
        """Whether :meth:`result` answers at once."""
        return self._done.is_set()

    def result(self) -> T:
        """Wait for the work to be done, and return its result or raise its error."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]


class Pool:
    """At most *size* threads that do jobs in order; they start with the jobs.

    Threads do not keep the interpreter from exiting, and a forked child has none of them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[PoolJob[object] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._pending: list[PoolJob[Any]] = []
        self._closed = False
        self._process = os.getpid()

    def submit(self, work: "Callable[[], T]") -> "PoolJob[T]":
        """Have *work* done, and return its job at once."""
        job = PoolJob(work)
        if self._closed or self._process != os.getpid():
            job.drop()
            return job
        self._jobs.put(job)  # type: ignore[arg-type]
        self._pending.append(job)
        if len(self._threads) < self._size and self._jobs.qsize() > 0:
            self._start()
        if not self._size:
            self._jobs.get()
            job.run()
        return job

    def _start(self) -> None:
        thread = Thread(target=self._serve, name=f"puffin-resolve-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # a limit: those that are there do it all, or whoever submits does
            self._size = len(self._threads)
        else:
            self._threads.append(thread)

    @property
    def busy(self) -> bool:
        """Whether a job was submitted that is not done."""
        self._pending = [job for job in self._pending if not job.done]
        return bool(self._pending)

    def close(self, patience: float) -> None:
        """Drop the jobs that have not begun and wait for the rest, up to *patience* seconds."""
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job.drop()
        for _ in self._threads:
            self._jobs.put(None)
        until = monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
