"""The entry point: ``resolve(request, universe)``."""

from puffin.stages.resolve.solve.request import ResolveRequest
from puffin.stages.resolve.solve.resolution import Resolution
from puffin.stages.resolve.solve.universe import Universe


def resolve(request: ResolveRequest, universe: Universe) -> Resolution:
    """Return versions that satisfy *request*; raises :class:`NoSolution` and what the universe raises."""
    raise NotImplementedError
