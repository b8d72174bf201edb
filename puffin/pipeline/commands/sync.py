"""Sync of many environments: what their inputs are, who fails, and what became of each."""

import time

from puffin.cache.layout import Cache
from puffin.cache.lock import lock_timeout
from puffin.cache.usage import shared
from puffin.errors import PuffinError
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.change.run import ChangeRun
from puffin.pipeline.change.spec import SpecRun
from puffin.pipeline.change.values import ManyResult, failure_of
from puffin.pipeline.change.work import Watch
from puffin.pipeline.change.workplace import tell_recovery
from puffin.pipeline.commands.pip_sync import naming_of
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.environment import read_spec
from puffin.pipeline.inputs.inputs import Inputs, kinds_of_files
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.request.settings import DRIFTED, SKIPPED, UNCHANGED, UPDATED, ManySettings
from puffin.pipeline.workspace.specs import lock_of
from puffin.stages.link.interpreter.meanwhile import meanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from puffin.pipeline.builds.projects import Projects
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.values import ManyReporter
    from puffin.pipeline.commands.python import Interpreters
    from puffin.pipeline.find.search import Search
    from puffin.pipeline.request.toolchain import Toolchain
    from puffin.pipeline.resolve.many import Question
    from puffin.pipeline.tasks.supply import Supply
    from puffin.pipeline.workspace.specs import EnvSpec
    from puffin.stages.resolve.projects.sources import Build
    from puffin.stages.resolve.requirements.values import Requirements

_EMPTY = "The requirements of `{}` are empty: nothing was changed (`--allow-empty-requirements` empties it)"


class ManyRun:
    """One run. Its sites are in the order of their paths, in which locks are taken, so that two runs cannot block."""

    def __init__(
        self,
        specs: "Sequence[EnvSpec]",
        settings: ManySettings,
        reporter: "ManyReporter",
        environ: "Mapping[str, str]",
        started: float,
        interpreters: "Interpreters",
    ) -> None:
        self.cache = Cache(settings.run.cache_dir)
        self._settings = settings
        self._reporter = reporter
        self._environ = environ
        self._started = started
        self._order = [spec.name for spec in specs]
        self._sites = [
            SpecRun(spec, settings.run, self.cache, environ)
            for spec in sorted(specs, key=lambda spec: spec.path)
        ]
        self._interpreter = interpreters
        self._projects: Projects | None = None
        self._change = ChangeRun(settings.run, self.cache, environ, reporter, command="sync")
        self._questions: list[Question] = []
        self._ahead = False
        self._phases: list[tuple[str, float]] = []
        self._mark = time.perf_counter()

    @property
    def _dry(self) -> bool:
        return self._settings.check or self._settings.run.dry_run

    def sync(self) -> ManyResult:
        """Make each environment hold exactly what it is configured to; return what became of all of them.

        What goes wrong with some of them is in the result; raised is only what concerns them all, and what comes
        from outside. :meth:`result` tells after that too how far it got.
        """
        with shared(self.cache):
            try:
                self._run()
            finally:
                self.close()
        return self.result()

    def _run(self) -> None:
        self._reporter.began(tuple([site.name for site in self._sites]))
        with phase("read requirements"), meanwhile(import_fetching):
            for site in self._sites:
                guarded(site, self._read)
        self._phase("read")
        with phase("resolve"):
            self._resolve()
        self._phase("resolve")
        with phase("compare"):
            self._ahead = not self._dry and all(site.missing for site in self._alive())
            for site in self._sites:
                guarded(site, SpecRun.foresee if self._ahead else self._open)
            self._end_failed()
        self._phase("plan")
        with phase("locate"):
            self._locate()
        self._phase("locate")
        if self._dry:
            for site in self._alive():
                site.end(DRIFTED)
                self._done(site)
        else:
            self._apply()
        self._phase("work")

    def _phase(self, name: str) -> None:
        now = time.perf_counter()
        self._phases.append((name, now - self._mark))
        self._mark = now

    def _alive(self) -> "list[SpecRun]":
        return [site for site in self._sites if site.alive]

    def _read(self, site: SpecRun) -> None:
        site.find(self._interpreter)
        interpreter = site.environment.interpreter
        found = read_spec(
            site.spec,
            site.settings,
            interpreter,
            self._environ,
            frozen=self._settings.frozen,
            naming=naming_of(site.settings, self._environ, site.environment, self.cache),
            build=self._builder(site),
        )
        if isinstance(found, Inputs):
            self._take_inputs(site, found)
        else:
            lock = lock_of(site.spec)
            from puffin.pipeline.request.toolchain import toolchain_of
            from puffin.pipeline.resolve.many import question_of

            toolchain = toolchain_of(site.environment)
            question = question_of(site.name, site.settings, found, toolchain, lock, self._environ)
            self._questions.append(question)

    def _builder(self, site: SpecRun) -> "Build | None":
        """Return what tells the metadata of a site's project where only a build does."""

        def toolchain() -> "Toolchain":
            from puffin.pipeline.request.toolchain import toolchain_of

            return toolchain_of(site.environment)

        settings = site.settings
        if settings.no_build:
            return None

        def build(directory: str, shown: str, written: "Requirements") -> bytes:
            if self._projects is None:
                from puffin.pipeline.builds.projects import Projects  # most runs build nothing

                self._projects = Projects(self._environ)
            builder = self._projects.builder(
                settings,
                toolchain,
                files=lambda written: kinds_of_files(settings, written),
                exclude_newer=settings.exclude_newer,
            )
            return builder(directory, shown, written)

        return build

    def _take_inputs(self, site: SpecRun, inputs: Inputs) -> None:
        site.inputs = inputs
        for warning in inputs.warnings:
            self._reporter.warn(f"{warning} (`{site.name}`)")

    def _resolve(self) -> None:
        """Resolve what is not pinned, all at once."""
        if not self._questions:
            return
        from puffin.cache.usage import make_room
        from puffin.pipeline.resolve.many import resolve_all

        make_room(self.cache)
        answers = resolve_all(self._questions, self.cache, self._settings.run.workers)
        for site in self._alive():
            answer = answers.get(site.name)
            if isinstance(answer, Inputs):
                self._take_inputs(site, answer)
            elif answer is not None:
                site.fail(answer)

    def _open(self, site: SpecRun) -> None:
        site.enter(timeout=lock_timeout(self._environ), make=not self._dry)
        if not self._dry:
            tell_recovery(site.workplace, self._reporter)
        if not (self._ahead and site.created):  # else its plan was made before it was
            site.make_plan()
        self._judge(site)

    def _judge(self, site: SpecRun) -> None:
        """End a site that has nothing to do."""
        if not site.inputs.pins and site.plan.remove and not self._settings.run.allow_empty_requirements:
            self._reporter.warn(_EMPTY.format(site.name))
            site.end(UNCHANGED)
        elif site.plan.nothing_to_do and not (site.missing and self._dry):
            site.end(UNCHANGED)
        if not site.alive:
            self._done(site)

    def _end_failed(self) -> None:
        """Say what failed so far; with ``--fail-fast``, that is the end of everything."""
        failed = [site for site in self._sites if site.error is not None]
        for site in failed:
            self._done(site)
        if failed and self._settings.fail_fast:
            for site in self._alive():
                site.end(SKIPPED)
                self._done(site)

    def _locate(self) -> None:
        sites = self._alive()
        if not sites:
            return
        search = self._change.search(sites)
        if not self._dry:
            self._change.warm_up(search.missing)
        if self._ahead:
            search, sites = self._make(search, sites)
        search.finish()
        for warning in search.warnings:
            self._reporter.warn(warning)
        for number, site in enumerate(sites):
            if site.alive:
                self._take(site, search.answers(number))
        for site in self._alive():
            guarded(site, self._settle)
        self._end_failed()

    def _make(self, search: "Search", searched: "list[SpecRun]") -> "tuple[Search, list[SpecRun]]":
        """Make the environments while *search* goes on; return it, or another for what is still to be looked for."""
        with phase("make environments"):
            for site in self._alive():
                guarded(site, self._open)
            self._end_failed()
        sites = self._alive()
        if sites and all(site.created for site in sites):
            return search, searched
        search.stop()  # another run made some, perhaps otherwise
        return self._change.search(sites), sites

    def _take(self, site: SpecRun, answers: "Sequence[Supply | PuffinError]") -> None:
        for each in answers:
            if isinstance(each, PuffinError):
                site.fail(each)
            else:
                site.supplies.append(each)

    def _settle(self, site: SpecRun) -> None:
        site.settle()
        self._judge(site)
        self._change.settle(site)

    def _apply(self) -> None:
        sites = self._alive()
        if sites:
            self._change.bring(
                sites, _ManyWatch(self._reporter, self._done), fail_fast=self._settings.fail_fast
            )

    def _done(self, site: "EnvironmentRun") -> None:
        """Say how a site ended, and let it go; what failed waits until nobody can be writing there any more."""
        if site.status in (UPDATED, UNCHANGED):
            with phase("close environment"):
                site.close()
        self._reporter.ended(site.name, site.status)

    def close(self) -> None:
        """Let everything go, whatever happened."""
        self._change.close()
        for site in self._sites:
            if site.alive:
                site.end(SKIPPED)
            site.close()

    def result(self) -> ManyResult:
        """Return what became of all."""
        from puffin.pipeline.change.result import many_result

        return many_result(
            self._sites, self._order, self._change.graph, tuple(self._phases), self._started, self._settings
        )


class _ManyWatch(Watch):
    """Tells the reporter how environments come along; *done* is told of their ends."""

    def __init__(self, reporter: "ManyReporter", done: "Callable[[EnvironmentRun], None]") -> None:
        self._reporter = reporter
        self._done = done

    def linked(self, site: "EnvironmentRun", left: int) -> None:
        total = len(site.supplies)
        self._reporter.environment(site.name, f"{total - left} of {total} packages")

    def prepared(self, site: "EnvironmentRun", compiled: "tuple[int, float]") -> None:
        self._reporter.environment(site.name, "committing")

    def ended(self, site: "EnvironmentRun") -> None:
        self._done(site)


__all__ = ["ManyRun", "failure_of"]
