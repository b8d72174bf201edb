"""The entry point: ``resolve(request, universe)``."""

from puffin.stages.resolve.solve.conditions import Conditions
from puffin.stages.resolve.solve.gather import gathered
from puffin.stages.resolve.solve.places import Places
from puffin.stages.resolve.solve.request import ResolveRequest
from puffin.stages.resolve.solve.resolution import Resolution
from puffin.stages.resolve.solve.search import search
from puffin.stages.resolve.solve.universe import Universe
from puffin.stages.resolve.solve.verdict import Exhausted, Unsolvable
from puffin.stages.resolve.solve.world import World


def resolve(request: ResolveRequest, universe: Universe) -> Resolution:
    """Return the versions that satisfy *request*, the same ones for the same universe.

    Raises :class:`~puffin.stages.resolve.solve.errors.NoSolution`,
    :class:`~puffin.stages.resolve.solve.errors.TooManyRounds`,
    :class:`~puffin.stages.resolve.reqconflicts.ConflictingUrls`,
    :class:`~puffin.stages.resolve.solve.places.NameMismatch`, and what the universe raises.
    """
    places = Places(universe)
    world = World(places.read(request, Conditions(request.markers).hold), universe, places)
    try:
        chosen, rounds = search(world)
    except Unsolvable as failure:
        from puffin.stages.resolve.solve.explain import explained

        raise explained(world, failure.proof) from None
    except Exhausted as failure:
        from puffin.stages.resolve.solve.errors import TooManyRounds

        raise TooManyRounds(rounds=request.max_rounds, packages=failure.heavy) from None
    return gathered(world, chosen, rounds)
