"""Whose metadata is asked for, and what stands in for an answer that only a build can give."""

from puffin.stages.resolve.file_choice import IndexFile
from puffin.stages.resolve.metadata_errors import MetadataNeedsBuild
from puffin.stages.urls import inherit_credentials
from puffin.value import frozen


@frozen
class MetadataRequest:
    """One file whose metadata is asked for; ``package`` is it in the user's words, for messages.

    ``name`` (normalised) and ``version`` are what the metadata must say, where known. ``hashes`` are those
    demanded, of which one must match. ``whole`` tells whether it may be downloaded whole: not where it would not be
    installed anyway. ``subdirectory`` is where in a source distribution the project is.
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

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the hashes as ``download`` takes them: of each group one must match."""
        return tuple([group for group in (self.candidate.link.hashes, self.hashes) if group])


@frozen
class BuildSource:
    """What has to be built for its metadata: ``path`` is a source distribution or a directory on this machine.

    ``package`` is it in the user's words, ``name`` and ``version`` what is known of it (else empty).
    ``subdirectory`` is where in it the project is; ``url`` where it is from, credentials included.
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
    """The metadata is known only by building ``source``, because of ``reason``; ``place`` is its pinned requirement."""

    source: BuildSource
    reason: str
    kind: str = "a source distribution"
    place: object = None

    def error(self) -> MetadataNeedsBuild:
        """Return the error for whoever cannot build."""
        return MetadataNeedsBuild(package=self.source.package, kind=self.kind, reason=self.reason)
