"""Install: requirements are resolved beside what is installed, and applied without a second resolution."""

import time

from puffin import depends
from puffin.artifact.artifact import WHEEL, Artifact
from puffin.cache.layout import Cache
from puffin.cache.lock import lock_timeout
from puffin.cache.usage import make_room, shared
from puffin.errors import PuffinError
from puffin.pipeline.builds.session import Workshop
from puffin.pipeline.builds.settings import BuildSeams, builds_of
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.plan import stale_names
from puffin.pipeline.change.run import ChangeRun, bring_one, tell_dry
from puffin.pipeline.change.workplace import Workplace, opened, tell_recovery, warn_of_broken
from puffin.pipeline.find.artifact import artifact_for
from puffin.pipeline.find.chosen import supply_of
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.inputs.resolution import children_of, open_universe, resolved, setup_of
from puffin.pipeline.request.imports import import_resolving
from puffin.pipeline.request.settings import InstallSettings
from puffin.pipeline.request.toolchain import toolchain_of
from puffin.pipeline.request.where import find_where
from puffin.pipeline.tasks.supply import Supply
from puffin.stages.link.commit.installplan import Present, WantedDistribution
from puffin.stages.link.direct_url import direct_url_of
from puffin.stages.link.environment.environment import check_target
from puffin.stages.link.interpreter.meanwhile import meanwhile
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.platforms import target_of
from puffin.stages.resolve.locate.source import pinner
from puffin.stages.resolve.solve.request import (
    Preference,
)
from puffin.stages.resolve.solve.world import why_wanted
from puffin.stages.resolve.universe.values import InstalledDistribution
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.pipeline.request.settings import Reporter
    from puffin.stages.link.environment.environment import Environment
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
        self._metadata: dict[str, Metadata] = {}
        self._artifacts: dict[str, Artifact] = {}
        self._stale = stale_names(workplace, self._run)
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
            resolution = self._resolve()
            site = self._site(resolution)
            site.make_plan()
        count = len(resolution.packages)
        self._reporter.phase("Resolved", count, time.perf_counter() - self._started)
        change = ChangeRun(self._run, self._cache, self._environ, self._reporter, command="pip install")
        wanted = [each for each in resolution.packages if each.name in site.plan.install]
        site.supplies = [self._supply(each) for each in wanted]
        change.settle(site)
        try:
            self._apply(change, site, count)
        finally:
            change.close()
        if not self._run.dry_run and (self._settings.strict or not self._settings.no_deps):
            touched = {each.artifact.name for each in site.supplies} | set(site.plan.remove)
            warn_of_broken(self._workplace.environment, self._reporter, touched)
        return Installed(
            environment=self._workplace.environment,
            resolution=resolution,
            supplies=tuple(
                [
                    replace(each, archive=site.staged[number][0]) if number in site.staged else each
                    for number, each in enumerate(site.supplies)
                ]
            ),
            metadata=self._metadata,
        )

    def _site(self, resolution: "Resolution") -> EnvironmentRun:
        """Return the course of the environment, which is to hold what was resolved."""
        environment = self._workplace.environment
        site = EnvironmentRun(environment.root, environment.root, self._run, self._cache, self._environ)
        site.environment = environment
        site.inputs = Inputs(
            pins=(),
            plain=False,
            config=self._setup.config,
            files=self._setup.files,
            require_hashes=False,
            trusted_hosts=self._requirements.trusted_hosts,
            warnings=(),
        )
        site.use(self._workplace)
        site.wanted = [self._wanted(each) for each in resolution.packages]
        site.exact = self._settings.exact
        site.requested = frozenset(entry.name for entry in self._requirements.entries)
        site.why = lambda name: why_included(resolution, name)
        site.workshop = self._workshop
        return site

    def _apply(self, change: ChangeRun, site: EnvironmentRun, count: int) -> None:
        if site.plan.nothing_to_do:
            self._reporter.phase("Checked", count, time.perf_counter() - self._started)
            depends.settled()
        if self._run.dry_run:
            tell_dry(site, self._reporter)
        if site.plan.nothing_to_do or self._run.dry_run:
            return
        missing = sum(1 for each in site.supplies if not each.archive)
        if missing:
            make_room(self._cache)
            change.warm_up(missing)
        bring_one(change, site, self._reporter, action="change")

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
                    name=each.name, version=each.version, installed=None if self._is_stale(each) else handle
                )
            )
        return found

    def _is_stale(self, present: Present) -> bool:
        return self._run.reinstall or present.name in self._stale

    def _wanted(self, package: "Resolved") -> WantedDistribution:
        """Return what the plan compares of a package; of one that was asked for by URL, that URL."""
        if package.installed or not package.url:
            return WantedDistribution(name=package.name, version=package.version, installed=package.installed)
        artifact = self._artifact(package)
        if artifact.kind == WHEEL:
            return WantedDistribution(name=package.name, version="", url=direct_url_of(artifact.direct_url))
        return WantedDistribution(
            name=package.name,
            version="",
            url=artifact.url,
            direct_url=artifact.direct_url,
            source=artifact.source,
        )

    def _artifact(self, package: "Resolved") -> Artifact:
        if package.name not in self._artifacts:
            interpreter = self._workplace.environment.interpreter
            self._artifacts[package.name] = artifact_for(
                package,
                FileTarget(interpreter.tags, interpreter.version_text),
                files=self._setup.files,
                commits=pinner(self._cache, offline=self._run.offline, environ=self._environ),
            )
        return self._artifacts[package.name]

    def _supply(self, package: "Resolved") -> Supply:
        artifact = self._artifact(package)
        if artifact.kind != WHEEL:
            artifact = replace(artifact, version=artifact.version or package.version)
        anew = self._run.refresh or package.name in self._run.refresh_package
        return supply_of(self._cache, artifact, anew=anew)


def why_included(resolution: "Resolution", name: str) -> str:
    """Return why *name* is there, as a sentence without its full stop; empty for what was asked for itself."""
    parents = {each.name: [parent.name for parent in each.via if parent.name] for each in resolution.packages}
    direct = {each.name for each in resolution.packages if each.direct}
    return why_wanted(name, direct, lambda each: parents.get(each, ()))
