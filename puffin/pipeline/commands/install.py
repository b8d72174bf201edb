"""Install: requirements are resolved with preference for installed versions, then installed without a second search."""

import time

from puffin import depends
from puffin.artifact.artifact import WHEEL, Artifact
from puffin.artifact.urls import is_file_url
from puffin.cache.usage import make_room, shared
from puffin.pipeline.builds.session import BuildSession
from puffin.pipeline.builds.settings import BuildSeams, builds_of
from puffin.pipeline.change.additions import with_mode
from puffin.pipeline.change.direct import UNKNOWN
from puffin.pipeline.change.environment import EnvironmentRun
from puffin.pipeline.change.plan import stale_names
from puffin.pipeline.change.run import ChangeRun, bring_one, tell_dry
from puffin.pipeline.change.values import Installed
from puffin.pipeline.change.workplace import Workplace, opened, tell_recovery, warn_of_broken, workplace_for
from puffin.pipeline.find.chosen import archive_of_wheel, supply_of
from puffin.pipeline.graph.record import phase
from puffin.pipeline.inputs.inputs import Inputs
from puffin.pipeline.inputs.resolution import children_of, resolved, setup_of
from puffin.pipeline.request.builds import as_built, toolchain_of
from puffin.pipeline.request.imports import import_resolving
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import InstallSettings
from puffin.pipeline.request.where import find_where
from puffin.pipeline.tasks.supply import Supply
from puffin.stages.link.commit.installplan import Present, WantedDistribution, wanted_of
from puffin.stages.link.environment.environment import check_allowed, check_writable
from puffin.stages.link.installed.inherited import inherited
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.requirements.errors import HashesMissing
from puffin.stages.resolve.requirements.pins import select_pins
from puffin.stages.resolve.solve.request import Preference, Resolution, Resolved
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.solve.world import why_wanted
from puffin.stages.resolve.universe.place import artifact_for
from puffin.stages.resolve.universe.values import InstalledDistribution
from puffin.value import replace


def install(settings: InstallSettings, session: "Session") -> Installed:
    """Resolve the sources with preference for installed versions, and install the missing ones.

    Raises :class:`PuffinError`; then the environment is as it was.
    """
    run, reporter = settings.run, session.reporter
    with phase("find interpreter"), meanwhile(import_resolving):
        environment = find_where(run.where, session)
    if not run.dry_run:
        check_allowed(environment, break_system_packages=run.break_system_packages)
    for warning in settings.sources.requirements.warnings:
        reporter.warn(warning)
    with opened(workplace_for(environment, run, session, looks=True)) as workplace, shared(session.cache):
        tell_recovery(workplace, reporter)
        return _Install(settings, session, workplace).run()


class _Install:
    def __init__(self, settings: InstallSettings, session: "Session", workplace: Workplace) -> None:
        self._settings = settings
        self._run = with_mode(settings.run, workplace.state)
        self._requirements = settings.sources.requirements
        self._session = session
        self._reporter = session.reporter
        self._workplace = workplace
        self._metadata: dict[str, Metadata] = {}
        self._artifacts: dict[str, Artifact] = {}
        self._stale = stale_names(workplace, self._run)
        self._toolchain = toolchain_of(workplace.environment)
        self._setup = setup_of(
            settings.run,
            settings.sources,
            session,
            now=time.time(),
            upgrades=settings.upgrades,
            target=target_for(workplace.environment.interpreter),
            preferences=tuple(self._preferences()),
            keep_yanked=True,
            installs=True,
        )
        self._builds = BuildSession(builds_of(self._setup, self._run, session), session)

    def run(self) -> Installed:
        change = ChangeRun(self._run, self._session, command="pip install")
        try:
            with phase("resolve"):
                resolution = self._resolve()
                run = self._environment_run(resolution)
                run.make_plan()
            if not (run.plan.nothing_to_do or self._run.dry_run):
                check_writable(self._workplace.environment)
            count = len(resolution.packages)
            self._reporter.phase("Resolved", count, time.perf_counter() - self._session.started)
            wanted = [each for each in resolution.packages if each.name in run.plan.install]
            run.supplies = [self._supply(each) for each in wanted]
            change.settle(run)
            self._apply(change, run, count)
        finally:
            change.close()
        if not self._run.dry_run and (self._run.strict or not self._run.no_deps):
            touched = {each.artifact.name for each in run.supplies} | set(run.plan.remove)
            warn_of_broken(self._workplace.environment, self._reporter, touched)
        return Installed(
            environment=self._workplace.environment,
            resolution=resolution,
            supplies=tuple(
                [
                    replace(each, archive=run.staged[number][0]) if number in run.staged else each
                    for number, each in enumerate(run.supplies)
                ]
            ),
            metadata=self._metadata,
        )

    def _environment_run(self, resolution: "Resolution") -> EnvironmentRun:
        """Return the course of the environment, which is to hold what was resolved."""
        environment = self._workplace.environment
        run = EnvironmentRun(environment.root, environment.root, self._run, self._session)
        run.environment = environment
        run.inputs = Inputs(
            pins=(),
            config=self._setup.config,
            files=self._setup.files,
            trusted_hosts=self._requirements.trusted_hosts,
        )
        run.use(self._workplace)
        run.wanted = [self._wanted(each) for each in resolution.packages]
        run.exact = self._settings.exact
        run.requested = frozenset(entry.name for entry in self._requirements.entries)
        run.why = lambda name: why_included(resolution, name)
        run.builds = self._builds
        return run

    def _apply(self, change: ChangeRun, run: EnvironmentRun, count: int) -> None:
        if run.plan.nothing_to_do:
            self._reporter.phase("Checked", count, time.perf_counter() - self._session.started)
            depends.settled()
        if self._run.dry_run:
            tell_dry(run, self._reporter)
        if run.plan.nothing_to_do or self._run.dry_run:
            return
        missing = sum(1 for each in run.supplies if not each.archive)
        if missing:
            make_room(self._session.cache)
            change.warm_up(missing)
        bring_one(change, run, self._reporter, action="change")

    def _resolve(self) -> "Resolution":
        hashed = self._run.require_hashes or self._requirements.require_hashes
        if hashed:
            markers = dict(self._workplace.environment.interpreter.markers)
            select_pins(self._requirements, markers=markers, require_hashes=True)
        seams = BuildSeams(self._builds.settings, lambda: self._builds, lambda: self._toolchain)
        setup, cache = self._setup, self._session.cache
        with seams.universe(setup, cache, lambda: children_of(setup, cache)) as universe:
            resolution = resolved(setup, universe)
            coming = [each for each in resolution.packages if not each.installed]
            self._metadata = {each.name: universe.metadata(each.handle) for each in coming}
        for warning in resolution.warnings:
            self._reporter.warn(warning)
        bare = tuple(each.name for each in resolution.packages if not each.hashes and not each.installed)
        if hashed and bare:
            raise HashesMissing(names=bare)
        return resolution

    def _preferences(self) -> "list[Preference]":
        """Return what is installed as preferences: taken as it is, unless it must be reinstalled."""
        own = [(self._workplace.site, each) for each in self._workplace.present]
        names = [each.name for _, each in own]
        outside = inherited(self._workplace.environment)
        found = []
        for site, each in (*own, *[row for row in outside if row[1].name not in names]):
            if names.count(each.name) > 1 or not each.version:
                continue
            path = f"{site}/{each.entry}"
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
        artifact, again = self._artifact(package), self._run.asks_again(package.name)
        if artifact.kind != WHEEL:
            unknown = again and artifact.source.startswith("url/")
            return wanted_of(replace(artifact, source=UNKNOWN) if unknown else artifact)
        archive = archive_of_wheel(self._session.cache, artifact, again=again)
        return wanted_of(artifact, archive or (UNKNOWN if again or is_file_url(artifact.url) else ""))

    def _artifact(self, package: "Resolved") -> Artifact:
        if package.name not in self._artifacts:
            interpreter = self._workplace.environment.interpreter
            found = artifact_for(
                package,
                FileTarget(interpreter.tags, interpreter.version_text),
                files=self._setup.files,
                commits=self._session.commits,
            )
            self._artifacts[package.name] = as_built(
                found, self._run, self._session.environ, self._session.cache
            )
        return self._artifacts[package.name]

    def _supply(self, package: "Resolved") -> Supply:
        artifact = self._artifact(package)
        if artifact.kind != WHEEL:
            artifact = replace(artifact, version=artifact.version or package.version)
        return supply_of(self._session.cache, artifact, again=self._run.asks_again(package.name))


def why_included(resolution: "Resolution", name: str) -> str:
    """Return why *name* is required, as a sentence without full stop; empty for a direct requirement."""
    parents = {each.name: [parent.name for parent in each.via if parent.name] for each in resolution.packages}
    direct = {each.name for each in resolution.packages if each.direct}
    return why_wanted(name, direct, lambda each: parents.get(each, ()))
