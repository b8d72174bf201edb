"""The cluster executor: a ``distributed.LocalCluster`` of processes on this machine.

Units travel in groups, because a task costs distributed 1.6 to 2 ms: each group is one task whose result is
the encoded outcomes of all the fine tasks in it. With a dashboard each task is a task of dask's, so that the page shows
every stage; what a task brings forth stays on its worker for those that need it.
"""

import contextlib
import logging
import os
import pickle
import pkgutil
import platform
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dask
import distributed
import toolz
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from dask.task_spec import Task as DaskTask
from dask.task_spec import TaskRef
from distributed.scheduler import NoWorkerError

from puffin.cache.atomic import remove_tree
from puffin.errors import UsageError
from puffin.pipeline.graph.ledger import Ledger, Unit, unit_weight
from puffin.pipeline.graph.task import DONE, Key, Outcome
from puffin.pipeline.run.memory import keep_freed_memory
from puffin.pipeline.run.runner import Runner, WorkItem, attempt, without_buffers
from puffin.pipeline.run.wire import Inbox, encode_outcome
from puffin.pipeline.run.worker_loss import failed_with_worker, follow_parent, prepare_children, tell_lost
from puffin.signals import Uninterrupted

Name = tuple[str, str]
Carried = tuple[Key, bool, Any, bytes]  # key, is it done, its result, the outcomes up to here, encoded


_LEAST = 100_000  # bytes; what a task weighs at least, whatever it says
_WITHOUT_WORKERS = "60s"  # after which work fails: lost workers are started again within a second or two
_RUN_FINE = "puffin.pipeline.run.cluster:run_fine"
_RUN_GROUP = "puffin.pipeline.run.cluster:run_group"

_CONFIGURATION = {
    "distributed.worker.multiprocessing-method": "fork",  # 0.08 s to start against 0.95 s for spawn
    "distributed.scheduler.allowed-failures": 1,
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
}
_NO_PAGES: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": []
}  # a port that anybody on the machine may ask tells nothing


class ClusterExecutor:
    """Runs groups of units on a LocalCluster of ``jobs`` processes, started when the value is made.

    ``dashboard`` is the port of dask's dashboard on the loopback interface (0: any; another one is taken if it is
    in use), -1 for none. With a dashboard every task travels by itself, and ``address`` is that of the page.
    """

    name = "cluster"

    def __init__(self, jobs: int, local_directory: str, *, dashboard: int = -1) -> None:
        self._jobs = jobs
        self._fine = dashboard >= 0
        self._directory = local_directory
        self._at_rest = True
        keep_freed_memory()
        prepare_children()
        environ = dict(os.environ)  # starting a nanny writes thread counts and more into it
        method = "fork" if hasattr(os, "fork") else "spawn"
        # A worker that is started again has semaphores, of which python's tracker tells whoever ends without ceremony.
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")
        settings = {
            **_CONFIGURATION,
            "distributed.worker.multiprocessing-method": method,
            "distributed.scheduler.no-workers-timeout": _WITHOUT_WORKERS,
        }
        settings |= {} if self._fine else _NO_PAGES
        self._room, privately = _privately(self._directory)
        know_processor()
        with dask.config.set(settings), quiet():
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
                **privately,
            )
            self._client = distributed.Client(self._cluster, set_as_default=False)
        self.address = str(self._cluster.dashboard_link) if self._fine else ""
        self._shown: list[Any] = []  # what is held on to, as the dashboard forgets a task that nobody wants
        if self._fine:  # or the dashboard draws nothing from before its page was opened
            self._client.get_task_stream(count=1)
        os.environ.clear()
        os.environ.update(environ)

    def run(self, ledger: Ledger, notify: Callable[[Outcome], None]) -> None:
        """Run the graph to its end; units join as soon as their inputs are done."""
        self._at_rest = False
        waiting = distributed.as_completed(loop=self._client.loop)
        groups: dict[Any, list[WorkItem]] = {}
        lost: list[WorkItem] = []
        suspect: list[WorkItem] = []

        def submit(items: list[list[WorkItem]]) -> None:
            for future, group in self._submit(items):
                groups[future] = group
                waiting.add(future)

        submit(self._cut(ledger))
        for future in waiting:
            group = groups.pop(future)
            outcomes = _outcomes(future, group, alone=group is suspect)
            if outcomes is None:  # its worker died, by its own fault or by that of a neighbour
                lost.extend(item for item in group if not any(item is each for each in lost))
                tell_lost(group, "was lost", ledger)
            for outcome in outcomes or ():
                for each in ledger.record(outcome):
                    notify(each)
            submit(self._cut(ledger))
            if lost and not groups:  # now that nobody else is there to be hit, or to blame
                suspect = [lost.pop()]
                submit([suspect])
        self._at_rest = True

    def _cut(self, ledger: Ledger) -> list[list[WorkItem]]:
        items = [(unit, ledger.inputs_of(unit)) for unit in ledger.take_ready()]
        return [[item] for item in items] if self._fine else guided(items, self._jobs)

    def _submit(self, groups: list[list[WorkItem]]) -> list[tuple[Any, list[WorkItem]]]:
        if not groups:
            return []
        return self._submit_fine(groups) if self._fine else self._submit_groups(groups)

    def _submit_fine(self, groups: list[list[WorkItem]]) -> list[tuple[Any, list[WorkItem]]]:
        items = [item for group in groups for item in group]
        graph, last = fine_graph(items)
        futures = self._client.get(graph, [name for names in last for name in names], sync=False)
        self._shown += futures
        pairs = iter(futures)
        return [(next(pairs), group) for group, names in zip(groups, last, strict=True) for _ in names]

    def _submit_groups(self, groups: list[list[WorkItem]]) -> list[tuple[Any, list[WorkItem]]]:
        token = os.urandom(4).hex()
        keys = [("group", f"{token}-{number}") for number in range(len(groups))]
        graph = {
            key: named_task(key, _RUN_GROUP, pickle.dumps(group))
            for key, group in zip(keys, groups, strict=True)
        }
        priority = {key: len(keys) - number for number, key in enumerate(keys)}
        layer = MaterializedLayer(graph, annotations={"priority": lambda key: priority[key], "retries": 0})
        futures: list[Any] = self._client.get(
            HighLevelGraph({"group": layer}, {"group": set()}), keys, sync=False
        )
        return list(zip(futures, groups, strict=True))

    def close(self) -> None:
        with Uninterrupted():
            with quiet(), contextlib.suppress(TimeoutError):
                if not self._at_rest:
                    self._kill_workers()
                self._shown.clear()
                self._client.close(timeout=1)
                self._cluster.close(timeout=1)
            remove_tree(self._room)
            remove_tree(self._directory)

    def _kill_workers(self) -> None:
        """Do not wait for work that nobody wants any more, nor let anybody complain about it."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        for nanny in self._cluster.workers.values():
            nanny.status = distributed.Status.closing_gracefully  # or it would start another worker
            if nanny.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(nanny.pid, signal.SIGKILL)


def _privately(directory: str) -> tuple[str, dict[str, Any]]:
    """Return a directory to remove at the end, and the options by which only this user can connect to a cluster."""
    import socket

    if hasattr(socket, "AF_UNIX"):
        from puffin.pipeline.run.private_comm import private_options

        return private_options(directory)
    try:
        return directory, {"protocol": "tls", "security": distributed.Security.temporary()}
    except ImportError as error:
        raise UsageError(
            text="`--executor cluster` needs the package `cryptography` on this system",
            hints=("install it beside puffin, or use `--executor pool`",),
        ) from error


def named_task(key: tuple[str, str], reference: str, *arguments: Any) -> DaskTask:
    """Return a dask task that names its function: one that cannot be imported there fails and kills no worker."""
    return DaskTask(key, toolz.apply, DaskTask(None, pkgutil.resolve_name, reference), *arguments)


def guided(items: list[WorkItem], workers: int) -> list[list[WorkItem]]:
    """Cut *items*, heaviest first, into groups that get smaller and smaller.

    Each holds what one of *workers* would get of the rest, halved: few tasks in all, and none at the end that
    one worker is long at while the others have nothing left.
    """
    weights = [unit_weight(unit) + _LEAST for unit, _ in items]
    rest = sum(weights)
    groups: list[list[WorkItem]] = []
    room = 0.0
    for item, weight in zip(items, weights, strict=True):
        if room < weight / 2:
            groups.append([])
            room = rest / (2 * workers)
        groups[-1].append(item)
        room -= weight
        rest -= weight
    return groups


def run_group(pickled: bytes) -> bytes:
    """In a worker: run a group of units; return the outcomes of their tasks, encoded."""
    follow_parent()
    items: Iterator[WorkItem] = iter(pickle.loads(pickled))
    sent: list[bytes] = []
    Runner(lambda: next(items, None), lambda outcome: sent.append(encode_outcome(outcome))).run()
    return b"".join(sent)


def _outcomes(future: Any, group: list[WorkItem], *, alone: bool) -> list[Outcome] | None:
    """Return what became of a group; None where its worker was lost while it was not *alone* on the cluster.

    Where the cluster has no workers any more, there is nothing to gain by another attempt.
    """
    lost = None
    if future.status == "finished":
        try:
            result = future.result()
        except (distributed.KilledWorker, NoWorkerError) as error:  # with the result, before that was fetched
            lost = error
        else:
            return list(Inbox().feed(result[-1] if isinstance(result, tuple) else result))
    lost = lost or future.exception()
    if not alone and not isinstance(lost, NoWorkerError):
        return None
    how = f"was lost ({type(lost).__name__})"
    return [failed_with_worker(task, how) for unit, _ in group for task in unit]


def know_processor() -> None:
    """Have :mod:`platform` remember the name of the processor, for which it runs a program.

    Schedulers, workers and clients of distributed ask for it in a thread. If another thread forks at that moment, the
    child keeps the pipe that ``Popen`` reads until the program has started. ``Popen`` would wait until the child ends.
    """
    platform.processor()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings of distributed: of forks next to its event loop thread, large graphs and other versions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def fine_graph(items: Sequence[WorkItem]) -> tuple[HighLevelGraph, list[list[Name]]]:
    """Return the graph of the tasks of *items*, and for each item the names of its last tasks.

    There is a layer for each stage; a name begins with the stage, by which the dashboard knows and colours it.
    """
    token = os.urandom(4).hex()
    layers: dict[str, dict[Name, DaskTask]] = {}
    needs: dict[str, set[str]] = {}
    rank: dict[Name, int] = {}
    last: list[list[Name]] = []
    for number, (unit, inputs) in enumerate(items):
        names = {task.key: (task.stage, f"{task.label}-{token}-{number}-{at}") for at, task in enumerate(unit)}
        ends = _ends(unit)
        last.append([names[key] for key in ends])
        for task in unit:
            inner = [key for key in dict.fromkeys(task.dependencies) if key in names]
            outer = {key: inputs[key] for _, key in task.inputs if key in inputs}
            name = names[task.key]
            sent = pickle.dumps((task, outer, task.key in ends))
            references = [TaskRef(names[key]) for key in inner]
            layers.setdefault(task.stage, {})[name] = named_task(name, _RUN_FINE, sent, *references)
            needs.setdefault(task.stage, set()).update(key[0] for key in inner if key[0] != task.stage)
            rank[name] = len(items) - number
    annotations = {"priority": lambda name: rank[name], "retries": 0}
    made = {stage: MaterializedLayer(layer, annotations=annotations) for stage, layer in layers.items()}
    return HighLevelGraph(made, needs), last


def _ends(unit: Unit) -> set[Key]:
    needed = {key for task in unit for key in task.dependencies}
    return {task.key for task in unit} - needed


def run_fine(sent: bytes, *carried: Carried) -> Carried:
    """In a worker: run one task with the results that the tasks before it carried here."""
    follow_parent()
    task, results, is_end = pickle.loads(sent)
    told = b"".join([outcomes for _, _, _, outcomes in carried])
    results.update({key: result for key, done, result, _ in carried if done})
    if not all(done for _, done, _, _ in carried):
        return task.key, False, None, told
    outcome = attempt(task, results, str(os.getpid()))
    told += encode_outcome(without_buffers(outcome) if task.transient else outcome)
    result = None if is_end else portable(outcome.result)
    return task.key, outcome.status == DONE, result, told


def portable(result: Any) -> Any:
    """Return *result* so that it can go to another worker: buffers in it become bytes."""
    if isinstance(result, (memoryview, bytearray)):
        return bytes(result)
    if isinstance(result, (tuple, list)):
        return type(result)(map(portable, result))
    return result
