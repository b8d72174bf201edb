"""Work for the workers of a scheduler: the choice of a worker, and retries if it is lost."""

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import distributed

from puffin import meter
from puffin.pipeline.farm.errors import BuildLost, NoInterpreter, NoWorkers, RemoteCrashed, WorkersLost
from puffin.pipeline.farm.link import Link
from puffin.pipeline.farm.work import ask
from puffin.pipeline.request.scheduler import Remote, reached
from puffin.stages.build.remote import EVERYTHING

_WORK = "puffin.pipeline.farm.work:work"
_LOOK = 0.5
_LOST = (distributed.scheduler.KilledWorker, distributed.CancelledError, TimeoutError, OSError)

_farms: "dict[tuple[int, Remote], Farm]" = {}
_opening = threading.Lock()


def farm_for(remote: Remote) -> "Farm":
    """Return this process's farm at *remote*, connected and checked at the first call.

    Raises ``SchedulerUnreachable``, ``Unfit`` and ``NoWorkers``.
    """
    with _opening:
        key = (os.getpid(), remote)
        if key not in _farms:
            farm = Farm(remote)
            _farms[key] = farm
            reached.add(remote.address)
            atexit.register(close_farms)
        return _farms[key]


def is_open(remote: Remote) -> bool:
    """Tell whether this process is connected to *remote*."""
    return (os.getpid(), remote) in _farms


def usable_workers(remote: Remote) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return how many tasks the workers at *remote* run at once, and each worker that cannot be used with the reason.

    Raises what :func:`farm_for` raises.
    """
    farm = farm_for(remote)
    return farm.slots, tuple(sorted(farm.link.unfit.items()))


def close_farms() -> None:
    """Let go of all schedulers of this process."""
    while _farms:
        (process, _), farm = _farms.popitem()
        if process == os.getpid():
            farm.close()


class Farm:
    """The workers of one scheduler, for work that may be done by any of them; used by many threads."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.link = Link(remote)
        # servers that workers cannot reach
        self.unreachable: set[str] = {EVERYTHING} if remote.brings else set()
        self._listing = threading.Lock()
        self._listed: dict[str, frozenset[str]] = {}
        self._free = threading.Condition()
        self._busy: dict[str, int] = {}
        self._reserved: set[str] = set()
        self._able: dict[tuple[str, Any], tuple[bool, str]] = {}
        try:
            self.link.check_scheduler()
            self.link.wait_for_workers()
        except BaseException:
            self.link.close()
            raise

    @property
    def slots(self) -> int:
        return sum(int(facts["nthreads"]) for facts in self.link.fit().values())

    def run(
        self,
        name: str,
        label: str,
        reference: str,
        packed: bytes,
        needs: "WorkerNeeds",
        *,
        stage: str = "build",
        attempts: int = 2,
    ) -> tuple[str, bytes]:
        """Have a worker that meets *needs* run a function on *packed*; return the worker and the answer.

        What is lost with a worker, or takes too long, is tried up to *attempts* times, then elsewhere and with no other
        work beside it. ``stage`` and ``name`` show on dashboards, ``label`` in errors.
        Raises :class:`BuildLost`, :class:`NoInterpreter`, :class:`RemoteCrashed`, ``NoWorkers`` and ``SchedulerLost``.
        """
        tried: list[tuple[str, str]] = []
        while True:
            worker = self._take([each for each, _ in tried], label, needs, alone=bool(tried))
            try:
                answer, how = self._attempt(worker, (stage, name), label, reference, packed)
            finally:
                self._give_back(worker, alone=bool(tried))
            if answer is not None:
                meter.worked(worker)
                return worker, answer
            tried.append((worker, how))
            if len(tried) >= attempts:
                raise BuildLost(package=label, attempts=tuple(tried))

    def run_on(
        self, workers: Sequence[str], name: str, label: str, reference: str, packed: bytes, *, stage: str
    ) -> tuple[str, bytes]:
        """Have the first of *workers* that is not lost run a function on *packed*; return it and the answer.

        Raises :class:`WorkersLost`, :class:`RemoteCrashed` and ``SchedulerLost``.
        """
        tried: list[tuple[str, str]] = []
        for worker in workers:
            if worker in self.link.unfit:
                tried.append((worker, self.link.unfit[worker]))
                continue
            answer, how = self._attempt(worker, (stage, name), label, reference, packed)
            if answer is not None:
                return worker, answer
            tried.append((worker, how))
            self.link.wait_for_answer()  # else it is the scheduler that is lost
        raise WorkersLost(package=label, attempts=tuple(tried))

    def recall(self, name: str, listing: str, reference: str, packed: bytes) -> "tuple[str, bytes] | None":
        """Return a worker that keeps something under *name*, and its answer to *packed*; None if there is none.

        The function *listing* returns the names on a worker, which is asked once; *reference* the answer, or None.
        """
        for worker in self._keepers(name, listing):
            (answer,) = self.link.ask([worker], [(ask, reference, packed)])[worker]
            if isinstance(answer, bytes):
                meter.worked(worker)
                return worker, answer
        return None

    def _keepers(self, name: str, listing: str) -> list[str]:
        with self._listing:
            new = [worker for worker in self.link.fit() if worker not in self._listed]
            told = self.link.ask(new, [(ask, listing)]) if new else {}
            for worker, (answer,) in told.items():
                self._listed[worker] = frozenset(answer) if isinstance(answer, list) else frozenset()
            return [worker for worker in self.link.fit() if name in self._listed.get(worker, ())]

    def _take(self, tried: list[str], label: str, needs: "WorkerNeeds", *, alone: bool) -> str:
        """Wait for a worker to be free and return it, taken; for what is to be *alone*, wait until it is idle."""
        reserved = ""
        taken = False
        since = time.monotonic()
        try:
            while True:
                able = self._able_workers(tried, label, needs)
                with self._free:
                    if alone:
                        reserved = self._reserve(able, reserved)
                    chosen = reserved if alone else self._choose(able, alone=False)
                    if chosen and not (alone and self._busy.get(chosen)):
                        self._busy[chosen] = self._busy.get(chosen, 0) + 1
                        taken = True
                        return chosen
                    self._free.wait(_LOOK)
                since = time.monotonic() if able else since
                if time.monotonic() - since > self.remote.patience:
                    raise NoWorkers(
                        address=self.remote.address, seconds=self.remote.patience, lost=True, package=label
                    )
        finally:
            if not taken:
                self._reserved.discard(reserved)

    def _reserve(self, able: dict[str, dict[str, Any]], reserved: str) -> str:
        """Return the worker that is reserved for one thread, another one where it has gone meanwhile."""
        if reserved not in able:
            self._reserved.discard(reserved)
            reserved = self._choose(able, alone=True)
            if reserved:
                self._reserved.add(reserved)
        return reserved

    def _choose(self, able: dict[str, dict[str, Any]], *, alone: bool) -> str:
        free = [
            (self._busy.get(name, 0) / facts["nthreads"], name)
            for name, facts in able.items()
            if name not in self._reserved and (alone or self._busy.get(name, 0) < facts["nthreads"])
        ]
        return min(free)[1] if free else ""

    def _give_back(self, worker: str, *, alone: bool) -> None:
        with self._free:
            self._busy[worker] -= 1
            if alone:
                self._reserved.discard(worker)
            self._free.notify_all()

    def _able_workers(self, tried: list[str], label: str, needs: "WorkerNeeds") -> dict[str, dict[str, Any]]:
        fit = self.link.fit()
        new = [name for name in fit if (name, needs.key) not in self._able]
        if new:
            told = self.link.ask(new, [(ask, needs.reference, *needs.arguments)])
            for name, (answer,) in told.items():
                failed = isinstance(answer, BaseException)
                self._able[name, needs.key] = (False, f"no answer ({answer!r})") if failed else tuple(answer)
        able = {name: facts for name, facts in fit.items() if self._able[name, needs.key][0]}
        if fit and not able:
            found = tuple([(name, self._able[name, needs.key][1]) for name in sorted(fit)])
            raise NoInterpreter(package=label, wanted=needs.wanted, found=found)
        return {
            name: facts
            for name, facts in able.items()
            if name not in tried and self.link.silent(name) < self.remote.silence
        }

    def _attempt(
        self, worker: str, key: tuple[str, str], label: str, reference: str, packed: bytes
    ) -> tuple[bytes | None, str]:
        """Return the answer of *worker*, or None and what became of it."""
        future = self.link.submit(*key, _WORK, reference, packed, worker=worker)
        deadline = time.monotonic() + self.remote.limit + self.remote.patience
        ended = threading.Event()
        future.add_done_callback(lambda _future: ended.set())
        try:
            while True:
                ended.wait(_LOOK)
                if future.done():
                    return self._ended(future, worker, label)
                self.link.look()
                how = self._mishap(worker, deadline)
                if how and not future.done():
                    return None, how
        finally:
            with contextlib.suppress(Exception):  # whoever is asked to forget it may be gone
                future.cancel(force=True)

    def _mishap(self, worker: str, deadline: float) -> str:
        if worker not in self.link.workers:
            return "was lost"
        if self.link.silent(worker) > self.remote.silence:
            return f"sent no sign of life for {self.remote.silence:g} s"
        if time.monotonic() > deadline:
            return f"was not done within {self.remote.limit:g} s"
        return ""

    def _ended(self, future: Any, worker: str, label: str) -> tuple[bytes | None, str]:
        try:
            answer: bytes = future.result(timeout=self.remote.patience)
            return answer, ""
        except _LOST as error:
            self.link.look()
            return None, "was lost" if worker not in self.link.workers else f"was lost ({type(error).__name__})"
        except Exception as error:
            raise RemoteCrashed(
                package=label, worker=worker, kind=type(error).__name__, text=str(error)[:1000]
            ) from None

    def close(self) -> None:
        self.link.close()


class WorkerNeeds:
    """The needs of work: a function that asks a worker whether it meets them; ``wanted`` is their text for people."""

    def __init__(self, reference: str, arguments: tuple[Any, ...], wanted: str) -> None:
        self.reference = reference
        self.arguments = arguments
        self.wanted = wanted
        self.key = (reference, arguments)
