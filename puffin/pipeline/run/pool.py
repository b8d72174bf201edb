"""The pool executor: dask's local scheduler over forked processes that pull units from one queue."""

import dask
import dask.multiprocessing
from dask.task_spec import Task as DaskTask

from puffin.pipeline.run.forkpool import ForkPool, PoolBroken, emit
from puffin.pipeline.run.inline import run_waves
from puffin.pipeline.run.memory import keep_freed_memory
from puffin.pipeline.run.runner import QueueReader, Runner, WorkQueue, run_here, wait_for_one
from puffin.pipeline.run.wire import Inbox, encode_outcome
from puffin.pipeline.run.worker_loss import run_surviving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Outcome
    from puffin.pipeline.run.runner import Pending, WorkItem

_TOGETHER = 6  # outcomes in a message: about two wheels, so that progress is live and messages are few

_inherited: "tuple[WorkQueue, Sequence[WorkItem]] | None" = None


class PoolExecutor:
    """Runs units in waves on ``jobs`` forked processes under ``dask.multiprocessing.get``."""

    name = "pool"
    address = ""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        keep_freed_memory()

    def run(self, ledger: "Ledger", notify: "Callable[[Outcome], None]") -> None:
        run_waves(ledger, self._jobs, notify, lambda items, record: self.wave(items, ledger, record))

    def wave(self, items: "Sequence[WorkItem]", ledger: "Ledger", record: "Callable[[Outcome], None]") -> None:
        """Run *items* of *ledger* to their end; *record* gets each outcome, on one of several threads."""
        run_surviving(items, lambda left: self._wave(left, record), ledger, record)

    def _wave(self, items: "Sequence[WorkItem]", record: "Callable[[Outcome], None]") -> str:
        global _inherited
        queue = WorkQueue(len(items))
        _inherited = (queue, items)
        inbox = Inbox()
        workers = min(self._jobs, len(items))

        def emitted(data: bytes) -> None:
            for outcome in inbox.feed(data):
                record(outcome)

        try:
            pool = ForkPool(workers, emitted)
        except OSError:  # a limit on processes or open files
            queue.close()
            _inherited = None
            run_here(items, record)
            return ""
        try:
            _compute(pool, pool.size)
        except PoolBroken as broken:
            return str(broken)
        finally:
            pool.close()
            queue.close()
            _inherited = None
        return ""

    def close(self) -> None:
        """Nothing outlives a run."""


def _compute(pool: ForkPool, workers: int) -> None:
    keys = [("pull", f"worker-{number}") for number in range(workers)]
    graph = {key: DaskTask(key, run_queued_units) for key in keys}
    with dask.config.set({"multiprocessing.context": "fork"}):
        dask.multiprocessing.get(graph, keys, pool=pool, chunksize=1, optimize_graph=False)


def run_queued_units() -> int:
    """In a worker: pull units from the inherited queue until it is empty; return how many outcomes there were."""
    if _inherited is None:
        raise RuntimeError("only a forked worker of the pool executor can pull")
    queue, items = _inherited
    count = 0
    gathered: list[bytes] = []

    def send(outcome: "Outcome") -> None:
        nonlocal count
        count += 1
        gathered.append(encode_outcome(outcome))
        if len(gathered) >= _TOGETHER:
            flush()

    def flush() -> None:
        if gathered:
            emit(b"".join(gathered))
            gathered.clear()

    def wait(pending: "Pending") -> None:
        flush()
        wait_for_one(pending)

    take = QueueReader(queue, items)
    Runner(take, send, wait=wait, left=lambda: take.left).run()
    flush()
    return count
