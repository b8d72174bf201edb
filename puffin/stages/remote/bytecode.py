"""Bytecode from a remote cache: the layer of an archive, if a writer signed it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from puffin import meter
from puffin.cache.layout import Cache
from puffin.stages.bytecode import stage
from puffin.stages.bytecode.pack import BadPack, unpack_layer
from puffin.stages.remote.store import RemoteQuestion, RemoteStore, store_of
from puffin.stages.remote.values import BYTECODE, HIT, THREADS, WRONG, Told


def compile_shared(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", archive: str, **arguments: Any
) -> str:
    """Do what :func:`puffin.stages.bytecode.stage.compile_archive` does, unless the cache has the layer."""
    store = store_of(remote, network)
    return stage.compile_archive(archive=archive, bring=_Bring(store), **arguments)


def layer_key(kind: str, archive: str) -> str:
    """Return the key of the entry of a layer."""
    return f"{kind}/{archive}"


class _Bring:
    """Publishes layers that the cache has."""

    def __init__(self, store: RemoteStore) -> None:
        self._store = store

    def __call__(self, cache: Cache, kind: str, archive: str, suffix: str) -> bool:
        if self._store.broken or self._store.signer is None:
            return False
        told = _brought(self._store, cache, kind, archive, suffix)
        meter.asked(told)
        return told[1] == HIT


def _brought(store: RemoteStore, cache: Cache, kind: str, archive: str, suffix: str) -> Told:
    question = RemoteQuestion(store, BYTECODE)
    data, reason = store.signed_content(BYTECODE, layer_key(kind, archive))
    if data is not None:
        try:
            unpack_layer(cache, kind, archive, suffix, data)
        except (BadPack, OSError):  # what compiles it here says whether the archive is damaged
            reason = WRONG
    return question.told(reason, len(data) if data is not None else 0)


def layers(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", cache_root: str, wanted: "list[tuple[str, str, str]]"
) -> "list[Told]":
    """Publish the layers that the cache has of *wanted*: kinds, archives, and how names of bytecode files end."""
    store, cache = store_of(remote, network), Cache(cache_root, lower=())
    cache.initialise()
    with ThreadPoolExecutor(min(THREADS, len(wanted))) as threads:
        return list(threads.map(lambda each: _brought(store, cache, *each), wanted))
