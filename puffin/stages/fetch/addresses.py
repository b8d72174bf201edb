"""Where hosts are: asked of the system once for each, however many connections begin at a time.

A burst of equal questions is what name servers drop, and the system asks again after 5 seconds.
"""

import socket
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Address = tuple[Any, ...]


class Addresses:
    """The addresses of hosts, kept for the life of a process."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, int], Lock] = {}
        self._known: dict[tuple[str, int], list[Address]] = {}

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to the first address that takes it in *timeout* seconds (``OSError``)."""
        failure: OSError | None = None
        for family, kind, protocol, _, address in self._addresses(host, port):
            try:
                return _connected(socket.socket(family, kind, protocol), address, timeout)
            except OSError as error:
                failure = error
        self._known.pop((host, port), None)  # it may have moved
        raise failure or OSError(f"`{host}` has no address")

    def _addresses(self, host: str, port: int) -> "list[Address]":
        place = host, port
        with self._locks.setdefault(place, Lock()):
            known = self._known.get(place)
            if known is None:
                bare = host.encode(
                    "ascii"
                )  # a text would be taken for a name in another script: 4 ms of imports
                known = self._known[place] = list(socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM))
            return known


def _connected(sock: socket.socket, address: "Any", timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock
