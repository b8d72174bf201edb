"""``pip sync``: an environment is made to hold exactly the pins of requirements files."""

import time

from puffin import depends
from puffin.cache.usage import shared
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.run import ChangeRun, bring_one, tell_dry
from puffin.pipeline.change.workplace import opened, tell_recovery, warn_of_broken, workplace_for
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Inputs, Reading, check_files, requested
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import find_where
from puffin.stages.link.environment.environment import check_allowed, check_writable
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.pipeline.builds.projects import Projects
    from puffin.pipeline.inputs.inputs import Naming
    from puffin.pipeline.request.session import Session
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.resolve.projects.values import Build
    from puffin.stages.resolve.requirements.values import Requirements

_EMPTY = (
    "The requirements are empty: nothing was changed (`--allow-empty-requirements` empties the environment)"
)


def sync(settings: Settings, session: "Session", *, exact: bool = True) -> bool:
    """Make the environment of *settings* hold exactly what its files pin; without *exact*, that besides what it holds.

    Return whether that changes something, or would with ``--check``. Raises :class:`PuffinError`; then the
    environment is as it was.
    """
    settings = replace(settings, dry_run=settings.dry_run or settings.check)
    check_files(settings.files, settings.group)
    with phase("find interpreter"), meanwhile(import_fetching):
        environment = find_where(settings.where, session)
    if not settings.dry_run:
        check_allowed(environment, break_system_packages=settings.break_system_packages)
    told = ToldByBuilds(session)
    with phase("read requirements"):
        reading = Reading(
            requested(settings),
            settings,
            session,
            naming=told.naming(settings, environment),
            build=told.metadata(settings, environment),
        )
        inputs = reading.inputs(environment.interpreter)
    return sync_pins(environment, inputs, settings, session, exact=exact)


def sync_pins(
    environment: "Environment", inputs: Inputs, settings: Settings, session: "Session", *, exact: bool = True
) -> bool:
    """Make *environment* hold the pins of *inputs*; the rest is as in :func:`sync`."""
    reporter = session.reporter
    for warning in inputs.warnings:
        reporter.warn(warning)
    mark = depends.mark()
    with opened(workplace_for(environment, settings, session, looks=True)) as workplace, shared(session.cache):
        tell_recovery(workplace, reporter)
        change = ChangeRun(settings, session, command="pip sync")
        run = EnvironmentRun(environment.root, environment.root, settings, session)
        run.environment, run.inputs, run.exact = workplace.environment, inputs, exact
        run.use(workplace)
        try:
            changes = _Sync(change, run, session, mark).run()
        finally:
            change.close()
        if settings.strict and not settings.dry_run:
            warn_of_broken(environment, reporter)
    return changes


class ToldByBuilds:
    """The names and metadata that only builds tell, for a run; what builds take is imported with the first of them."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: Projects | None = None

    def _projects(self) -> "Projects":
        if self._known is None:
            from puffin.pipeline.builds.projects import Projects

            self._known = Projects(self._session)
        return self._known

    def naming(self, settings: Settings, environment: "Environment") -> "Naming":
        """Return what finds the names of requirements that have none, as ``Projects.naming`` does it."""
        return lambda written, files: self._projects().naming(settings, environment, written, files)

    def metadata(self, settings: Settings, environment: "Environment") -> "Build":
        """Return what tells the metadata of a source tree, as ``Projects.metadata`` does it."""

        def build(directory: str, shown: str, written: "Requirements", **how: "Any") -> bytes:
            from puffin.pipeline.request.builds import toolchain_of

            tools = toolchain_of(environment)
            return self._projects().metadata(settings, tools, directory, shown, written, **how)

        return build


class _Sync:
    """One environment on its way from its inputs to its commit."""

    def __init__(
        self, change: ChangeRun, run: EnvironmentRun, session: "Session", mark: "depends.Dependencies | None"
    ) -> None:
        self._change = change
        self._mark = mark  # of the notes before the environment was opened
        self._run = run
        self._settings = run.settings
        self._reporter = session.reporter
        self._started = session.started

    def run(self) -> bool:
        """Do it, and return whether something changes, or would."""
        run = self._run
        with phase("compare"):
            run.make_plan()
        if not run.inputs.pins and run.plan.remove and not self._settings.allow_empty_requirements:
            self._reporter.warn(_EMPTY)
            return False
        if run.plan.nothing_to_do:
            self._tell("Resolved")
            self._tell("Checked")
            depends.settled()
            if self._settings.dry_run:
                self._reporter.phase("Would make no changes", -1, 0)
            return False
        if not self._settings.dry_run:
            check_writable(run.environment)
        if run.plan.install:
            with phase("locate"):
                self._locate()
        self._tell("Resolved")
        changes = not run.plan.nothing_to_do
        if self._settings.dry_run:
            tell_dry(run, self._reporter)
        elif not changes:
            self._tell("Checked")
        else:
            bring_one(self._change, run, self._reporter)
            self._foretell()
        return changes

    def _foretell(self) -> None:
        """Note what the next run will depend on and say, if it will find nothing to do."""
        if self._mark is None:
            return
        depends.back(self._mark)
        with phase("compare"):
            if self._run.is_settled():
                self._tell("Resolved", shown=False)
                self._tell("Checked", shown=False)
                depends.settled()

    def _tell(self, verb: str, *, shown: bool = True) -> None:
        seconds = time.perf_counter() - self._started
        self._reporter.phase(verb, len(self._run.inputs.pins), seconds, shown=shown)

    def _locate(self) -> None:
        search = self._change.search([self._run])
        if not self._settings.dry_run:
            self._change.warm_up(search.missing)
        search.finish()
        self._run.supplies = search.supplies()
        self._run.settle()
        for warning in search.warnings:
            self._reporter.warn(warning)
        self._change.settle(self._run)
