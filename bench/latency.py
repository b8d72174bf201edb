"""Relays connections to a port with a delay of each request: ``python -m bench.latency PORT TARGET SECONDS``.

What a client sends arrives the delay later; what the server answers is moved by ``splice``, without a copy.
"""

from __future__ import annotations

import heapq
import os
import selectors
import socket
import sys
import threading
import time

_ROOM = 1 << 20


class Relay:
    """One loop for all connections; ``_late`` holds what is still under way to the server, soonest first."""

    def __init__(self, port: int, target: int, delay: float) -> None:
        self._target, self._delay = target, delay
        self._selector = selectors.DefaultSelector()
        self._late: list[tuple[float, int, socket.socket, bytes]] = []
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def run(self) -> None:
        """Relay until the process is killed."""
        while True:
            wait = max(0.0, self._late[0][0] - time.monotonic()) if self._late else None
            for key, _ in self._selector.select(wait):
                key.data()
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, server, data = heapq.heappop(self._late)
                _deliver(server, data)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def request() -> None:
            data = _received(client)
            self._count += 1
            heapq.heappush(self._late, (time.monotonic() + self._delay, self._count, server, data))
            if not data:
                self._selector.unregister(client)

        self._selector.register(client, selectors.EVENT_READ, request)
        threading.Thread(target=_answer, args=(server, client), daemon=True).start()


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except ConnectionError:
        return b""


def _deliver(server: socket.socket, data: bytes) -> None:
    """Send *data*; nothing means that the client has ended."""
    try:
        server.sendall(data) if data else server.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the server closed the connection, and `_answer` sees it


def _answer(server: socket.socket, client: socket.socket) -> None:
    """Move all that the server sends: a thread for each connection, since a client may stop reading for a while."""
    source, sink = os.pipe()
    try:
        while left := os.splice(server.fileno(), sink, _ROOM):
            while left:
                left -= os.splice(source, client.fileno(), left)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them went
    finally:
        os.close(source)
        os.close(sink)


if __name__ == "__main__":
    Relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])).run()
