"""Tasks that ask a remote cache before the index, before they compile; what it lacks waits to be uploaded.

Each has the arguments of the task that it stands for, and ``remote``: the cache in wire form.
"""

import os
from typing import Any

from puffin import meter
from puffin.artifact.artifact import Artifact, expected_sha256, only_sha256
from puffin.cache.atomic import write
from puffin.cache.layout import Cache
from puffin.stages.build import task as build_task
from puffin.stages.bytecode import stage as bytecode_stage
from puffin.stages.bytecode.pack import BadPack, unpack_layer
from puffin.stages.fetch.fetch import fetch
from puffin.stages.remote.store import RemoteQuestion, RemoteStore, store_of
from puffin.stages.remote.values import BYTECODE, SOURCES, WHEELS, WRONG
from puffin.stages.unzip.store import fetch_once
from puffin.types import Buffer
from puffin.value import from_tuple

_OUTGOING = "content-"


def fetch_shared_wheel(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", ask: bool = True, **arguments: Any
) -> "tuple[str, int, memoryview | None]":
    """Do what :func:`puffin.stages.unzip.store.fetch_once` does, from the cache if that has the file.

    Without *ask* it is known that the cache has not.
    """
    sha256 = _only(arguments["hashes"]) if ask else ""
    getter = _Getter(store_of(remote, network), WHEELS, sha256)
    return fetch_once(network=network, get=getter, **arguments)


def fetch_shared_source(
    *,
    remote: "tuple[Any, ...]",
    network: "tuple[Any, ...]",
    artifact: "tuple[Any, ...]",
    ask: bool = True,
    **arguments: Any,
) -> "tuple[str, str, tuple[Any, ...]]":
    """Do what :func:`puffin.stages.build.task.fetch_source` does, likewise."""
    sha256 = expected_sha256(from_tuple(Artifact, artifact)) if ask else ""
    getter = _Getter(store_of(remote, network), SOURCES, sha256)
    return build_task.fetch_source(network=network, artifact=artifact, get=getter, **arguments)


def compile_shared(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", archive: str, **arguments: Any
) -> str:
    """Do what :func:`puffin.stages.bytecode.stage.compile_archive` does, unless the cache has the layer."""
    store = store_of(remote, network)
    return bytecode_stage.compile_archive(archive=archive, bring=_Bring(store), **arguments)


def _only(groups: "tuple[tuple[str, ...], ...]") -> str:
    """Return the one SHA-256 that all *groups* of hashes allow, ``""`` if they do not name one."""
    values = {only_sha256(group) for group in groups}
    return values.pop() if len(values) == 1 else ""


class _Getter:
    """Fetches one file whose hash is known, from the cache or else from where it is."""

    def __init__(self, store: RemoteStore, layer: str, sha256: str) -> None:
        self._store = store
        self._layer = layer
        self._sha256 = sha256

    def __call__(self, *, size: int, **wanted: Any) -> "tuple[str, int, memoryview]":
        if self._sha256 and not self._store.broken:
            question = RemoteQuestion(self._store, self._layer)
            data, reason = self._store.content(self._sha256, size)
            meter.asked(question.told(reason, len(data) if data is not None else 0))
            if data is not None:
                meter.count(taken=len(data), given=len(data))
                return self._sha256, len(data), data
        found = fetch(size=size, **wanted)
        keep_for_upload(self._store, found[0], found[2])
        return found


def keep_for_upload(store: RemoteStore, sha256: str, data: "Buffer") -> None:
    """Put bytes into the room of the run, to be uploaded at its end; without room on the disk they are not."""
    settings = store.settings
    if not settings.write or not settings.room or store.broken:
        return
    path = f"{settings.room}/{_OUTGOING}{sha256}"
    try:
        write(f"{path}.part", data)  # type: ignore[arg-type]
        os.rename(f"{path}.part", path)
    except OSError:
        pass


def kept_for_upload(room: str) -> "dict[str, str]":
    """Return the paths of what waits in a room, by their hashes."""
    try:
        names = os.listdir(room)
    except OSError:
        return {}
    return {
        name.removeprefix(_OUTGOING): f"{room}/{name}"
        for name in sorted(names)
        if name.startswith(_OUTGOING) and not name.endswith(".part")
    }


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
        question = RemoteQuestion(self._store, BYTECODE)
        data, reason = self._store.signed_content(BYTECODE, layer_key(kind, archive))
        if data is not None:
            try:
                unpack_layer(cache, kind, archive, suffix, data)
            except BadPack:
                reason = WRONG
        meter.asked(question.told(reason, len(data) if data is not None else 0))
        return not reason
