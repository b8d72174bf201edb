"""The builds of a run: one resolver of build requirements, for the graph and for metadata."""

import os
from collections.abc import Sequence
from functools import partial
from threading import RLock

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, WHEEL, Artifact, expected_sha256
from puffin.artifact.urls import file_path, file_url, is_file_url
from puffin.errors import USAGE, PuffinError
from puffin.meter import HIT
from puffin.pipeline.builds.builds import METADATA_GOAL, USUAL, Builds
from puffin.pipeline.builds.first_answer import may_be_asked, say_unused
from puffin.pipeline.builds.values import BuildCycle, BuildRequirementsFailed, BuildSettings
from puffin.pipeline.engine.engine import OutcomeRecorder
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.record import current
from puffin.pipeline.graph.task import DONE, Outcome, Task, resolve_function
from puffin.pipeline.inputs.resolution import ResolutionSetup, open_universe, resolved
from puffin.pipeline.profile.read import build_times
from puffin.pipeline.request.builds import Toolchain
from puffin.pipeline.request.session import Session
from puffin.pipeline.run.inline import InlineExecutor
from puffin.pipeline.tasks.remote import RemotePlan, growth_with_remote, with_remote
from puffin.pipeline.tasks.supply import Supply, root_failure
from puffin.stages.build import kept
from puffin.stages.build.kept import SoughtBuild
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.platforms import target_for
from puffin.stages.resolve.locate.source import directory_source
from puffin.stages.resolve.locate.url import direct_url
from puffin.stages.resolve.metadata.wanted import BuildSource
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.universe import Place
from puffin.stages.resolve.universe.kept import request_name
from puffin.stages.resolve.universe.place import artifact_for, checkout_place
from puffin.stages.resolve.universe.values import Builder, Built, CheckedOut, Checkout
from puffin.stages.unzip.ready import archive_ready
from puffin.value import astuple, common, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from puffin.pipeline.builds.ahead import BuildsAhead
    from puffin.pipeline.builds.sources import TreeSources
    from puffin.stages.remote.values import RemoteCache, Told
    from puffin.stages.resolve.universe.values import BegunBuild


class NothingToBuildIn(PuffinError):
    """A build without isolation is to use an environment that is yet to be made."""

    exit_code = USAGE
    stage = "build"
    sentence = (
        "Failed to build `{package}` without isolation for its metadata: the environment "
        "`{environment}` does not exist yet"
    )
    environment: str


class SharedLists:
    """What sets of build requirements resolve to, as a remote cache has it; nothing without one."""

    def __init__(self, settings: BuildSettings, session: "Session") -> None:
        self._settings = settings
        self._session = session

    def take(self, setup: ResolutionSetup) -> "tuple[Artifact, ...]":
        """Return what *setup* resolves to by a list that holds, nothing if there is none."""
        remote = self._settings.remote_cache
        name = request_name(setup.scope, setup.request) if remote is not None else ""
        if remote is None or not name or not may_be_asked(remote, self._settings.network, self._session):
            return ()
        take = resolve_function("puffin.stages.remote.lists:take_list")
        found, told = take(astuple(remote), self._settings.network, name, setup.scope)
        if told is not None:
            note_told(told, remote, self._session)
        return tuple(found)

    def keep(
        self, setup: ResolutionSetup, found: "tuple[Artifact, ...]", pages: "tuple[tuple[str, float, int], ...]"
    ) -> None:
        """Have what *setup* was resolved to uploaded, if that is made of *pages* alone."""
        remote = self._settings.remote_cache
        if remote is not None and remote.write and pages and (name := request_name(setup.scope, setup.request)):
            resolve_function("puffin.stages.remote.lists:keep_list")(remote, name, found, pages)


def note_told(told: "Told", remote: "RemoteCache", session: "Session") -> None:
    """Put what a remote cache told into the record of the run, and say if it is not used any more."""
    layer, outcome, reason, size, seconds, problem = told
    record = current()
    if record is not None and record.is_own:
        record.remote(layer, outcome == HIT, {reason: 1} if reason else {}, size, seconds)
    if problem:
        say_unused(remote, problem, session)


class BuildResolver:
    """Resolves each distinct set of build requirements once in a run, for each interpreter that builds.

    Threads may share it. One resolves at a time, so that none does what another is about to do.
    """

    def __init__(self, settings: BuildSettings, session: "Session") -> None:
        self._settings = settings
        self._session = session
        self._lists = SharedLists(settings, session)
        self._known: dict[tuple[Any, ...], tuple[Artifact, ...]] = {}
        self._lock = RLock()

    def resolve(
        self,
        requires: tuple[str, ...],
        toolchain: Toolchain,
        *,
        package: str,
        build: "Builder",
        checkout: "Checkout | None",
        pinned: tuple[tuple[str, str], ...] = (),
    ) -> "tuple[Artifact, ...]":
        """Return the distributions that *requires* resolves to; *package* needs them and is named in errors.

        *pinned* are packages with the URL of the only index for each. Raises :class:`BuildRequirementsFailed`.
        """
        wanted = tuple(sorted(set(requires)))
        key = (toolchain.key, wanted, pinned)
        with self._lock:
            if key not in self._known:
                try:
                    self._known[key] = self._resolve(wanted, toolchain, build, checkout, pinned)
                except PuffinError as error:
                    raise BuildRequirementsFailed(package=package, requires=wanted, causes=(error,)) from error
            return self._known[key]

    def _resolve(
        self,
        wanted: tuple[str, ...],
        toolchain: Toolchain,
        build: "Builder",
        checkout: "Checkout | None",
        pinned: tuple[tuple[str, str], ...],
    ) -> "tuple[Artifact, ...]":
        setup = self._setup(wanted, toolchain)
        setup = replace(setup, config=replace(setup.config, pinned=(*pinned, *setup.config.pinned)))
        with open_universe(setup, self._session.cache, build=build, checkout=checkout) as universe:
            known = self._lists.take(setup) if universe.answer(setup.request) is None else ()
            if known:
                return known
            resolution = resolved(setup, universe)
            pages = universe.pages(setup.request)
        settings, interpreter = self._settings, toolchain.interpreter
        target = FileTarget(interpreter.tags, interpreter.version_text)
        commits = self._session.commits
        found = tuple(
            [artifact_for(each, target, files=settings.files, commits=commits) for each in resolution.packages]
        )
        self._lists.keep(setup, found, pages)
        return found

    def _setup(self, wanted: tuple[str, ...], toolchain: Toolchain) -> ResolutionSetup:
        return ResolutionSetup(
            target=target_for(toolchain.interpreter),
            requirements=tuple([root_of(text) for text in wanted]),
            installs=True,
            **common(ResolutionSetup, self._settings),
        )


def root_of(text: str) -> Entry:
    """Return a build requirement (PEP 508) as the resolver takes it; ``InvalidRequirement`` if it is none."""
    parsed = Requirement(text)
    return Entry(
        name=canonicalize_name(parsed.name),
        text=text,
        specifier=str(parsed.specifier),
        extras=tuple(sorted(canonicalize_name(each) for each in parsed.extras)),
        marker=str(parsed.marker or ""),
        url=parsed.url or "",
        file="build-system.requires",
    )


class BuildSession:
    """The builds of one run. A ledger gets its own :class:`Builds`; what was resolved for one serves all."""

    def __init__(self, settings: BuildSettings, session: "Session") -> None:
        self.settings = settings
        self.session = session
        self._resolver = BuildResolver(settings, session)
        self._times: dict[str, float] | None = None
        self._ahead: BuildsAhead | None = None
        self._needs: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def seconds(self, name: str) -> float:
        """Return how long the last recorded build of a package took."""
        if self._times is None:
            self._times = build_times(self.session.cache)
        return self._times.get(name, USUAL)

    def metadata(self, toolchain: Toolchain) -> "MetadataBuilder":
        """Return what builds the metadata of sources."""
        return MetadataBuilder(self, toolchain)

    def begin(self, name: str, build: "Callable[[], Built]") -> "BegunBuild":
        """Have a build of a package done by a scheduler's workers while this thread goes on."""
        assert self.settings.remote is not None
        if self._ahead is None:
            from puffin.pipeline.builds.ahead import BuildsAhead

            self._ahead = BuildsAhead(self.settings.remote)
        return self._ahead.begin(self.seconds(name), build)

    def builds(self, chain: tuple[str, ...] = ()) -> Builds:
        """Return the planner of builds for one ledger; *chain* are the packages whose metadata builds are running."""

        def resolve(
            requires: tuple[str, ...], toolchain: Toolchain, package: str, artifact: Artifact, path: str
        ) -> "tuple[Artifact, ...]":
            pinned: tuple[tuple[str, str], ...] = ()
            if artifact.kind in (DIRECTORY, GIT):
                markers = dict(toolchain.interpreter.markers)
                requires, pinned = self._sources.of_build(requires, artifact, path, markers)
            return self._resolver.resolve(
                requires,
                toolchain,
                package=package,
                build=MetadataBuilder(self, toolchain, chain),
                checkout=self.checkout,
                pinned=pinned,
            )

        return Builds(self.settings, self.session.cache, resolve, self.seconds, self._local_needs)

    def _local_needs(self, artifact: Artifact, toolchain: Toolchain) -> tuple[str, ...]:
        key = (artifact.url, artifact.subdirectory, toolchain.key)
        if artifact.kind == DIRECTORY and key not in self._needs:
            self._needs[key] = self._sources.local_needs(artifact, dict(toolchain.interpreter.markers))
        return self._needs.get(key, ())

    def identified(self, supply: Supply) -> Supply:
        """Return *supply* with the hash of its source, if that is a local archive."""
        if supply.archive or supply.artifact.kind == WHEEL or supply.toolchain is None:
            return supply
        return replace(supply, artifact=identified(supply.artifact))

    def sought(self, supplies: "Sequence[Supply]") -> "list[tuple[SoughtBuild, bool]]":
        """Return the builds of *supplies* that a remote cache may have, and whether this machine has them."""
        builds, found = self.builds(), []
        for each in supplies:
            sought = (
                builds.sought(each.artifact, each.toolchain) if each.toolchain and not each.archive else None
            )
            if sought is not None and each.toolchain is not None:
                found.append((sought, builds.built_before(each.artifact, each.toolchain) is not None))
        return found

    def settled(self, supply: Supply) -> Supply:
        """Return an identified *supply* with the archive of the wheel that was built from it before, if any."""
        toolchain = supply.toolchain
        if supply.archive or supply.artifact.kind == WHEEL or toolchain is None:
            return supply
        found = self.builds().built_before(supply.artifact, toolchain)
        ready = found is not None and archive_ready(self.session.cache, found.sha256)
        return replace(supply, archive=found.sha256) if found and ready else supply

    def checkout(self, place: "Place") -> "CheckedOut":
        """Be the seam to version control of a universe."""
        return checkout_place(
            place,
            cache=self.session.cache,
            offline=self.settings.offline,
            environ=dict(self.session.environ),
            placed=lambda checked, texts: self._sources.of_checkout(checked, texts),
        )

    @property
    def _sources(self) -> "TreeSources":
        from puffin.pipeline.builds.sources import TreeSources

        return TreeSources(self.settings, self.session)


def identified(artifact: Artifact) -> Artifact:
    """Return the artifact of a local archive with the archive's hash, so that earlier builds of it are found."""
    if artifact.kind != SDIST or expected_sha256(artifact) or not is_file_url(artifact.url):
        return artifact

    try:
        sha256 = kept.hash_of(file_path(artifact.url))
    except OSError:
        return artifact  # whoever fetches it says why it cannot be read
    hashes = (f"sha256:{sha256}",) if not artifact.hashes else artifact.hashes
    told = direct_url(artifact.url, hashes, artifact.subdirectory) if artifact.direct_url else ""
    return replace(artifact, hashes=hashes, direct_url=told)


class MetadataBuilder:
    """The interface of a universe to the build stage: metadata that need a build, kept for the next time.

    It waits in this process, whatever runs the graph of the run. ``chain`` are the sources whose metadata wait for it.
    """

    def __init__(self, session: BuildSession, toolchain: Toolchain, chain: tuple[str, ...] = ()) -> None:
        self._session = session
        self._toolchain = toolchain
        self._chain = chain

    def __call__(self, source: "BuildSource") -> Built:
        """Return METADATA of *source*. Raises what went wrong with the build, and :class:`BuildCycle`."""
        artifact = artifact_of_source(source)
        builds = self._session.builds((*self._chain, source.package))
        known = builds.metadata(artifact, self._toolchain)
        if known is None and self._is_brought(builds, artifact):
            known = builds.metadata(artifact, self._toolchain)
        if known is not None:
            return Built(metadata=known)
        if source.package in self._chain:
            names = (*self._chain[self._chain.index(source.package) :], source.package)
            raise BuildCycle(package=source.package, names=names)
        self._check(source, artifact)
        tasks, last = builds.supply(artifact, self._toolchain, METADATA_GOAL, label=source.package)
        ledger = self._ledger(tasks, builds)
        recorder = self._recorder(ledger)
        InlineExecutor(1).run(ledger, partial(self._ended, recorder))
        outcome = ledger.outcomes[last]  # type: ignore[index]
        if outcome.status != DONE:
            raise root_failure(ledger, outcome.key) or RuntimeError(source.package)
        with open(outcome.result[1], "rb") as file:
            return Built(metadata=file.read())

    def _ledger(self, tasks: "tuple[Task, ...]", builds: Builds) -> Ledger:
        """Return the ledger of a build whose files come from the remote cache, if it has them."""
        settings = self._session.settings
        remote = settings.remote_cache
        if remote is None or not may_be_asked(remote, settings.network, self._session.session):
            return Ledger(tasks, builds.grow)
        plan = RemotePlan(remote=astuple(remote), network=settings.network)
        return Ledger([with_remote(each, plan) for each in tasks], growth_with_remote(builds.grow, plan))

    def _ended(self, recorder: "OutcomeRecorder | None", outcome: Outcome) -> None:
        remote = self._session.settings.remote_cache
        if remote is not None and outcome.remote:
            note_told(outcome.remote, remote, self._session.session)
        if recorder is not None:
            recorder.outcome(outcome)

    def begin(self, source: "BuildSource") -> "BegunBuild | None":
        """Begin to build METADATA of *source*; None where it is kept, or only this machine can build it."""
        session = self._session
        if source.editable or not session.settings.isolates(source.name):
            return None
        try:
            known = session.builds().metadata(artifact_of_source(source), self._toolchain)
        except OSError:
            return None  # it is raised for whoever asks
        return None if known is not None else session.begin(source.name, partial(self, source))

    def _is_brought(self, builds: Builds, artifact: Artifact) -> bool:
        """Ask the remote cache for the wheel of a source; tell whether it is among the kept builds now."""
        settings, session = self._session.settings, self._session.session
        sought = builds.sought(artifact, self._toolchain) if settings.remote_cache is not None else None
        if settings.remote_cache is None or sought is None:
            return False
        if not may_be_asked(settings.remote_cache, settings.network, session):
            return False
        bring = resolve_function("puffin.stages.remote.builds:builds")
        where = astuple(settings.remote_cache), settings.network, session.cache.root
        [told] = bring(*where, [astuple(sought)])
        note_told(told, settings.remote_cache, session)
        return bool(told[1] == HIT)

    def _recorder(self, ledger: Ledger) -> "OutcomeRecorder | None":
        """Return what puts the build into the record of the run; None in a child, whose parent writes that."""
        record = current()
        return OutcomeRecorder(record, ledger) if record is not None and record.is_own else None

    def _check(self, source: "BuildSource", artifact: Artifact) -> None:
        toolchain = self._toolchain
        if not self._session.settings.isolates(artifact.name) and not os.path.exists(toolchain.python):
            hint = f"make it by `puffin venv {toolchain.prefix}`, and install the build requirements there"
            raise NothingToBuildIn(package=source.package, environment=toolchain.prefix, hints=(hint,))


def artifact_of_source(source: "BuildSource") -> Artifact:
    """Return the artifact to build for the metadata of *source*."""
    url, filename = file_url(source.path), ""
    hashes: tuple[str, ...] = ()
    if source.url.partition(":")[0].lower().startswith("git+"):
        kind, url = GIT, source.url
    elif os.path.isdir(source.path):
        kind = DIRECTORY
    else:
        kind, filename = SDIST, os.path.basename(source.path)
        hashes = (f"sha256:{kept.hash_of(source.path)}",)
    return Artifact(
        name=source.name,
        version=source.version,
        filename=filename,
        url=url,
        source=directory_source(source.path, source.subdirectory, editable=source.editable)
        if kind == DIRECTORY
        else "",
        hashes=hashes,
        kind=kind,
        subdirectory=source.subdirectory,
        editable=source.editable,
        config_settings=source.config_settings,
    )
