"""The network of a run: its settings, the processes that ask indexes, and the reader of files and URLs."""

from puffin.artifact.urls import is_http
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.pipeline.request.settings import Settings
    from puffin.pipeline.run.forked_workers import Begin, ForkedWorkers, Serve

    Read = Callable[[str], bytes]


def network_of(
    settings: "Settings", environ: "Mapping[str, str]", trusted_hosts: "tuple[str, ...]"
) -> "tuple[Any, ...]":
    """Return the network settings of a run in their wire form: from options, then from *environ*."""
    from puffin.stages.fetch.network import network_from_environ, to_wire

    network = network_from_environ(environ)
    said = settings.network
    return to_wire(
        replace(
            network,
            offline=settings.offline,
            trusted_hosts=(*said.trusted_host, *trusted_hosts),
            ca_bundle=said.cert or network.ca_bundle,
            ca_directory="" if said.cert else network.ca_directory,
            client_cert=said.client_cert,
            proxy=said.proxy,
            timeout=said.timeout or network.timeout,
            retries=network.retries if said.retries < 0 else said.retries,
            keyring=said.keyring_provider or network.keyring,
        )
    )


def helping(serve: "Serve", begin: "Begin") -> "ForkedWorkers | None":
    """Start the children of a resolution that has much to ask: the seam of ``IndexUniverse``."""
    from puffin.pipeline.run.forked_workers import start_workers

    return start_workers(serve, begin)


def reader(settings: "Settings", environ: "Mapping[str, str]") -> "Read":
    """Return a function that reads a path, ``-`` or a URL; it raises the errors of files and of the network.

    Every command reads requirements, constraints and what they include by it.
    """
    from puffin.stages.resolve.requirements.file import read_file

    def read(path: str) -> bytes:
        return _fetched(path, settings, environ) if is_http(path) else read_file(path)

    return read


def _fetched(url: str, settings: "Settings", environ: "Mapping[str, str]") -> bytes:
    from puffin.artifact.urls import mask
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound

    reply = client_for(network_of(settings, environ, ())).get(url)
    if reply.status != 200:
        raise RequirementsFileNotFound(path=mask(url))
    body: bytes = reply.body
    return body
