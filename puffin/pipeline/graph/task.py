"""A task and its outcome: the two values that the whole framework passes around."""

import sys

from puffin.errors import PuffinError
from puffin.reasons import Reason
from puffin.types import Any, Callable
from puffin.value import frozen

Key = tuple[str, str]
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
LOST = "lost"  # an attempt whose process died; the task may be tried again
UNFINISHED = "unfinished"  # a task of a run that was broken off
SECOND = 50_000_000  # bytes that a second of a build counts as in a weight


@frozen
class Task:
    """One piece of work, named by what it produces.

    ``key`` is ``(stage, content hash)``: the same work has the same key everywhere. ``function`` is a
    reference such as ``"puffin.stages.fetch.fetch:fetch"``; it is called with the keywords ``arguments``
    and, for each ``(parameter, key)`` of ``inputs``, with that task's result. ``after`` orders without
    passing anything. ``weight`` is the work expected, in bytes: heavy tasks start first. ``links`` is not 0 for a task
    that only links: about how many links of files take as long. ``waits`` marks a task that waits for a network rather
    than a core. A ``transient`` result (a buffer) is of use only in the process that made it and is not carried
    elsewhere. A task that ``grows`` is not final: until it is done, growth may put another of the same key in its
    place; it rides in a unit by itself, and its work is that of a process it waits for. Tasks of one ``affinity`` are
    best run one after the other in one process.
    ``environments`` are those that the work is for, and
    ``cache`` is ``"hit"`` or ``"miss"`` where the plan knows whether the cache saves work, and ``reason`` says why it
    does not; all three are for the run record.
    """

    key: "Key"
    function: str
    label: str
    arguments: "tuple[tuple[str, Any], ...]" = ()
    inputs: "tuple[tuple[str, Key], ...]" = ()
    after: "tuple[Key, ...]" = ()
    weight: int = 0
    links: int = 0
    waits: bool = False
    transient: bool = False
    grows: bool = False
    affinity: str = ""
    environments: "tuple[str, ...]" = ()
    cache: str = ""
    reason: "Reason | None" = None

    @property
    def stage(self) -> str:
        return self.key[0]

    @property
    def dependencies(self) -> "tuple[Key, ...]":
        """The keys of the tasks that must be done before this one."""
        return (*[key for _, key in self.inputs], *self.after)


@frozen
class Outcome:
    """How an attempt at a task ended. Times are seconds since the epoch; ``cpu`` is in seconds.

    ``taken``, ``given``, ``cache``, ``log`` and ``remote`` are what the task put on its meter (:mod:`puffin.meter`).
    """

    key: "Key"
    status: str
    result: "Any" = None
    error: "BaseException | None" = None
    started: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    worker: str = ""
    taken: int = 0
    given: int = 0
    cache: str = ""
    log: str = ""
    remote: "tuple[Any, ...]" = ()


class TaskCrashed(PuffinError):
    """A task ended with an exception that puffin does not raise on purpose: a bug."""

    exit_code = 70
    sentence = "Failed to run `{task}`: {kind}: {text}"
    task: str
    kind: str
    text: str
    trace: str

    def details(self) -> tuple[str, ...]:
        return tuple(self.trace.splitlines())


def resolve_function(reference: str) -> "Callable[..., Any]":
    """Return the function that a ``"module:function"`` reference names."""
    module, _, name = reference.partition(":")
    __import__(module)  # even if it is known: another thread may still be importing it
    function: Callable[..., Any] = getattr(sys.modules[module], name)
    return function
