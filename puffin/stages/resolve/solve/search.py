"""The search: a straight walk, then resolvelib, then the deduction where resolvelib gets stuck."""

from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.places import LatePlace
from puffin.stages.resolve.solve.walk import Walk
from puffin.stages.resolve.solve.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def search(world: World) -> "tuple[Mapping[str, Candidate], int]":
    """Return the candidates by package, and the number of rounds.

    Raises :class:`~puffin.stages.resolve.solve.verdict.Unsolvable`,
    :class:`~puffin.stages.resolve.solve.verdict.Exhausted`, and what the universe raises.
    """
    world.announce(world.roots)
    while True:
        try:
            return _searched(world)
        except LatePlace:
            world.renew()


def _searched(world: World) -> "tuple[Mapping[str, Candidate], int]":
    walk = Walk(world)
    if walk.run():
        return walk.chosen, walk.rounds
    from puffin.stages.resolve.solve.by_resolvelib import by_resolvelib

    mapping, rounds = by_resolvelib(world)
    rounds += walk.rounds
    if mapping is not None and _holds(world, mapping):
        return mapping, rounds
    from puffin.stages.resolve.solve.deduction import Deduction

    deduction = Deduction(world, max(0, world.request.max_rounds - rounds))
    return deduction.run(), rounds + deduction.rounds


def _holds(world: World, chosen: "Mapping[str, Candidate]") -> bool:
    """Tell whether all that is needed, from the roots on, is chosen.

    After it took back pins, resolvelib may drop a requirement that still counts (in 2 of 2,400 random universes).
    """
    pending = list(world.roots)
    seen: set[tuple[str, frozenset[str]]] = set()
    while pending:
        own = pending.pop()
        candidate = chosen.get(own.name)
        if candidate is None or candidate.index < 0:
            return False
        package = world.package(own.name)
        if not own.extras <= candidate.extras or not package.fits(own, candidate.index):
            return False
        key = (own.name, candidate.extras)
        if key not in seen:
            seen.add(key)
            pending += [need for need, _ in package.requires(candidate.index, candidate.extras) or ()]
    return True
