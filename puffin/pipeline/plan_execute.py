"""Running a sync's graph: the executor chosen and started, outcomes recorded and told."""

import time

from puffin import __version__
from puffin.cache.layout import Cache
from puffin.pipeline.executors import choose, make_executor
from puffin.pipeline.graph import Ledger, no_growth
from puffin.pipeline.plan_settings import Settings
from puffin.pipeline.record import RunRecord
from puffin.pipeline.task import DONE
from puffin.stages.artifact import WHEEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from puffin.pipeline.executors import Executor
    from puffin.pipeline.graph import Grow
    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.plan_settings import Reporter
    from puffin.pipeline.task import Outcome, Task


class Engine:
    """The executor of a run and its record. Started early, while the plan is still being made, it costs no wait."""

    def __init__(self, settings: Settings, cache: Cache, reporter: "Reporter", *, command: str) -> None:
        self._settings = settings
        self._cache = cache
        self._reporter = reporter
        self._command = command
        self._executor: Executor | None = None
        self._record: RunRecord | None = None

    def start(self, name: str) -> "Executor":
        """Start the executor with this name, or return the one that runs already."""
        if self._executor is None:
            directory = self._cache.temporary("-dask")
            self._executor = make_executor(name, jobs=self._settings.workers, local_directory=directory)
        return self._executor

    def chosen(self, missing: "Sequence[Supply]") -> str:
        """Return the name of the executor for a plan that lacks these wheels; builds need none of its workers."""
        wheels = [each for each in missing if each.artifact.kind == WHEEL]
        return self.chosen_for(len(wheels), sum(each.artifact.size for each in wheels))

    def chosen_for(self, count: int, size: int) -> str:
        """Return the name of the executor for *count* wheels to fetch, of *size* bytes where known."""
        return choose(self._settings.executor or "auto", to_fetch=count, to_fetch_bytes=size)

    def run(
        self,
        tasks: "Iterable[Task]",
        executor: str,
        each: "Callable[[Task, Outcome], None] | None" = None,
        grow: "Grow" = no_growth,
    ) -> Ledger:
        """Run *tasks*, and what they *grow*, to their end and return the ledger; failures are in it, not raised."""
        ledger = Ledger(tasks, grow)
        running = self.start(executor)
        record = self._open(running.name, len(ledger.tasks))
        self._reporter.expect(len(ledger.tasks))

        expected = len(ledger.tasks)

        def notify(outcome: "Outcome") -> None:
            nonlocal expected
            if len(ledger.tasks) != expected:
                expected = len(ledger.tasks)
                self._reporter.expect(expected)
            task = ledger.tasks[outcome.key]
            record.task(task, outcome)
            self._reporter.task(task, outcome)
            if each is not None:
                each(task, outcome)

        try:
            running.run(ledger, notify)
        finally:
            record.flush()
        return ledger

    def _open(self, executor: str, tasks: int) -> RunRecord:
        if self._record is None:
            self._record = RunRecord(self._cache, now=time.time())
            self._record.start(self._command, version=__version__, executor=executor, tasks=tasks)
        return self._record

    def close(self) -> None:
        """Let the executor's processes go and close the record."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        if self._record is not None:
            self._record.close()
            self._record = None


def results(ledger: Ledger, stage: str) -> "dict[str, object]":
    """Return the results of a stage's tasks that are done, by the second half of their keys."""
    return {
        key[1]: outcome.result
        for key, outcome in ledger.outcomes.items()
        if key[0] == stage and outcome.status == DONE
    }
