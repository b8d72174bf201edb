"""Uploads: what a run fetched, built or compiled, stored in the remote cache unless that has it already.

Ten machines that do the same work at once upload each object once: they take the objects in different orders, look
whether one is there, and leave a note before they upload a large one. Who reads another's note leaves the object to it.
A note is not signed and protects nothing; whoever forges one prevents an upload.
"""

import os
import random
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import puffin.forks  # noqa: F401 - it makes forks safe after these threads
from puffin import meter
from puffin.cache.layout import Cache
from puffin.stages.build.kept import KeptWheel, build_names, is_sound
from puffin.stages.bytecode.pack import pack_layer
from puffin.stages.remote.backend import Unavailable, received
from puffin.stages.remote.builds import build_key, shareable, wheels_of, with_wheel
from puffin.stages.remote.bytecode import layer_key
from puffin.stages.remote.lists import kept_lists, list_holds
from puffin.stages.remote.store import RemoteStore, store_of
from puffin.stages.remote.values import BUILDS, BYTECODE, LISTS, PACKS, THREADS, Uploaded, Uploads
from puffin.stages.remote.wheels import kept_for_upload
from puffin.stages.unzip.pack import is_packable, pack_archive
from puffin.value import astuple

_NOTED_FROM = 64 << 10  # bytes from which on a note is worth its requests
_NOTED_FOR = 60.0  # seconds that a note holds
_NOTE = re.compile(rb"([!-~]+) ([0-9]{1,12})")  # who, and when, in seconds since the epoch
_SETTLING = 0.1  # seconds, within which notes of several machines meet


class Uploader:
    """Uploads to one cache until its time or its bytes are used up, or the cache fails. *sleep* takes seconds."""

    def __init__(
        self, store: RemoteStore, cache: Cache, *, sleep: "Callable[[float], None]" = time.sleep
    ) -> None:
        self._store = store
        self._cache = cache
        self._sleep = sleep
        self._me = os.urandom(8).hex()
        self._lock = threading.Lock()
        self._deadline = 0.0
        self._entries = threading.Lock()  # held from reading an entry until it is written
        self._objects = self._bytes = self._known = 0
        self._problem = ""

    def upload(self, uploads: Uploads) -> Uploaded:
        """Upload all that there is time for."""
        began = time.monotonic()
        self._deadline = began + self._store.settings.upload_seconds
        waiting = kept_for_upload(self._store.settings.room)
        jobs: list[Callable[[], bool]] = [self._content_job(*each) for each in sorted(waiting.items())]
        signer = self._store.signer
        if signer is not None and signer.can_sign:
            jobs += [self._build_job(wheel) for path in uploads.builds if (wheel := shareable(path))]
            jobs += [self._layer_job(*each) for each in uploads.layers]
            packed = uploads.archives if self._store.settings.packs else ()
            jobs += [self._pack_job(each) for each in packed if is_packable(self._cache, each)]
            jobs += [self._list_job(*each) for each in kept_lists(self._store.settings.room)]
        random.shuffle(jobs)
        meter.expect("upload", len(jobs))
        self._work(jobs)
        with self._lock:
            return Uploaded(
                objects=self._objects,
                bytes=self._bytes,
                known=self._known,
                left=len(jobs) - self._objects - self._known,
                seconds=time.monotonic() - began,
                problem=self._problem,
            )

    def _work(self, jobs: "list[Callable[[], bool]]") -> None:
        queue: SimpleQueue[Callable[[], bool]] = SimpleQueue()
        for job in jobs:
            queue.put(job)
        threads = [
            threading.Thread(target=self._serve, args=(queue,), daemon=True)
            for _ in range(min(THREADS, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self._deadline - time.monotonic()))

    def _serve(self, queue: "SimpleQueue[Callable[[], bool]]") -> None:
        while not self._problem and time.monotonic() < self._deadline:
            try:
                job = queue.get_nowait()
                with meter.at("upload", ""):
                    known = job()
            except Empty:
                return
            except _Left:
                continue
            except Unavailable as error:
                self._problem = str(error)
                return
            except OSError:
                continue  # what was to be uploaded is gone
            with self._lock:
                self._known += known
                self._objects += not known

    def _content_job(self, sha256: str, path: str) -> "Callable[[], bool]":
        def job() -> bool:
            if self._store.has_content(sha256):
                return True
            size = os.stat(path).st_size
            self._claim(sha256, size)
            self._put(sha256, _bytes_of(path))
            return False

        return job

    def _build_job(self, wheel: KeptWheel) -> "Callable[[], bool]":
        filename, sha256 = wheel.filename, wheel.sha256
        key = build_key(*build_names(wheel.path), wheel.platform)

        def job() -> bool:
            said = [value for value, _ in self._store.entries(BUILDS, key)]
            if any(each["filename"] == filename for value in said for each in wheels_of(value)):
                return True
            if not is_sound(wheel):
                raise _Left
            self._claim(key, _NOTED_FROM)  # each machine builds other bytes, and all list them in one entry
            data = _bytes_of(wheel.path)
            if not self._store.has_content(sha256):
                self._put(sha256, data)
            with self._entries:
                now, _ = self._store.entry(BUILDS, key, self._store.settings.scopes[0])
                self._store.put_entry(BUILDS, key, with_wheel(now, filename, sha256, len(data)))
            return False

        return job

    def _layer_job(self, kind: str, archive: str) -> "Callable[[], bool]":
        pack = partial(pack_layer, self._cache, kind, archive)
        return partial(self._upload_signed, BYTECODE, layer_key(kind, archive), pack)

    def _pack_job(self, archive: str) -> "Callable[[], bool]":
        return partial(self._upload_signed, PACKS, archive, partial(pack_archive, self._cache, archive))

    def _upload_signed(self, kind: str, key: str, pack: "Callable[[], bytes | None]") -> bool:
        """Upload what *pack* returns, and an entry of a key that names it; return whether the cache has one."""
        if any(value is not None for value, _ in self._store.entries(kind, key)):
            return True
        self._claim(f"{kind}/{key}", _NOTED_FROM)  # to pack takes time, too
        data = pack()
        if data is None:
            raise _Left
        sha256 = received(data).sha256
        if not self._store.has_content(sha256):
            self._put(sha256, data)
        self._store.put_entry(kind, key, {"sha256": sha256, "size": len(data)})
        return False

    def _list_job(self, name: str, value: "dict[str, Any]") -> "Callable[[], bool]":
        def job() -> bool:
            if any(
                said is not None and list_holds(said, time.time())
                for said, _ in self._store.entries(LISTS, name)
            ):
                return True
            self._store.put_entry(LISTS, name, value)
            return False

        return job

    def _put(self, sha256: str, data: bytes) -> None:
        with self._lock:
            if self._bytes + len(data) > self._store.settings.upload_bytes:
                raise _Left
            self._bytes += len(data)
        self._store.put_content(sha256, data)

    def _claim(self, name: str, size: int) -> None:
        """Leave a note about a large object; raises :class:`_Left` if another machine uploads it."""
        if size < _NOTED_FROM:
            return
        if not _is_free(self._store.note(name), self._me):
            raise _Left
        self._store.put_note(name, f"{self._me} {time.time():.0f}".encode())
        self._sleep(_SETTLING * (0.5 + random.random()))
        if not _is_free(self._store.note(name), self._me):
            raise _Left


class _Left(Exception):
    """An object is not uploaded now."""


def _is_free(note: "bytes | None", me: str) -> bool:
    found = _NOTE.fullmatch(note or b"")
    if found is None:
        return True
    return found[1] == me.encode() or abs(time.time() - int(found[2])) >= _NOTED_FOR  # clocks differ


def _bytes_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def upload(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", cache_root: str, uploads: "tuple[Any, ...]"
) -> "tuple[Any, ...]":
    """Upload what waits in the room of a run and *uploads*, in the form of their fields; return what came of it."""
    store = store_of(remote, network)
    builds, layers, archives = uploads
    wanted = Uploads(
        builds=tuple(builds), layers=tuple([tuple(each) for each in layers]), archives=tuple(archives)
    )
    return astuple(Uploader(store, Cache(cache_root)).upload(wanted))
