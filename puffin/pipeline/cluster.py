"""The cluster executor: a ``distributed.LocalCluster`` of processes on this machine.

Units travel in groups, because a task costs distributed 1.6 to 2 ms: each group is one task whose result is
the encoded outcomes of all the fine tasks in it.
"""

import contextlib
import logging
import os
import pickle
import pkgutil
import signal
import sys
import warnings

import dask
import distributed
import toolz
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from dask.task_spec import Task as DaskTask

from puffin.cache.atomic import remove_tree
from puffin.pipeline import lifeline
from puffin.pipeline.fine import fine_graph
from puffin.pipeline.graph import unit_weight
from puffin.pipeline.lost import WorkerLost, tell_lost
from puffin.pipeline.memory import keep_freed_memory
from puffin.pipeline.runner import Runner
from puffin.pipeline.task import FAILED, Outcome
from puffin.pipeline.wire import Inbox, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.pull import Parcel

_LEAST = 100_000  # bytes; what a task weighs at least, whatever it says
_RUN_GROUP = "puffin.pipeline.cluster:run_group"

_CONFIGURATION = {
    "distributed.worker.multiprocessing-method": "fork",  # 0.08 s to start against 0.95 s for spawn
    "distributed.scheduler.allowed-failures": 1,
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
}


class ClusterExecutor:
    """Runs groups of units on a LocalCluster of ``jobs`` processes, started when the value is made.

    ``dashboard`` is the port of dask's dashboard on the loopback interface (0: any; another one is taken if it is
    in use), -1 for none. With a dashboard every task travels by itself, and ``address`` is that of the page.
    """

    name = "cluster"
    fuse = True

    def __init__(self, jobs: int, local_directory: str, *, dashboard: int = -1) -> None:
        self._jobs = jobs
        self._fine = dashboard >= 0
        self._directory = local_directory
        self._at_rest = True
        keep_freed_memory()
        lifeline.prepare()
        environ = dict(os.environ)  # starting a nanny writes thread counts and more into it
        method = "fork" if hasattr(os, "fork") else "spawn"
        # A worker that is started again has semaphores, of which python's tracker tells whoever ends without ceremony.
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")
        with dask.config.set({**_CONFIGURATION, "distributed.worker.multiprocessing-method": method}), quiet():
            self._cluster = distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=f"127.0.0.1:{max(0, dashboard)}",
                scheduler_kwargs={"dashboard": self._fine},
                memory_limit=0,
                silence_logs=50,
                local_directory=self._directory,
            )
            self._client = distributed.Client(self._cluster, set_as_default=False)
        self.address = str(self._cluster.dashboard_link) if self._fine else ""
        self._shown: list[Any] = []  # what is held on to, as the dashboard forgets a task that nobody wants
        if self._fine:  # or the dashboard draws nothing from before its page was opened
            self._client.get_task_stream(count=1)
        os.environ.clear()
        os.environ.update(environ)

    def run(self, ledger: "Ledger", notify: "Callable[[Outcome], None]") -> None:
        """Run the graph to its end; units join as soon as what they need is done."""
        self._at_rest = False
        waiting = distributed.as_completed(loop=self._client.loop)
        groups: dict[Any, list[Parcel]] = {}
        lost: list[Parcel] = []
        suspect: list[Parcel] = []

        def submit(parcels: "list[list[Parcel]]") -> None:
            for future, group in self._submit(parcels):
                groups[future] = group
                waiting.add(future)

        submit(self._cut(ledger))
        for future in waiting:
            group = groups.pop(future)
            outcomes = _outcomes(future, group, alone=group is suspect)
            if outcomes is None:  # its worker died, by its own fault or by that of a neighbour
                lost.extend(parcel for parcel in group if not any(parcel is each for each in lost))
                tell_lost(group, "was lost", ledger)
            for outcome in outcomes or ():
                for each in ledger.record(outcome):
                    notify(each)
            submit(self._cut(ledger))
            if lost and not groups:  # now that nobody else is there to be hit, or to blame
                suspect = [lost.pop()]
                submit([suspect])
        self._at_rest = True

    def _cut(self, ledger: "Ledger") -> "list[list[Parcel]]":
        parcels = [(unit, ledger.inputs_of(unit)) for unit in ledger.take_ready()]
        return [[parcel] for parcel in parcels] if self._fine else guided(parcels, self._jobs)

    def _submit(self, groups: "list[list[Parcel]]") -> "list[tuple[Any, list[Parcel]]]":
        if not groups:
            return []
        return self._submit_fine(groups) if self._fine else self._submit_groups(groups)

    def _submit_fine(self, groups: "list[list[Parcel]]") -> "list[tuple[Any, list[Parcel]]]":
        parcels = [parcel for group in groups for parcel in group]
        graph, last = fine_graph(parcels)
        futures = self._client.get(graph, [name for names in last for name in names], sync=False)
        self._shown += futures
        pairs = iter(futures)
        return [(next(pairs), group) for group, names in zip(groups, last, strict=True) for _ in names]

    def _submit_groups(self, groups: "list[list[Parcel]]") -> "list[tuple[Any, list[Parcel]]]":
        token = os.urandom(4).hex()
        keys = [("group", f"{token}-{number}") for number in range(len(groups))]
        graph = {
            key: _remote(key, _RUN_GROUP, pickle.dumps(group)) for key, group in zip(keys, groups, strict=True)
        }
        priority = {key: len(keys) - number for number, key in enumerate(keys)}
        layer = MaterializedLayer(graph, annotations={"priority": lambda key: priority[key], "retries": 0})
        futures: list[Any] = self._client.get(
            HighLevelGraph({"group": layer}, {"group": set()}), keys, sync=False
        )
        return list(zip(futures, groups, strict=True))

    def close(self) -> None:
        """End the workers and the scheduler."""
        with quiet(), contextlib.suppress(TimeoutError):
            if not self._at_rest:
                self._kill_workers()
            self._shown.clear()
            self._client.close(timeout=1)
            self._cluster.close(timeout=1)
        remove_tree(self._directory)

    def _kill_workers(self) -> None:
        """Do not wait for work that nobody wants any more, nor let anybody complain about it."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        for nanny in self._cluster.workers.values():
            nanny.status = distributed.Status.closing_gracefully  # or it would start another worker
            if nanny.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(nanny.pid, signal.SIGKILL)


def _remote(key: "tuple[str, str]", reference: str, *arguments: "Any") -> DaskTask:
    """Return a dask task that names its function: one that cannot be imported there fails and kills no worker."""
    return DaskTask(key, toolz.apply, DaskTask(None, pkgutil.resolve_name, reference), *arguments)


def guided(parcels: "list[Parcel]", workers: int) -> "list[list[Parcel]]":
    """Cut *parcels*, heaviest first, into groups that get smaller and smaller.

    Each holds what one of *workers* would get of the rest, halved: few tasks in all, and none at the end that
    one worker is long at while the others have nothing left.
    """
    weights = [unit_weight(unit) + _LEAST for unit, _ in parcels]
    rest = sum(weights)
    groups: list[list[Parcel]] = []
    room = 0.0
    for parcel, weight in zip(parcels, weights, strict=True):
        if room < weight / 2:
            groups.append([])
            room = rest / (2 * workers)
        groups[-1].append(parcel)
        room -= weight
        rest -= weight
    return groups


def run_group(pickled: bytes) -> bytes:
    """In a worker: run a group of units; return the outcomes of their tasks, encoded."""
    lifeline.follow()
    parcels: Iterator[Parcel] = iter(pickle.loads(pickled))
    sent: list[bytes] = []
    Runner(lambda: next(parcels, None), lambda outcome: sent.append(encode(outcome))).run()
    return b"".join(sent)


def _outcomes(future: "Any", group: "list[Parcel]", *, alone: bool) -> "list[Outcome] | None":
    """Return what became of a group; None where its worker was lost while it was not *alone* on the cluster."""
    if future.status == "finished":
        result = future.result()
        return list(Inbox().feed(result[-1] if isinstance(result, tuple) else result))
    if not alone:
        return None
    error = future.exception()
    return [_lost(task, error) for unit, _ in group for task in unit]


def _lost(task: "Any", error: BaseException) -> Outcome:
    how = f"was lost ({type(error).__name__})"
    return Outcome(key=task.key, status=FAILED, error=WorkerLost(label=task.label, how=how, package=task.label))


@contextlib.contextmanager
def quiet() -> "Iterator[None]":
    """Silence what distributed warns of when it forks workers beside its event loop thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
