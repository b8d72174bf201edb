"""The network settings of a run, and the processes that ask indexes."""

from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.pipeline.forked_workers import Begin, ForkedWorkers, Serve
    from puffin.pipeline.plan_settings import Settings


def network_of(
    settings: "Settings", environ: "Mapping[str, str]", trusted_hosts: "tuple[str, ...]"
) -> "tuple[Any, ...]":
    """Return the network settings of a run in their wire form: what options say, then what *environ* says."""
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
    from puffin.pipeline.forked_workers import start_workers

    return start_workers(serve, begin)
