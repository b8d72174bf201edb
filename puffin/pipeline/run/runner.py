"""Running units inside one process, for every executor.

Tasks that wait for a network run on a few threads ahead of need; all others run on the calling thread.
"""

import os
import time
from time import perf_counter

from puffin import meter
from puffin.errors import PuffinError, refused_by_system
from puffin.pipeline.graph.ledger import Unit
from puffin.pipeline.graph.task import DONE, FAILED, Key, Outcome, TaskCrashed, resolve_function
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from typing import Any

    from puffin.pipeline.graph.task import Task

    Pending = Sequence[Future[Outcome]]

WorkItem = tuple[Unit, dict[Key, "Any"]]  # a unit, and the results that it needs from others
AHEAD_TASKS, MOST_AHEAD = 4, 24  # at first, and where answers come from afar
AHEAD_BYTES = 48 * 1024 * 1024
_LONG_WAIT = 0.004  # seconds
_NUMBER = 4  # bytes of a number in a queue
_CAPACITY = 65536 // _NUMBER // 2  # half of what a pipe holds, so that filling it never blocks


class WorkQueue:
    """The numbers of *count* items in a pipe, from which several forked processes read: each takes the next when free.

    It is filled before the forks. A read of four bytes is atomic, so there is no lock and no process that feeds it,
    and each number is given out once.
    """

    def __init__(self, count: int) -> None:
        self.step = max(1, -(-count // _CAPACITY))
        self._count = count
        self._reader, writer = os.pipe()
        starts = range(0, count, self.step)
        os.write(writer, b"".join([start.to_bytes(_NUMBER, "little") for start in starts]))
        os.close(writer)

    def take(self) -> "range | None":
        """Return the next numbers, or None when all are given out."""
        data = os.read(self._reader, _NUMBER)
        if not data:
            return None
        start = int.from_bytes(data, "little")
        return range(start, min(start + self.step, self._count))

    def close(self) -> None:
        os.close(self._reader)


class QueueReader:
    """Reads the next of *items* from *queue*. ``left`` is how many there are behind that, at the most."""

    def __init__(self, queue: WorkQueue, items: "Sequence[WorkItem]") -> None:
        self._queue = queue
        self._items = items
        self._taken: list[int] = []
        self.left = len(items)

    def __call__(self) -> "WorkItem | None":
        if not self._taken:
            numbers = self._queue.take()
            if numbers is None:
                return None
            self._taken.extend(numbers)
            self.left = len(self._items) - numbers.stop
        return self._items[self._taken.pop(0)]


def attempt(task: "Task", results: "dict[Key, Any]", worker: str) -> Outcome:
    """Run one task with the results that it needs; every end of it becomes an :class:`Outcome`."""
    started, cpu = time.time(), time.thread_time()
    result, error = None, None
    meter.reset()
    try:
        arguments = {**dict(task.arguments), **{name: results[key] for name, key in task.inputs}}
        with meter.at(task.stage, task.label):
            result = resolve_function(task.function)(**arguments)
    except PuffinError as raised:
        error = raised if raised.package else _named(raised, task)
    except Exception as raised:
        refused = refused_by_system(raised)
        error = _crashed(task, raised) if refused is None else _named(refused, task)
    taken, given, cache, log, elsewhere, remote, children = meter.measured()
    log = log or getattr(error, "log", "")  # that of a build that failed
    return Outcome(
        key=task.key,
        status=FAILED if error else DONE,
        result=result,
        error=error,
        started=started,
        ended=time.time(),
        cpu=time.thread_time() - cpu + children,
        worker=elsewhere or worker,
        taken=taken,
        given=given,
        cache=cache,
        log=log,
        remote=remote,
    )


def _named(error: PuffinError, task: "Task") -> PuffinError:
    error.package = task.label
    return error


def _crashed(task: "Task", error: Exception) -> TaskCrashed:
    import traceback

    trace = "".join(traceback.format_exception(error))[-4000:]
    return TaskCrashed(
        task=f"{task.stage} {task.label}", kind=type(error).__name__, text=str(error)[:1000], trace=trace
    )


class Runner:
    """Runs units one after the other, with the waiting tasks of the next ones under way.

    ``take`` returns the next ``(unit, inputs)`` or None at the end; ``emit`` gets each outcome as it comes; ``wait``
    is called whenever there is nothing to do until one of the tasks that are under way has ended. ``left`` tells how
    much there is still to take, where others take from it too: towards the end each runs less far ahead.
    After a wait that was long, more tasks than *ahead* are under way: small files from afar take no other time.
    """

    def __init__(
        self,
        take: "Callable[[], tuple[Unit, dict[Key, Any]] | None]",
        emit: "Callable[[Outcome], None]",
        *,
        ahead: int = AHEAD_TASKS,
        wait: "Callable[[Pending], object] | None" = None,
        left: "Callable[[], int] | None" = None,
    ) -> None:
        self._take = take
        self._emit = emit
        self._ahead = ahead
        self._wait = wait or wait_for_one
        self._left = left
        self._worker = str(os.getpid())
        self._threads: Any = None
        self._window: list[tuple[Unit, dict[Key, Any], list[Future[Outcome]]]] = []
        self._exhausted = False

    def run(self) -> None:
        """Run until ``take`` has no more; threads are gone when this returns.

        An interrupt waits for no thread: the process is about to end, and a slow server would hold it up.
        """
        quick = True
        try:
            while self._advance():
                pass
            quick = False
        except Exception:
            quick = False
            raise
        finally:
            if self._threads is not None:
                self._threads.shutdown(wait=not quick, cancel_futures=True)

    def _advance(self) -> bool:
        self._fill()
        if not self._window:
            return False
        self._run_unit(*self._window.pop(self._next()))
        return True

    def _next(self) -> int:
        """Return the first unit whose waiting is over; wait for one, so that nothing slow holds up what is there.

        What has come may hold a lock that another process waits for, which holds what this one waits for.
        """
        while True:
            pending: list[Future[Outcome]] = []
            for index, (_, _, futures) in enumerate(self._window):
                waited_for = [future for future in futures if not future.done()]
                if not waited_for:
                    return index
                pending += waited_for  # of one look: another one may find what no wait would end for
            began = perf_counter()
            self._wait(pending)
            if perf_counter() - began > _LONG_WAIT:
                self._ahead = min(2 * self._ahead, MOST_AHEAD)

    def _fill(self) -> None:
        while not self._exhausted and self._has_room():
            taken = self._take()
            if taken is None:
                self._exhausted = True
                return
            unit, inputs = taken
            heads = [task for task in unit if task.waits and not task.dependencies]
            self._window.append((unit, inputs, [self._submit(task) for task in heads]))

    def _has_room(self) -> bool:
        if any(not futures for _, _, futures in self._window):
            return False  # there is work at hand: what is taken now could be another process's
        waiting = [task.weight for unit, _, futures in self._window for task in unit[: len(futures)]]
        if not waiting:
            return True
        return len(waiting) < self._far() and sum(waiting) < AHEAD_BYTES

    def _far(self) -> int:
        """Return how many tasks may be under way: not so many that others have nothing to do at the end."""
        return self._ahead if self._left is None else min(self._ahead, max(1, self._left() // 2))

    def _submit(self, task: "Task") -> "Future[Outcome]":
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(MOST_AHEAD, thread_name_prefix="puffin-ahead")
        future: Future[Outcome]
        try:
            future = self._threads.submit(attempt, task, {}, self._worker)
        except RuntimeError:
            if self._threads._threads:  # one of them has it
                raise
            from concurrent.futures import Future as Done

            future = Done()  # no thread is allowed: there is no work ahead then
            future.set_result(attempt(task, {}, self._worker))
        return future

    def _run_unit(self, unit: "Unit", inputs: "dict[Key, Any]", futures: "list[Future[Outcome]]") -> None:
        early = {outcome.key: outcome for outcome in [future.result() for future in futures]}
        run_unit(unit, inputs, early, self._emit, self._worker)


def run_here(items: "Sequence[WorkItem]", record: "Callable[[Outcome], None]") -> None:
    """Run *items* one after the other in this process."""
    stream = iter(items)
    Runner(lambda: next(stream, None), record).run()


def wait_for_one(pending: "Pending") -> None:
    """Wait until one of *pending* is done."""
    from concurrent.futures import FIRST_COMPLETED, wait

    wait(pending, return_when=FIRST_COMPLETED)


def run_unit(
    unit: "Unit",
    inputs: "dict[Key, Any]",
    early: "dict[Key, Outcome]",
    emit: "Callable[[Outcome], None]",
    worker: str,
) -> None:
    """Run the tasks of a unit in order; a failure skips only the tasks that depend on it."""
    results = dict(inputs)
    missing: set[Key] = set()
    for task in unit:
        if any(key in missing for key in task.dependencies):
            missing.add(task.key)
            continue
        outcome = early.pop(task.key, None) or attempt(task, results, worker)
        if outcome.status == DONE:
            results[task.key] = outcome.result
        else:
            missing.add(task.key)
        emit(without_buffers(outcome) if task.transient else outcome)


def without_buffers(outcome: Outcome) -> Outcome:
    """Return *outcome* without the buffers in its result, which stay in their process if they are transient."""
    result = outcome.result
    if not isinstance(result, tuple):
        return replace(outcome, result=None)
    light = tuple([each for each in result if not isinstance(each, (bytes, bytearray, memoryview))])
    return replace(outcome, result=light)
