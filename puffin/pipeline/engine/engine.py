"""Running a graph: an executor is chosen and started; outcomes go to the run record and the reporter."""

import os
import time

from puffin import __version__, meter
from puffin.artifact.artifact import WHEEL
from puffin.artifact.urls import mask_text
from puffin.errors import UsageError, demand_files
from puffin.pipeline.graph.ledger import Ledger, no_growth
from puffin.pipeline.graph.record import RunRecord, current, phase
from puffin.pipeline.graph.task import UNFINISHED, Outcome
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.run.executor import NAMES, choose_executor, kept
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from puffin.pipeline.graph.ledger import Grow
    from puffin.pipeline.graph.task import Task
    from puffin.pipeline.request.scheduler import Remote
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.run.executor import Executor
    from puffin.pipeline.tasks.supply import Supply

_CLUSTER_FILES, _WORKER_FILES = 48, 16  # open files of a cluster, and of each of its workers


class Engine:
    """The executor of a run and its record. Started early, while the plan is still being made, it costs no wait."""

    def __init__(self, settings: Settings, session: "Session", *, command: str) -> None:
        self._settings = settings
        self._session = session
        self._command = command
        self._executor: Executor | None = None
        self._own: RunRecord | None = None
        self._noted = False

    def start(self, name: str) -> "Executor":
        """Start the executor with this name, or return the one that runs already."""
        if self._executor is None:
            directory = self._session.cache.temporary("-dask")
            jobs, remote = self._settings.workers, self._settings.remote
            with phase("start executor"):
                if remote is not None:
                    warn = self._session.reporter.warn
                    self._executor = make_remote(remote, jobs=jobs, local_directory=directory, warn=warn)
                else:
                    self._executor = make_executor(
                        name, jobs=jobs, local_directory=directory, dashboard=self._settings.dashboard
                    )
            if self._executor.address:
                self._session.reporter.phase(f"Dashboard at {self._executor.address}", -1, -1)
        return self._executor

    def chosen(self, missing: "Sequence[Supply]") -> str:
        """Return the name of the executor for a plan that lacks these wheels; builds need none of its workers."""
        wheels = [each for each in missing if each.artifact.kind == WHEEL]
        return self.chosen_for(len(wheels), sum(each.artifact.size for each in wheels))

    def chosen_for(self, count: int, size: int) -> str:
        """Return the name of the executor for *count* wheels to fetch, of *size* bytes where known."""
        if self._settings.dashboard >= 0:
            return "cluster"
        chosen = choose_executor(
            self._settings.executor or "auto", to_fetch=count, to_fetch_bytes=size, jobs=self._settings.workers
        )
        if meter.notes(meter.DECISIONS) and count and not self._noted:
            self._noted = True
            meter.note(f"Executor `{chosen}` for {count} wheels to fetch")
        return chosen

    def run(
        self,
        tasks: "Iterable[Task]",
        executor: str,
        each: "Callable[[Task, Outcome], None] | None" = None,
        grow: "Grow" = no_growth,
    ) -> Ledger:
        """Run *tasks*, and what they *grow*, to their end and return the ledger; failures are in it, not raised."""
        ledger = Ledger(tasks, lambda *told: grown_for(grow, *told))
        if any(task.waits or task.grows for task in ledger.tasks.values()):
            meter.share()
        running = self.start(executor)
        recorder = OutcomeRecorder(self._record(), ledger)
        recorder.begin(running.name, self._settings.workers)
        self._session.reporter.expect(ledger.tasks)

        def notify(outcome: "Outcome") -> None:
            recorder.outcome(outcome)
            task = ledger.tasks[outcome.key]
            self._session.reporter.task(task, outcome)
            if each is not None:
                each(task, outcome)

        try:
            running.run(ledger, notify)
        finally:
            recorder.end()
        return ledger

    def idle(self) -> None:
        self._record().graph("inline", jobs=self._settings.workers, tasks=0, at=time.time())

    def _record(self) -> RunRecord:
        """Return the record of the command, or one of this run alone where the command keeps none."""
        record = current() or self._own
        if record is None:
            started = time.time()
            record = self._own = RunRecord(
                self._session.cache, self._command, version=__version__, started=started
            )
        return record

    def close(self) -> None:
        """Let the executor's processes go and close the record."""
        if self._executor is not None:
            if self._settings.dashboard_linger and self._executor.address:
                kept.append(self._executor)
            else:
                with phase("stop executor"):
                    self._executor.close()
            self._executor = None
        if self._own is not None:
            self._own.finish(0)
            self._own = None


def make_remote(
    remote: "Remote", *, jobs: int, local_directory: str, warn: "Callable[[str], None]"
) -> "Executor":
    """Return the executor that uses the workers of a scheduler; *warn* gets the unusable ones."""
    if remote.shared:
        from puffin.pipeline.farm.shared import SharedExecutor

        return SharedExecutor(remote, local_directory, warn)
    from puffin.pipeline.farm.executor import RemoteExecutor

    return RemoteExecutor(remote, jobs, warn)


def make_executor(name: str, *, jobs: int, local_directory: str, dashboard: int = -1) -> "Executor":
    """Return a started executor; ``cluster`` starts its processes here, and its dashboard on a port from 0 up."""
    if name == "inline":
        from puffin.pipeline.run.inline import InlineExecutor

        return InlineExecutor(jobs)
    if name == "pool":
        if not hasattr(os, "fork"):
            return make_executor("inline", jobs=1, local_directory=local_directory)
        from puffin.pipeline.run.pool import PoolExecutor

        return PoolExecutor(jobs)
    if name == "cluster":
        demand_files(_CLUSTER_FILES + _WORKER_FILES * jobs, "a cluster")
        from puffin.pipeline.run.cluster import ClusterExecutor

        return ClusterExecutor(jobs, local_directory, dashboard=dashboard)
    raise UsageError(
        text=f"`{name}` is not an executor", hints=(f"use one of {', '.join(f'`{each}`' for each in NAMES)}",)
    )


def grown_for(grow: "Grow", task: "Task", outcome: "Outcome") -> "tuple[Task, ...]":
    """Return the tasks that *task* grows, for the same environments."""
    return tuple(
        [
            replace(each, environments=each.environments or task.environments, cache=each.cache or meter.MISS)
            for each in grow(task, outcome)
        ]
    )


class OutcomeRecorder:
    """Writes the outcomes of a ledger's tasks into a run record."""

    def __init__(self, record: RunRecord, ledger: Ledger) -> None:
        self._record = record
        self._ledger = ledger
        self._began = time.time()
        ledger.attempted = self._attempted

    def begin(self, executor: str, jobs: int) -> None:
        """Note that the executor gets the tasks now."""
        self._record.graph(executor, jobs=jobs, tasks=len(self._ledger.tasks), at=self._began)

    def outcome(self, outcome: Outcome) -> None:
        self._attempted(self._ledger.tasks[outcome.key], outcome)

    def _ready(self, task: "Task") -> float:
        """Return when *task* could have started: the last of what it needs was there."""
        outcomes = self._ledger.outcomes
        ready = self._ledger.grown.get(task.key, self._began)
        for key in task.dependencies:
            found = outcomes.get(key)
            if found is not None and found.ended > ready:
                ready = found.ended
        return ready

    def _attempted(self, task: "Task", outcome: Outcome) -> None:
        error = _first_line(outcome.error) if outcome.error else ""
        self._record.task(task, outcome, ready=self._ready(task), error=error)

    def end(self) -> None:
        """Add the lines of unfinished tasks, if the run was interrupted, and write."""
        if not self._ledger.finished:
            for task in self._ledger.tasks.values():
                if task.key not in self._ledger.outcomes:
                    self._record.task(task, Outcome(key=task.key, status=UNFINISHED))
        self._record.flush()


def _first_line(error: BaseException) -> str:
    return mask_text((str(error).splitlines() or [type(error).__name__])[0])
