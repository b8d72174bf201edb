"""Questions that the process beside a run asks a remote cache; they and their answers are made of builtins."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from puffin.stages.remote.backend import Unavailable
from puffin.stages.remote.neighbour import listen
from puffin.stages.remote.store import store_of
from puffin.stages.remote.values import note_answer

_THREADS = 16
# Added to the niceness of the process beside a run: loading a driver takes half a second of CPU time.
_GIVES_WAY = 10


def warm_up(remote: "tuple[Any, ...]", network: "tuple[Any, ...]", _cache_root: str, _nothing: object) -> float:
    """In the process beside a run: import what questions take, and return when that was done."""
    store = store_of(remote, network)
    if store.settings.is_bucket:
        os.nice(_GIVES_WAY)
    try:
        backend = store.reached()
        if store.settings.is_bucket:
            listen(backend, store.settings)
    except Unavailable as error:
        store.give_up(str(error))
    return time.time()


def probe(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", _cache_root: str, _nothing: object
) -> "tuple[str, float]":
    """Wait for a first answer; return why the cache is unusable, ``""`` if it is not, and the seconds that it took."""
    store, began = store_of(remote, network), time.perf_counter()
    try:
        if store.has_content(os.urandom(32).hex()):
            store.give_up("it claims to have what nobody put there")
    except Unavailable as error:
        store.give_up(str(error))
    note_answer(store.settings)
    return store.broken, time.perf_counter() - began


def present(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", _cache_root: str, hashes: "list[str]"
) -> "tuple[list[str], str]":
    """Return those of *hashes* that the cache has, and why it is unusable."""
    store = store_of(remote, network)

    def has(sha256: str) -> bool:
        try:
            return not store.broken and store.has_content(sha256)
        except Unavailable as error:
            store.give_up(str(error))
            return False

    with ThreadPoolExecutor(min(_THREADS, max(1, len(hashes)))) as threads:
        found = [sha256 for sha256, yes in zip(hashes, threads.map(has, hashes), strict=True) if yes]
    return found, store.broken
