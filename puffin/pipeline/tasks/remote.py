"""Tasks that ask a remote cache first, in the place of those that would fetch or compile. Pure."""

from puffin.artifact.artifact import only_sha256
from puffin.pipeline.graph.task import Task
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.pipeline.graph.ledger import Grow
    from puffin.pipeline.graph.task import Outcome

_STAND_INS = {
    "puffin.stages.unzip.store:fetch_once": "puffin.stages.remote.wheels:fetch_shared_wheel",
    "puffin.stages.build.task:fetch_source": "puffin.stages.remote.builds:fetch_shared_source",
    "puffin.stages.bytecode.stage:compile_archive": "puffin.stages.remote.bytecode:compile_shared",
}


@frozen
class RemotePlan:
    """What is known of a remote cache: itself and the network in wire form, and what it said.

    ``present`` and ``absent`` are hashes of files that it was asked for. With ``keeps``, what it lacks is uploaded.
    With ``only``, nothing else is asked.
    """

    remote: "tuple[Any, ...]"
    network: "tuple[Any, ...]"
    keeps: bool = False
    present: "frozenset[str]" = frozenset()
    absent: "frozenset[str]" = frozenset()
    only: bool = False


def with_remote(task: Task, plan: RemotePlan) -> Task:
    """Return *task* as one that asks the remote cache first, if that may save its work or is to get the result."""
    function = _STAND_INS.get(task.function)
    if function is None:
        return task
    more: tuple[tuple[str, Any], ...] = (("remote", plan.remote),)
    if task.function.endswith(":compile_archive"):
        more = (*more, ("network", plan.network))
    else:
        ask = not (hashes_of(task) and hashes_of(task) <= plan.absent)
        if not ask and not plan.keeps:
            return task
        more = (*more, ("ask", ask), *((("only", True),) if plan.only else ()))
    return replace(task, function=function, arguments=(*task.arguments, *more))


def growth_with_remote(grow: "Grow", plan: RemotePlan) -> "Grow":
    """Return a growth whose tasks ask the remote cache first."""

    def growing(task: Task, outcome: "Outcome") -> tuple[Task, ...]:
        return tuple([with_remote(each, plan) for each in grow(task, outcome)])

    return growing


def hashes_of(task: Task) -> "frozenset[str]":
    """Return the hash of the file that a task fetches, if one is known."""
    groups = dict(task.arguments).get("hashes", ())
    return frozenset([sha256 for group in groups if (sha256 := only_sha256(group))])
