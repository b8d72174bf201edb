"""The seam to a remote cache: objects by content and by key, and a backend in memory.

Names are 64 hexadecimal digits. Of :data:`CONTENT` they are the SHA-256 of the bytes; of :data:`ENTRY` that of a key.
A backend promises nothing about the bytes: whoever asked verifies them (:mod:`puffin.stages.remote.store`).

bazel-remote takes an entry only if it is an ``ActionResult`` of the remote execution API. So puffin's bytes are the
field ``stdout_raw`` of one (:func:`wrapped`), in every cache.
"""

import hashlib
from typing import NamedTuple, Protocol

from puffin.types import Buffer

CONTENT, ENTRY = "cas", "ac"
MOST_ENTRY = 1 << 20  # bytes of an entry
LEAST_RATE = 1 << 20  # bytes a second: what comes more slowly is better fetched elsewhere
_STDOUT_RAW = 0x2A  # the tag of field 5, of bytes, in an ActionResult


class Unavailable(Exception):
    """The cache cannot be used now: ``str`` of it says why, without secrets."""


class NoAnswerYet(Unavailable):
    """The cache has been silent for longer than a run waits; it may still answer."""


class Received(NamedTuple):
    """The bytes of an object, and their SHA-256 in hexadecimal as it was computed here."""

    data: memoryview
    sha256: str


class Backend(Protocol):
    """Where a remote cache keeps its objects. Every method raises :class:`Unavailable`.

    :meth:`get` raises :class:`NoAnswerYet` if a run has a limit for silence (``RemoteCache.silence``).
    """

    def get(self, kind: str, name: str, most: int) -> "Received | None":
        """Return an object of at most *most* bytes, None if there is none."""

    def has(self, kind: str, name: str) -> bool:
        """Tell whether there is an object of this name."""

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        """Store an object, replacing one of this name."""

    def size(self) -> int:
        """Return how many bytes all objects have."""


def received(data: "Buffer") -> Received:
    """Return bytes with their hash."""
    return Received(memoryview(data), hashlib.sha256(data).hexdigest())


class MemoryBackend:
    """A cache in memory. ``room`` is how many bytes it takes; ``down`` is why it is unavailable, if it is."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.puts: list[tuple[str, str]] = []
        self.room = room
        self.down = ""

    def get(self, kind: str, name: str, most: int) -> "Received | None":
        self._answer()
        data = self.objects.get((kind, name))
        if data is not None and len(data) > most:
            raise Unavailable(f"an object has more than {most} bytes")
        return None if data is None else received(data)

    def has(self, kind: str, name: str) -> bool:
        self._answer()
        return (kind, name) in self.objects

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        """Store an object; raises :class:`Unavailable` if the room is used up."""
        self._answer()
        if sum(map(len, self.objects.values())) + len(memoryview(data)) > self.room:
            raise Unavailable("it is full")
        self.objects[kind, name] = bytes(data)
        self.puts.append((kind, name))

    def size(self) -> int:
        return sum(map(len, self.objects.values()))

    def _answer(self) -> None:
        if self.down:
            raise Unavailable(self.down)


def wrapped(data: bytes) -> bytes:
    """Return bytes as the ``stdout_raw`` of an ``ActionResult``."""
    size, head = len(data), bytearray([_STDOUT_RAW])
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes(head) + bytes([size]) + data


def unwrapped(data: bytes) -> bytes:
    """Return the bytes that :func:`wrapped` was given; none for anything else, which is no entry then."""
    if data[:1] != bytes([_STDOUT_RAW]):
        return b""
    size = 0
    for place, byte in enumerate(data[1:6]):
        size |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            rest = data[place + 2 :]
            return rest if len(rest) == size else b""
    return b""
