"""The worker plugin that makes environments on machines whose workers join later.

The scheduler keeps it as bytes. It is pickled by value, so that a worker without puffin can load it too.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import cloudpickle  # type: ignore[import-untyped, unused-ignore]
from distributed import Semaphore, Status
from distributed.diagnostics.plugin import WorkerPlugin

from puffin import __version__
from puffin.artifact.urls import digest
from puffin.errors import PuffinError, os_cause
from puffin.pipeline.farm.peers import Peers, serve
from puffin.pipeline.provision.entering import enter, restored, stop_importing
from puffin.pipeline.provision.order import MachineOrder, PlaceWanted, RequirementsAsked, target_key
from puffin.pipeline.provision.worker import describe, interpreter_of, lead_on, make_on
from puffin.stages.build.remote_here import pack, unpacked_wire
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.value import frozen, replace

Leave = Callable[[Any], Awaitable[None]]


class OtherVersion(PuffinError):
    """A worker that joins has another puffin than the one that asked for the environment."""

    sentence = "The worker has puffin {found}, and not {version}"
    found: str
    version: str


class WorkerFailed(PuffinError):
    """A worker could not make its environment; the text has all causes, because a client of dask shows nothing else."""

    sentence = "The worker `{worker}` failed to make its environment"
    worker: str

    def details(self) -> tuple[str, ...]:
        return tuple([f"  {line}" for cause in self.causes for line in _tree(cause)])


def _tree(error: PuffinError) -> list[str]:
    """Return the lines of *error* and of its causes, each deeper by two spaces."""
    return [*str(error).splitlines(), *[f"  {line}" for cause in error.causes for line in _tree(cause)]]


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
        leave: Any = None

        async def setup(self, worker: Any) -> None:
            found = __import__("puffin.pipeline.provision.plugin", fromlist=["join"])
            self.leave = await found.join(worker, packed)

        async def teardown(self, worker: Any) -> None:
            if self.leave is not None:
                await self.leave(worker)

    return PuffinEnvironment()


@frozen
class Request:
    """What workers are to have for which nothing is chosen yet: the first one chooses, the others take its answer.

    ``slot`` names the plugin that it belongs to, and ``id`` the registration: what another one chose does not count.
    """

    version: str
    asked: RequirementsAsked
    restart: bool = False
    slot: str = ""
    id: str = ""

    @property
    def key(self) -> str:
        return digest(repr(self))


async def join(worker: Any, packed: bytes) -> "Leave | None":
    """Let *worker* serve its peers and, unless it was present, make the environments of a packed recipe.

    Returns what to do when the plugin is replaced or unregistered. Raises :class:`OtherVersion` and
    :class:`WorkerFailed`.
    """
    recipe: Recipe | Request = unpacked_wire(packed)
    if recipe.version != __version__:
        raise OtherVersion(found=__version__, version=recipe.version)
    serve(worker)
    try:
        if isinstance(recipe, Request):
            return await _ask_first(worker, recipe)
        if worker.address not in recipe.present:
            await asyncio.to_thread(_provide, worker, recipe)
    except (PuffinError, OSError) as error:
        cause = error if isinstance(error, PuffinError) else os_cause(error)
        raise WorkerFailed(worker=worker.address, causes=(cause,)) from error
    return None


async def _ask_first(worker: Any, request: Request) -> "Leave":
    """Make the environment of *request*. What it holds is chosen and fetched by one worker of each target only."""
    place, added = request.asked.place, list[str]()
    interpreter = await asyncio.to_thread(_interpreter_at, place)
    order = await _order_of(worker, request, target_key(interpreter))
    key = key_of(request, order)
    await asyncio.to_thread(_make_from_peers, worker, order)
    if interpreter.version[:2] == sys.version_info[:2]:
        added = enter(worker, place.root, key, restart=request.restart)
    return partial(_leave, request=request, key=key, added=added)


def key_of(request: Request, order: MachineOrder) -> str:
    """Return a key that is equal for all registrations of an environment with the same contents."""
    return digest(repr((replace(request, id=""), sorted(map(repr, order.wanted)))))


async def _order_of(worker: Any, request: Request, target: str) -> MachineOrder:
    """Return what was chosen for *request* and an interpreter; *worker* chooses it if nobody did."""
    choices = Choices(worker, request)
    known = await asyncio.to_thread(choices.get, target)
    if known is None:
        lease: Any = Semaphore
        name = f"puffin-{request.slot}"
        turn = lease(max_leases=1, name=name, scheduler_rpc=worker.scheduler, loop=worker.loop)
        async with await turn:
            known = await asyncio.to_thread(choices.get, target)
            if known is None:
                known = pack(await asyncio.to_thread(lead_on, worker, request.asked))
                await asyncio.to_thread(choices.put, target, known)
    order: MachineOrder = unpacked_wire(known)
    return order


class Choices:
    """The choices of one registration, which the scheduler keeps for workers that join later; for other threads.

    A plugin has a place for one registration only: the next one takes it.
    """

    def __init__(self, worker: Any, request: Request) -> None:
        self._peers = Peers(worker)
        self._slot, self._id = request.slot, request.id

    def _known(self) -> "dict[str, bytes] | None":
        found = self._peers.noted(self._slot)
        return dict(found["orders"]) if found and found["id"] == self._id else None

    def get(self, target: str) -> "bytes | None":
        """Return the packed order for an interpreter, None if nothing was chosen."""
        return (self._known() or {}).get(target)

    def put(self, target: str, order: bytes) -> None:
        """Keep the packed order for an interpreter."""
        self._peers.note(self._slot, {"id": self._id, "orders": {**(self._known() or {}), target: order}})

    def forget(self) -> None:
        """Keep nothing any more, unless another registration has the place."""
        if self._known() is not None:
            self._peers.note(self._slot, None)


async def _leave(worker: Any, *, request: Request, key: str, added: list[str]) -> None:
    """Undo what was done to *worker* itself. The choice is forgotten, unless it is the worker that goes."""
    stop_importing(added)
    if worker.status in (Status.running, Status.paused):
        await asyncio.to_thread(Choices(worker, request).forget)
        await restored(worker, key)


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
