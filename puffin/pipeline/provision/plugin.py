"""The worker plugin that makes environments on machines whose workers join later.

The scheduler keeps it as bytes. It is pickled by value, so that a worker without puffin can load it too.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

import cloudpickle  # type: ignore[import-untyped, unused-ignore]
from distributed import Semaphore
from distributed.diagnostics.plugin import WorkerPlugin

from puffin import __version__
from puffin.artifact.urls import digest
from puffin.errors import PuffinError
from puffin.pipeline.farm.peers import Peers, serve
from puffin.pipeline.provision.entering import enter, is_made
from puffin.pipeline.provision.order import MachineOrder, PlaceWanted, RequirementsAsked, target_key
from puffin.pipeline.provision.worker import describe, interpreter_of, lead_on, make_on
from puffin.stages.build.remote_here import pack, unpacked_wire
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.value import frozen, replace


class OtherVersion(PuffinError):
    """A worker that joins has another puffin than the one that asked for the environment."""

    sentence = "The worker has puffin {found}, and not {version}"
    found: str
    version: str


class NothingChosen(PuffinError):
    """No contents were chosen for the interpreter of a machine that joins."""

    sentence = "Nothing was chosen for the interpreter of `{path}`, {python}"
    path: str
    python: str
    hints: tuple[str, ...] = ("run `puffin sync --on` again while the worker is there",)


@frozen
class Recipe:
    """What machines that join are to have. *present* are the workers that are taken care of otherwise."""

    version: str
    places: tuple[PlaceWanted, ...]
    orders: tuple[MachineOrder, ...]
    present: tuple[str, ...] = ()


def pickled_plugin(recipe: "Recipe | Request") -> bytes:
    """Return a plugin that does :func:`join` on each worker, pickled."""
    dumps: Any = cloudpickle.dumps
    found: bytes = dumps(_plugin(pack(recipe)))
    return found


def _plugin(packed: bytes) -> WorkerPlugin:
    class PuffinEnvironment(WorkerPlugin):
        def setup(self, worker: Any) -> Any:
            return __import__("puffin.pipeline.provision.plugin", fromlist=["join"]).join(worker, packed)

    return PuffinEnvironment()


@frozen
class Request:
    """What workers are to have for which nothing is chosen yet: the first one chooses, the others take its answer."""

    version: str
    asked: RequirementsAsked
    restart: bool = False

    @property
    def key(self) -> str:
        return digest(repr(self))


async def join(worker: Any, packed: bytes) -> None:
    """Let *worker* serve its peers and, unless it was present, make the environments of a packed recipe.

    Raises :class:`OtherVersion`, :class:`NothingChosen` and the errors of making an environment.
    """
    recipe: Recipe | Request = unpacked_wire(packed)
    if recipe.version != __version__:
        raise OtherVersion(found=__version__, version=recipe.version)
    serve(worker)
    if isinstance(recipe, Request):
        await _ask_first(worker, recipe)
    elif worker.address not in recipe.present:
        await asyncio.to_thread(_provide, worker, recipe)


async def _ask_first(worker: Any, request: Request) -> None:
    """Make the environment of *request*. What it holds is chosen and fetched by one worker of each target only."""
    place, peers = request.asked.place, Peers(worker)
    if is_made(request.key):
        return
    interpreter = await asyncio.to_thread(_interpreter_at, place)
    key = f"{request.key} {target_key(interpreter)}"
    known = await asyncio.to_thread(peers.noted, key)
    if known is None:
        lease: Any = Semaphore
        turn = lease(
            max_leases=1, name=f"puffin-{request.key}", scheduler_rpc=worker.scheduler, loop=worker.loop
        )
        async with await turn:
            known = await asyncio.to_thread(peers.noted, key)
            if known is None:
                order = await asyncio.to_thread(lead_on, worker, request.asked)
                known = pack(order)
                await asyncio.to_thread(peers.note, key, known)
    await asyncio.to_thread(_make_from_peers, worker, unpacked_wire(known))
    if interpreter.version[:2] == sys.version_info[:2]:
        enter(worker, place.root, request.key, restart=request.restart)


def _interpreter_at(place: PlaceWanted) -> Interpreter:
    interpreter = interpreter_of(describe((place,))[1][0])
    if isinstance(interpreter, PuffinError):
        raise interpreter
    return interpreter


def _make_from_peers(worker: Any, order: MachineOrder) -> None:
    holders = Peers(worker).holders(order.archives)
    made = make_on(worker, replace(order, sources=tuple(holders.items()))).result
    if made.error is not None:
        raise made.error


def _provide(worker: Any, recipe: Recipe) -> None:
    for place in recipe.places:
        interpreter = _interpreter_at(place)
        order = _order_for(recipe.orders, place, target_key(interpreter))
        if order is None:
            raise NothingChosen(path=place.root, python=interpreter.version_text)
        _make_from_peers(worker, order)


def _order_for(orders: Iterable[MachineOrder], place: PlaceWanted, target: str) -> MachineOrder | None:
    return next((each for each in orders if (each.place, each.target) == (place, target)), None)
