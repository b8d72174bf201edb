"""Files that are taken from a remote cache, or else from where they are; what it lacks waits to be uploaded.

A task that asks the cache has the arguments of the one that it stands for, and ``remote``: the cache in wire form. If
packs are turned on, it takes the pack of a wheel that a writer signed, else the wheel. A pack that cannot be unpacked
is a miss: the wheel is fetched then.
"""

import os
from typing import Any

from puffin import meter
from puffin.artifact.artifact import only_sha256
from puffin.artifact.buffers import give
from puffin.cache.atomic import write
from puffin.cache.layout import Cache
from puffin.stages.fetch.fetch import fetch
from puffin.stages.remote.store import RemoteQuestion, RemoteStore, store_of
from puffin.stages.remote.values import PACK, PACKS, WHEELS, NotServed
from puffin.stages.unzip.manifest import PACKED_FROM
from puffin.stages.unzip.store import fetch_once, release_archive, store
from puffin.types import Buffer

_OUTGOING = "content-"


def fetch_shared_wheel(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", only: bool = False, **arguments: Any
) -> "tuple[Any, ...]":
    """Do what :func:`puffin.stages.unzip.store.fetch_once` does, from the cache if that has the file.

    If that gave a pack, there is a fourth value, :data:`PACK`. With *only* nothing else is asked: :class:`NotServed` is
    raised.
    """
    getter = FileGetter(store_of(remote, network), WHEELS, _only(arguments["hashes"]), only=only, packs=True)
    return fetch_once(network=network, get=getter, **arguments)


def store_shared_wheel(
    *,
    fetched: "tuple[Any, ...]",
    remote: "tuple[Any, ...]",
    network: "tuple[Any, ...]",
    only: bool = False,
    **arguments: Any,
) -> str:
    """Do what :func:`puffin.stages.unzip.store.store` does, with a pack too; fetch the wheel if that is not right."""
    sha256, size, data, *pack = fetched
    if pack:
        getter = FileGetter(store_of(remote, network), WHEELS, sha256, only=only)
        try:
            fetched = _unpacked(sha256, size, data, getter, network=network, **arguments)
        except BaseException:
            release_archive(arguments["url"])
            raise
    return store(fetched=fetched, **arguments)


def _unpacked(
    sha256: str,
    size: int,
    data: memoryview,
    getter: "FileGetter",
    *,
    network: "tuple[Any, ...]",
    filename: str,
    url: str,
    cache_root: str,
    **_: Any,
) -> "tuple[str, int, memoryview | None]":
    """Publish the archive in a pack and return what is fetched of one that is there; else fetch the wheel."""
    from puffin.stages.unzip.pack import unpack_archive  # it imports zstandard; packs are off by default
    from puffin.stages.unzip.transfer import BrokenTransfer

    try:
        unpack_archive(Cache(cache_root, lower=()), sha256, filename, size, data)
        return sha256, 0, None
    except (BrokenTransfer, OSError):  # if it is the disk, the wheel says so
        hashes = ((f"sha256:{sha256}",),)
        return getter(size=size, url=url, filename=filename, hashes=hashes, network=network)[:3]
    finally:
        give(data)


def _only(groups: "tuple[tuple[str, ...], ...]") -> str:
    """Return the one SHA-256 that all *groups* of hashes allow, ``""`` if they do not name one."""
    values = {only_sha256(group) for group in groups}
    return values.pop() if len(values) == 1 else ""


class FileGetter:
    """Fetches one file whose hash is known, from the cache or else, unless *only* that is asked, from where it is.

    With *packs*, the pack of a wheel serves too.
    """

    def __init__(
        self, store: RemoteStore, layer: str, sha256: str, *, only: bool = False, packs: bool = False
    ) -> None:
        self._only = only
        self._packs = packs and store.settings.packs and store.signer is not None
        self._store = store
        self._layer = layer
        self._sha256 = sha256

    def __call__(self, *, size: int, **wanted: Any) -> "tuple[Any, ...]":
        if self._sha256 and not self._store.broken:
            question = RemoteQuestion(self._store, self._layer)
            data, reason, *pack = self._asked(size)
            meter.asked(question.told(reason, len(data) if data is not None else 0))
            if data is not None:
                meter.count(taken=len(data), given=len(data))
                return self._sha256, size if pack else len(data), data, *pack
        if self._only:
            raise NotServed(package=wanted["filename"])
        found = fetch(size=size, **wanted)
        keep_for_upload(self._store, found[0], found[2])
        return found

    def _asked(self, size: int) -> "tuple[Any, ...]":
        """Return the bytes, or None and the reason of the miss; :data:`PACK` behind them says that they are a pack."""
        if self._packs and not 0 < size < PACKED_FROM:
            data, reason = self._store.signed_content(PACKS, self._sha256)
            if data is not None:
                return data, reason, PACK
        return self._store.content(self._sha256, size)


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
