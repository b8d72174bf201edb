"""Sync: an environment is made to hold exactly the pins of some requirements files."""

import os
import time

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.plan_environment import Workplace, now_stamp, target_of
from puffin.pipeline.plan_execute import Engine
from puffin.pipeline.plan_graph import LINK, Linking, Supply, link_key, sync_tasks
from puffin.pipeline.plan_inputs import Inputs, read_inputs
from puffin.pipeline.plan_locate import Found, Search
from puffin.pipeline.plan_settings import Line, Settings
from puffin.pipeline.task import DONE
from puffin.stages.link.environment import check_target, find_environment
from puffin.stages.link.files import HARDLINK
from puffin.stages.link.installplan import Plan, Wanted, make_plan
from puffin.stages.link.linker import PARTS, ArchiveGone
from puffin.stages.unzip.manifest import read_names
from puffin.value import astuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from puffin.pipeline.graph import Ledger
    from puffin.pipeline.plan_settings import Reporter
    from puffin.pipeline.task import Outcome, Task
    from puffin.stages.link.environment import Environment

SEEDS = ("pip", "setuptools", "wheel")
LOCK_TIMEOUT = 300.0


class SyncFailed(PuffinError):
    """Some distributions could not be prepared; the environment is as it was."""

    environment: str

    def summary(self) -> str:
        return f"Failed to sync the environment `{self.environment}`; it was left as it was"

    @property
    def worst(self) -> int:
        """The exit code of the causes: the highest among them."""
        return max((cause.exit_code for cause in self.causes), default=1)


def sync(settings: Settings, reporter: "Reporter", environ: "Mapping[str, str]", *, started: float) -> None:
    """Make the environment of *settings* hold exactly what its files pin.

    Raises :class:`PuffinError`; then the environment is as it was. ``started`` is of ``time.perf_counter``.
    """
    cache = Cache(settings.cache_dir)
    environment = find_environment(
        settings.python or None,
        environ,
        os.getcwd(),
        cache,
    )
    if not settings.dry_run:
        check_target(environment, break_system_packages=settings.break_system_packages)
    inputs = read_inputs(settings, dict(environment.interpreter.markers), environ)
    for warning in inputs.warnings:
        reporter.warn(warning)
    with Workplace(environment, timeout=lock_timeout(environ)) as workplace:
        if workplace.recovered:
            reporter.warn(f"An interrupted change of `{environment.root}` was {_RECOVERED[workplace.recovered]}")
        _Sync(settings, reporter, environ, cache, workplace, inputs, started).run()


_RECOVERED = {"forward": "completed", "back": "undone"}


def lock_timeout(environ: "Mapping[str, str]") -> float:
    """Return for how many seconds to wait for an environment's lock."""
    text = environ.get("PUFFIN_LOCK_TIMEOUT", "")
    try:
        return float(text) if text else LOCK_TIMEOUT
    except ValueError:
        return LOCK_TIMEOUT


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
        self._stamp = now_stamp()
        self._names: dict[str, Any] = {}

    @property
    def _environment(self) -> "Environment":
        return self._workplace.environment

    def run(self) -> None:
        plan = self._plan()
        if not self._inputs.pins and plan.remove and not self._settings.allow_empty_requirements:
            self._reporter.warn(
                "The requirements are empty: nothing was changed (`--allow-empty-requirements` empties the environment)"
            )
            return
        if plan.nothing_to_do:
            self._tell_resolved()
            self._reporter.phase("Checked", len(self._inputs.pins), time.perf_counter() - self._started)
            if self._settings.dry_run:
                self._reporter.phase("Would make no changes", -1, 0)
            return
        try:
            self._change(plan)
        finally:
            self._engine.close()

    def _tell_resolved(self) -> None:
        self._reporter.phase("Resolved", len(self._inputs.pins), time.perf_counter() - self._started)

    def _plan(self, archives: "Mapping[str, str] | None" = None) -> Plan:
        known = archives or {}
        wanted = [
            Wanted(name=name, version=version, url=url, archive=known.get(name, ""))
            for name, version, url in _wanted(self._inputs)
        ]
        settings = self._settings
        stale = {*settings.reinstall_package, *self._workplace.damaged, *self._losers()}
        protected = SEEDS if self._environment.seed else ()
        return make_plan(
            self._workplace.present,
            wanted,
            archives=self._workplace.archives,
            stale=stale,
            everything_stale=settings.reinstall,
            protected=protected,
        )

    def _losers(self) -> "set[str]":
        """Return the distributions whose copy of a file comes back because the winner goes or changes."""
        state = self._workplace.state
        if state is None or not state.conflicts:
            return set()
        wanted = {name: version for name, version, _ in _wanted(self._inputs)}
        present = {each.name: each.version for each in self._workplace.present}
        leaving = {winner for _, winner, _ in state.conflicts if wanted.get(winner) != present.get(winner)}
        return {name for _, winner, losers in state.conflicts if winner in leaving for name in losers}

    def _change(self, plan: Plan) -> None:
        found = self._find(plan)
        plan = self._settle(plan, found)
        for warning in found.warnings:
            self._reporter.warn(warning)
        self._tell_resolved()
        install = frozenset(plan.install)
        supplies = [each for each in found.supplies if each.artifact.name in install]
        if self._settings.dry_run:
            self._tell_dry_run(plan, supplies)
            return
        if plan.nothing_to_do:
            self._reporter.phase("Checked", len(self._inputs.pins), time.perf_counter() - self._started)
            return
        self._apply(plan, supplies)

    def _find(self, plan: Plan) -> Found:
        if not plan.install:
            return Found(supplies=(), warnings=())
        self._cache.initialise()
        search = Search(
            self._inputs,
            plan.install,
            settings=self._settings,
            cache=self._cache,
            environment=self._environment,
            network=self._network(),
        )
        try:
            self._warm_up(search.missing)
            return search.found()
        finally:
            search.stop()
            self._search = search

    def _warm_up(self, missing: int) -> None:
        """While the index is asked, import what the work will need and start its processes."""
        if not missing or self._settings.dry_run:
            return
        name = self._engine.chosen_for(missing, 0)
        if name != "inline":
            import puffin.stages.fetch.client
            import puffin.stages.fetch.download
            import puffin.stages.unzip.unzip  # noqa: F401
        self._engine.start(name)

    def _network(self) -> "tuple[Any, ...]":
        from puffin.stages.fetch.network import network_from_environ, to_wire

        network = network_from_environ(self._environ)
        hosts = (*network.trusted_hosts, *self._inputs.trusted_hosts)
        return to_wire(replace(network, offline=self._settings.offline, trusted_hosts=hosts))

    def _settle(self, plan: Plan, found: Found) -> Plan:
        """Plan again where the wheel behind a URL is known only now."""
        archives = {each.artifact.name: each.archive for each in found.supplies if each.artifact.direct_url}
        if not any(archives.values()):
            return plan
        again = self._plan({name: archive for name, archive in archives.items() if archive})
        return again

    def _tell_dry_run(self, plan: Plan, supplies: "Sequence[Supply]") -> None:
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
        self._reporter.changes(self._lines(plan, supplies))

    def _apply(self, plan: Plan, supplies: "list[Supply]") -> None:
        began = time.perf_counter()
        transaction = self._workplace.begin()
        linking = Linking(
            transaction=transaction.id,
            directory=transaction.directory,
            target=astuple(target_of(self._environment)),
            mode=self._settings.link_mode or HARDLINK,
            stamp=self._stamp,
        )
        staged = self._stage(supplies, linking)
        fetched = [each for each in supplies if not each.archive]
        if fetched:
            self._reporter.phase("Prepared", len(fetched), time.perf_counter() - began)
        began = time.perf_counter()
        removed = frozenset(plan.remove)
        change = self._workplace.change(self._cache, staged, removed, stamp=self._stamp, names=self._names)
        conflicts = self._workplace.commit(change, refuse_conflicts=self._settings.path_conflict == "error")
        for conflict in conflicts:
            self._reporter.warn(
                f"`{os.path.relpath(conflict.path, self._workplace.site)}` differs between "
                f"{', '.join(f'`{name}`' for name in (conflict.winner, *conflict.losers))}; that of `{conflict.winner}` is used"
            )
        self._finish(plan, supplies, staged, time.perf_counter() - began)

    def _finish(
        self, plan: Plan, supplies: "list[Supply]", staged: "Mapping[int, tuple[str, str]]", seconds: float
    ) -> None:
        gone = len(plan.remove) + len(plan.replace)
        if gone:
            self._reporter.phase("Uninstalled", gone, seconds)
        if supplies:
            self._reporter.phase("Installed", len(supplies), seconds)
        self._reporter.changes(self._lines(plan, supplies))
        stored = [replace(each, archive=staged[number][0]) for number, each in enumerate(supplies)]
        if supplies:
            self._search.remember(stored)

    def _stage(self, supplies: "list[Supply]", linking: Linking) -> "dict[int, tuple[str, str]]":
        """Run the graph; a second time for archives that turned out to be damaged in the cache."""
        staged, failures = self._run(list(enumerate(supplies)), linking)
        damaged = [number for number, error in failures.items() if isinstance(error, ArchiveGone)]
        if damaged and len(damaged) == len(failures):
            from puffin.cache.atomic import remove_tree
            from puffin.stages.unzip.ready import discard

            for number in damaged:
                self._reporter.warn(f"The cached archive of `{supplies[number].artifact.name}` was damaged; fetching it again")
                discard(self._cache, supplies[number].archive)
                for part in PARTS:
                    remove_tree(f"{linking.directory}/{number}{part}")
            again = [(number, self._relocated(supplies[number])) for number in damaged]
            more, failures = self._run(again, linking)
            staged.update(more)
        if failures:
            raise self._failed(failures)
        return staged

    def _relocated(self, supply: Supply) -> Supply:
        return replace(supply, archive="")

    def _run(
        self, numbered: "list[tuple[int, Supply]]", linking: Linking
    ) -> "tuple[dict[int, tuple[str, str]], dict[int, PuffinError]]":
        tasks = sync_tasks(numbered, linking, cache_root=self._cache.root, network=self._network_if(numbered))
        missing = [supply for _, supply in numbered if not supply.archive]
        ledger = self._engine.run(tasks, self._engine.chosen(missing), self._read_ahead)
        staged, failures = {}, {}
        for number, supply in numbered:
            outcome = ledger.outcomes[link_key(linking, supply)]
            if outcome.status == DONE:
                staged[number] = (outcome.result[0], supply.artifact.direct_url)
            else:
                failures[number] = _root_cause(ledger, supply, outcome.error)
        return staged, failures

    def _read_ahead(self, task: "Task", outcome: "Outcome") -> None:
        """Read what the commit will need of an archive while the others are still being linked."""
        if task.stage == LINK and outcome.status == DONE:
            archive = outcome.result[0]
            self._names[archive] = read_names(self._cache.manifest(archive))

    def _network_if(self, numbered: "list[tuple[int, Supply]]") -> "tuple[Any, ...]":
        return self._network() if any(not supply.archive for _, supply in numbered) else ()

    def _failed(self, failures: "Mapping[int, PuffinError]") -> PuffinError:
        causes = tuple({id(error): error for error in failures.values()}.values())
        error = SyncFailed(environment=self._environment.root, causes=causes)
        return error

    def _lines(self, plan: Plan, supplies: "Sequence[Supply]") -> tuple[Line, ...]:
        former = {each.name: each.version for each in self._workplace.present}
        lines = [Line(sign="-", name=name, version=former.get(name, "")) for name in plan.remove]
        for each in supplies:
            name, version = each.artifact.name, each.artifact.version
            place = each.artifact.url if each.artifact.direct_url else ""
            if name in plan.replace and former.get(name) == version:
                lines.append(Line(sign="~", name=name, version=version, place=place))
                continue
            if name in plan.replace:
                lines.append(Line(sign="-", name=name, version=former.get(name, "")))
            lines.append(Line(sign="+", name=name, version=version, place=place))
        return tuple(sorted(lines, key=lambda line: (line.name, line.sign != "-")))


def _wanted(inputs: Inputs) -> "list[tuple[str, str, str]]":
    if inputs.plain:
        return [(name, version, "") for name, version in inputs.pins]
    return [(pin.name, pin.version, pin.url) for pin in inputs.pins]


def _root_cause(ledger: "Ledger", supply: Supply, error: "BaseException | None") -> PuffinError:
    label = f"{supply.artifact.name}=={supply.artifact.version}"
    for outcome in ledger.failures():
        if ledger.tasks[outcome.key].label == label and isinstance(outcome.error, PuffinError):
            return outcome.error
    return error if isinstance(error, PuffinError) else PuffinError(package=label)
