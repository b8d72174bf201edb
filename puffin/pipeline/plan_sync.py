"""Sync: an environment is made to hold exactly the pins of some requirements files."""

import time

from puffin import depends
from puffin.cache.layout import Cache
from puffin.cache.usage import make_room, shared
from puffin.pipeline.executor import FEW
from puffin.pipeline.plan_apply import Application
from puffin.pipeline.plan_environment import Workplace, opened
from puffin.pipeline.plan_execute import Engine
from puffin.pipeline.plan_import import import_fetching, import_supplying
from puffin.pipeline.plan_inputs import Inputs, check_files, read_inputs, requested
from puffin.pipeline.plan_locate import Found, Search
from puffin.pipeline.plan_network import network_of
from puffin.pipeline.plan_settings import Settings
from puffin.pipeline.plan_target import find_where
from puffin.pipeline.plan_wanted import Planner
from puffin.pipeline.record import phase
from puffin.stages.artifact import WHEEL
from puffin.stages.link.environment import check_target
from puffin.stages.link.meanwhile import meanwhile
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from puffin.pipeline.plan_build_values import BuildSettings
    from puffin.pipeline.plan_build_workshop import Workshop
    from puffin.pipeline.plan_graph import Supply
    from puffin.pipeline.plan_inputs import Naming
    from puffin.pipeline.plan_settings import Reporter
    from puffin.stages.link.environment import Environment
    from puffin.stages.link.installplan import Plan
    from puffin.stages.resolve.index_config import IndexConfig
    from puffin.stages.resolve.inputs import Build
    from puffin.stages.resolve.reqvalues import Requirements
    from puffin.stages.resolve.solve.request import FilePolicy

LOCK_TIMEOUT = 300.0
_EMPTY = (
    "The requirements are empty: nothing was changed (`--allow-empty-requirements` empties the environment)"
)


def sync(settings: Settings, reporter: "Reporter", environ: "Mapping[str, str]", *, started: float) -> None:
    """Make the environment of *settings* hold exactly what its files pin.

    Raises :class:`PuffinError`; then the environment is as it was. ``started`` is of ``time.perf_counter``.
    """
    check_files(settings.files, settings.group)
    cache = Cache(settings.cache_dir)
    with phase("find interpreter"):
        environment = _environment(settings, environ, cache)
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
    for warning in inputs.warnings:
        reporter.warn(warning)
    with opened(Workplace(environment, timeout=lock_timeout(environ))) as workplace, shared(cache):
        tell_recovery(workplace, reporter)
        _Sync(settings, reporter, environ, cache, workplace, inputs, started).run()
        if settings.strict and not settings.dry_run:
            warn_of_broken(environment, reporter)


def naming_of(
    settings: Settings, environ: "Mapping[str, str]", environment: "Environment", cache: Cache
) -> "Naming":
    """Return what finds the names of packages that only a build tells."""

    def naming(requirements: "Requirements", config: "IndexConfig", files: "FilePolicy") -> "Requirements":
        from puffin.pipeline.plan_build_names import names_by_building

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
        from puffin.pipeline.plan_build_workshop import toolchain_of
        from puffin.pipeline.plan_inputs import kinds_of_files
        from puffin.pipeline.plan_project import project_builder

        building = project_builder(
            settings,
            environ,
            lambda _cache: toolchain_of(environment),
            files=lambda requirements: kinds_of_files(settings, requirements),
            exclude_newer=settings.exclude_newer,
        )
        return building(directory, shown, written)

    return build


def _environment(settings: Settings, environ: "Mapping[str, str]", cache: Cache) -> "Environment":
    with meanwhile(import_fetching):
        return find_where(settings.where, environ, cache)


def tell_recovery(workplace: Workplace, reporter: "Reporter") -> None:
    """Say that an interrupted change was finished or undone, if one was."""
    words = {"forward": "completed", "back": "undone"}
    if workplace.recovered:
        root = workplace.environment.root
        reporter.warn(f"An interrupted change of `{root}` was {words[workplace.recovered]}")


def warn_of_broken(
    environment: "Environment", reporter: "Reporter", names: "Collection[str] | None" = None
) -> None:
    """Warn of what does not fit together in an environment, or around packages by their normalised *names*."""
    from puffin.stages.link.demands import broken, sentence
    from puffin.stages.link.requires import read_requires

    for each in broken(read_requires(environment), dict(environment.interpreter.markers), names):
        reporter.warn(sentence(each))


def lock_timeout(environ: "Mapping[str, str]") -> float:
    """Return for how many seconds to wait for an environment's lock."""
    text = environ.get("PUFFIN_LOCK_TIMEOUT", "")
    try:
        return float(text) if text else LOCK_TIMEOUT
    except ValueError:
        return LOCK_TIMEOUT


def warm_up(engine: Engine, cache: Cache, missing: int) -> None:
    """While an index is asked, import what the work will need and start its processes."""
    from puffin.cache.clean import collect

    collect(cache)
    name = engine.chosen_for(missing, 0)
    if name != "inline" or missing > FEW:
        import_supplying()
    engine.start(name)


class _Sync:
    def __init__(
        self,
        settings: Settings,
        reporter: "Reporter",
        environ: "Mapping[str, str]",
        cache: Cache,
        workplace: Workplace,
        inputs: Inputs,
        started: float,
    ) -> None:
        self._settings = settings
        self._reporter = reporter
        self._environ = environ
        self._cache = cache
        self._workplace = workplace
        self._inputs = inputs
        self._started = started
        self._engine = Engine(settings, cache, reporter, command="pip sync")
        self._workshop: Workshop | None = None
        self._planner = Planner(workplace, inputs, settings, cache, environ)

    def run(self) -> None:
        with phase("compare"):
            plan = self._plan()
        if not self._inputs.pins and plan.remove and not self._settings.allow_empty_requirements:
            self._reporter.warn(_EMPTY)
            return
        if plan.nothing_to_do:
            self._tell("Resolved")
            self._tell("Checked")
            depends.settled()
            if self._settings.dry_run:
                self._reporter.phase("Would make no changes", -1, 0)
            return
        try:
            self._change(plan)
        finally:
            self._engine.close()

    def _tell(self, verb: str) -> None:
        self._reporter.phase(verb, len(self._inputs.pins), time.perf_counter() - self._started)

    def _plan(self, archives: "Mapping[str, str] | None" = None) -> "Plan":
        return self._planner.plan(archives)

    def _change(self, plan: "Plan") -> None:
        with phase("locate"):
            search = self._search(plan)
            found = self._found(search)
            plan = self._settle(plan, found)
        for warning in found.warnings:
            self._reporter.warn(warning)
        self._tell("Resolved")
        install = frozenset(plan.install)
        supplies = [self._made(each) for each in found.supplies if each.artifact.name in install]
        application = self._application()
        if self._settings.dry_run:
            application.dry_run(plan, supplies)
        elif plan.nothing_to_do:
            self._tell("Checked")
        else:
            stored = application.apply(plan, supplies)
            if search is not None:
                with phase("remember"):
                    search.remember(stored)

    def _made(self, supply: "Supply") -> "Supply":
        """Return *supply* as it is, or with what builds its wheel, or the wheel that was built before."""
        if supply.archive or supply.artifact.kind == WHEEL:
            return supply
        from puffin.pipeline.plan_build_workshop import Workshop, toolchain_of

        if self._workshop is None:
            self._workshop = Workshop(self._build_settings(), self._cache)
        return self._workshop.settled(replace(supply, toolchain=toolchain_of(self._workplace.environment)))

    def _build_settings(self) -> "BuildSettings":
        from puffin.pipeline.plan_build_settings import build_settings

        return build_settings(
            self._settings,
            self._environ,
            config=self._inputs.config,
            network=self._network(),
            files=self._inputs.files,
        )

    def _application(self) -> Application:
        return Application(
            self._workplace,
            self._engine,
            cache=self._cache,
            settings=self._settings,
            reporter=self._reporter,
            network=self._network,
            workshop=self._workshop,
        )

    def _search(self, plan: "Plan") -> Search | None:
        if not plan.install:
            return None
        make_room(self._cache)
        return Search(
            self._inputs,
            plan.install,
            settings=self._settings,
            cache=self._cache,
            environment=self._workplace.environment,
            network=self._network(),
            environ=self._environ,
        )

    def _found(self, search: Search | None) -> Found:
        if search is None:
            return Found(supplies=(), warnings=())
        try:
            if search.missing and not self._settings.dry_run:
                warm_up(self._engine, self._cache, search.missing)
            return search.found()
        finally:
            search.stop()

    def _network(self) -> "tuple[Any, ...]":
        return network_of(self._settings, self._environ, self._inputs.trusted_hosts)

    def _settle(self, plan: "Plan", found: Found) -> "Plan":
        """Plan again where the wheel behind a URL is known only now."""
        archives = {each.artifact.name: each.archive for each in found.supplies if each.artifact.direct_url}
        known = {name: archive for name, archive in archives.items() if archive}
        return self._plan(known) if known else plan
