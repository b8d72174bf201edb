"""Running the graph: an environment is committed when its last link is done, and failures stay local."""

import os
import time

from puffin.artifact.artifact import expected_sha256, package_of
from puffin.cache.atomic import degraded
from puffin.cache.pruned import pruned
from puffin.cache.usage import note_use
from puffin.errors import Cause, PuffinError
from puffin.pipeline.change.environment import guarded
from puffin.pipeline.graph.ledger import no_growth
from puffin.pipeline.graph.record import current, phase
from puffin.pipeline.graph.task import DONE
from puffin.pipeline.request.settings import SKIPPED, UPDATED
from puffin.pipeline.tasks.bytecode import compiling, to_compile, why_uncompiled
from puffin.pipeline.tasks.supply import (
    COMPILE,
    FETCH,
    LINK,
    Compiling,
    Use,
    identity,
    joined,
    loads_of,
    many_tasks,
)
from puffin.reasons import REQUESTED, WORK, Reason
from puffin.stages.link.files import COPY, HARDLINK
from puffin.stages.link.linker import ArchiveGone
from puffin.stages.unzip.manifest import read_header
from puffin.stages.unzip.ready import discard_archive
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from puffin.artifact.artifact import Artifact
    from puffin.cache.layout import Cache
    from puffin.pipeline.change.builds import BuildSessions, ManyBuilds, Tally
    from puffin.pipeline.change.environment import EnvironmentRun
    from puffin.pipeline.change.remote import RemoteRun
    from puffin.pipeline.engine.engine import Engine
    from puffin.pipeline.graph.ledger import Grow
    from puffin.pipeline.graph.task import Key, Outcome, Task
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.tasks.supply import Load, Supply
    from puffin.stages.unzip.manifest import Outline


class Stopped(BaseException):
    """An environment failed, and ``--fail-fast`` was given. Like an interrupt it waits for no download."""


class Watch:
    """Gets the progress of environments; this one ignores it."""

    def linked(self, run: "EnvironmentRun", left: int) -> None:
        """A distribution of an environment is staged, and so many are left."""

    def prepared(self, run: "EnvironmentRun", compiled: "tuple[int, float]") -> None:
        """All of an environment's turn is staged; *compiled* are distributions so far, and seconds that it took."""

    def committed(self, run: "EnvironmentRun", seconds: float) -> None:
        """The turn of an environment was committed in so many seconds."""

    def ended(self, run: "EnvironmentRun") -> None:
        """An environment is as it will be."""


class _Scales:
    """What it takes to bring in a supply, in bytes: of its manifest, which tells of each file, or of the wheel."""

    def __init__(self, cache: "Cache") -> None:
        self._cache = cache
        self._known: dict[str, int] = {}

    def __call__(self, supply: "Supply") -> int:
        if not supply.archive:
            return supply.artifact.size or 0
        if supply.archive not in self._known:
            try:
                self._known[supply.archive] = os.stat(self._cache.manifest(supply.archive)).st_size
            except OSError:
                self._known[supply.archive] = 0
        return self._known[supply.archive]


class GraphRun:
    """The supplying, linking and committing of environments that have something to do."""

    def __init__(
        self,
        runs: "Sequence[EnvironmentRun]",
        engine: "Engine",
        *,
        session: "Session",
        watch: Watch,
        fail_fast: bool = False,
        builds: "BuildSessions | None" = None,
        remote: "RemoteRun | None" = None,
        took: "Callable[[Artifact, str], None] | None" = None,
    ) -> None:
        self.remote = remote
        self._took = took
        self._runs = runs
        self._engine = engine
        self._session = session
        self._cache = session.cache
        self._watch = watch
        self._fail_fast = fail_fast
        self._run_id = os.urandom(6).hex()
        self._build_sessions = builds
        self._builds: ManyBuilds | None = None
        self._left = [0] * len(runs)
        self._later: list[int] = []
        self._links: dict[Key, Load] = {}
        self._errors: dict[Key, PuffinError] = {}
        self._damaged: list[Load] = []
        self._outlines: dict[str, Outline | None] = {}
        self._compiling = (0.0, 0.0)  # when the first began, and the last ended
        self.archives: dict[str, str] = {}
        self._sources: dict[Key, tuple[Any, ...]] = {}
        self.downloaded = 0
        self.repaired = 0
        self.tally: Tally | None = None
        self.compiled = 0
        self._told_copied = False
        self._done_for: dict[str, dict[tuple[str, Reason], tuple[str, ...]]] = {}
        for run in runs:
            run.done_for = self._done_for

    def run(self) -> None:
        """Do all the work; builds in the environments themselves come last."""
        try:
            self._turn(range(len(self._runs)))
            if self._later:
                self._turn(self._later)
        except Stopped:
            for run in self._runs:
                if run.alive:
                    run.end(SKIPPED)
                    self._watch.ended(run)
        note_use(self._cache, {archive for run in self._runs for archive, _ in run.staged.values()})

    def _turn(self, numbers: "Iterable[int]") -> None:
        """Bring in what is to be brought in now; a second time what turned out to be damaged in the cache."""
        runs = [(number, self._runs[number]) for number in numbers]
        for number, run in runs:
            guarded(run, lambda run: run.begin())
            if not run.alive:
                self._ended(run)
            self._left[number] = len(run.turn)
        for number, _ in runs:
            if not self._left[number]:
                self._commit(number)
        self._begin_builds()
        turns: list[dict[int, Supply]] = [{} for _ in self._runs]
        for number, run in runs:
            turns[number] = self._supplied(number, run.turn) if run.alive else {}
        self._wave(loads_of(turns, _Scales(self._cache)))
        again, self._damaged = [load for load in self._damaged if self._is_awaited(load)], []
        if again:
            self._begin_builds()
            self._wave([each for load in joined(again) for each in self._anew(load)], last=True)

    def _is_awaited(self, load: "Load") -> bool:
        return any(self._runs[use.site].alive for use in load.uses)

    def _begin_builds(self) -> None:
        self._run_id = os.urandom(6).hex()
        if self._build_sessions is not None:
            from puffin.pipeline.change.builds import ManyBuilds, Tally

            self._builds = ManyBuilds(self._build_sessions)
            self.tally = self.tally or Tally()

    def _supplied(self, number: int, supplies: "dict[int, Supply]") -> "dict[int, Supply]":
        """Return *supplies* of a run with what builds them; nothing if that cannot be, and then the run fails."""
        builds = self._builds
        if builds is None:
            return supplies
        try:
            return {each: builds.supplied(self._runs[number], supply) for each, supply in supplies.items()}
        except PuffinError as error:
            self._fail(Use(site=number, number=-1), error)
            return {}

    def _anew(self, load: "Load") -> "list[Load]":
        self.repaired += 1
        name = load.supply.artifact.name
        self._session.reporter.warn(f"The cached archive of `{name}` was damaged; fetching it again")
        discard_archive(self._cache, load.supply.archive)
        supply = replace(load.supply, archive="", made=None)
        for use in load.uses:
            self._runs[use.site].supplies[use.number] = supply
        found = self._supplied(load.uses[0].site, {0: supply})
        return [replace(load, supply=each) for each in found.values()]

    def _wave(self, loads: "list[Load]", *, last: bool = False) -> None:
        compilings = _compilings_of(self._runs, loads, self._cache)
        tasks, self._links = many_tasks(
            loads,
            lambda use: self._runs[use.site].link_place(use.number),
            run=self._run_id,
            cache_root=self._cache.root,
            network=lambda load: self._runs[load.uses[0].site].network,
            made=self._builds.tasks if self._builds else None,
            names=[run.name for run in self._runs],
            compilings=compilings,
            missing=self._missing,
            uncompiled=why_uncompiled(self._cache),
            changed=self._changed,
        )
        if not tasks:
            self._engine.idle()
            return
        missing = to_compile(loads, compilings) or [load.supply for load in loads if not load.supply.archive]
        self._last = last
        for load in loads:
            if self.tally and load.supply.made:
                self.tally.want(load.supply.made, len(load.uses))
        grow: Grow = self._builds.grow if self._builds else no_growth
        if self.remote is not None:
            tasks, grow = self.remote.planned(tasks, grow)
        self._engine.run(tasks, self._engine.chosen(missing), self._take, grow)
        if self.compiled:
            from puffin.stages.bytecode.stage import close_all

            close_all()

    def _missing(self, supply: "Supply") -> "Reason | None":
        """Return why the cache lacks a wheel."""
        artifact = supply.artifact
        if self._runs[0].settings.refresh or artifact.name in self._runs[0].settings.refresh_package:
            return Reason(kind=REQUESTED, subject="--refresh")
        return pruned(self._cache, expected_sha256(artifact), artifact.filename)

    def _changed(self, use: Use) -> "Reason | None":
        run = self._runs[use.site]
        return run.reason_of(run.supplies[use.number].artifact.name)

    def _take(self, task: "Task", outcome: "Outcome") -> None:
        if self.tally:
            self.tally.take(task, outcome)
        if self.remote is not None:
            self.remote.took(task, outcome)
        if task.reason is not None and task.stage in WORK:
            done = self._done_for.setdefault(package_of(task.label), {})
            work, names = (task.stage, task.reason), task.environments
            former = done.get(work, names)  # for all environments if there are no names
            done[work] = (*former, *names) if former and names else ()
        if outcome.status != DONE:
            self._note_failure(task, outcome)
        elif task.stage == FETCH and outcome.result:
            self._sources[task.key] = outcome.result
            size = outcome.result[1]
            self.downloaded += size if isinstance(size, int) else outcome.taken  # of a source, its path is told
        elif task.stage == COMPILE:
            self.compiled += 1
            began, ended = self._compiling
            self._compiling = (
                min(began, outcome.started) if began else outcome.started,
                max(ended, outcome.ended),
            )
        elif task.stage == LINK:
            self._linked(self._links[task.key], outcome.result)

    def _note_failure(self, task: "Task", outcome: "Outcome") -> None:
        """Remember the root cause for what depends on this task; a link that cannot be made fails its environments."""
        inherited = [self._errors[key] for key in task.dependencies if key in self._errors]
        error = inherited[0] if inherited else outcome.error
        if not isinstance(error, PuffinError):
            error = PuffinError(package=task.label)
        self._errors[task.key] = error
        if task.stage != LINK:
            return
        load = self._links[task.key]
        if isinstance(error, ArchiveGone) and not self._last:
            self._damaged.append(load)
            return
        error = explained(error, load.supply, self._runs[load.uses[0].site].why(load.supply.artifact.name))
        for use in load.uses:
            self._fail(use, error)

    def _fail(self, use: Use, error: PuffinError) -> None:
        run = self._runs[use.site]
        first = run.alive
        run.lack(use.number, error)
        if first:
            self._ended(run)

    def _ended(self, run: "EnvironmentRun") -> None:
        self._watch.ended(run)
        if run.error is not None and self._fail_fast:
            raise Stopped

    def _linked(self, load: "Load", result: "tuple[str, Any, Outline | None]") -> None:
        archive, results, told = result  # each a mode and a count, or an error
        self._outlines[archive] = told or self._outlines.get(archive)
        if not load.supply.archive:
            self.archives[identity(load.supply.artifact)] = archive
            if self._took is not None:
                self._took(load.supply.artifact, archive)
        for use, came in zip(load.uses, results, strict=True):
            self._staged(use, load, archive, came)

    def _staged(self, use: Use, load: "Load", archive: str, came: "Any") -> None:
        run = self._runs[use.site]
        if not run.alive:
            return
        if isinstance(came, bytes):
            import pickle

            self._fail(use, pickle.loads(came))
            return
        self._tell_copied(run, archive, came[0])
        source = self._sources.get(load.supply.source) if load.supply.source else None
        run.take(use.number, archive, self.header, source)
        self._left[use.site] -= 1
        self._watch.linked(run, self._left[use.site])
        if not self._left[use.site]:
            self._commit(use.site)

    def _commit(self, number: int) -> None:
        run = self._runs[number]
        if not run.alive:
            return
        self._watch.prepared(run, (self.compiled, self._compiling[1] - self._compiling[0]))
        began = time.perf_counter()
        with phase("commit"):
            guarded(run, lambda run: run.commit(self._outlines))
        for text in degraded():
            self._session.reporter.warn(text)
        if run.alive:
            _record_changes(run)
            self._watch.committed(run, time.perf_counter() - began)
        if run.alive and run.advance():
            self._later.append(number)
            return
        if run.alive:
            run.end(UPDATED)
        self._ended(run)

    def _tell_copied(self, run: "EnvironmentRun", archive: str, mode: str) -> None:
        """Say, once, that the cache and the environments share no files although they should."""
        if self._told_copied or mode != COPY or (run.settings.link_mode or HARDLINK) == COPY:
            return
        if not self._cache.archive(archive).startswith(f"{self._cache.root}/"):
            return  # caches beneath it may be anywhere
        self._told_copied = True
        which = "environment" if len(self._runs) == 1 else "environments"
        self._session.reporter.warn(
            f"Files are copied, because none can be linked from the cache (`{self._cache.root}`) to the "
            f"{which}; put them on one file system, or pass `--link-mode copy` to silence this"
        )

    def header(self, archive: str) -> "tuple[Any, ...] | None":
        """Return the header of an archive that was linked."""
        found = self._outlines.get(archive)
        return found[0] if found else read_header(self._cache.manifest(archive))


def _record_changes(run: "EnvironmentRun") -> None:
    """Put down what a commit changed, and why."""
    record, plan = current(), run.turn_plan
    if record is None:
        return
    for action, names in (("add", plan.add), ("remove", plan.remove), ("replace", plan.replace)):
        for reason, told in _by_reason(run, names):
            record.change(run.name, run.path, action, told, reason)


def _by_reason(run: "EnvironmentRun", names: "Iterable[str]") -> "Iterable[tuple[Reason, list[str]]]":
    found: dict[Reason, list[str]] = {}
    last, own = None, list[str]()
    for name in names:
        reason = run.reason_of(name)
        if reason is not None:
            if reason is not last:  # most are one and the same, and need no hash
                last, own = reason, found.setdefault(reason, [])
            own.append(name)
    return found.items()


class NeededHere(Cause):
    """Why something had to be built."""


def explained(error: PuffinError, supply: "Supply", why: str = "") -> PuffinError:
    """Add the reason of a build to its error, unless the failure of another package has it."""
    if error.stage != "build" or any(isinstance(each, NeededHere) for each in error.causes):
        return error
    label = supply.artifact.label
    if error.package and error.package != label:
        why = f"`{error.package}` is needed to build `{label}`"
    if why:
        error.causes = (*error.causes, NeededHere(text=why))
    return error


def _compilings_of(
    runs: "Sequence[EnvironmentRun]", loads: "Sequence[Load]", cache: "Cache"
) -> "dict[int, Compiling]":
    """Return what compiles for each environment that wants bytecode, by its number."""
    kinds: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        if run.alive and run.bytecode:
            kinds.setdefault(run.bytecode, []).append(number)
    found = {}
    for kind, numbers in kinds.items():
        supplies = [load.supply for load in loads if not {use.site for use in load.uses}.isdisjoint(numbers)]
        told = compiling(runs[numbers[0]].environment.interpreter, kind, supplies, cache)
        if told is not None:
            found.update(dict.fromkeys(numbers, told))
    return found
