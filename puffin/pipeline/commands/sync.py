"""``sync`` of many environments: their inputs, their failures, and the result of each."""

import os
import time

from puffin import depends
from puffin.cache.reading import read
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.change.asked import asked_of, keep_asked
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.result import many_result
from puffin.pipeline.change.run import ChangeRun
from puffin.pipeline.change.spec import SpecRun
from puffin.pipeline.change.values import ManyResult
from puffin.pipeline.change.work import Watch
from puffin.pipeline.change.workplace import tell_recovery
from puffin.pipeline.commands.pip_sync import ToldByBuilds
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.environment import read_spec
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.request.settings import DRIFTED, SKIPPED, UNCHANGED, UPDATED, ManySettings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.specs import known_lock
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.values import ManyReporter
    from puffin.pipeline.find.search import Search
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.resolve.many import Question
    from puffin.pipeline.tasks.supply import Supply
    from puffin.pipeline.workspace.specs import EnvSpec

_EMPTY = "The requirements of `{}` are empty: nothing was changed (`--allow-empty-requirements` empties it)"


class ManyRun:
    """One run. Its runs are in the order of their paths, in which locks are taken, so that two runs cannot block."""

    def __init__(
        self, settings: ManySettings, session: "Session", reporter: "ManyReporter", interpreters: "Interpreters"
    ) -> None:
        self._settings = settings
        self._session = session
        self._reporter = reporter
        self._runs = [
            SpecRun(spec, settings.run, session) for spec in sorted(settings.specs, key=lambda spec: spec.path)
        ]
        self._interpreter = interpreters
        self._again = Interpreters(session)  # knows nothing yet, so that what it looks at is noted
        self._told = ToldByBuilds(session)
        self._change = ChangeRun(settings.run, session, command="sync")
        self._questions: list[Question] = []
        self._ahead = False
        self._next: depends.Dependencies | None = None  # what the next run will depend on
        self._phases: list[tuple[str, float]] = []
        self._mark = time.perf_counter()

    def sync(self) -> ManyResult:
        """Make each environment hold exactly what is configured; return the results.

        What goes wrong with some of them is in the result; raised is only what concerns them all, and what comes
        from outside. :meth:`result` tells after that too how far it got.
        """
        with shared(self._session.cache):
            try:
                self._run()
            finally:
                self.close()
        if self._next is None:
            return self.result()
        depends.back(self._next)
        return replace(self.result(), settled=True)

    def _run(self) -> None:
        self._reporter.began(tuple([run.name for run in self._runs]))
        with phase("read requirements"), meanwhile(import_fetching):
            for run in self._runs:
                guarded(run, self._read)
        self._phase("read")
        with phase("resolve"):
            self._resolve()
        self._phase("resolve")
        with phase("compare"):
            self._ahead = not self._settings.is_dry and all(run.missing for run in self._alive())
            for run in self._runs:
                guarded(run, SpecRun.foresee if self._ahead else self._open)
            self._end_failed()
        self._phase("plan")
        self._next = depends.mark()
        with phase("locate"):
            self._locate()
        self._phase("locate")
        if self._settings.is_dry:
            for run in self._alive():
                run.end(DRIFTED)
                self._done(run)
        else:
            self._apply()
        self._phase("work")

    def _phase(self, name: str) -> None:
        now = time.perf_counter()
        self._phases.append((name, now - self._mark))
        self._mark = now

    def _alive(self) -> "list[SpecRun]":
        return [run for run in self._runs if run.alive]

    def _left_out(self, spec: "EnvSpec") -> frozenset[str]:
        """Return the packages that are resolved and not installed: the project, or all members of its workspace."""
        settings = self._settings
        if not spec.project or not (settings.no_install_project or settings.no_install_workspace):
            return frozenset()
        from puffin.stages.resolve.projects.members import LocalProjects

        projects, directory = LocalProjects(self._session.read), os.path.dirname(spec.project)
        tables = projects.tables(directory)
        projects.tree(spec.tree)
        workspace = projects.workspace_of(directory) if settings.no_install_workspace else None
        return frozenset((*([tables.name] if tables else ()), *(workspace.members if workspace else ())))

    def _read(self, run: SpecRun) -> None:
        run.find(self._interpreter)
        interpreter = run.environment.interpreter
        found = read_spec(
            run.spec,
            run.settings,
            interpreter,
            self._session,
            frozen=self._settings.frozen,
            left_out=self._left_out(run.spec),
            naming=self._told.naming(run.settings, run.environment),
            build=self._told.metadata(run.settings, run.environment),
        )
        if isinstance(found, Inputs):
            self._take_inputs(run, found)
        else:
            from puffin.pipeline.request.builds import toolchain_of
            from puffin.pipeline.resolve.many import question_of

            toolchain, lock = toolchain_of(run.environment), known_lock(run.spec)
            run.asked = asked_of(found, read(lock) or b"" if lock else b"")
            question = question_of(run.name, run.settings, found, toolchain, lock, self._session, installs=True)
            self._questions.append(question)

    def _take_inputs(self, run: SpecRun, inputs: Inputs) -> None:
        run.inputs = inputs
        for warning in inputs.warnings:
            self._reporter.warn(f"{warning} (`{run.name}`)")

    def _resolve(self) -> None:
        """Resolve what is not pinned, all at once."""
        if not self._questions:
            return
        from puffin.pipeline.resolve.many import resolve_all

        make_room(self._session.cache)
        answers = resolve_all(self._questions, self._session, self._settings.run.workers)
        for run in self._alive():
            answer = answers.get(run.name)
            if isinstance(answer, Inputs):
                self._take_inputs(run, answer)
            elif answer is not None:
                run.fail(answer)

    def _open(self, run: SpecRun) -> None:
        before = depends.mark()
        run.enter(make=not self._settings.is_dry)
        if not self._settings.is_dry:
            tell_recovery(run.workplace, self._reporter)
        if not (self._ahead and run.created):  # else its plan was made before it was
            run.make_plan()
        self._judge(run)
        if run.alive and before is not None:
            depends.back(before)  # it is looked at again after the change

    def _judge(self, run: SpecRun) -> None:
        """End a run that has nothing to do."""
        if not run.inputs.pins and run.plan.remove and not self._settings.run.allow_empty_requirements:
            self._reporter.warn(_EMPTY.format(run.name))
            run.end(UNCHANGED)
        elif run.plan.nothing_to_do and not (run.missing and self._settings.is_dry):
            run.end(UNCHANGED)
        if not run.alive:
            self._done(run)

    def _end_failed(self) -> None:
        """Say what failed so far; with ``--fail-fast``, that is the end of everything."""
        failed = [run for run in self._runs if run.error is not None]
        for run in failed:
            self._done(run)
        if failed and self._settings.fail_fast:
            for run in self._alive():
                run.end(SKIPPED)
                self._done(run)

    def _locate(self) -> None:
        runs = self._alive()
        if not runs:
            return
        search = self._change.search(runs)
        if not self._settings.is_dry:
            self._change.warm_up(search.missing)
        if self._ahead:
            search, runs = self._make(search, runs)
        search.finish()
        for warning in search.warnings:
            self._reporter.warn(warning)
        for number, run in enumerate(runs):
            if run.alive:
                self._take(run, search.answers(number))
        for run in self._alive():
            guarded(run, self._settle)
        self._end_failed()

    def _make(self, search: "Search", searched: "list[SpecRun]") -> "tuple[Search, list[SpecRun]]":
        """Make the environments while *search* goes on; return it, or another for what is still to be looked for."""
        with phase("make environments"):
            for run in self._alive():
                guarded(run, self._open)
            self._end_failed()
        runs = self._alive()
        if runs and all(run.created for run in runs):
            return search, searched
        search.stop()  # another run made some, perhaps otherwise
        return self._change.search(runs), runs

    def _take(self, run: SpecRun, answers: "Sequence[Supply | PuffinError]") -> None:
        for each in answers:
            if isinstance(each, PuffinError):
                run.fail(each)
            else:
                run.supplies.append(each)

    def _settle(self, run: SpecRun) -> None:
        run.settle()
        self._judge(run)
        self._change.settle(run)

    def _apply(self) -> None:
        runs = self._alive()
        if runs:
            self._change.bring(runs, _ManyWatch(self._reporter, self._done), fail_fast=self._settings.fail_fast)

    def _done(self, run: "EnvironmentRun") -> None:
        """Say how a run ended, and let it go; what failed waits until nobody can be writing there any more."""
        self._foretell(run)
        if run.asked is not None and not self._settings.is_dry and run.status in (UPDATED, UNCHANGED):
            keep_asked(self._session.cache, run.path, run.asked)
        if run.status in (UPDATED, UNCHANGED):
            with phase("close environment"):
                run.close()
        self._reporter.ended(run.name, run.status)

    def _foretell(self, run: "EnvironmentRun") -> None:
        """Note what the next run will depend on in an environment that was opened for a change."""
        if self._next is None:
            return
        former = depends.swap(self._next)
        done = run.status in (UPDATED, UNCHANGED)
        if not (done and isinstance(run, SpecRun) and run.is_settled_for(self._again)):
            self._next = None
        depends.swap(former)

    def close(self) -> None:
        """Release all environments and processes."""
        self._change.close()
        for run in self._runs:
            if run.alive:
                run.end(SKIPPED)
            run.close()

    def result(self) -> ManyResult:
        started = self._session.started
        return many_result(self._runs, self._change.graph, tuple(self._phases), started, self._settings)


class _ManyWatch(Watch):
    """Tells the reporter how environments come along; *done* is told of their ends."""

    def __init__(self, reporter: "ManyReporter", done: "Callable[[EnvironmentRun], None]") -> None:
        self._reporter = reporter
        self._done = done

    def linked(self, run: "EnvironmentRun", left: int) -> None:
        total = len(run.supplies)
        self._reporter.environment(run.name, f"{total - left} of {total} packages")

    def prepared(self, run: "EnvironmentRun", compiled: "tuple[int, float]") -> None:
        self._reporter.environment(run.name, "committing")

    def ended(self, run: "EnvironmentRun") -> None:
        self._done(run)
