"""Changing environments, from their inputs to their commits: one search and one graph, for one or for many."""

import os
import time

from puffin.artifact.artifact import WHEEL
from puffin.cache.atomic import remove_tree
from puffin.cache.usage import make_room
from puffin.errors import PuffinError
from puffin.pipeline.change.environment import SiteFailed
from puffin.pipeline.change.result import change_lines
from puffin.pipeline.change.values import identity_of
from puffin.pipeline.change.work import GraphRun, Watch
from puffin.pipeline.engine.engine import Engine
from puffin.pipeline.find.search import Search
from puffin.pipeline.graph.record import phase
from puffin.pipeline.request.imports import import_supplying
from puffin.pipeline.run.executor import FEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.change.builds import BuildSessions
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.remote import RemoteRun
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Reporter, Settings
    from puffin.stages.link.commit.placement import Conflict


class ChangeRun:
    """The part of a command in which environments change. ``command`` is its name in the run record."""

    def __init__(self, settings: "Settings", session: "Session", *, command: str) -> None:
        self._settings = settings
        self._session = session
        self._engine = Engine(settings, session, command=command)
        self._search: Search | None = None
        self._builds: BuildSessions | None = None
        self._remote: RemoteRun | None = None
        self._end_uploads: Callable[[], None] = _nothing
        self.graph: GraphRun | None = None

    def search(self, runs: "Sequence[EnvironmentRun]") -> Search:
        """Start the search for the files that the plans of *runs* install."""
        make_room(self._session.cache)
        self._use_remote()
        requests = [run.request() for run in runs]
        self._search = Search(requests, settings=self._settings, session=self._session)
        return self._search

    def _use_remote(self) -> None:
        """Start to ask the remote cache, if the run has one."""
        settings = self._settings.remote_cache
        if settings is not None and self._remote is None and not self._settings.dry_run:
            from puffin.pipeline.change.remote import RemoteRun

            self._remote = RemoteRun(settings, self._session)

    def warm_up(self, missing: int) -> None:
        """During the search for *missing* pins, import modules and start processes for the work."""
        if not missing:
            return
        from puffin.cache.clean import collect

        collect(self._session.cache)
        name = self._engine.chosen_for(missing, 0)
        if name != "inline" or missing > FEW:
            import_supplying()
        self._engine.start(name)

    def settle(self, run: "EnvironmentRun") -> None:
        """Note the toolchain for each build of *run*, or the wheel that was built before."""
        if any(each.artifact.kind != WHEEL for each in run.supplies):
            if self._builds is None:
                from puffin.pipeline.change.builds import BuildSessions

                self._builds = BuildSessions(self._session)
            self._use_remote()
            self._builds.settle(run, self._remote)

    def bring(self, runs: "Sequence[EnvironmentRun]", watch: Watch, *, fail_fast: bool = False) -> None:
        """Carry out the plans of *runs*; each one holds its own result."""
        self._use_remote()
        self.graph = GraphRun(
            runs,
            self._engine,
            session=self._session,
            watch=watch,
            fail_fast=fail_fast,
            builds=self._builds,
            remote=self._remote,
            took=self._search.took if self._search is not None else None,
        )
        try:
            self.graph.run()
            if self._remote is not None:
                self._end_uploads = self._remote.begin_uploads()
        finally:  # also if nobody reads what the run tells any more
            if self._search is not None:
                with phase("remember"):
                    self._search.remember(self.graph.archives)

    def close(self) -> None:
        """End the search and let the executor's processes go."""
        if self._search is not None:
            self._search.stop()
        self._engine.close()
        if self._remote is not None:
            self._end_uploads()
            self._remote.close()
        elif self._settings.remote_cache is not None:
            remove_tree(self._settings.remote_cache.room)  # a resolution may have left lists there


def _nothing() -> None:
    """Wait for nothing."""


class ApplyFailed(PuffinError):
    """Some distributions could not be prepared; the environment is as it was, or ``partly`` changed already."""

    environment: str
    action: str
    partly: bool = False

    def summary(self) -> str:
        """Say what failed, and what changed."""
        left = "all else is done, as these builds needed it there" if self.partly else "it was left as it was"
        return f"Failed to {self.action} the environment `{self.environment}`; {left}"

    @property
    def worst(self) -> int:
        return max((cause.exit_code for cause in self.causes), default=1)


class _OneWatch(Watch):
    """Tells a reporter of the one environment, a commit at a time."""

    def __init__(self, reporter: "Reporter") -> None:
        self._reporter = reporter
        self._began = time.perf_counter()
        self._conflicts = 0

    def prepared(self, run: "EnvironmentRun", compiled: "tuple[int, float]") -> None:
        fetched = sum(1 for each in run.turn.values() if not each.archive)
        if fetched:
            self._reporter.phase("Prepared", fetched, time.perf_counter() - self._began)
        if compiled[0]:
            self._reporter.phase("Compiled", *compiled)

    def committed(self, run: "EnvironmentRun", seconds: float) -> None:
        for conflict in run.conflicts[self._conflicts :]:
            self._reporter.warn(_conflict(conflict, run.workplace.site))
        self._conflicts = len(run.conflicts)
        plan, supplies = run.turn_plan, list(run.turn.values())
        gone = len(plan.remove) + len(plan.replace)
        if gone:
            self._reporter.phase("Uninstalled", gone, seconds)
        if supplies:
            self._reporter.phase("Installed", len(supplies), seconds)
        self._reporter.changes(change_lines(run.workplace.present, plan, supplies, run))
        self._began = time.perf_counter()


def tell_dry(run: "EnvironmentRun", reporter: "Reporter") -> None:
    """Report the changes of a dry run."""
    plan, supplies = run.plan, run.supplies
    for verb, count in (
        ("Would download", sum(1 for each in supplies if not each.archive)),
        ("Would uninstall", len(plan.remove) + len(plan.replace)),
        ("Would install", len(supplies)),
    ):
        if count:
            reporter.phase(verb, count, -1)
    if plan.nothing_to_do:
        reporter.phase("Would make no changes", -1, 0)
    reporter.changes(change_lines(run.place.present, plan, supplies, run))


def bring_one(change: ChangeRun, run: "EnvironmentRun", reporter: "Reporter", *, action: str = "sync") -> None:
    """Carry out the plan of *run* and report it; *action* is the verb for messages.

    Raises :class:`ApplyFailed` and the errors of planning and doing the commit; then nothing changed, but for the
    first of two changes.
    """
    change.bring([run], _OneWatch(reporter))
    if run.lacking:
        causes = [run.lacking[number] for number in sorted(run.lacking)]
        raise ApplyFailed(
            environment=run.environment.root, action=action, partly=run.partly, causes=_distinct(causes)
        )
    if isinstance(run.error, SiteFailed) and run.error.__cause__ is not None:
        raise run.error.__cause__
    if run.error is not None:
        raise run.error


def _distinct(errors: "Sequence[PuffinError]") -> "tuple[PuffinError, ...]":
    return tuple({identity_of(error): error for error in errors}.values())


def _conflict(conflict: "Conflict", home: str) -> str:
    path = os.path.relpath(conflict.path, home)
    names = ", ".join(f"`{name}`" for name in (conflict.winner, *conflict.losers))
    return f"`{path}` differs between {names}; that of `{conflict.winner}` is used"
