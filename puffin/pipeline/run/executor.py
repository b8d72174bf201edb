"""The interface of executors, and the choice of one for a graph."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from puffin.pipeline.graph.ledger import Ledger
    from puffin.pipeline.graph.task import Outcome

    class Executor(Protocol):
        """Runs the graph of a ledger to its end, growth and late failure included.

        ``address`` is the URL of its dashboard, ``""`` where it has none.
        """

        name: str
        address: str

        def run(self, ledger: Ledger, notify: Callable[[Outcome], None]) -> None:
            """Run until the ledger is finished; *notify* sees each outcome once, on any one thread at a time."""

        def close(self) -> None:
            """Let go of processes."""


NAMES = ("auto", "inline", "pool", "cluster")
kept: "list[Executor]" = []  # executors that stay up after their run, for who looks at their dashboard
FEW = 16  # artifacts to fetch, up to which a plan is small
POOL_FROM_BYTES = 8 * 1024 * 1024
PAIR = 2  # processes that work under ``inline``: this one and its child


def choose_executor(name: str, *, to_fetch: int, to_fetch_bytes: int, jobs: int) -> str:
    """Return the executor that ``auto`` means for a plan: ``pool`` where there is much to fetch and unzip.

    Importing dask costs as much as linking a hundred warm packages, so warm and small plans stay inline; so does
    everything where there are no more *jobs* than ``inline`` has processes, for then a pool has none to add.
    ``to_fetch`` counts artifacts, ``to_fetch_bytes`` is their size as far as it is known.
    """
    if name != "auto":
        return name
    much = to_fetch > FEW or to_fetch_bytes > POOL_FROM_BYTES
    return "pool" if much and jobs > PAIR else "inline"
