"""Files that are taken from a remote cache, or else from where they are; what it lacks waits to be uploaded.

A task that asks the cache has the arguments of the one that it stands for, and ``remote``: the cache in wire form.
"""

import os
from typing import Any

from puffin import meter
from puffin.artifact.artifact import only_sha256
from puffin.cache.atomic import write
from puffin.stages.fetch.fetch import fetch
from puffin.stages.remote.store import RemoteQuestion, RemoteStore, store_of
from puffin.stages.remote.values import WHEELS, NotServed
from puffin.stages.unzip.store import fetch_once
from puffin.types import Buffer

_OUTGOING = "content-"


def fetch_shared_wheel(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", only: bool = False, **arguments: Any
) -> "tuple[str, int, memoryview | None]":
    """Do what :func:`puffin.stages.unzip.store.fetch_once` does, from the cache if that has the file.

    With *only* nothing else is asked: :class:`NotServed` is raised.
    """
    getter = FileGetter(store_of(remote, network), WHEELS, _only(arguments["hashes"]), only=only)
    return fetch_once(network=network, get=getter, **arguments)


def _only(groups: "tuple[tuple[str, ...], ...]") -> str:
    """Return the one SHA-256 that all *groups* of hashes allow, ``""`` if they do not name one."""
    values = {only_sha256(group) for group in groups}
    return values.pop() if len(values) == 1 else ""


class FileGetter:
    """Fetches one file whose hash is known, from the cache or else, unless *only* that is asked, from where it is."""

    def __init__(self, store: RemoteStore, layer: str, sha256: str, *, only: bool = False) -> None:
        self._only = only
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
        if self._only:
            raise NotServed(package=wanted["filename"])
        found = fetch(size=size, **wanted)
        keep_for_upload(self._store, found[0], found[2])
        return found


def keep_for_upload(store: RemoteStore, sha256: str, data: "Buffer") -> None:
    """Put bytes into the room of the run, to be uploaded at its end; without room on the disk they are not."""
    settings = store.settings
    if settings.write and settings.room and not store.broken:
        keep_content(settings.room, sha256, data)


def keep_content(room: str, sha256: str, data: "Buffer") -> None:
    """Put bytes into a room; without room on the disk they are not."""
    path = f"{room}/{_OUTGOING}{sha256}"
    try:
        os.makedirs(room, exist_ok=True)
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
