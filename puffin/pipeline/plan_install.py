"""Install: requirements are resolved beside what is installed, and applied without a second resolution."""

import time

from puffin import depends
from puffin.cache.layout import Cache
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.plan_apply import Application
from puffin.pipeline.plan_artifact import artifact_for
from puffin.pipeline.plan_build_settings import BuildSeams, builds_of
from puffin.pipeline.plan_build_workshop import Workshop, toolchain_of
from puffin.pipeline.plan_bytecode import bytecode_kind, lacking
from puffin.pipeline.plan_environment import Workplace, opened
from puffin.pipeline.plan_execute import Engine
from puffin.pipeline.plan_graph import Supply
from puffin.pipeline.plan_import import import_resolving
from puffin.pipeline.plan_resolution import children_of, open_universe, resolved, setup_of
from puffin.pipeline.plan_settings import InstallSettings
from puffin.pipeline.plan_sync import lock_timeout, tell_recovery, warm_up, warn_of_broken
from puffin.pipeline.plan_target import find_where
from puffin.pipeline.plan_wanted import SEEDS
from puffin.pipeline.plan_why import why_included
from puffin.pipeline.record import phase
from puffin.stages.artifact import WHEEL, Artifact, expected_sha256
from puffin.stages.link.direct_url import direct_url_of
from puffin.stages.link.environment import check_target
from puffin.stages.link.installplan import Plan, Present, WantedDistribution, satisfies
from puffin.stages.link.meanwhile import meanwhile
from puffin.stages.resolve.file_choice import FileTarget
from puffin.stages.resolve.locate_source import pinner
from puffin.stages.resolve.platforms import target_of
from puffin.stages.resolve.solve.request import (
    Preference,
)
from puffin.stages.resolve.universe_values import InstalledDistribution
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.store import known_archive
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.pipeline.plan_settings import Reporter
    from puffin.stages.link.environment import Environment
    from puffin.stages.resolve.solve.request import Resolution, Resolved
    from puffin.stages.resolve.solve.universe import Metadata


@frozen
class Installed:
    """What an install did or would do: the resolution, the wheels that came in, and their metadata by name."""

    environment: "Environment"
    resolution: "Resolution"
    supplies: tuple[Supply, ...]
    metadata: "Mapping[str, Metadata]"


class HashesMissing(PuffinError):
    """``--require-hashes`` was given, and something that is to be installed has none."""

    names: tuple[str, ...]
    hints: tuple[str, ...] = ("`puffin pip compile --generate-hashes` writes pins with their hashes",)

    def summary(self) -> str:
        """List what has no hash."""
        names = ", ".join(f"`{name}`" for name in self.names)
        return f"With `--require-hashes`, everything needs a hash, and these have none: {names}"


def install(
    settings: InstallSettings, reporter: "Reporter", environ: "Mapping[str, str]", *, started: float
) -> Installed:
    """Resolve the sources beside what is installed, and install what is missing.

    Raises :class:`PuffinError`; then the environment is as it was. ``started`` is of ``time.perf_counter``.
    """
    run = settings.run
    cache = Cache(run.cache_dir)
    with phase("find interpreter"), meanwhile(import_resolving):
        environment = find_where(run.where, environ, cache)
    if not run.dry_run:
        check_target(environment, break_system_packages=run.break_system_packages)
    for warning in settings.sources.requirements.warnings:
        reporter.warn(warning)
    with opened(Workplace(environment, timeout=lock_timeout(environ))) as workplace, shared(cache):
        tell_recovery(workplace, reporter)
        return _Install(settings, reporter, environ, cache, workplace, started).run()


class _Install:
    def __init__(
        self,
        settings: InstallSettings,
        reporter: "Reporter",
        environ: "Mapping[str, str]",
        cache: Cache,
        workplace: Workplace,
        started: float,
    ) -> None:
        self._settings = settings
        self._run = settings.run
        self._requirements = settings.sources.requirements
        self._reporter = reporter
        self._environ = environ
        self._cache = cache
        self._workplace = workplace
        self._started = started
        self._engine = Engine(self._run, cache, reporter, command="pip install")
        self._metadata: dict[str, Metadata] = {}
        self._resolution: Resolution | None = None
        self._bare = lacking(workplace.state, bytecode_kind(workplace.environment, self._run))
        self._toolchain = toolchain_of(workplace.environment)
        self._setup = setup_of(
            settings,
            settings.sources,
            environ,
            now=time.time(),
            upgrades=settings.upgrades,
            target=target_of(workplace.environment.interpreter),
            preferences=tuple(self._preferences()),
            keep_yanked=True,
        )
        self._workshop = Workshop(builds_of(self._setup, self._run, environ), cache)

    def run(self) -> Installed:
        with phase("resolve"):
            resolution = self._resolution = self._resolve()
            plan = self._plan(resolution)
        self._reporter.phase("Resolved", len(resolution.packages), time.perf_counter() - self._started)
        supplies = [self._supply(each) for each in resolution.packages if each.name in plan.install]
        try:
            stored = self._apply(plan, supplies, len(resolution.packages))
        finally:
            self._engine.close()
        if not self._run.dry_run and (self._settings.strict or not self._settings.no_deps):
            touched = {each.artifact.name for each in stored} | set(plan.remove)
            warn_of_broken(self._workplace.environment, self._reporter, touched)
        return Installed(
            environment=self._workplace.environment,
            resolution=resolution,
            supplies=tuple(stored),
            metadata=self._metadata,
        )

    def _apply(self, plan: Plan, supplies: "list[Supply]", count: int) -> "list[Supply]":
        application = Application(
            self._workplace,
            self._engine,
            cache=self._cache,
            settings=self._run,
            reporter=self._reporter,
            network=lambda: self._setup.network,
            action="change",
            requested=self._named(),
            workshop=self._workshop,
            why=self._why,
        )
        if plan.nothing_to_do:
            self._reporter.phase("Checked", count, time.perf_counter() - self._started)
            depends.settled()
        if self._run.dry_run:
            application.dry_run(plan, supplies)
        if plan.nothing_to_do or self._run.dry_run:
            return supplies
        missing = sum(1 for each in supplies if not each.archive)
        if missing:
            make_room(self._cache)
            warm_up(self._engine, self._cache, missing)
        return application.apply(plan, supplies)

    def _why(self, name: str) -> str:
        return why_included(self._resolution, name) if self._resolution else ""

    def _named(self) -> frozenset[str]:
        return frozenset(entry.name for entry in self._requirements.entries)

    def _resolve(self) -> "Resolution":
        seams = BuildSeams(lambda: self._workshop, lambda: self._toolchain)
        setup = self._setup
        with open_universe(
            setup,
            self._cache,
            build=seams.build,
            checkout=seams.checkout,
            children=children_of(setup, self._cache),
        ) as universe:
            resolution = resolved(setup, universe)
            coming = [each for each in resolution.packages if not each.installed]
            self._metadata = {each.name: universe.metadata(each.handle) for each in coming}
        for warning in resolution.warnings:
            self._reporter.warn(warning)
        self._require_hashes(resolution)
        return resolution

    def _require_hashes(self, resolution: "Resolution") -> None:
        if not (self._run.require_hashes or self._requirements.require_hashes):
            return
        bare = tuple(each.name for each in resolution.packages if not each.hashes and not each.installed)
        if bare:
            raise HashesMissing(names=bare)

    def _preferences(self) -> "list[Preference]":
        """Return what is installed as preferences: taken as it is, unless it must be installed anew."""
        names = [each.name for each in self._workplace.present]
        found = []
        for each in self._workplace.present:
            if names.count(each.name) > 1 or not each.version:
                continue
            path = f"{self._workplace.site}/{each.entry}"
            handle = InstalledDistribution(name=each.name, version=each.version, path=path)
            found.append(
                Preference(
                    name=each.name, version=each.version, installed=None if self._stale(each) else handle
                )
            )
        return found

    def _stale(self, present: Present) -> bool:
        return (
            self._run.reinstall
            or present.name in self._run.reinstall_package
            or present.name in self._workplace.damaged
            or present.name in self._bare
        )

    def _plan(self, resolution: "Resolution") -> Plan:
        present: dict[str, list[Present]] = {}
        for each in self._workplace.present:
            present.setdefault(each.name, []).append(each)
        keep, add, replace = [], [], []
        for package in resolution.packages:
            found = present.get(package.name)
            if not found:
                add.append(package.name)
            elif package.installed or self._is_there(package, found):
                keep.append(package.name)
            else:
                replace.append(package.name)
        names = {package.name for package in resolution.packages}
        protected = SEEDS if self._workplace.environment.seed else ()
        others = [name for name in present if name not in names]
        remove = [name for name in others if self._settings.exact and name not in protected]
        keep += [name for name in others if name not in remove]
        return Plan(
            keep=tuple(sorted(keep)),
            add=tuple(sorted(add)),
            replace=tuple(sorted(replace)),
            remove=tuple(sorted(remove)),
        )

    def _is_there(self, package: "Resolved", found: "list[Present]") -> bool:
        """Tell whether a package that was asked for by URL is installed from that very URL."""
        if not package.url or len(found) != 1 or self._stale(found[0]):
            return False
        url = direct_url_of(found[0].direct_url)
        artifact = self._artifact(package)
        if artifact.kind == WHEEL:
            return bool(url) and url == direct_url_of(artifact.direct_url)
        wanted = WantedDistribution(
            name=package.name,
            version="",
            url=artifact.url,
            direct_url=artifact.direct_url,
            source=artifact.source,
        )
        return satisfies(found, wanted, "", self._workplace.sources.get(package.name, ""))

    def _artifact(self, package: "Resolved") -> Artifact:
        interpreter = self._workplace.environment.interpreter
        return artifact_for(
            package,
            FileTarget(interpreter.tags, interpreter.version_text),
            files=self._setup.files,
            commits=pinner(self._cache, offline=self._run.offline, environ=self._environ),
        )

    def _supply(self, package: "Resolved") -> Supply:
        artifact = self._artifact(package)
        if artifact.kind != WHEEL:
            artifact = replace(artifact, version=artifact.version or package.version)
            return self._workshop.settled(Supply(artifact=artifact, archive="", toolchain=self._toolchain))
        archive = expected_sha256(artifact)
        if not archive:
            archive = known_archive(self._cache, artifact.source, artifact.name, artifact.filename)
        ready = bool(archive) and archive_ready(self._cache, archive)
        return Supply(artifact=artifact, archive=archive if ready else "")
