"""Reading what a run is given: files, standard input, and files behind URLs, which the client fetches."""

from puffin.pipeline.plan_settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def reader(settings: Settings, environ: "Mapping[str, str]") -> "Callable[[str], bytes]":
    """Return what reads a path, ``-`` or an ``http(s):`` URL; raises the errors of files and of the network."""
    from puffin.stages.resolve.reqfile import is_remote, read_file

    def read(path: str) -> bytes:
        return _fetched(path, settings, environ) if is_remote(path) else read_file(path)

    return read


def _fetched(url: str, settings: Settings, environ: "Mapping[str, str]") -> bytes:
    from puffin.pipeline.plan_network import network_of
    from puffin.stages.fetch.fetch import client_for
    from puffin.stages.resolve.reqerrors import RequirementsFileNotFound
    from puffin.stages.urls import mask

    reply = client_for(network_of(settings, environ, ())).get(url)
    if reply.status != 200:
        raise RequirementsFileNotFound(path=mask(url))
    body: bytes = reply.body
    return body
