"""The executor that sends builds to the workers of a scheduler and does everything else on this machine."""

import os
from collections.abc import Callable, Sequence
from functools import partial

from puffin.pipeline.farm.farm import close_farms, is_open, usable_workers
from puffin.pipeline.graph.ledger import Ledger
from puffin.pipeline.graph.task import Outcome, Task
from puffin.pipeline.request.scheduler import Remote, warn_if_silent
from puffin.pipeline.run.executor import FEW, choose_executor
from puffin.pipeline.run.forked_call import ForkedCall
from puffin.pipeline.run.inline import InlineExecutor, run_waves
from puffin.pipeline.run.pool import PoolExecutor
from puffin.pipeline.run.runner import WorkItem, run_here


class RemoteExecutor:
    """Runs waves as ``inline`` or ``pool`` would, and as many builds at once as the workers can do.

    The scheduler is asked when something has to be built, so that a wrong address is told before anything is fetched.
    With many wheels to fetch a child asks first: this process stays without threads, and forks, until the first build
    goes out.
    """

    name = "remote"
    address = ""

    def __init__(self, remote: "Remote", jobs: int, warn: "Callable[[str], None]") -> None:
        self._remote = remote
        self._jobs = jobs
        self._warn = warn
        self._warned: set[str] = set()

    def run(self, ledger: "Ledger", notify: "Callable[[Outcome], None]") -> None:
        """Run the graph to its end. Raises what a farm raises when it is opened."""
        local = self._local(ledger)
        if not any(task.grows or _is_sent(task) for task in ledger.tasks.values()):
            local.run(ledger, notify)
            warn_if_silent(self._remote, self._warn)
            return
        wheels = sum(task.waits and task.transient for task in ledger.tasks.values())
        slots = self._check(apart=wheels > FEW)

        def wave(items: "Sequence[WorkItem]", record: "Callable[[Outcome], None]") -> None:
            if is_open(self._remote):
                run_here(items, record)
            else:
                local.wave(items, ledger, record)

        run_waves(ledger, max(slots, self._jobs), notify, wave)

    def _local(self, ledger: "Ledger") -> "InlineExecutor | PoolExecutor":
        fetches = [task for task in ledger.tasks.values() if task.waits]
        size = sum(task.weight for task in fetches)
        name = choose_executor("auto", to_fetch=len(fetches), to_fetch_bytes=size, jobs=self._jobs)
        if name == "pool" and hasattr(os, "fork"):
            return PoolExecutor(self._jobs)
        return InlineExecutor(self._jobs)

    def _check(self, *, apart: bool) -> int:
        """Return how much the workers can do at once, which a child asks *apart*; warn of those that are not used."""
        remote, apart = self._remote, apart and not is_open(self._remote)
        slots, unfit = ForkedCall(partial(_asked, remote)).result() if apart else usable_workers(remote)
        for worker, reason in unfit:
            if worker not in self._warned:
                self._warned.add(worker)
                self._warn(f"The worker `{worker}` is not used: it {reason}")
        return slots

    def close(self) -> None:
        close_farms()


def _asked(remote: "Remote") -> "tuple[int, tuple[tuple[str, str], ...]]":
    """Return ``facts_of`` from a child that has nothing else to do there."""
    try:
        return usable_workers(remote)
    finally:
        close_farms()


def _is_sent(task: "Task") -> bool:
    """Tell whether a task waits for a worker: its argument says where the scheduler is."""
    return any(name == "remote" for name, _ in task.arguments)
