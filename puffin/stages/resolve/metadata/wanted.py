"""Requests for metadata, and the answer that a build is needed."""

from collections.abc import Callable

from puffin.artifact.urls import inherit_credentials
from puffin.errors import Cause, PuffinError
from puffin.stages.resolve.index.page import IndexFile
from puffin.stages.resolve.solve.request import hash_verdict
from puffin.stages.resolve.solve.universe import OFFLINE_HINT, Unusable
from puffin.value import frozen


class MetadataNeedsBuild(PuffinError):
    """Only a build can tell the metadata of a source distribution, a project directory or a repository.

    ``kind`` names it with its article, such as ``a repository``. ``reason`` says why a build is needed.
    """

    sentence = "Failed to read the metadata of `{package}`: it is {kind} that has to be built for it"
    kind: str
    reason: str

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


@frozen
class MetadataRequest:
    """A request for the metadata of one file; ``package`` is the user's text for it, for messages.

    ``name`` (normalised) and ``version`` are what the metadata must have, empty if unknown. One of ``hashes`` must
    match, if there are any. ``whole`` tells whether the file may be downloaded whole; a file that would not be
    installed may not. ``subdirectory`` is the path of the project in a source distribution.
    """

    package: str
    candidate: IndexFile
    name: str = ""
    version: str = ""
    hashes: tuple[str, ...] = ()
    whole: bool = True
    subdirectory: str = ""

    @property
    def url(self) -> str:
        """Where the file is, with the credentials of the index that lists it."""
        return inherit_credentials(self.candidate.link.url, self.candidate.place)

    @property
    def unvouched(self) -> bool:
        """Whether hashes are demanded that no index says the file has: then it is checked before it is believed."""
        if not self.candidate.place:
            return bool(self.groups())
        return bool(self.hashes) and hash_verdict(self.candidate.link.hashes, self.hashes) is None

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the hashes as ``download`` takes them: of each group one must match."""
        return tuple([group for group in (self.candidate.link.hashes, self.hashes) if group])


@frozen
class BuildSource:
    """A source that must be built for its metadata: ``path`` is a local source distribution or directory.

    ``package`` is the user's text for it. ``name`` and ``version`` are empty if unknown. ``subdirectory`` is the path
    of the project in it. ``url`` is where it is from, with credentials.
    """

    package: str
    path: str
    name: str = ""
    version: str = ""
    subdirectory: str = ""
    url: str = ""
    editable: bool = False
    config_settings: tuple[tuple[str, str], ...] = ()


@frozen
class Unbuilt:
    """The metadata needs a build of ``source``, because of ``reason``; ``place`` is its pinned requirement.

    ``placed`` is that of the repository (:class:`~puffin.stages.resolve.universe.values.CheckedOut`).
    """

    source: BuildSource
    reason: str
    kind: str = "a source distribution"
    place: object = None
    placed: "Callable[[tuple[str, ...]], tuple[str, ...]] | None" = None

    def error(self) -> MetadataNeedsBuild:
        return MetadataNeedsBuild(package=self.source.package, kind=self.kind, reason=self.reason)
