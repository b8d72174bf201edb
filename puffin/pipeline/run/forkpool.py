"""A pool of forked processes with the ``submit`` that dask's local schedulers ask of a pool.

Its workers are forked once, before this process has any thread, and inherit what they work on, so a
call carries nothing but its name. Besides the result of a call they send what it emits on the way.
"""

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from puffin.forks import silence
from puffin.pipeline.run.wire import pickled, unpickled
from puffin.pipeline.run.worker_loss import exit_of, fork_child
from puffin.signals import Uninterrupted

_EMITTED, _RESULT, _ERROR = b"o", b"r", b"e"  # what a message from a worker begins with


class PoolBroken(Exception):
    """A worker of the pool is gone; the text says how."""


class ForkPool:
    """*count* forked workers. ``emitted`` gets, on a thread of this process, what the calls emit."""

    def __init__(self, count: int, emitted: Callable[[bytes], None]) -> None:
        self._emitted = emitted
        self._pids: dict[Any, int] = {}
        self._calls: dict[Any, Future[Any]] = {}
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self._fork_all(count)
        self._max_workers = self.size  # the name dask.multiprocessing looks for
        self._reader = threading.Thread(target=self._read, name="puffin-pool", daemon=True)
        self._reader.start()

    def _fork_all(self, count: int) -> None:
        """Fork as many as the system allows; raises its refusal (``OSError``) where it allows none."""
        for _ in range(count):
            try:
                self._fork()
            except OSError:
                if not self._pids:
                    raise
                return

    @property
    def size(self) -> int:
        return len(self._pids)

    def _fork(self) -> None:
        here, there = Pipe()
        try:
            pid = fork_child(lambda: _be_worker(there, (here, *self._pids)))
        except OSError:
            here.close()
            there.close()
            raise
        there.close()
        self._pids[here] = pid
        self._idle.append(here)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a picklable call on an idle worker (dask never submits more than there are workers)."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if not self._idle:
                future.set_exception(PoolBroken("no worker is left"))
                return future
            worker = self._idle.pop()
            self._calls[worker] = future
        try:
            worker.send_bytes(pickle.dumps((function, arguments)))
        except OSError as error:
            self._lost(worker, error)
        return future

    def _read(self) -> None:
        try:
            while open_ends := list(self._pids):
                for worker in wait(open_ends, silence()) or self._end_silent():
                    self._receive(worker)
        except BaseException as error:  # whatever it is, nobody may wait for an answer that cannot come
            with self._lock:
                calls, self._calls = self._calls, {}
            for future in calls.values():
                future.set_exception(error)

    def _end_silent(self) -> list[Any]:
        """Kill the workers that have said nothing for too long about what they were asked."""
        with self._lock:
            silent = list(self._calls)
        for worker in silent:
            os.kill(self._pids[worker], signal.SIGKILL)
        return silent

    def _receive(self, worker: Any) -> None:
        try:
            message = worker.recv_bytes()
        except (EOFError, OSError) as error:
            self._lost(worker, error)
            return
        kind, payload = message[:1], message[1:]
        if kind == _EMITTED:
            self._emitted(payload)
            return
        with self._lock:
            future = self._calls.pop(worker)
            self._idle.append(worker)
        if kind == _RESULT:
            future.set_result(pickle.loads(payload))
        else:
            future.set_exception(unpickled(payload))

    def _lost(self, worker: Any, _error: Exception) -> None:
        with self._lock:
            pid = self._pids.pop(worker, None)
            future = self._calls.pop(worker, None)
            if worker in self._idle:
                self._idle.remove(worker)
        if pid is None:
            return
        worker.close()
        how = exit_of(pid)
        if future is not None:
            future.set_exception(PoolBroken(how or "ended before its work"))

    def close(self) -> None:
        """End the workers, at once, and wait until they are gone."""
        with Uninterrupted():
            for pid in list(self._pids.values()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._reader.join()


_outlet: "Connection[Any, Any] | None" = None


def emit(data: bytes) -> None:
    """In a worker: send *data* to the pool's ``emitted``."""
    if _outlet is None:
        raise RuntimeError("only a worker of a ForkPool can emit")
    _outlet.send_bytes(_EMITTED + data)


def _be_worker(connection: "Connection[Any, Any]", others: Iterable[Any]) -> None:
    global _outlet
    for other in others:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the driver decides
    _outlet = connection
    try:
        while True:
            _answer(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the driver is gone or done


def _answer(connection: "Connection[Any, Any]") -> None:
    function, arguments = pickle.loads(connection.recv_bytes())
    try:
        message = _RESULT + pickle.dumps(function(*arguments))
    except Exception as error:
        message = _ERROR + pickled(error)
    connection.send_bytes(message)
