"""A remote cache as tasks use it: verified content, signed entries, and a breaker.

Content is taken only if its SHA-256 is the one that was asked for. An entry is taken only with a valid signature. After
the first failure the cache is left alone for the rest of the run, by all processes of it. Until its first answer,
nothing is asked for. If it is silent later, that holds again, and one process asks once more, with all the time that an
answer may take.
"""

import os
import re
import time
from threading import Lock, Thread
from typing import Any

import puffin.forks  # noqa: F401 - it makes forks safe after these threads
from puffin.artifact.limits import MOST_UNTOLD, limit
from puffin.errors import PuffinError
from puffin.stages.remote.backend import (
    CONTENT,
    ENTRY,
    MOST_ENTRY,
    Backend,
    NoAnswerYet,
    Unavailable,
    unwrapped,
    wrapped,
)
from puffin.stages.remote.http import HttpBackend
from puffin.stages.remote.neighbour import neighbour_of
from puffin.stages.remote.signature import Signer, entry_name, signer_of
from puffin.stages.remote.values import (
    ABSENT,
    HIT,
    MISS,
    SILENT,
    UNAVAILABLE,
    UNSIGNED,
    WRONG,
    RemoteCache,
    Told,
    await_answer,
    is_silent,
    leave_alone,
    left_alone,
    note_answer,
)
from puffin.types import Buffer, Iterator
from puffin.value import from_tuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.fetch.network import Wire

_SHA256 = re.compile("[0-9a-f]{64}")
_stores: "dict[tuple[int, tuple[Any, ...], Wire], RemoteStore]" = {}


class RemoteStore:
    """One remote cache, for one process of a run. What cannot be had is a miss, unless a method says that it raises.

    Without a *backend*, the first request to the cache makes that of its URL: to load a driver takes time.
    """

    def __init__(
        self, settings: RemoteCache, backend: "Backend | None", signer: "Signer | None", network: "Wire" = ()
    ) -> None:
        self.settings = settings
        self.signer = signer
        self._backend = backend
        self._network = network
        self._making = Lock()

    @property
    def broken(self) -> str:
        """Why the cache is left alone, ``""`` while it is not."""
        return left_alone(self.settings)

    def give_up(self, reason: str) -> None:
        """Leave the cache alone from now on."""
        leave_alone(self.settings, reason)

    def content(self, sha256: str, size: int = 0) -> "tuple[memoryview | None, str]":
        """Return the bytes with this hash, of this *size* if it is known, or None and the reason of the miss."""
        sha256 = sha256.lower()
        if not _SHA256.fullmatch(sha256) or size < 0:
            return None, WRONG
        found, reason = self._asked(CONTENT, sha256, size or limit(MOST_UNTOLD))
        if found is None:
            return None, reason
        if found.sha256 != sha256 or (size and len(found.data) != size):
            self.give_up("it sent other bytes than those that were asked for")
            return None, WRONG
        return found.data, ""

    def entry(self, kind: str, key: str, scope: str) -> "tuple[dict[str, Any] | None, str]":
        """Return what a writer said of a key in one scope, or None and the reason of the miss."""
        if self.signer is None:
            return None, UNSIGNED
        found, reason = self._asked(ENTRY, entry_name(scope, kind, key), MOST_ENTRY)
        if found is None:
            return None, reason
        value = self.signer.verified(unwrapped(bytes(found.data)), scope, kind, key)
        return value, UNSIGNED if value is None else ""

    def entries(self, kind: str, key: str) -> "Iterator[tuple[dict[str, Any] | None, str]]":
        """Yield what :meth:`entry` returns in each scope, in order, until the cache is left alone."""
        for scope in self.settings.scopes:
            yield self.entry(kind, key, scope)
            if self.signer is None or self.broken:
                return

    def signed_content(self, kind: str, key: str) -> "tuple[memoryview | None, str]":
        """Return the bytes whose ``sha256`` and ``size`` an entry of a key names, of the first scope that has them."""
        worst = ABSENT
        for value, reason in self.entries(kind, key):
            data = None
            if value is not None:
                data, reason = self._named(value)
            if data is not None:
                return data, ""
            worst = reason if reason != ABSENT else worst
        return None, worst

    def _named(self, value: "dict[str, Any]") -> "tuple[memoryview | None, str]":
        sha256, size = value.get("sha256"), value.get("size")
        if not isinstance(sha256, str) or type(size) is not int:
            return None, UNSIGNED
        return self.content(sha256, size)

    def has_content(self, sha256: str) -> bool:
        """Tell whether the cache says that it has the bytes with this hash. Raises :class:`Unavailable`."""
        return self.reached().has(CONTENT, sha256)

    def put_content(self, sha256: str, data: "Buffer") -> None:
        """Store bytes under their hash. Raises :class:`Unavailable`."""
        self.reached().put(CONTENT, sha256, data)

    def put_entry(self, kind: str, key: str, value: "dict[str, Any]") -> None:
        """Say *value* of a key in the scope that is written to. Raises :class:`Unavailable`."""
        assert self.signer is not None
        scope = self.settings.scopes[0]
        data = wrapped(self.signer.signed(scope, kind, key, value))
        self.reached().put(ENTRY, entry_name(scope, kind, key), data)

    def note(self, name: str) -> "bytes | None":
        """Return an unsigned note that machines leave for each other. Raises :class:`Unavailable`."""
        found = self.reached().get(ENTRY, entry_name(self.settings.scopes[0], "note", name), MOST_ENTRY)
        return unwrapped(bytes(found.data)) if found is not None else None

    def put_note(self, name: str, data: bytes) -> None:
        """Leave a note. Raises :class:`Unavailable`."""
        self.reached().put(ENTRY, entry_name(self.settings.scopes[0], "note", name), wrapped(data))

    def reached(self) -> Backend:
        """Return what asks the cache. Raises :class:`Unavailable`."""
        if self.broken:
            raise Unavailable(self.broken)
        with self._making:
            if self._backend is None:
                near = neighbour_of(self.settings) if self.settings.is_bucket else None
                self._backend = near or backend_of(self.settings, self._network)
        return self._backend

    def _asked(self, kind: str, name: str, most: int) -> "tuple[Any, str]":
        if not self.broken and is_silent(self.settings):
            return None, SILENT
        try:
            found = self.reached().get(kind, name, most)
        except NoAnswerYet:
            self._await(kind, name, most)
            return None, SILENT
        except Unavailable as error:
            self.give_up(str(error))
            return None, UNAVAILABLE
        return found, "" if found is not None else ABSENT

    def _await(self, kind: str, name: str, most: int) -> None:
        """Have nothing asked for until this is answered, or is not in time, which a thread waits for."""
        if is_silent(self.settings):
            return  # another one waits
        try:
            await_answer(self.settings)
        except OSError:  # nobody else would hear of it
            self.give_up("it does not answer in time")
            return
        patient = RemoteStore(replace(self.settings, silence=0.0), None, None, self._network)
        Thread(target=patient._ask_again, args=(kind, name, most), daemon=True).start()

    def _ask_again(self, kind: str, name: str, most: int) -> None:
        try:
            self.reached().get(kind, name, most)
        except Unavailable as error:
            self.give_up(str(error))
        note_answer(self.settings)


class RemoteQuestion:
    """Measures one question, for the record of the run."""

    def __init__(self, store: RemoteStore, layer: str) -> None:
        self._store = store
        self._layer = layer
        self._was_broken = bool(store.broken)
        self._began = time.perf_counter()

    def told(self, reason: str, size: int = 0) -> "Told":
        """Return what came of it: a hit of *size* bytes, or a miss for a reason."""
        seconds = time.perf_counter() - self._began
        broken = "" if self._was_broken else self._store.broken
        return self._layer, MISS if reason else HIT, reason, size, seconds, broken


def store_of(wire: "tuple[Any, ...]", network: "Wire") -> RemoteStore:
    """Return this process's store for a :class:`RemoteCache` in wire form; one that is broken if it cannot be made."""
    plain = tuple([tuple(each) if isinstance(each, list) else each for each in network])
    key = (os.getpid(), (*wire[:2], tuple(wire[2]), *wire[3:]), plain)
    found = _stores.get(key)
    if found is None:
        found = _stores.setdefault(key, _made(from_tuple(RemoteCache, key[1]), plain))
    return found


def _made(settings: RemoteCache, network: "Wire") -> RemoteStore:
    try:
        return RemoteStore(settings, None, signer_of(os.environ), network)
    except PuffinError as error:
        store = RemoteStore(settings, None, None)
        store.give_up(str(error))
        return store


def backend_of(settings: RemoteCache, network: "Wire") -> Backend:
    """Return the backend for a URL. Raises :class:`Unavailable`."""
    if settings.is_http:
        try:
            return HttpBackend(settings, network)
        except PuffinError as error:
            raise Unavailable(str(error)) from error
    from puffin.stages.remote.filesystem import FileSystemBackend

    return FileSystemBackend(settings)
