"""What becomes of work whose process died: again, then alone, then told."""

import time

from puffin.errors import PuffinError
from puffin.pipeline.task import FAILED, LOST, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.pull import Parcel
    from puffin.pipeline.task import Task

    Wave = Callable[[Sequence[Parcel]], str]


class WorkerLost(PuffinError):
    """A worker process died whenever it had this work."""

    label: str
    how: str

    def summary(self) -> str:
        return f"The process that worked on `{self.label}` {self.how}"


def run_surviving(
    parcels: "Sequence[Parcel]", wave: "Wave", ledger: "Ledger", record: "Callable[[Outcome], None]"
) -> None:
    """Run *parcels* with *wave*, which says how a worker was lost (or ``""``).

    What a lost worker took with it is run again with the rest, then each unit alone, so that a unit that
    kills its process takes no neighbour along; such a unit fails with :class:`WorkerLost`.
    """
    left = parcels
    for _ in range(2):
        how = wave(left)
        left = _untold(left, ledger)
        if not how or not left:
            return
        tell_lost(left, how, ledger)
    for parcel in left:
        how = wave([parcel])
        if how:
            _fail(parcel, how, record)


def tell_lost(parcels: "Sequence[Parcel]", how: str, ledger: "Ledger") -> None:
    """Tell the ledger that the first task of each unit that has no outcome was lost with its process."""
    for unit, _ in parcels:
        task = next((task for task in unit if task.key not in ledger.outcomes), None)
        if task is not None:
            ledger.attempted(task, lost_attempt(task, how))


def lost_attempt(task: "Task", how: str) -> Outcome:
    """Return the outcome of an attempt that ended with its process; when it began nobody knows."""
    now = time.time()
    error = WorkerLost(label=task.label, how=how, package=task.label)
    return Outcome(key=task.key, status=LOST, error=error, started=now, ended=now)


def _untold(parcels: "Sequence[Parcel]", ledger: "Ledger") -> "list[Parcel]":
    return [parcel for parcel in parcels if any(task.key not in ledger.outcomes for task in parcel[0])]


def _fail(parcel: "Parcel", how: str, record: "Callable[[Outcome], None]") -> None:
    for task in parcel[0]:
        error = WorkerLost(label=task.label, how=how, package=task.label)
        record(Outcome(key=task.key, status=FAILED, error=error))


def describe_exit(status: int) -> str:
    """Return how a process ended, from its exit code (negative: a signal); ``""`` for 0."""
    if status == 0:
        return ""
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
