"""What the parts of one command share: its cache, its environment variables, its network and who is told of it."""

import time

from puffin.artifact.urls import is_http, mask
from puffin.cache.layout import Cache
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from puffin.pipeline.request.settings import NetworkOptions, Reporter, Settings
    from puffin.stages.resolve.locate.source import Commits


class _Silent:
    """A reporter that tells nobody."""

    def _ignore(self, *told: object, **more: object) -> None:
        pass

    phase = warn = expect = task = changes = _ignore


@frozen
class ConfiguredNetwork:
    """How a command reaches the network: what its options say, then what *environ* says."""

    options: "NetworkOptions"
    offline: bool
    environ: "Mapping[str, str]"

    def wire(self, trusted_hosts: tuple[str, ...] = ()) -> "tuple[Any, ...]":
        """Return the network in its wire form; *trusted_hosts* are those that requirements files add."""
        from puffin.stages.fetch.network import network_from_environ, to_wire

        network, options = network_from_environ(self.environ), self.options
        return to_wire(
            replace(
                network,
                offline=self.offline,
                trusted_hosts=(*options.trusted_host, *trusted_hosts),
                ca_bundle=options.cert or network.ca_bundle,
                ca_directory="" if options.cert else network.ca_directory,
                client_cert=options.client_cert,
                proxy=options.proxy,
                timeout=options.timeout or network.timeout,
                retries=network.retries if options.retries < 0 else options.retries,
                keyring=options.keyring_provider or network.keyring,
            )
        )


@frozen
class Session:
    """What the parts of a command share, made once by the command. ``started`` is of ``time.perf_counter``.

    ``files`` were read before, perhaps on another machine: pairs of what :meth:`read` is asked for and its bytes.
    """

    cache: Cache
    environ: "Mapping[str, str]"
    network: ConfiguredNetwork
    reporter: "Reporter"
    started: float
    files: "tuple[tuple[str, bytes], ...]" = ()

    @property
    def began(self) -> float:
        """When the command began, in seconds since the epoch: what is built from then on counts as new."""
        return time.time() - (time.perf_counter() - self.started if self.started else 0.0)

    def read(self, path: str) -> bytes:
        """Return what a path, ``-`` or an ``http(s):`` URL holds; raises the errors of files and of the network.

        Every command reads requirements, constraints and what they include by it.
        """
        known = dict(self.files).get(path)
        if known is not None:
            return known
        if is_http(path):
            return self._fetched(path)
        from puffin.stages.resolve.requirements.file import read_file

        return read_file(path)

    def _fetched(self, url: str) -> bytes:
        from puffin.stages.fetch.fetch import client_for
        from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound

        reply = client_for(self.network.wire()).get(url)
        if reply.status != 200:
            raise RequirementsFileNotFound(path=mask(url))
        body: bytes = reply.body
        return body

    @property
    def commits(self) -> "Commits":
        """What tells which commit the URL of a repository means."""
        from puffin.stages.resolve.locate.source import pinner

        return pinner(self.cache, offline=self.network.offline, environ=self.environ)


def session_of(
    settings: "Settings", environ: "Mapping[str, str]", reporter: "Reporter | None" = None, started: float = 0.0
) -> Session:
    """Return the session of a command that was asked for *settings*; without a *reporter* nobody is told of it."""
    return Session(
        cache=Cache(settings.cache_dir),
        environ=environ,
        network=ConfiguredNetwork(options=settings.network, offline=settings.offline, environ=environ),
        reporter=reporter or _Silent(),
        started=started,
    )
