"""Builds in the graph: each fetched source adds the tasks that its build needs, until there is a wheel.

A source's wheel is planned at once as ``fetch``, ``build`` and ``unzip``, so that others can depend on it. What the
build runs in is known only when the source has been read, and perhaps only when the backend was asked: each
time the build task is put again, with an environment as a further input.
"""

import pickle
from collections.abc import Callable
from typing import Any

from puffin.artifact.artifact import DIRECTORY, FRESH, SDIST, WHEEL, Artifact
from puffin.artifact.urls import digest, is_file_url
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.builds.values import BuildCycle, BuildSettings
from puffin.pipeline.builds.why import build_inputs, requirement_inputs, why_built, why_equipped, why_fetched
from puffin.pipeline.find.chosen import archive_of_wheel, supply_of
from puffin.pipeline.graph.record import warn
from puffin.pipeline.graph.task import DONE, SECOND, Key, Outcome, Task
from puffin.pipeline.request.builds import Toolchain
from puffin.pipeline.tasks.supply import BUILD, ENVIRONMENT, FETCH, UNZIP, wheel_tasks
from puffin.reasons import Reason
from puffin.stages.build import kept
from puffin.stages.build.environment import environment_key, environment_path, is_damaged, is_ready
from puffin.stages.build.job import LACKS, BuildOrder, variables_here
from puffin.stages.resolve.metadata.sdist import lost_package
from puffin.stages.unzip.ready import archive_ready, discard_damaged
from puffin.value import astuple, frozen, replace

Resolve = Callable[[tuple[str, ...], Toolchain, str, Artifact, str], tuple[Artifact, ...]]

METADATA_GOAL, WHEEL_GOAL, EDITABLE_GOAL = "metadata", "wheel", "editable"
_ENVIRONMENT_WEIGHT = 2_000_000  # bytes: what an environment for a build counts as among the work of unzipping
USUAL = 3.0  # seconds, for a build of which no run has a record
_GROWTH = "growth"


@frozen
class Job:
    """One build: its source, its label and its goal. ``id`` is the second half of the keys of its tasks.

    ``group`` is the same for builds that differ in nothing but the interpreter.
    """

    id: str
    group: str
    artifact: "Artifact"
    goal: str
    label: str


class Builds:
    """Plans the builds of one ledger; :meth:`grow` is for its growth.

    *resolve* returns what a set of build requirements comes to, for a toolchain and for the package that needs
    them, with its artifact and the path of its source; *seconds* how long a build of a package takes; *local_needs*
    the states of a directory's local build requirements. Nothing here belongs to one environment: the toolchain comes
    with each artifact.
    """

    def __init__(
        self,
        settings: BuildSettings,
        cache: "Cache",
        resolve: "Resolve",
        seconds: "Callable[[str], float]" = lambda _name: USUAL,
        local_needs: "Callable[[Artifact, Toolchain], tuple[str, ...]]" = lambda *_: (),
    ) -> None:
        self._local_needs = local_needs
        self._seconds = seconds
        self._settings = settings
        self._cache = cache
        self._resolve = resolve
        self._toolchains: dict[str, Toolchain] = {}
        self._jobs: dict[str, Job] = {}
        self._turns = BuildTurns()
        self._sources: dict[Key, list[str]] = {}
        self._read: dict[Key, tuple[str, str, tuple[Any, ...]]] = {}
        self._requires: dict[str, tuple[str, ...]] = {}
        self._needs: dict[str, set[str]] = {}
        self._whole: set[str] = set()
        self._damaged: set[str] = set()
        self._reasons: dict[str, Reason] = {}
        self._equipment: dict[str, dict[str, str]] = {}

    def supply(
        self, artifact: "Artifact", toolchain: Toolchain, goal: str = "", label: str = ""
    ) -> "tuple[tuple[Task, ...], Key | str]":
        """Return the tasks that make a wheel of *artifact*, and the key whose result is its archive.

        Where the cache has the archive, it is returned in the key's place. With the goal ``metadata`` the result is
        ``(METADATA, path)``. Tasks that were handed out before are not repeated.
        """
        artifact = self._with_settings(artifact)
        goal = goal or (EDITABLE_GOAL if artifact.editable else WHEEL_GOAL)
        group = self._group(artifact, toolchain, goal)
        job = Job(
            id=digest(repr((group, toolchain.key))) + group[:16],
            group=group,
            artifact=artifact,
            goal=goal,
            label=label or artifact.label,
        )
        last = (BUILD if goal == METADATA_GOAL else UNZIP, job.id)
        found = None if goal == METADATA_GOAL else self._kept(artifact, toolchain)
        if found is not None and archive_ready(self._cache, found.sha256):
            return (), found.sha256
        if found is not None and not kept.is_sound(found):
            found = None
        if job.id in self._jobs:
            return (), last
        self._jobs[job.id] = job
        self._toolchains[job.id] = toolchain
        if found is not None:
            return (self._store(job, found),), last
        self._reasons[job.id] = why_built(
            job.artifact, self._settings, toolchain, self._cache, again=bool(self._since(artifact))
        )
        return tuple([replace(task, reason=self._reasons[job.id]) for task in self._planned(job)]), last

    def _with_settings(self, artifact: "Artifact") -> "Artifact":
        own = [setting for name, setting in self._settings.package_settings if name == artifact.name]
        more = (*self._settings.config_settings, *own)
        return replace(artifact, config_settings=(*artifact.config_settings, *more)) if more else artifact

    def fetched_by(self, made: "Key") -> "Key | None":
        """Return the key of the task that fetches the source of *made*; None if nothing is fetched."""
        key = self._fetch(self._jobs[made[1]]).key
        return key if key in self._sources or key in self._read else None

    def built_before(self, artifact: "Artifact", toolchain: Toolchain) -> "kept.KeptWheel | None":
        """Return the wheel that was built of the source's present state before and fits best, None if there is none."""
        return self._kept(self._with_settings(artifact), toolchain)

    def sought(self, artifact: "Artifact", toolchain: Toolchain) -> "kept.SoughtBuild | None":
        """Return what another machine may have built of a source, None where only this one can."""
        artifact = self._with_settings(artifact)
        revision = kept.revision_of(artifact)
        here = artifact.editable or not self._settings.isolates(artifact.name) or bool(self._since(artifact))
        if here or not revision or self._local_needs(artifact, toolchain):
            return None
        tags = tuple(toolchain.interpreter.tags)
        return kept.SoughtBuild(revision=revision, settings=self._settings_key(artifact, toolchain), tags=tags)

    def metadata(self, artifact: "Artifact", toolchain: Toolchain) -> bytes | None:
        """Return METADATA from an earlier build for this interpreter, None if there was none."""
        artifact = self._with_settings(artifact)
        place = kept.place(self._cache, kept.revision_of(artifact), self._settings_key(artifact, toolchain))
        return kept.find_metadata(place, toolchain.key, toolchain.priorities, since=self._since(artifact))

    def _kept(self, artifact: "Artifact", toolchain: Toolchain, sha256: str = "") -> "kept.KeptWheel | None":
        revision = kept.revision_of(artifact, sha256)
        if not revision:
            return None
        place = kept.place(self._cache, revision, self._settings_key(artifact, toolchain))
        found = kept.find_wheel(place, toolchain.priorities, since=self._since(artifact))
        return found if found is not None and kept.is_of(found, artifact) else None

    def _asks_again(self, name: str) -> bool:
        refresh = self._settings.refresh
        return refresh if isinstance(refresh, bool) else name in refresh

    def _since(self, artifact: "Artifact") -> float:
        """Return from which time on builds count: a directory may have changed where its revision does not show it."""
        return (
            self._settings.began
            if self._settings.asks_again(artifact.name) and artifact.kind == DIRECTORY
            else 0.0
        )

    def _fetched_since(self, name: str) -> float:
        """Return from which time on a fetched archive counts whose hash nobody tells."""
        if self._settings.offline:
            return 0.0
        return self._settings.began - (0.0 if self._settings.asks_again(name) else FRESH)

    def _settings_key(self, artifact: "Artifact", toolchain: Toolchain) -> str:
        shared = "" if self._settings.isolates(artifact.name) else toolchain.prefix
        return kept.settings_of(
            artifact, shared=shared, more=(*self._settings.outside, *self._local_needs(artifact, toolchain))
        )

    def _group(self, artifact: "Artifact", toolchain: Toolchain, goal: str) -> str:
        source = kept.revision_of(artifact) or f"{artifact.url} {artifact.hashes} {artifact.subdirectory}"
        return digest(source) + digest(repr((source, self._settings_key(artifact, toolchain), goal)))

    def _planned(self, job: Job) -> "tuple[Task, ...]":
        fetch = self._fetch(job)
        if fetch.key in self._read:  # nobody will be told of it again
            store = () if job.goal == METADATA_GOAL else (self._store(job, None),)
            return (*self._begun(job), *store)
        self._sources.setdefault(fetch.key, []).append(job.id)
        build = replace(self._build(job), after=((_GROWTH, job.id),))
        return (fetch, build) if job.goal == METADATA_GOAL else (fetch, build, self._store(job, None))

    def _fetch(self, job: Job) -> Task:
        artifact = replace(job.artifact, editable=False, config_settings=(), direct_url="", yanked=None)
        return Task(
            key=(FETCH, f"source-{digest(repr(astuple(artifact)))}"),
            function="puffin.stages.build.task:fetch_source",
            label=job.label,
            arguments=(
                ("artifact", astuple(artifact)),
                ("package", job.label),
                ("cache_root", self._cache.root),
                ("network", self._settings.network),
                ("since", self._fetched_since(artifact.name)),
            ),
            weight=artifact.size or 300_000,
            waits=artifact.kind == SDIST,
        )

    def _build(self, job: Job, *, alone: bool = False) -> Task:
        toolchain = self._toolchains[job.id]
        isolated = self._settings.isolates(job.artifact.name)
        order = BuildOrder(
            package=job.label,
            artifact=astuple(job.artifact),
            goal=f"editable-{job.goal}" if job.goal == METADATA_GOAL and job.artifact.editable else job.goal,
            interpreter=toolchain.key,
            python="" if isolated else toolchain.python,
            scripts=toolchain.interpreter.venv_scheme.scripts if isolated else toolchain.scripts,
            tags=toolchain.interpreter.tags,
            settings=self._settings_key(job.artifact, toolchain),
            isolated=isolated,
            since=self._since(job.artifact),
            alone=alone,
            variables=variables_here(),
        )
        return Task(
            key=(BUILD, job.id),
            function="puffin.stages.build.task:build",
            label=job.label,
            arguments=(("order", astuple(order)), ("cache_root", self._cache.root)),
            inputs=(("source", self._fetch(job).key),),
            weight=self._weight(job.artifact),
            grows=True,
            reason=self._reasons.get(job.id),
        )

    def _weight(self, artifact: "Artifact") -> int:
        """Return the work that a build is, by the time that the last one took: the longest begins first."""
        return artifact.size + int(self._seconds(artifact.name) * SECOND)

    def _store(self, job: Job, found: "kept.KeptWheel | None") -> Task:
        arguments: tuple[tuple[str, Any], ...] = (("name", job.artifact.name), ("cache_root", self._cache.root))
        if found is not None:
            built = (kept.WHEEL, found.path, found.filename, found.sha256)
            arguments = (*arguments, ("built", built))
        return Task(
            key=(UNZIP, job.id),
            function="puffin.stages.build.task:store_built",
            label=job.label,
            arguments=arguments,
            inputs=() if found else (("built", (BUILD, job.id)),),
            weight=300_000,
        )

    def grow(self, task: Task, outcome: "Outcome") -> "tuple[Task, ...]":
        """Return the tasks that follow from a fetched source, or from a build that lacks requirements or ended.

        A build that cannot begin becomes one that fails: :class:`BuildCycle`, ``BuildRequirementsFailed``.
        """
        if task.key in self._sources and outcome.status == DONE:
            self._read[task.key] = outcome.result
            jobs = [self._jobs[each] for each in self._sources.pop(task.key)]
            return tuple([each for job in jobs for each in self._begun(job)])
        job = self._jobs.get(task.key[1]) if task.stage == BUILD else None
        if job is None:
            return ()
        if outcome.status == DONE and outcome.result[0] == LACKS:
            return self._prepared(job, (*self._requires[job.id], *outcome.result[1]))
        if outcome.status == DONE and outcome.result[0] == WHEEL_GOAL:
            self._warn_of_lost(job, outcome.result[1])
            inputs = build_inputs(job.artifact, self._settings, self._toolchains[job.id])
            kept.write_inputs(self._cache, job.artifact, inputs | self._equipment.get(job.id, {}))
        released = self._turns.ended(job.group, job.id, built=outcome.status == DONE)
        return tuple([each for other in released for each in self._begun(self._jobs[other])])

    def _warn_of_lost(self, job: Job, wheel: str) -> None:
        """Say where a build has left out everything: the backend is told of another place, or ignores the files."""
        package = lost_package(wheel, self._read[self._fetch(job).key][0], job.artifact.subdirectory)
        if package:
            warn(
                f"The wheel built for `{job.label}` has no modules, although its source has the package `{package}`"
            )

    def _begun(self, job: Job) -> "tuple[Task, ...]":
        """Return a build whose source was read, with what it needs; while it has to wait for its turn, as it stands."""
        _, sha256, system = self._read[self._fetch(job).key]
        toolchain = self._toolchains[job.id]
        found = self._kept(job.artifact, toolchain, sha256) if job.goal != METADATA_GOAL else None
        if found is not None:  # only now it is known which archive this is
            built = (kept.WHEEL, found.path, found.filename, found.sha256)
            return (self._instead(job, "recalled", ("built", built)),)
        if not self._turns.may_begin(job.group, job.id):
            return (replace(self._build(job), after=((_GROWTH, job.id),)),)
        return self._prepared(job, tuple(system[0]))

    def _instead(self, job: Job, function: str, argument: "tuple[str, Any]") -> Task:
        name = f"puffin.stages.build.task:{function}"
        return replace(self._build(job), function=name, arguments=(argument,))

    def _prepared(self, job: Job, requires: tuple[str, ...]) -> "tuple[Task, ...]":
        """Return the build with an environment that has what *requires* says, and what makes that environment.

        Where that cannot be had, the build is one that fails; what was planned until then may be wanted by others.
        """
        self._requires[job.id] = requires
        tasks: list[Task] = []
        try:
            build = self._equipped(job, requires, tasks)
        except PuffinError as error:
            build = self._instead(job, "refused", ("error", pickle.dumps(error)))
        return (*tasks, build)

    def _equipped(self, job: Job, requires: tuple[str, ...], tasks: "list[Task]") -> Task:
        toolchain = self._toolchains[job.id]
        tree = self._read[self._fetch(job).key][0]
        wanted = requires if self._settings.isolates(job.artifact.name) else ()
        found = self._resolve(wanted, toolchain, job.label, job.artifact, tree) if wanted else ()
        build = self._build(job, alone=any(each.kind == DIRECTORY or is_file_url(each.url) for each in found))
        build = replace(build, arguments=(*build.arguments, ("requires", requires)))
        if not self._settings.isolates(job.artifact.name):
            return build
        if self._settings.remote is not None and job.goal != EDITABLE_GOAL and not job.artifact.editable:
            return self._sent(job, build, found, requires, tasks)
        self._equipment[job.id] = requirement_inputs(found)
        root = self._ready_environment(found, toolchain)
        if root:
            return replace(build, arguments=(*build.arguments, ("environment", root)), affinity=root)
        held = {artifact: self._archive(artifact, toolchain) for artifact in found}
        why = why_equipped(job.artifact, held, toolchain, self._cache, self._damaged)
        archives, keys = self._brought(job, found, toolchain, tasks)
        made = replace(self._environment(job, toolchain, archives, keys), reason=why)
        tasks.append(made)
        return replace(build, inputs=(*build.inputs, ("environment", made.key)), affinity=made.key[1])

    def _sent(
        self,
        job: Job,
        build: Task,
        found: "tuple[Artifact, ...]",
        requires: tuple[str, ...],
        tasks: "list[Task]",
    ) -> Task:
        """Return the build as one for a worker; the builds of what it needs as wheels are put to *tasks*."""
        from puffin.pipeline.builds.remote import sent

        assert self._settings.remote is not None
        toolchain = self._toolchains[job.id]
        built: dict[str, Any] = {}
        for artifact in found:
            if artifact.kind == WHEEL:
                continue
            plain = self._with_settings(replace(artifact, editable=False))
            known = self._kept(plain, toolchain)
            if known is not None and kept.is_sound(known):
                built[artifact.name] = (kept.WHEEL, known.path, known.filename, known.sha256)
                continue
            more, last = self.supply(replace(artifact, editable=False), toolchain)
            tasks += more
            self._note(job.id, last[1])
            built[artifact.name] = (BUILD, last[1])
        return sent(
            build,
            self._settings.remote,
            toolchain,
            found=found,
            built=built,
            requires=requires,
            network=self._settings.network,
        )

    def _ready_environment(self, found: "tuple[Artifact, ...]", toolchain: Toolchain) -> str:
        """Return the path of the environment with these distributions if it is kept, even without their archives."""
        archives = {self._archive(artifact, toolchain) for artifact in found}
        if "" in archives:
            return ""
        root = environment_path(self._cache, environment_key(toolchain.interpreter, archives))
        if root in self._whole or is_ready(root, toolchain.interpreter):
            self._whole.add(root)
            return root
        if root not in self._damaged and is_damaged(root):
            self._damaged.add(root)
            self._prepare_anew(found, archives)
        return ""

    def _prepare_anew(self, found: "tuple[Artifact, ...]", archives: "set[str]") -> None:
        """Say that an environment was damaged; an archive that has the same damage, by a hard link, is thrown away."""
        names = ", ".join(sorted([f"`{artifact.name}`" for artifact in found]))
        warn(f"The kept build environment of {names} was damaged; making it again")
        for archive in archives:
            discard_damaged(self._cache, archive)

    def _archive(self, artifact: "Artifact", toolchain: Toolchain) -> str:
        """Return the archive that an artifact is or was, ``""`` where that is not known."""
        if artifact.kind != WHEEL:
            built = self._kept(self._with_settings(replace(artifact, editable=False)), toolchain)
            return built.sha256 if built else ""
        return archive_of_wheel(self._cache, artifact, again=self._asks_again(artifact.name))

    def _brought(
        self, job: Job, found: "tuple[Artifact, ...]", toolchain: Toolchain, tasks: "list[Task]"
    ) -> "tuple[list[str], list[Key]]":
        """Return the archives that are there, and the keys of the others; what brings these is put to *tasks*."""
        archives: list[str] = []
        keys: list[Key] = []
        for artifact in found:
            more, last = self._one(artifact, toolchain)
            tasks += more
            if isinstance(last, tuple) and artifact.kind != WHEEL:
                self._note(job.id, last[1])
            if isinstance(last, str):
                archives.append(last)
            else:
                keys.append(last)
        return archives, keys

    def _one(self, artifact: "Artifact", toolchain: Toolchain) -> "tuple[tuple[Task, ...], Key | str]":
        if artifact.kind != WHEEL:
            return self.supply(replace(artifact, editable=False), toolchain)
        supply = supply_of(self._cache, artifact, again=self._asks_again(artifact.name))
        if supply.archive:
            return (), supply.archive
        wheel = wheel_tasks(
            supply,
            cache_root=self._cache.root,
            network=self._settings.network,
            reason=why_fetched(artifact, self._cache, again=self._asks_again(artifact.name)),
        )
        return wheel, wheel[-1].key

    def _note(self, upper: str, lower: str) -> None:
        """Note that a build needs another one. Raises :class:`BuildCycle` if that needs it in turn."""
        chain = self._chain(lower, upper)
        if chain:
            names = (upper, *chain)
            raise BuildCycle(
                package=self._jobs[upper].label, names=tuple([self._jobs[each].label for each in names])
            )
        self._needs.setdefault(upper, set()).add(lower)

    def _chain(self, start: str, end: str) -> "tuple[str, ...]":
        if start == end:
            return (end,)
        for each in sorted(self._needs.get(start, ())):
            rest = self._chain(each, end)
            if rest:
                return (start, *rest)
        return ()

    def _environment(self, job: Job, toolchain: Toolchain, archives: "list[str]", keys: "list[Key]") -> Task:
        named = sorted(set(archives))
        parts = sorted([*named, *[each[1] for each in keys]])
        return Task(
            key=(ENVIRONMENT, f"{toolchain.key}-{digest(' '.join(parts))}"),
            function="puffin.stages.build.environment:build_environment",
            label=job.label,
            arguments=(
                ("interpreter", toolchain.interpreter.wire()),
                ("cache_root", self._cache.root),
                *[(f"archive{number}", each) for number, each in enumerate(named)],
            ),
            inputs=tuple([(f"input{number}", key) for number, key in enumerate(sorted(set(keys)))]),
            weight=_ENVIRONMENT_WEIGHT,
        )


class BuildTurns:
    """Lets one build of each group begin; the others wait until it has ended, and then look what there is.

    A group is a source that several interpreters need a build of: the wheel of the first may serve all of them.

    If it made a wheel, all that still have to be built go at once. If it failed, it is the next one's turn.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._waiting: dict[str, list[str]] = {}

    def may_begin(self, group: str, name: str) -> bool:
        """Return whether a build may begin; if it may not, :meth:`ended` will name it."""
        first = self._first.setdefault(group, name)
        if first in ("", name):
            return True
        self._waiting.setdefault(group, []).append(name)
        return False

    def ended(self, group: str, name: str, *, built: bool) -> "list[str]":
        """Note that a build ended, and return those that waited for it."""
        if self._first.get(group) != name:
            return []
        if built:
            self._first[group] = ""
        else:
            del self._first[group]
        return self._waiting.pop(group, [])
