"""How a search may end without a solution."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.solve.facts import Incompatibility


class Unsolvable(Exception):
    """There is no solution; ``proof`` is the conclusion that needs no decision."""

    def __init__(self, proof: "Incompatibility") -> None:
        super().__init__()
        self.proof = proof


class Exhausted(Exception):
    """The search took more than the allowed number of rounds; ``heavy`` are the packages that conflict most."""

    def __init__(self, heavy: tuple[str, ...]) -> None:
        super().__init__()
        self.heavy = heavy
