"""The connection to a scheduler: every question has a deadline, and only known workers are asked.

What a worker may lack is asked for with functions of the standard library alone, which every worker can import: a
task whose function cannot be imported takes a worker down.
"""

import asyncio
import contextlib
import inspect
import logging
import os
import pkgutil
import platform
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import distributed
import toolz
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from distributed.comm.core import CommClosedError, connect

from puffin import __version__
from puffin.errors import Cause
from puffin.pipeline.farm.errors import NoWorkers, SchedulerLost, SchedulerUnreachable, Unfit
from puffin.pipeline.request.scheduler import Remote
from puffin.pipeline.run.cluster import know_processor, named_task, quiet

Worker = dict[str, Any]

_LOOK = 0.5  # seconds between two looks at the scheduler
# how a scheduler is asked who it is, with all of its workers
EVERY_WORKER: dict[str, Any] = (
    {"n_workers": -1} if "n_workers" in inspect.signature(distributed.Scheduler.identity).parameters else {}
)
_BROKEN = (OSError, TimeoutError, CommClosedError, RuntimeError)
_LOGGERS = ("distributed", "tornado", "asyncio")


class Link:
    """A client of a scheduler, connected when the value is made; one for all threads.

    ``workers`` are those of the last look, by address, as the scheduler describes them; ``unfit`` says of workers, and
    of the scheduler, why they are not used. Raises :class:`SchedulerUnreachable`.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.workers: dict[str, Worker] = {}
        self.unfit: dict[str, str] = dict(remote.unfit)
        self._fit: set[str] = set()
        self._lock = threading.Lock()
        self._looked = self._answered = 0.0
        self._seen: dict[str, tuple[float, float]] = {}  # what the scheduler said, and when that changed
        self._lost: SchedulerLost | None = None
        _be_silent()
        know_processor()
        try:
            with quiet():
                asyncio.run(_shake_hands(remote))
                self.client = distributed.Client(
                    remote.address,
                    timeout=remote.patience,
                    security=_security(remote),
                    set_as_default=False,
                    name="puffin",
                    heartbeat_interval="2s",
                )
        except Exception as error:  # whatever sockets, TLS, and what is no scheduler may raise
            cause = Cause(text=_root_text(error))
            raise SchedulerUnreachable(address=remote.address, causes=(cause,)) from error
        self._answered = time.monotonic()

    def call(self, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        """Return the result of a coroutine function within the patience. Raises TimeoutError and OSError."""
        return self.client.sync(function, *arguments, callback_timeout=self.remote.patience)

    def look(self) -> None:
        """Look at the workers, unless somebody just did. Raises :class:`SchedulerLost`, the same one to everybody."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            if time.monotonic() - self._looked < _LOOK:
                return
            try:
                self._take(self.client.sync(self._identity, callback_timeout=5))
            except _BROKEN as error:
                if self.client.status == "closed" or time.monotonic() - self._answered > self.remote.patience:
                    raise self._gone() from error
            self._looked = time.monotonic()

    def wait_for_answer(self) -> None:
        """Return as soon as the scheduler answers. Raises :class:`SchedulerLost` if it does not."""
        before = self._answered
        while self._answered <= before:
            self.look()
            time.sleep(_LOOK / 5)

    def _gone(self) -> SchedulerLost:
        """Return the error of a scheduler that is lost: one value, so that it is told once."""
        self._lost = self._lost or SchedulerLost(address=self.remote.address)
        return self._lost

    @property
    def _scheduler(self) -> Any:
        return self.client.scheduler

    async def _identity(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._scheduler.identity(**EVERY_WORKER)
        return found

    def _take(self, identity: dict[str, Any]) -> None:
        now = self._answered = time.monotonic()
        self.workers = {name: dict(facts) for name, facts in identity["workers"].items()}
        for name, facts in self.workers.items():
            said = float(facts.get("last_seen", 0))
            if self._seen.get(name, (-1.0, 0.0))[0] != said:
                self._seen[name] = said, now

    def silent(self, worker: str) -> float:
        """Return for how many seconds a worker has sent the scheduler no sign of life."""
        with self._lock:
            return self._answered - self._seen.get(worker, (0.0, self._answered))[1]

    def fit(self) -> dict[str, Worker]:
        """Return the workers that may be used, having asked those that are new. Raises :class:`SchedulerLost`."""
        self.look()
        new = [name for name in self.workers if name not in self._fit and name not in self.unfit]
        if new:
            reasons = self._ask_versions(new)
            with self._lock:
                self._fit.update(name for name in new if not reasons[name])
                self.unfit.update((name, why) for name, why in reasons.items() if why)
        return {
            name: facts
            for name, facts in self.workers.items()
            if name in self._fit and facts.get("status", "running") == "running"
        }

    def wait_for_workers(self, *, lost: bool = False) -> dict[str, Worker]:
        """Return the workers that may be used, as soon as there are any.

        Raises :class:`NoWorkers`, :class:`Unfit` where the only ones cannot be used, and :class:`SchedulerLost`.
        """
        deadline = time.monotonic() + self.remote.patience
        calling = None
        try:
            while not (found := self.fit()):
                if any(name in self.unfit for name in self.workers):
                    raise Unfit(address=self.remote.address, reasons=tuple(sorted(self.unfit.items())))
                if calling is None:  # a cluster that adapts starts workers only when something waits for them
                    calling = self.client.submit(os.getpid, pure=False, key=f"call-{os.urandom(4).hex()}0")
                if time.monotonic() > deadline:
                    raise NoWorkers(address=self.remote.address, seconds=self.remote.patience, lost=lost)
                time.sleep(_LOOK)
        finally:
            if calling is not None:
                calling.cancel(force=True)
        return found

    def check_scheduler(self) -> None:
        """Raise :class:`Unfit` if the scheduler has other versions of dask or distributed."""

        async def versions() -> Any:
            return await self._scheduler.versions(packages=[])

        try:
            found = self.call(versions)["packages"]
        except (OSError, TimeoutError, CommClosedError) as error:
            cause = Cause(text=_root_text(error))
            raise SchedulerUnreachable(address=self.remote.address, causes=(cause,)) from error
        own = {name: _version(name) for name in ("dask", "distributed")}
        other = _other(own, {name: str(found.get(name) or "") for name in own})
        if other:
            raise Unfit(address=self.remote.address, reasons=(("scheduler", other),))

    def _ask_versions(self, workers: list[str]) -> dict[str, str]:
        own = {
            "python": platform.python_version(),
            "dask": _version("dask"),
            "distributed": _version("distributed"),
            "puffin": __version__,
        }
        resolve = toolz.excepts(
            ImportError, pkgutil.resolve_name
        )  # answers None; an error would be in their logs
        asked = [(resolve, f"{name}:__version__") for name in own if name != "python"]
        answers = self.ask(workers, [(platform.python_version,), *asked])
        return {worker: _judge(own, dict(zip(own, answers[worker], strict=True))) for worker in workers}

    def ask(self, workers: Iterable[str], calls: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
        """Return the answers of each worker to *calls*, functions with arguments; a failure is an exception among them.

        TimeoutError stands for a worker that does not answer within the patience. One that is unfit is not asked, as
        most of those do not answer, and counts as such. Raises :class:`SchedulerLost`.
        """
        patience = self.remote.patience

        async def one(worker: str, call: tuple[Any, ...]) -> Any:
            if worker in self.unfit:
                return TimeoutError()
            try:
                told = await asyncio.wait_for(
                    self.client.run(*call, workers=[worker], on_error="return"), patience
                )
                return told.get(worker, TimeoutError())
            except Exception as error:
                return error

        async def every() -> dict[str, list[Any]]:
            names = list(workers)
            told = await asyncio.gather(*[one(name, call) for name in names for call in calls])
            rows = [told[start : start + len(calls)] for start in range(0, len(told), len(calls))]
            return dict(zip(names, rows, strict=True))

        try:
            found: dict[str, list[Any]] = self.client.sync(every, callback_timeout=patience + 5)
        except _BROKEN as error:
            raise self._gone() from error
        if any(isinstance(answer, BaseException) for answers in found.values() for answer in answers):
            self.wait_for_answer()  # else it is the scheduler that is lost
        return found

    def submit(self, stage: str, name: str, reference: str, *arguments: Any, worker: str) -> Any:
        """Return the future of a task for one worker. Its function is named: one that is not there fails harmlessly.

        The key holds nothing but *stage* and *name*, and is new each time: no other run's result is taken for it.
        """
        key = (stage, f"{name}-{os.urandom(5).hex()}0")
        task = named_task(key, reference, *arguments)
        layer = MaterializedLayer(
            {key: task}, annotations={"workers": [worker], "allow_other_workers": False, "retries": 0}
        )
        try:
            with quiet():
                futures = self.client.get(HighLevelGraph({stage: layer}, {stage: set()}), [key], sync=False)
        except Exception as error:  # of a client that was closed meanwhile
            raise self._gone() from error
        return futures[0]

    def register(self, name: str, plugin: bytes) -> bool:
        """Give all workers a pickled plugin, and those that join later; return whether all answered in time.

        Raises :class:`SchedulerLost`.
        """

        async def registered() -> Any:
            return await self._scheduler.register_worker_plugin(plugin=plugin, name=name, idempotent=False)

        try:
            self.call(registered)
        except TimeoutError:
            return False
        except _BROKEN:  # of a worker that was lost meanwhile, or of the scheduler
            self.wait_for_answer()
            return False
        return True

    def close(self) -> None:
        """Disconnect from the scheduler, which then cancels the tasks of this client."""
        with quiet(), contextlib.suppress(Exception):
            self.client.close(timeout=2)


def _judge(own: dict[str, str], found: dict[str, Any]) -> str:
    if found["puffin"] is None:
        return "has no puffin installed"
    silent = [each for each in found.values() if isinstance(each, BaseException)]
    if silent:
        return "does not answer" if isinstance(silent[0], TimeoutError) else f"answers with {silent[0]!r}"
    own = {**own, "python": _minor(own["python"])}
    return _other(own, {**found, "python": _minor(found["python"])})


def _version(name: str) -> str:
    return str(pkgutil.resolve_name(f"{name}:__version__"))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _other(own: dict[str, str], found: dict[str, str]) -> str:
    other = [f"{name} {found[name]}, and not {own[name]}" for name in own if found[name] != own[name]]
    return f"has {'; '.join(other)}" if other else ""


def _security(remote: Remote) -> Any:
    if not remote.address.startswith("tls://"):
        return None
    given = {"tls_ca_file": remote.tls_ca, "tls_client_cert": remote.tls_cert, "tls_client_key": remote.tls_key}
    given = {name: path for name, path in given.items() if path}
    return distributed.Security(require_encryption=True, **given) if given else None


async def _shake_hands(remote: Remote) -> None:
    """Connect to the scheduler and disconnect: a client would wait without end for one that accepts and is silent."""
    security = _security(remote) or distributed.Security()
    async with asyncio.timeout(remote.patience):
        comm = await connect(remote.address, timeout=remote.patience, **security.get_connection_args("client"))
    comm.abort()


def _root_text(error: BaseException) -> str:
    while error.__cause__ is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, MemoryError):  # of so many bytes as a text is when it is read as a number
        return "the program there is not a dask scheduler"
    return str(error) or type(error).__name__


def _be_silent() -> None:
    """Puffin says itself what goes wrong; distributed would say it too, with tracebacks."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS]
    for name in (*_LOGGERS, *names):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
