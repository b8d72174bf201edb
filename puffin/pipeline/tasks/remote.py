"""Tasks that ask a remote cache first, in the place of those that would fetch or compile. Pure."""

from puffin.pipeline.graph.task import Task
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.pipeline.graph.ledger import Grow
    from puffin.pipeline.graph.task import Outcome

_TAKES = "puffin.stages.unzip.store:store"
_STAND_INS = {
    "puffin.stages.unzip.store:fetch_once": "puffin.stages.remote.wheels:fetch_shared_wheel",
    _TAKES: "puffin.stages.remote.wheels:store_shared_wheel",
    "puffin.stages.build.task:fetch_source": "puffin.stages.remote.builds:fetch_shared_source",
    "puffin.stages.bytecode.stage:compile_archive": "puffin.stages.remote.bytecode:compile_shared",
}


@frozen
class RemotePlan:
    """A remote cache and the network, in wire form. With ``only``, nothing else is asked."""

    remote: "tuple[Any, ...]"
    network: "tuple[Any, ...]"
    only: bool = False


def asks_remote(task: Task) -> bool:
    """Tell whether :func:`with_remote` has a task ask for something, and not only take what another one got."""
    return task.function in _STAND_INS and task.function != _TAKES


def with_remote(task: Task, plan: RemotePlan) -> Task:
    """Return *task* as one that asks the remote cache first, if that may save its work."""
    function = _STAND_INS.get(task.function)
    if function is None:
        return task
    more: tuple[tuple[str, Any], ...] = (("remote", plan.remote),)
    if "network" not in dict(task.arguments):
        more = (*more, ("network", plan.network))
    if plan.only and not task.function.endswith(":compile_archive"):
        more = (*more, ("only", True))
    return replace(task, function=function, arguments=(*task.arguments, *more))


def growth_with_remote(grow: "Grow", plan: RemotePlan) -> "Grow":
    """Return a growth whose tasks ask the remote cache first."""

    def growing(task: Task, outcome: "Outcome") -> tuple[Task, ...]:
        return tuple([with_remote(each, plan) for each in grow(task, outcome)])

    return growing
