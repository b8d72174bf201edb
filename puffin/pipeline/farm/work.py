"""Code that runs in a user's worker: it calls a named function while somebody waits for the result."""

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from distributed import Status, get_worker
from distributed import worker as workers

from puffin.errors import Cause, PuffinError
from puffin.pipeline.graph.task import Outcome, resolve_function
from puffin.pipeline.run.runner import Runner, WorkItem
from puffin.pipeline.run.wire import encode_outcome
from puffin.value import replace

_WHILE_WANTED = (
    "puffin.stages.build.supervisor:while_wanted"  # ends compilers when nobody wants their work any more
)


def work(reference: str, packed: bytes) -> bytes:
    """Return the result of the function *reference* for *packed*; its builds end early if the task is cancelled."""
    with resolve_function(_WHILE_WANTED)(forgotten()):
        answer: bytes = resolve_function(reference)(packed)
    return answer


def forgotten() -> Callable[[], bool]:
    """Return a function that tells whether the task of this thread was cancelled, or its worker is closing."""
    worker, key = get_worker(), workers.thread_state.key  # type: ignore[attr-defined]

    def ask() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled" or worker.status != Status.running

    return ask


def run_units(packed: bytes) -> bytes:
    """Run units, which were pickled with their inputs; return the outcomes of their tasks, encoded."""
    items: Iterator[WorkItem] = iter(pickle.loads(packed))
    told: list[bytes] = []
    worker = get_worker().address

    def tell(outcome: Outcome) -> None:
        if isinstance(outcome.error, PuffinError):
            outcome.error.causes += (Cause(text=f"it was done by the worker `{worker}`"),)
        told.append(encode_outcome(replace(outcome, worker=worker)))

    Runner(lambda: next(items, None), tell).run()
    return b"".join(told)


def sees(path: str, content: str) -> tuple[bool, str]:
    """Return whether the file at *path* is here and holds *content*, and that in words."""
    try:
        with open(path, encoding="ascii") as file:
            found = file.read() == content
    except (OSError, ValueError):
        found = False
    return found, f"{'a' if found else 'no'} view of `{os.path.dirname(path)}`"


async def ask(reference: str, *arguments: Any) -> Any:
    """Return what the function *reference* answers; the worker's event loop goes on meanwhile."""
    return await asyncio.to_thread(resolve_function(reference), *arguments)
