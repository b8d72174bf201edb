"""Running a graph in waves: all that can start is run to its end, then what can start by then.

What grows (builds) does not wait for the wave to end, nor the next wave for it.
"""

from puffin.pipeline.runner import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.aside import Aside
    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.pull import Parcel
    from puffin.pipeline.task import Outcome

    Record = Callable[[Outcome], None]


def run_waves(
    ledger: "Ledger", jobs: int, record: "Record", wave: "Callable[[Sequence[Parcel]], None]"
) -> None:
    """Run the graph to its end: *wave* runs parcels, and builds run on *jobs* threads.

    While there are threads, nothing is forked, so what comes up meanwhile runs in this process.
    """
    aside: Aside | None = None
    while (units := ledger.take_ready()) or (aside is not None and aside.is_busy):
        parcels = [(unit, ledger.inputs_of(unit)) for unit in units if not unit[0].grows]
        growing = [(unit, ledger.inputs_of(unit)) for unit in units if unit[0].grows]
        if growing:
            aside = aside or _aside(jobs)
            aside.add(growing)
        if aside is None or not aside.is_busy:
            wave(parcels)
            continue
        if parcels:
            run_here(parcels, record)
        for outcome in aside.ended(wait=not parcels):
            record(outcome)


def run_here(parcels: "Sequence[Parcel]", record: "Record") -> None:
    """Run *parcels* one after the other in this process."""
    stream = iter(parcels)
    Runner(lambda: next(stream, None), record).run()


def _aside(jobs: int) -> "Aside":
    from puffin.pipeline.aside import Aside

    return Aside(jobs)
