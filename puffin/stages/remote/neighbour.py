"""A bucket by way of the process beside a run, so that one process loads the driver.

It listens in the room of the run. A request is a line: kind, name, and the most bytes that are taken. The answer is how
many bytes there are and the bytes, -1 for no such object, or -2 and why the bucket is unavailable.
"""

import hashlib
import os
import socket
from threading import Thread

from puffin.artifact.buffers import take
from puffin.stages.remote.backend import Backend, Received, Unavailable
from puffin.stages.remote.values import DRIVER, RemoteCache
from puffin.types import Buffer

_NONE, _UNAVAILABLE = -1, -2
_HEAD = 8  # bytes of a number
_LOST = "the process that asks it was lost"
_LATEST = 64  # connections that wait


def listen(backend: Backend, settings: RemoteCache) -> None:
    """Answer the other processes of a run, on threads of this one; not where a path is too long for a socket."""
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(os.path.join(settings.room, DRIVER))
        server.listen(_LATEST)
    except OSError:
        server.close()
        return
    Thread(target=_serve, args=(server, backend), daemon=True).start()


def _serve(server: socket.socket, backend: Backend) -> None:
    with server:
        try:
            while True:
                line, _ = server.accept()
                Thread(target=_answer, args=(line, backend), daemon=True).start()
        except (OSError, RuntimeError):
            pass  # a limit on open files or threads: whoever asks is told that nobody listens


def _answer(line: socket.socket, backend: Backend) -> None:
    with line, line.makefile("rb") as asked:
        try:
            kind, name, most = asked.readline().decode().split()
            number, data = _found(backend, kind, name, int(most))
            line.sendall(number.to_bytes(_HEAD, "little", signed=True))
            line.sendall(data)
        except (OSError, ValueError):
            pass  # the process that asked has ended


def _found(backend: Backend, kind: str, name: str, most: int) -> "tuple[int, Buffer]":
    try:
        found = backend.get(kind, name, most)
    except Unavailable as error:
        return _UNAVAILABLE, str(error).encode()
    return (len(found.data), found.data) if found is not None else (_NONE, b"")


class Neighbour:
    """The bucket as the process beside the run sees it. Uploads are the business of that process."""

    def __init__(self, path: str) -> None:
        self._path = path

    def get(self, kind: str, name: str, most: int) -> "Received | None":
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(self._path)
                line.sendall(f"{kind} {name} {most}\n".encode())
                with line.makefile("rb") as answer:
                    head = answer.read(_HEAD)
                    number = int.from_bytes(head, "little", signed=True)
                    if number == _UNAVAILABLE:
                        raise Unavailable(answer.read().decode())
                    if number == _NONE:
                        return None
                    view = memoryview(take(number))[:number]
                    filled = 0
                    while filled < number and (count := answer.readinto(view[filled:])):
                        filled += count
            except OSError as error:
                raise Unavailable(_LOST) from error
        if len(head) < _HEAD or filled < number:
            raise Unavailable(_LOST)
        return Received(view, hashlib.sha256(view).hexdigest())

    def has(self, kind: str, name: str) -> bool:
        """Nobody asks this here."""
        raise Unavailable("it is asked by the process beside the run")

    def put(self, kind: str, name: str, data: "Buffer") -> None:
        """Nobody asks this here."""
        raise Unavailable("it is filled by the process beside the run")

    def size(self) -> int:
        """Nobody asks this here."""
        raise Unavailable("it is measured by commands of its own")


def neighbour_of(settings: RemoteCache) -> "Neighbour | None":
    """Return the way by the process beside the run, None if that does not listen."""
    path = os.path.join(settings.room, DRIVER)
    return Neighbour(path) if settings.room and os.path.exists(path) else None
