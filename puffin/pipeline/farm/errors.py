"""Errors of a user's scheduler and of its workers."""

from puffin.errors import TEMPORARY, USAGE, PuffinError


class SchedulerUnreachable(PuffinError):
    """Nobody answers at the address, or not as a scheduler does."""

    exit_code = TEMPORARY
    sentence = "Failed to connect to the scheduler at `{address}`"
    address: str
    hints: tuple[str, ...] = ("start one with `dask scheduler`, and use the address that it prints",)


class SchedulerLost(PuffinError):
    """The scheduler was there, and is no more."""

    exit_code = TEMPORARY
    sentence = "The scheduler at `{address}` no longer answers"
    address: str
    hints: tuple[str, ...] = ("run the command again when the scheduler is back; finished builds are kept",)


class NoWorkers(PuffinError):
    """The scheduler has no worker that could be used, and none came in time."""

    exit_code = TEMPORARY
    address: str
    seconds: float
    lost: bool = False
    hints: tuple[str, ...] = (
        "start one with `dask worker ADDRESS` in an environment that has puffin installed",
    )

    def summary(self) -> str:
        what = "has lost all of its workers" if self.lost else "has no workers"
        return f"The scheduler at `{self.address}` {what}, and none came within {self.seconds:g} s"


class Unfit(PuffinError):
    """No worker has the versions of this process. ``reasons`` are (worker or scheduler, difference)."""

    exit_code = USAGE
    sentence = "The scheduler at `{address}` and its workers cannot be used"
    address: str
    reasons: tuple[tuple[str, str], ...]

    def details(self) -> tuple[str, ...]:
        return tuple([f"`{who}` {reason}" for who, reason in self.reasons])


class NoInterpreter(PuffinError):
    """No worker has an interpreter whose wheels fit here. ``found`` are pairs of a worker and its interpreters."""

    stage = "build"
    sentence = "Failed to build `{package}`: no worker has {wanted}"
    wanted: str
    found: tuple[tuple[str, str], ...]
    hints: tuple[str, ...] = (
        "start a worker on a machine that has it, or remove `--executor` to build on this machine",
    )

    def details(self) -> tuple[str, ...]:
        return tuple([f"`{worker}` has {what}" for worker, what in self.found])


class BuildLost(PuffinError):
    """A build was given up after workers were lost. ``attempts`` are pairs of a worker and how it was lost."""

    stage = "build"
    attempts: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        return f"Failed to build `{self.package}`: {len(self.attempts)} workers failed to build it"

    def details(self) -> tuple[str, ...]:
        return tuple([f"`{worker}` {how}" for worker, how in self.attempts])


class WorkersLost(PuffinError):
    """All workers of a machine were lost. ``attempts`` are pairs of a worker and how it was lost."""

    exit_code = TEMPORARY
    attempts: tuple[tuple[str, str], ...]
    hints: tuple[str, ...] = ("run the command again when the workers are back",)

    def summary(self) -> str:
        return f"Failed to work on `{self.package}`: all workers of the machine were lost"

    def details(self) -> tuple[str, ...]:
        return tuple([f"`{worker}` {how}" for worker, how in self.attempts])


class RemoteCrashed(PuffinError):
    """Work ended on a worker with an exception that puffin does not raise on purpose."""

    exit_code = 70
    sentence = "Failed to work on `{package}` on the worker `{worker}`: {kind}: {text}"
    worker: str
    kind: str
    text: str


class NotShared(PuffinError):
    """Workers do not see the files that they would have to work on. ``workers`` are addresses."""

    exit_code = USAGE
    sentence = "`{path}` is not shared with the workers"
    path: str
    workers: tuple[str, ...]
    hints: tuple[str, ...] = (
        "put the cache on a file system that all workers have, at the same path, with `--cache-dir`",
        "or remove `--shared-filesystem`, so that only builds go to the workers",
    )

    def details(self) -> tuple[str, ...]:
        return tuple([f"`{worker}` does not see files written there" for worker in self.workers])
