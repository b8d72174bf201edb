"""Sync: an environment is made to hold exactly the pins of some requirements files."""

import time

from puffin import depends
from puffin.cache.layout import Cache
from puffin.cache.lock import lock_timeout
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.run import ChangeRun, bring_one, tell_dry
from puffin.pipeline.change.workplace import Workplace, opened, tell_recovery, warn_of_broken
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Inputs, check_files, read_inputs, requested
from puffin.pipeline.request.imports import import_fetching
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import find_where
from puffin.stages.link.environment.environment import check_target
from puffin.stages.link.interpreter.meanwhile import meanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.pipeline.find.search import Search
    from puffin.pipeline.inputs.inputs import Naming
    from puffin.pipeline.request.settings import Reporter
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.resolve.index.config import IndexConfig
    from puffin.stages.resolve.projects.sources import Build
    from puffin.stages.resolve.requirements.values import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy

_EMPTY = (
    "The requirements are empty: nothing was changed (`--allow-empty-requirements` empties the environment)"
)


def sync(settings: Settings, reporter: "Reporter", environ: "Mapping[str, str]", *, started: float) -> None:
    """Make the environment of *settings* hold exactly what its files pin.

    Raises :class:`PuffinError`; then the environment is as it was. ``started`` is of ``time.perf_counter``.
    """
    check_files(settings.files, settings.group)
    cache = Cache(settings.cache_dir)
    with phase("find interpreter"), meanwhile(import_fetching):
        environment = find_where(settings.where, environ, cache)
    if not settings.dry_run:
        check_target(environment, break_system_packages=settings.break_system_packages)
    with phase("read requirements"):
        inputs = read_inputs(
            requested(settings),
            settings,
            environment.interpreter,
            environ,
            naming=naming_of(settings, environ, environment, cache),
            build=_building(settings, environ, environment),
        )
    sync_pins(environment, inputs, settings, reporter, environ, started=started)


def sync_pins(
    environment: "Environment",
    inputs: Inputs,
    settings: Settings,
    reporter: "Reporter",
    environ: "Mapping[str, str]",
    *,
    started: float,
) -> None:
    """Make *environment* hold exactly the pins of *inputs*; the rest is as in :func:`sync`."""
    cache = Cache(settings.cache_dir)
    for warning in inputs.warnings:
        reporter.warn(warning)
    with opened(Workplace(environment, timeout=lock_timeout(environ))) as workplace, shared(cache):
        tell_recovery(workplace, reporter)
        run = ChangeRun(settings, cache, environ, reporter, command="pip sync")
        site = EnvironmentRun(environment.root, environment.root, settings, cache, environ)
        site.environment, site.inputs = workplace.environment, inputs
        site.use(workplace)
        try:
            _Sync(run, site, reporter, started).run()
        finally:
            run.close()
        if settings.strict and not settings.dry_run:
            warn_of_broken(environment, reporter)


def naming_of(
    settings: Settings, environ: "Mapping[str, str]", environment: "Environment", cache: Cache
) -> "Naming":
    """Return what finds the names of packages that only a build tells."""

    def naming(requirements: "Requirements", config: "IndexConfig", files: "FilePolicy") -> "Requirements":
        from puffin.pipeline.builds.projects import names_by_building
        from puffin.pipeline.request.network import network_of

        make_room(cache)
        return names_by_building(
            requirements,
            settings=settings,
            config=config,
            files=files,
            network=network_of(settings, environ, requirements.trusted_hosts),
            environment=environment,
            cache=cache,
            environ=environ,
        )

    return naming


def _building(settings: Settings, environ: "Mapping[str, str]", environment: "Environment") -> "Build":
    """Return what finds the metadata of projects that only builds tell."""

    def build(directory: str, shown: str, written: "Requirements") -> bytes:
        from puffin.pipeline.builds.projects import project_builder
        from puffin.pipeline.inputs.inputs import kinds_of_files
        from puffin.pipeline.request.toolchain import toolchain_of

        building = project_builder(
            settings,
            environ,
            lambda _cache: toolchain_of(environment),
            files=lambda requirements: kinds_of_files(settings, requirements),
            exclude_newer=settings.exclude_newer,
        )
        return building(directory, shown, written)

    return build


class _Sync:
    """One environment on its way from its inputs to its commit."""

    def __init__(self, run: ChangeRun, site: EnvironmentRun, reporter: "Reporter", started: float) -> None:
        self._run = run
        self._site = site
        self._settings = site.settings
        self._reporter = reporter
        self._started = started

    def run(self) -> None:
        site = self._site
        with phase("compare"):
            site.make_plan()
        if not site.inputs.pins and site.plan.remove and not self._settings.allow_empty_requirements:
            self._reporter.warn(_EMPTY)
            return
        if site.plan.nothing_to_do:
            self._tell("Resolved")
            self._tell("Checked")
            depends.settled()
            if self._settings.dry_run:
                self._reporter.phase("Would make no changes", -1, 0)
            return
        if site.plan.install:
            with phase("locate"):
                self._locate()
        self._tell("Resolved")
        if self._settings.dry_run:
            tell_dry(site, self._reporter)
        elif site.plan.nothing_to_do:
            self._tell("Checked")
        else:
            bring_one(self._run, site, self._reporter)

    def _tell(self, verb: str) -> None:
        self._reporter.phase(verb, len(self._site.inputs.pins), time.perf_counter() - self._started)

    def _locate(self) -> None:
        search = self._run.search([self._site])
        if not self._settings.dry_run:
            self._run.warm_up(search.missing)
        search.finish()
        self._take(search)
        self._site.settle()
        for warning in search.warnings:
            self._reporter.warn(warning)
        self._run.settle(self._site)

    def _take(self, search: "Search") -> None:
        answers = search.answers(0)
        failures = [each for each in answers if isinstance(each, PuffinError)]
        if failures:
            from puffin.stages.resolve.locate.locate import cannot_locate

            raise cannot_locate(failures, search.missing)
        self._site.supplies = [each for each in answers if not isinstance(each, PuffinError)]
