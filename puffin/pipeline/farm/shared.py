"""The executor for workers that share the cache and the environments: they do the whole graph."""

import contextlib
import os
import pickle
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from puffin.errors import PuffinError
from puffin.pipeline.farm.errors import BuildLost, NotShared
from puffin.pipeline.farm.farm import Farm, WorkerNeeds, close_farms, farm_for
from puffin.pipeline.farm.work import ask
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.task import FAILED, Outcome
from puffin.pipeline.request.scheduler import Remote
from puffin.pipeline.run.cluster import guided
from puffin.pipeline.run.runner import WorkItem
from puffin.pipeline.run.wire import Inbox

Group = list[WorkItem]

_RUN_UNITS = "puffin.pipeline.farm.work:run_units"
_SEES = "puffin.pipeline.farm.work:sees"


class SharedExecutor:
    """Runs groups of units on the workers of a scheduler; a thread of this process waits for each group."""

    name = "shared"
    address = ""

    def __init__(self, remote: Remote, local_directory: str, warn: Callable[[str], None]) -> None:
        self._remote = remote
        self._place = os.path.dirname(local_directory)
        self._warn = warn
        self._needs: WorkerNeeds | None = None
        self._probe = ""

    def run(self, ledger: Ledger, notify: Callable[[Outcome], None]) -> None:
        """Run the graph to its end. Raises what a farm raises when it is opened, and :class:`NotShared`."""
        farm = farm_for(self._remote)
        self._check(farm)
        slots = farm.slots
        running: dict[Future[list[Outcome]], Group] = {}
        threads = ThreadPoolExecutor(slots, thread_name_prefix="puffin-remote")

        def submit(groups: list[Group]) -> None:
            for group in groups:
                running[threads.submit(self._group, farm, group)] = group

        try:
            while True:
                units = ledger.take_ready()
                submit(guided([(unit, ledger.inputs_of(unit)) for unit in units], slots))
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    for outcome in future.result():
                        for each in ledger.record(outcome):
                            notify(each)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _group(self, farm: Farm, group: Group) -> list[Outcome]:
        """Return what became of a group; one whose worker is lost is tried again unit by unit."""
        try:
            return self._sent(farm, group, attempts=1 if len(group) > 1 else 2)
        except BuildLost as lost:
            if len(group) == 1:
                return _failed(group, lost)
            return [outcome for item in group for outcome in self._group(farm, [item])]
        except PuffinError as error:
            return _failed(group, error)

    def _sent(self, farm: Farm, group: Group, attempts: int) -> list[Outcome]:
        assert self._needs is not None
        first = group[0][0][0]
        others = f"-and-{len(group) - 1}-more" if len(group) > 1 else ""
        name = f"{first.label.partition(' ')[0]}{others}"
        packed = pickle.dumps(group)
        _, answer = farm.run(
            name, first.label, _RUN_UNITS, packed, self._needs, stage=first.stage, attempts=attempts
        )
        return list(Inbox().feed(answer))

    def _check(self, farm: Farm) -> None:
        """Have every worker read a file that is new. Raises :class:`NotShared`."""
        for worker, reason in sorted(farm.link.unfit.items()):
            self._warn(f"The worker `{worker}` is not used: it {reason}")
        if self._needs is not None:
            return
        os.makedirs(self._place, exist_ok=True)
        self._probe, token = f"{self._place}/{os.getpid()}-{os.urandom(8).hex()}-probe", os.urandom(16).hex()
        with open(self._probe, "w", encoding="ascii") as file:
            file.write(token)
        workers = farm.link.fit()
        told = farm.link.ask(workers, [(ask, _SEES, self._probe, token)])
        blind = [
            name
            for name, (answer,) in sorted(told.items())
            if isinstance(answer, BaseException) or not answer[0]
        ]
        if blind:
            self.close()
            raise NotShared(path=os.path.dirname(self._place), workers=tuple(blind))
        self._needs = WorkerNeeds(_SEES, (self._probe, token), "the cache of this machine")

    def close(self) -> None:
        close_farms()
        if self._probe:
            with contextlib.suppress(OSError):
                os.unlink(self._probe)


def _failed(group: Group, error: PuffinError) -> list[Outcome]:
    return [Outcome(key=task.key, status=FAILED, error=error) for unit, _ in group for task in unit]
