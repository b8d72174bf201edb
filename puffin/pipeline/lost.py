"""What becomes of work whose process died: again, then alone, then told."""

from puffin.errors import PuffinError
from puffin.pipeline.task import FAILED, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.pull import Parcel

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
    for parcel in left:
        how = wave([parcel])
        if how:
            _fail(parcel, how, record)


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
