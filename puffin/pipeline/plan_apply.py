"""Applying a plan: the wheels are supplied and staged by the graph, then committed as a whole."""

import os
import time

from puffin.cache.usage import note_use
from puffin.errors import Cause, PuffinError
from puffin.pipeline.graph import no_growth
from puffin.pipeline.plan_bytecode import bytecode_kind, compiling
from puffin.pipeline.plan_environment import target_of
from puffin.pipeline.plan_graph import COMPILE, LINK, Linking, Supply, link_key, root_failure, sync_tasks
from puffin.pipeline.plan_lines import change_lines
from puffin.pipeline.record import phase
from puffin.pipeline.task import DONE
from puffin.stages.artifact import WHEEL
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.files import COPY, HARDLINK
from puffin.stages.link.installplan import without
from puffin.stages.link.linker import ArchiveGone
from puffin.stages.link.staging import PARTS
from puffin.stages.unzip.manifest import VERSION, read_names
from puffin.value import astuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from puffin.cache.layout import Cache
    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.plan_build_workshop import Workshop
    from puffin.pipeline.plan_environment import Workplace
    from puffin.pipeline.plan_execute import Engine
    from puffin.pipeline.plan_settings import Reporter, Settings
    from puffin.pipeline.task import Key, Outcome, Task
    from puffin.stages.link.installplan import Plan
    from puffin.stages.link.placement import Conflict

    Numbered = list[tuple[int, Supply]]
    Staged = dict[int, tuple[str, str]]


class ApplyFailed(PuffinError):
    """Some distributions could not be prepared; the environment is as it was, or ``partly`` changed already."""

    environment: str
    action: str
    partly: bool = False

    def summary(self) -> str:
        """Say what failed, and what changed."""
        left = "all else is done, as these builds needed it there" if self.partly else "it was left as it was"
        return f"Failed to {self.action} the environment `{self.environment}`; {left}"

    @property
    def worst(self) -> int:
        """The exit code of the causes: the highest among them."""
        return max((cause.exit_code for cause in self.causes), default=1)


class Wanted(Cause):
    """Why something had to be built."""


class Application:
    """The application of one plan to one environment, whose lock the caller holds.

    ``network`` returns the network settings in their wire form; it is asked only if something is fetched.
    ``workshop`` builds what has no wheel. ``action`` is the verb for messages. *requested* names what
    somebody asked for by name (PEP 376); None stands for everything. *why* says of a name why it is wanted.
    """

    def __init__(
        self,
        workplace: "Workplace",
        engine: "Engine",
        *,
        cache: "Cache",
        settings: "Settings",
        reporter: "Reporter",
        network: "Callable[[], tuple[Any, ...]]",
        action: str = "sync",
        requested: "frozenset[str] | None" = None,
        workshop: "Workshop | None" = None,
        why: "Callable[[str], str] | None" = None,
    ) -> None:
        self._workplace = workplace
        self._engine = engine
        self._cache = cache
        self._settings = settings
        self._reporter = reporter
        self._network = network
        self._action = action
        self._requested = requested
        self._workshop = workshop
        self._why = why
        self._told_copied = False
        self._compiled = (0, 0.0)  # distributions, and seconds from the first to the last
        self._names: dict[str, Any] = {}
        self._bytecode = bytecode_kind(workplace.environment, settings)

    def dry_run(self, plan: "Plan", supplies: "Sequence[Supply]") -> None:
        """Say what would be done."""
        download = sum(1 for each in supplies if not each.archive)
        for verb, count in (
            ("Would download", download),
            ("Would uninstall", len(plan.remove) + len(plan.replace)),
            ("Would install", len(supplies)),
        ):
            if count:
                self._reporter.phase(verb, count, -1)
        if plan.nothing_to_do:
            self._reporter.phase("Would make no changes", -1, 0)
        self._reporter.changes(change_lines(self._workplace.present, plan, supplies))

    def apply(self, plan: "Plan", supplies: "list[Supply]") -> "list[Supply]":
        """Supply, stage and commit; return the supplies with the archives they came to.

        What is to be built without isolation comes after all else, which it may need: a second change of its own.
        Raises :class:`ApplyFailed` and the errors of planning and doing the commit; then nothing changed, but for the
        first of two changes.
        """
        late = [each for each in supplies if self._is_late(each)]
        names = frozenset(each.artifact.name for each in late)
        first = without(plan, names)
        if not late or first.nothing_to_do:
            return self._apply(plan, supplies)
        done = self._apply(first, [each for each in supplies if each.artifact.name not in names])
        self._workplace.end()
        self._workplace.look()
        rest = without(replace(plan, remove=()), frozenset(plan.install) - names)
        try:
            return [*done, *self._apply(rest, late)]
        except ApplyFailed as error:
            raise ApplyFailed(
                environment=error.environment, action=error.action, partly=True, causes=error.causes
            ) from error

    def _is_late(self, supply: Supply) -> bool:
        built = supply.artifact.kind != WHEEL and not supply.archive
        return built and self._workshop is not None and supply.artifact.name in self._workshop.settings.shared

    def _apply(self, plan: "Plan", supplies: "list[Supply]") -> "list[Supply]":
        began = time.perf_counter()
        transaction = self._workplace.begin()
        linking = Linking(
            transaction=transaction.id,
            directory=transaction.directory,
            target=astuple(target_of(self._workplace.environment)),
            mode=self._settings.link_mode or HARDLINK,
            requested=self._requested,
            environment=self._workplace.environment.root,
        )
        supplies = self._healed(plan, supplies)
        compiling_ = compiling(self._workplace.environment, self._bytecode, supplies, self._cache)
        linking = replace(linking, compiling=compiling_) if compiling_ else linking
        staged = self._stage(supplies, linking)
        if self._compiled[0]:
            from puffin.stages.bytecode.compiler import close_all

            close_all()
        fetched = [each for each in supplies if not each.archive]
        if fetched:
            self._reporter.phase("Prepared", len(fetched), time.perf_counter() - began)
        if self._compiled[0]:
            self._reporter.phase("Compiled", *self._compiled)
        note_use(self._cache, [archive for archive, _ in staged.values()])
        began = time.perf_counter()
        with phase("commit"):
            self._commit(plan, staged, {number: each.artifact.source for number, each in enumerate(supplies)})
        supplies = [self._settled(each, staged[number][0]) for number, each in enumerate(supplies)]
        self._tell(plan, supplies, time.perf_counter() - began)
        return supplies

    def _settled(self, supply: Supply, archive: str) -> Supply:
        """Return *supply* with its archive, and the version that perhaps only its build told."""
        names = None if supply.artifact.version else self._names.get(archive)
        artifact = replace(supply.artifact, version=names[0][VERSION]) if names else supply.artifact
        return replace(supply, artifact=artifact, archive=archive)

    def _commit(self, plan: "Plan", staged: "Staged", sources: "dict[int, str]") -> None:
        removed = frozenset(plan.remove)
        change = self._workplace.change(
            self._cache,
            staged,
            removed,
            names=self._names,
            sources=sources,
            bytecode=self._bytecode,
        )
        refuse = self._settings.path_conflict == "error"
        for conflict in self._workplace.commit(change, refuse_conflicts=refuse):
            self._reporter.warn(self._conflict(conflict))

    def _conflict(self, conflict: "Conflict") -> str:
        path = os.path.relpath(conflict.path, self._workplace.site)
        names = ", ".join(f"`{name}`" for name in (conflict.winner, *conflict.losers))
        return f"`{path}` differs between {names}; that of `{conflict.winner}` is used"

    def _tell(self, plan: "Plan", supplies: "list[Supply]", seconds: float) -> None:
        gone = len(plan.remove) + len(plan.replace)
        if gone:
            self._reporter.phase("Uninstalled", gone, seconds)
        if supplies:
            self._reporter.phase("Installed", len(supplies), seconds)
        self._reporter.changes(change_lines(self._workplace.present, plan, supplies))

    def _stage(self, supplies: "list[Supply]", linking: Linking) -> "Staged":
        """Run the graph; a second time for archives that turned out to be damaged in the cache."""
        staged, failures = self._run(list(enumerate(supplies)), linking)
        damaged = [number for number, error in failures.items() if isinstance(error, ArchiveGone)]
        if damaged and len(damaged) == len(failures):
            more, failures = self._run(self._anew(supplies, damaged, linking), linking)
            staged.update(more)
        if failures:
            causes = tuple({id(error): error for error in failures.values()}.values())
            raise ApplyFailed(environment=self._workplace.environment.root, action=self._action, causes=causes)
        return staged

    def _anew(self, supplies: "list[Supply]", damaged: "list[int]", linking: Linking) -> "Numbered":
        from puffin.cache.atomic import remove_tree
        from puffin.pipeline.plan_heal import without_archive

        for number in damaged:
            for part in PARTS:
                remove_tree(f"{linking.directory}/{number}{part}")
        return [(number, without_archive(supplies[number], self._cache, self._reporter)) for number in damaged]

    def _healed(self, plan: "Plan", supplies: "list[Supply]") -> "list[Supply]":
        again = {name for name in plan.replace if name in self._workplace.archives}
        if not again:
            return supplies
        from puffin.pipeline.plan_heal import heal

        return heal(supplies, again, self._workplace.damaged, self._cache, self._reporter)

    def _run(self, numbered: "Numbered", linking: Linking) -> "tuple[Staged, dict[int, PuffinError]]":
        missing = [supply for _, supply in numbered if not supply.archive]
        heavy = _to_compile(numbered, linking) or missing
        network = self._network() if missing else ()
        builds = self._workshop.builds() if self._workshop and missing else None
        tasks = sync_tasks(numbered, linking, cache_root=self._cache.root, network=network, builds=builds)
        grow = builds.grow if builds else no_growth
        ledger = self._engine.run(tasks, self._engine.chosen(heavy), self._read_ahead, grow)
        self._note_compiled(ledger)
        self._tell_copied(ledger, linking)
        staged, failures = {}, {}
        for number, supply in numbered:
            outcome = ledger.outcomes[link_key(linking, supply)]
            if outcome.status == DONE:
                archive = outcome.result[0]
                told = with_source(supply.artifact.direct_url, _source(ledger, outcome.key))
                staged[number] = (archive, with_hash(told, archive))
            else:
                error = _root_cause(ledger, link_key(linking, supply), supply)
                failures[number] = self._explained(error, supply)
        return staged, failures

    def _explained(self, error: PuffinError, supply: Supply) -> PuffinError:
        return explained(error, supply, self._why(supply.artifact.name) if self._why else "")

    def _read_ahead(self, task: "Task", outcome: "Outcome") -> None:
        """Read what the commit will need of an archive while the others are still being linked."""
        if task.stage == LINK and outcome.status == DONE:
            archive = outcome.result[0]
            self._names[archive] = read_names(self._cache.manifest(archive))

    def _note_compiled(self, ledger: "Ledger") -> None:
        done = [each for key, each in ledger.outcomes.items() if key[0] == COMPILE and each.status == DONE]
        if done:
            seconds = max(each.ended for each in done) - min(each.started for each in done)
            self._compiled = (self._compiled[0] + len(done), self._compiled[1] + seconds)

    def _tell_copied(self, ledger: "Ledger", linking: Linking) -> None:
        """Say, once, that the cache and the environment share no files although they should."""
        linked = [each for key, each in ledger.outcomes.items() if key[0] == LINK and each.status == DONE]
        own = f"{self._cache.root}/"  # caches beneath it may be anywhere
        copied = any(
            each.result[1] == COPY and self._cache.archive(each.result[0]).startswith(own) for each in linked
        )
        if linking.mode == COPY or not copied or self._told_copied:
            return
        self._told_copied = True
        self._reporter.warn(
            f"Files are copied, because none can be linked from the cache (`{self._cache.root}`) to the "
            "environment; put them on one file system, or pass `--link-mode copy` to silence this"
        )


def explained(error: PuffinError, supply: Supply, why: str = "") -> PuffinError:
    """Add to the error of a build why there was a build at all, unless another package's failure said that."""
    if error.stage != "build" or any(isinstance(each, Wanted) for each in error.causes):
        return error
    label = supply.artifact.label
    if error.package and error.package != label:
        why = f"`{error.package}` is needed to build `{label}`"
    if why:
        error.causes = (*error.causes, Wanted(text=why))
    return error


def _source(ledger: "Ledger", link: "Key") -> "tuple[Any, ...] | None":
    """Return what was fetched to be built for a link, None where that was not told."""
    key = dict(ledger.tasks[link].inputs).get("source")
    return ledger.outcomes[key].result if key else None


def _to_compile(numbered: "Numbered", linking: Linking) -> "list[Supply]":
    """Return the supplies that are to be compiled: work for every core, as fetching and unzipping is."""
    if linking.compiling is None:
        return []
    return [each for _, each in numbered if each.archive not in linking.compiling.ready]


def _root_cause(ledger: "Ledger", key: "Key", supply: Supply) -> PuffinError:
    error = root_failure(ledger, key)
    return error if isinstance(error, PuffinError) else PuffinError(package=supply.artifact.label)
