"""Archives that the workers of a cluster give each other: each serves what the cache of its machine has.

The functions run in a worker. Those that wait run on other threads than its event loop.
"""

import asyncio
import os
import pickle
import random
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from distributed.protocol.serialize import to_serialize

from puffin.artifact.urls import digest
from puffin.cache.layout import Cache, default_root
from puffin.errors import PuffinError
from puffin.pipeline.farm.link import EVERY_WORKER
from puffin.stages.unzip.manifest import Manifest
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.transfer import Arrival, manifest_of, piece_of

PIECE = 8 << 20  # bytes that travel at once
_AT_ONCE = 4
_SECONDS = 60.0  # for one question to a peer
_HOLDS, _MANIFEST, _PIECE = "puffin_holds", "puffin_manifest", "puffin_piece"

_arriving: "dict[str, Arrival]" = {}


def serve(worker: Any) -> None:
    """Let *worker* answer the questions of its peers."""
    handlers: dict[str, Callable[..., Any]] = {_HOLDS: held, _MANIFEST: _manifest, _PIECE: _piece}
    worker.handlers.update({name: _on_thread(function) for name, function in handlers.items()})


def _on_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    async def answer(**arguments: Any) -> Any:
        return await asyncio.to_thread(function, **arguments)

    return answer


def held(archives: Iterable[str]) -> list[str]:
    """Return those of *archives* that the cache of this machine has."""
    cache = own_cache()
    return [each for each in archives if archive_ready(cache, each)]


def own_cache() -> Cache:
    """Return the cache of the machine that this worker runs on."""
    return Cache(default_root(os.environ))


def _manifest(archive: str) -> Any:
    found = manifest_of(own_cache(), archive)
    return _sent(pickle.dumps(found)) if found else None


def _piece(archive: str, start: int, size: int) -> Any:
    cache = own_cache()
    found = manifest_of(cache, archive)
    return _sent(piece_of(cache, archive, found, start, size)) if found else None


def _note(key: str) -> str:
    return f"puffin-{digest(key)}"


def _sent(data: bytes) -> Any:
    """Return *data* as it is sent without a copy."""
    wrap: Any = to_serialize
    return wrap(data)


def accept(archive: str, manifest: bytes, start: int, piece: bytes) -> bool:
    """Take a piece of an archive that is brought; tell whether it was the next one. The last one publishes it."""
    found: Manifest = pickle.loads(manifest)
    if start == 0:
        _forget(archive)
        _arriving[archive] = Arrival(own_cache(), archive, found).__enter__()
    arrival = _arriving.get(archive)
    if arrival is None or arrival.taken != start:
        return False
    try:
        arrival.add(piece)
        if arrival.taken >= found.bytes:
            arrival.finish()
            _forget(archive)
    except BaseException:
        _forget(archive)
        raise
    return True


def _forget(archive: str) -> None:
    arrival = _arriving.pop(archive, None)
    if arrival is not None:
        arrival.__exit__(None, None, None)


class Peers:
    """The other workers of a cluster, for threads of *worker*."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._silent: set[str] = set()  # who did not answer is not asked again

    def addresses(self) -> list[str]:
        """Return the addresses of all other workers."""
        found = self._wait(self._worker.scheduler.identity(**EVERY_WORKER))
        return [each for each in found["workers"] if each != self._worker.address]

    def holders(self, archives: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return which other workers have each of *archives*; who does not answer has none."""
        wanted, found = list(archives), {}
        addresses = self.addresses()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            answers = list(threads.map(lambda each: self._ask(each, _HOLDS, archives=wanted) or (), addresses))
        for archive in wanted:
            found[archive] = tuple(
                [each for each, has in zip(addresses, answers, strict=True) if archive in has]
            )
        return found

    def noted(self, key: str) -> Any:
        """Return what the scheduler keeps under *key*, None for nothing."""
        return self._wait(self._worker.scheduler.get_metadata(keys=[_note(key)], default=None))

    def note(self, key: str, value: Any) -> None:
        """Have the scheduler keep *value*, of builtins, which stays when workers go."""
        self._wait(self._worker.scheduler.set_metadata(keys=[_note(key)], value=value))

    def pull(self, sources: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Bring archives into the cache of this machine, each from one of its *sources*; return those that failed."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            came = list(threads.map(self._pull, sources, sources.values()))
        return [archive for archive, ok in zip(sources, came, strict=True) if not ok]

    def _pull(self, archive: str, addresses: tuple[str, ...]) -> bool:
        if archive_ready(own_cache(), archive):
            return True
        others = [each for each in addresses if each != self._worker.address]
        return any(self._pull_from(archive, each) for each in random.sample(others, len(others)))

    def _pull_from(self, archive: str, address: str) -> bool:
        manifest = self._ask(address, _MANIFEST, archive=archive)
        if manifest is None:
            return False
        found: Manifest = pickle.loads(manifest)
        try:
            with Arrival(own_cache(), archive, found) as arrival:
                while arrival.taken < found.bytes:
                    piece = self._ask(address, _PIECE, archive=archive, start=arrival.taken, size=PIECE)
                    if not piece:
                        return False
                    arrival.add(bytes(piece))
                arrival.finish()
        except (PuffinError, OSError):  # such as a disk that is full: whoever makes the environment says so
            return False
        return True

    def _ask(self, address: str, what: str, **arguments: Any) -> Any:
        """Return the answer of a peer, None if it has none, cannot be reached or is silent."""
        if address in self._silent:
            return None
        try:
            return self._wait(getattr(self._worker.rpc(address), what)(**arguments))
        except Exception:  # whatever a peer, or a worker that is closing, may raise
            self._silent.add(address)
            return None

    def _wait(self, question: Any) -> Any:
        loop = self._worker.loop.asyncio_loop
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(question, _SECONDS), loop).result()
