"""Connections of a local cluster that nobody else can make: Unix sockets in a directory of the user's own.

Whoever reaches a scheduler or a worker of dask has it run any code. On a TCP port of the loopback interface that is
everybody on the machine. TLS would need certificates, and a package to make them with.

Addresses look like ``puffin://127.0.0.1:8421``, as distributed takes them apart; the number names a socket.
"""

import errno
import os
import socket
import tempfile
from typing import Any

from distributed.comm.core import CommClosedError
from distributed.comm.registry import backends
from distributed.comm.tcp import MAX_BUFFER_SIZE, TCP, TCPBackend, TCPConnector, TCPListener
from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpserver import TCPServer

PROTOCOL = "puffin"
_PREFIX = f"{PROTOCOL}://"
_HOST = "127.0.0.1"
_BACKLOG = 2048
# bytes of the directory of sockets; the path of a socket may have 103 on macOS, 107 on Linux
_LONGEST = 103 - len("/65535")
_VARIABLE = "PUFFIN_CLUSTER_SOCKETS"
# one for each cluster of this process, the newest last; a worker that was spawned, not forked, has its own
_rooms = [os.environ[_VARIABLE]] if _VARIABLE in os.environ else []


def private_options(directory: str) -> tuple[str, dict[str, Any]]:
    """Return the directory of the sockets, which is made, and the options of a ``LocalCluster`` that uses them.

    It is in *directory* if that is not too long. A worker that is started again, which is spawned, imports this module.
    """
    room = _make_room(directory)
    return room, {"protocol": PROTOCOL, "preload": [__name__], "env": {_VARIABLE: room}}


def dask_setup(worker: object) -> None:
    """In a worker: leave no trace for what it starts itself."""
    os.environ.pop(_VARIABLE, None)


def _make_room(directory: str) -> str:
    room = f"{directory}/sockets"
    if _is_short(room):
        os.makedirs(directory, exist_ok=True)
        os.mkdir(room, 0o700)
    else:
        usual = tempfile.gettempdir()
        short = usual if _is_short(f"{usual}/puffin-12345678") else "/tmp"  # wherever there are Unix sockets
        room = tempfile.mkdtemp(prefix="puffin-", dir=short)  # for this user alone
    _rooms.append(room)
    return room


def _is_short(directory: str) -> bool:
    return len(os.fsencode(directory)) <= _LONGEST


def _place(address: str) -> str:
    """Return the path of the socket with this address: in one of the rooms, if it is there, else in the newest."""
    paths = [f"{room}/{address.rpartition(':')[2]}" for room in reversed(_rooms)]
    return next((path for path in paths if os.path.exists(path)), paths[0])


class _PrivateConnector(TCPConnector):
    prefix = _PREFIX

    async def connect(self, address: str, deserialize: bool = True, **connection_args: Any) -> TCP:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream = IOStream(made, max_buffer_size=MAX_BUFFER_SIZE)
        try:
            await stream.connect(_place(address))
        except StreamClosedError as error:
            raise CommClosedError(f"no connection to {address}: {error.real_error}") from error
        return TCP(stream, f"{_PREFIX}{_HOST}:0", f"{_PREFIX}{address}", deserialize)


class _PrivateListener(TCPListener):
    prefix = _PREFIX

    async def start(self) -> None:
        self.tcp_server = TCPServer(max_buffer_size=int(MAX_BUFFER_SIZE))
        self.tcp_server.handle_stream = self._handle_stream  # type: ignore[method-assign]
        made, number = _listening()
        self.tcp_server.add_sockets([made])
        self.bound_address = (_HOST, number)

    async def _handle_stream(self, stream: IOStream, address: Any) -> None:
        if self.tcp_server is None:  # it was stopped meanwhile
            stream.close()
            return
        comm = TCP(stream, self.listen_address, f"{_PREFIX}{_HOST}:0", self.deserialize)
        comm.allow_offload = self.allow_offload
        try:
            await self.on_connection(comm)
        except CommClosedError:
            return
        await self.comm_handler(comm)


def _listening() -> tuple[socket.socket, int]:
    """Return a socket that listens, and its number, which no other process has: binding fails if it is there."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    while True:
        number = int.from_bytes(os.urandom(2), "little") or 1
        try:
            made.bind(_place(f":{number}"))
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    made.listen(_BACKLOG)
    return made, number


class _PrivateBackend(TCPBackend):
    _connector_class = _PrivateConnector
    _listener_class = _PrivateListener


backends[PROTOCOL] = _PrivateBackend()
