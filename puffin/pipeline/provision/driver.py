"""``sync --on``: environments on every machine of a cluster; each file is fetched once, and travels from there.

The workers are asked for their interpreters. This machine chooses what environments of these are to hold, and gathers
it. What no machine has goes to one of those that lack it, and the others get it from there. Then each machine makes its
environments. A plugin that stays with the scheduler does the same on machines that join later.
"""

import pickle
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from puffin import __version__
from puffin.artifact.urls import digest
from puffin.cache.usage import shared
from puffin.errors import USAGE, PuffinError
from puffin.pipeline.change.result import summed
from puffin.pipeline.change.values import EnvResult, ManyResult, Shared
from puffin.pipeline.farm.errors import SchedulerLost
from puffin.pipeline.farm.farm import close_farms, farm_for
from puffin.pipeline.farm.peers import PIECE
from puffin.pipeline.farm.work import ask
from puffin.pipeline.graph.record import phase
from puffin.pipeline.provision.choice import ForeignChoice, QuietReporter, Target
from puffin.pipeline.provision.order import MachineAnswer, MachineOrder, PlaceWanted, target_key
from puffin.pipeline.provision.plugin import Recipe, pickled_plugin
from puffin.pipeline.provision.worker import interpreter_of
from puffin.pipeline.request.scheduler import Remote
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import FAILED, SKIPPED, ManySettings
from puffin.pipeline.run.forked_call import ForkedCall
from puffin.stages.build.remote_here import pack, unpacked_wire
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.transfer import manifest_of, piece_of
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.change.values import ManyReporter

_WORKER = "puffin.pipeline.provision.worker"
_AT_ONCE = 64  # machines


class MachineUnfit(PuffinError):
    """No worker of a machine can be used."""

    exit_code = USAGE
    sentence = "The worker `{worker}` cannot be used: it {reason}"
    worker: str
    reason: str


@frozen
class Machine:
    """A machine of the cluster: its workers, and for each environment its interpreter, or the error; pickled."""

    workers: tuple[str, ...]
    found: tuple[bytes, ...]

    @property
    def name(self) -> str:
        return self.workers[0]


@frozen
class MachineRow:
    """One environment on one machine. ``target`` names what was chosen for it."""

    name: str
    machine: Machine
    number: int
    target: str = ""


class ClusterRun:
    """One run over all machines of the cluster of ``settings.run.remote``."""

    def __init__(self, settings: ManySettings, session: Session, reporter: "ManyReporter") -> None:
        assert settings.run.remote is not None
        self._settings = replace(settings, run=replace(settings.run, no_editable=True))
        self._session = session
        self._reporter = reporter
        self._remote = settings.run.remote
        self._places = tuple(
            [PlaceWanted(path=settings.path or spec.path, python=spec.python) for spec in settings.specs]
        )
        self._rows: list[MachineRow] = []
        self._results: dict[str, EnvResult] = {}
        self._targets: dict[tuple[int, str], Target] = {}
        self._phases: list[tuple[str, float]] = []
        self._mark = time.perf_counter()

    def sync(self) -> ManyResult:
        """Make the environments on all machines; return the results. Raises what concerns all of them."""
        with shared(self._session.cache):
            try:
                self._run()
            finally:
                close_farms()
        return self.result()

    def _run(self) -> None:
        with phase("ask machines"):
            machines, unfit, beside = ForkedCall(partial(_machines, self._remote, self._places)).result()
        self._begin([Machine(workers=workers, found=found) for workers, found in machines], unfit)
        self._avoid([*unfit, *beside])
        self._phase("ask machines")
        quiet = QuietReporter(self._session.reporter)
        for worker, why in beside:
            quiet.warn(f"The worker `{worker}` is not used: it {why}")
        session = replace(self._session, reporter=quiet)
        choice = ForeignChoice(tuple(self._targets.values()), self._settings, session, quiet, self._held)
        choice.sync()
        for error in choice.errors.values():
            _raise_lost(error)  # else a build that it took along would hide it
        for row in self._rows:
            if row.target in choice.errors:
                self._end(row, error=choice.errors[row.target])
        self._phase("choose")
        orders = {row: choice.orders[row.target] for row in self._rows if row.target in choice.orders}
        if orders:
            self._provide(orders)
        self._phase("work")

    def _avoid(self, unfit: Iterable[tuple[str, str]]) -> None:
        """Have no process of this run wait again for workers that another one found unfit."""
        known = {**dict(self._remote.unfit), **dict(unfit)}
        self._remote = replace(self._remote, unfit=tuple(sorted(known.items())))
        self._settings = replace(self._settings, run=replace(self._settings.run, remote=self._remote))

    def _phase(self, name: str) -> None:
        now = time.perf_counter()
        self._phases.append((name, now - self._mark))
        self._mark = now

    def _begin(self, machines: Sequence[Machine], unfit: Iterable[tuple[str, str]]) -> None:
        """Note a row for each environment on each machine, and the targets that they have in common."""
        refused = [Machine(workers=(worker,), found=()) for worker, _ in unfit]
        reasons = dict(unfit)
        self._rows = [
            MachineRow(name=self._name(machine, number), machine=machine, number=number)
            for machine in (*machines, *refused)
            for number in range(len(self._places))
        ]
        self._reporter.began(tuple([row.name for row in self._rows]))
        for place, row in enumerate(self._rows):
            worker = row.machine.name
            if worker in reasons:
                self._end(row, error=MachineUnfit(worker=worker, reason=reasons[worker]))
                continue
            found = interpreter_of(row.machine.found[row.number])
            if isinstance(found, PuffinError):
                self._end(row, error=found)
            else:
                self._rows[place] = replace(row, target=self._target(row.number, found).name)

    def _name(self, machine: Machine, number: int) -> str:
        several = len(self._places) > 1
        return f"{self._settings.specs[number].name} on {machine.name}" if several else machine.name

    def _target(self, number: int, interpreter: Interpreter) -> Target:
        key = number, target_key(interpreter)
        if key not in self._targets:
            spec, place = self._settings.specs[number], self._places[number]
            name = f"{spec.name} ({interpreter.version_text}, {len(self._targets)})"
            self._targets[key] = Target(
                name=name, spec=replace(spec, python="", editable=False), place=place, interpreter=interpreter
            )
        return self._targets[key]

    def _held(self, archives: list[str]) -> frozenset[str]:
        """Return those of *archives* that a machine has."""
        if self._settings.is_dry:
            return frozenset()
        workers = [row.machine.name for row in self._rows if row.target]
        call = partial(_stocks, self._remote, workers, self._places, tuple(archives))
        found, unfit = ForkedCall(call).result()
        self._avoid(unfit)
        return frozenset([archive for cached, _ in found.values() for archive in cached])

    def _provide(self, orders: dict[MachineRow, MachineOrder]) -> None:
        with phase("connect"):
            farm_for(self._remote)
        if not self._settings.is_dry:
            with phase("send files"):
                self._register(orders)
                orders = self._with_sources(orders)
        threads = ThreadPoolExecutor(min(len(orders), _AT_ONCE), thread_name_prefix="puffin-machine")
        try:
            with phase("make environments"):
                futures = {threads.submit(self._make, row, order): row for row, order in orders.items()}
                for row in futures.values():
                    self._reporter.environment(row.name, "working")
                for future in as_completed(futures):
                    self._take(futures[future], future.result())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _register(self, orders: dict[MachineRow, MachineOrder]) -> None:
        """Leave a plugin with the scheduler that makes the same environments on machines that join later."""
        recipe = Recipe(
            version=__version__,
            places=self._places,
            orders=tuple({row.target: order for row, order in orders.items()}.values()),
            present=tuple([worker for row in self._rows for worker in row.machine.workers]),
        )
        name = f"puffin-{digest(repr(self._places))}"
        if not farm_for(self._remote).link.register(name, pickled_plugin(recipe)):
            self._reporter.warn(
                "Some workers did not answer in time; they may lack the files of other machines"
            )

    def _with_sources(self, orders: dict[MachineRow, MachineOrder]) -> dict[MachineRow, MachineOrder]:
        """Bring to one machine what none has, and return *orders* with the workers that have what each lacks."""
        archives = tuple(dict.fromkeys([each for order in orders.values() for each in order.archives]))
        workers = [row.machine.name for row in orders]
        stocks, _ = _stocks(self._remote, workers, self._places, archives)
        lacking = {
            row: [each for each in order.archives if not _has(stocks.get(row.machine.name), row.number, each)]
            for row, order in orders.items()
        }
        holders = {
            each: [name for name in workers if each in stocks.get(name, ((), ()))[0]] for each in archives
        }
        self._bring(lacking, holders)
        return {
            row: replace(
                order, sources=tuple([(each, tuple(holders[each])) for each in lacking[row]]), driven=True
            )
            for row, order in orders.items()
        }

    def _bring(self, lacking: dict[MachineRow, list[str]], holders: dict[str, list[str]]) -> None:
        """Send each archive that somebody lacks and nobody has to one machine, so that all get about as many."""
        cache, seeds = self._session.cache, dict.fromkeys([row.machine.name for row in lacking], 0)
        plan: list[tuple[str, str]] = []
        for archive in holders:
            lackers = [row.machine.name for row, archives in lacking.items() if archive in archives]
            if lackers and not holders[archive] and archive_ready(cache, archive):
                seed = min(lackers, key=seeds.__getitem__)
                seeds[seed] += 1
                plan.append((archive, seed))
        with ThreadPoolExecutor(4) as threads:
            sent = list(threads.map(self._send, *zip(*plan, strict=True))) if plan else []
        for (archive, seed), done in zip(plan, sent, strict=True):
            holders[archive] += [seed] if done else []

    def _send(self, archive: str, worker: str) -> bool:
        """Send an archive to *worker* piece by piece; tell whether it took all."""
        cache, link = self._session.cache, farm_for(self._remote).link
        manifest = manifest_of(cache, archive)
        at, packed = 0, pickle.dumps(manifest)
        while manifest is not None:
            piece = piece_of(cache, archive, manifest, at, PIECE)
            call = (ask, "puffin.pipeline.farm.peers:accept", archive, packed, at, piece)
            [(answer,)] = link.ask([worker], [call]).values()
            at += len(piece)
            if answer is not True or at >= manifest.bytes:
                return answer is True
        return False

    def _make(self, row: MachineRow, order: MachineOrder) -> MachineAnswer:
        """Have a machine make an environment; bring it what no other machine could give it."""
        answer = _made(self._remote, row, order)
        if answer.lacking:
            for archive in answer.lacking:
                self._send(archive, row.machine.name)
            answer = _made(self._remote, row, replace(order, sources=(), driven=False))
        return answer

    def _take(self, row: MachineRow, answer: MachineAnswer) -> None:
        for warning in answer.warnings:
            self._reporter.warn(f"{warning} (`{row.name}`)")
        self._keep(row, answer.result)

    def _end(self, row: MachineRow, *, error: PuffinError) -> None:
        path = self._places[row.number].path
        self._keep(row, EnvResult(name=row.name, path=path, python="", status=FAILED, error=error))

    def _keep(self, row: MachineRow, result: EnvResult) -> None:
        seconds = time.perf_counter() - self._session.started
        self._results[row.name] = replace(result, name=row.name, seconds=seconds)
        self._reporter.ended(row.name, result.status)

    def result(self) -> ManyResult:
        """Return the results so far; what was not begun is skipped."""
        environments = tuple(
            [
                self._results.get(row.name)
                or EnvResult(name=row.name, path=self._places[row.number].path, python="", status=SKIPPED)
                for row in self._rows
            ]
        )
        return summed(environments, Shared(), self._phases, self._session.started, self._settings)


def _raise_lost(error: PuffinError) -> None:
    """Raise the loss of the scheduler if that is among the causes of *error*."""
    if isinstance(error, SchedulerLost):
        raise error
    for cause in error.causes:
        _raise_lost(cause)


def _has(stock: "tuple[Sequence[str], Sequence[Sequence[str]]] | None", number: int, archive: str) -> bool:
    return stock is not None and (archive in stock[0] or archive in stock[1][number])


def _made(remote: Remote, row: MachineRow, order: MachineOrder) -> MachineAnswer:
    """Have a machine make an environment; its failure is the answer, that of the scheduler is raised."""
    label, reference = order.place.path, f"{_WORKER}:make_here"
    try:
        _, answer = farm_for(remote).run_on(
            row.machine.workers, "environment", label, reference, pack(order), stage="sync"
        )
    except SchedulerLost:
        raise
    except PuffinError as error:
        result = EnvResult(name=row.name, path=label, python="", status=FAILED, error=error)
        return MachineAnswer(result=result)
    found: MachineAnswer = unpacked_wire(answer)
    return found


def _machines(
    remote: Remote, places: "tuple[PlaceWanted, ...]"
) -> "tuple[list[object], list[tuple[str, str]], list[tuple[str, str]]]":
    """Return the machines, as tuples of workers and answers, and the workers that cannot be used with the reasons.

    The last are of two kinds: those of other machines, and those beside workers that can be used.
    """
    farm = farm_for(remote)
    try:
        told = farm.link.ask(sorted(farm.link.fit()), [(ask, f"{_WORKER}:describe", places)])
        found: dict[str, tuple[list[str], tuple[bytes, ...]]] = {}
        unfit = dict(farm.link.unfit)
        for worker, (answer,) in told.items():
            if isinstance(answer, BaseException):
                unfit[worker] = f"does not answer ({answer!r})"
            else:
                found.setdefault(answer[0], ([], answer[1]))[0].append(worker)
    finally:
        close_farms()
    used = {_host(worker) for workers, _ in found.values() for worker in workers}
    machines: list[object] = [(tuple(workers), answers) for workers, answers in found.values()]
    alone = [(worker, why) for worker, why in sorted(unfit.items()) if _host(worker) not in used]
    return machines, alone, [each for each in sorted(unfit.items()) if each not in alone]


def _host(address: str) -> str:
    return address.partition("://")[2].rpartition(":")[0]


def _stocks(
    remote: Remote, workers: Iterable[str], places: "tuple[PlaceWanted, ...]", archives: "tuple[str, ...]"
) -> "tuple[dict[str, tuple[list[str], list[list[str]]]], list[tuple[str, str]]]":
    """Return what each of *workers* has, as ``worker.stock`` tells it, and the workers that cannot be used.

    Those that do not answer have nothing.
    """
    link = farm_for(remote).link
    told = link.ask(dict.fromkeys(workers), [(ask, f"{_WORKER}:stock", places, archives)])
    found = {worker: answer for worker, (answer,) in told.items() if not isinstance(answer, BaseException)}
    return found, sorted(link.unfit.items())
