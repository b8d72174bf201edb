"""Errors of reading the metadata of a distribution."""

from puffin.errors import Cause, PuffinError
from puffin.stages.resolve.solve.universe import Unusable

OFFLINE_HINT = "run the command once without `--offline`, so that the cache has what it needs"


class MetadataNeedsBuild(PuffinError):
    """Only a build can tell the metadata of a source distribution, a project directory or a repository.

    ``kind`` names it with its article, such as ``a repository``. ``reason`` says why a build is needed.
    """

    stage = "resolve"
    kind: str
    reason: str

    def summary(self) -> str:
        return f"Failed to read the metadata of `{self.package}`: it is {self.kind} that has to be built for it"

    def details(self) -> tuple[str, ...]:
        return (f"It cannot be read without a build, because {self.reason}.",) if self.reason else ()


class NotWhole(Exception):
    """Only the whole file has the metadata, and it must not be downloaded whole."""


def unusable(package: str, reason: str, *causes: PuffinError) -> Unusable:
    """Return the error that rules out one distribution."""
    return Unusable(package=package, reason=reason, causes=causes)


def offline(package: str) -> Unusable:
    """Return the error for metadata that is not in the cache while the network is off."""
    reason = "its metadata is not in the cache, and the network is off"
    return Unusable(package=package, reason=reason, offline=True, hints=(OFFLINE_HINT,))


def unreadable(package: str, error: OSError) -> Unusable:
    """Return the error for a local file or directory that cannot be read."""
    text = f"{error.strerror or error}" + (f" (`{error.filename}`)" if error.filename else "")
    return Unusable(package=package, reason="it cannot be read", causes=(Cause(text=text),))
