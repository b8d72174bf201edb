"""Running a graph in waves: all tasks that can start are run to their end, then the tasks that can start by then.

What grows (builds) does not wait for the wave to end, nor the next wave for it.
"""

from puffin.pipeline.run.runner import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Outcome
    from puffin.pipeline.run.build_threads import BuildThreads
    from puffin.pipeline.run.runner import WorkItem

    Record = Callable[[Outcome], None]


def run_waves(
    ledger: "Ledger", jobs: int, record: "Record", wave: "Callable[[Sequence[WorkItem]], None]"
) -> None:
    """Run the graph to its end: *wave* runs items, and builds run on *jobs* threads.

    While there are threads, nothing is forked, so what comes up meanwhile runs in this process.
    """
    builds: BuildThreads | None = None
    while (units := ledger.take_ready()) or (builds is not None and builds.is_busy):
        items = [(unit, ledger.inputs_of(unit)) for unit in units if not unit[0].grows]
        growing = [(unit, ledger.inputs_of(unit)) for unit in units if unit[0].grows]
        if growing:
            builds = builds or _build_threads(jobs)
            builds.add(growing)
        if builds is None or not builds.is_busy:
            wave(items)
            continue
        if items:
            run_here(items, record)
        for outcome in builds.ended(wait=not items):
            record(outcome)


def run_here(items: "Sequence[WorkItem]", record: "Record") -> None:
    """Run *items* one after the other in this process."""
    stream = iter(items)
    Runner(lambda: next(stream, None), record).run()


def _build_threads(jobs: int) -> "BuildThreads":
    from puffin.pipeline.run.build_threads import BuildThreads

    return BuildThreads(jobs)
