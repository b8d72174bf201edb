"""The fetch stage: builtins in, builtins out, and one client for all fetches of a process."""

import os

from puffin import meter
from puffin.stages.fetch.network import network_from_wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.fetch.client import Client
    from puffin.stages.fetch.network import Wire

_clients: "dict[tuple[int, Wire], Client]" = {}


def fetch(
    *, url: str, filename: str, hashes: "tuple[tuple[str, ...], ...]", size: int, network: "Wire"
) -> "tuple[str, int, memoryview]":
    """Return sha256 (hexadecimal), size in bytes, and the bytes of the file at *url*.

    *hashes* are groups of ``"algorithm:hex"``, each of which must hold (see ``download.download``); *size* is 0
    where unknown; *network* is in its wire form. Raises the errors of ``download.download``.
    """
    from puffin.stages.fetch.download import download

    received = download(client_for(network), url, hashes=hashes, size=size, filename=filename)
    meter.count(taken=len(received.data), given=len(received.data))
    return received.sha256, len(received.data), received.data


def client_for(network: "Wire") -> "Client":
    """Return this process's client for *network*, given in its wire form.

    A forked child makes its own: nothing of its parent's client may be in use at the moment of the fork.
    """
    wire = tuple([tuple(field) if isinstance(field, list) else field for field in network])
    key = (os.getpid(), wire)
    found = _clients.get(key)
    if found is None:
        from puffin.stages.fetch.client import Client

        found = _clients.setdefault(key, Client(network_from_wire(wire)))  # atomic: of two makers, one is used
    return found
