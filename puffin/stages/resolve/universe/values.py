"""Values of the universe: the handles of distributions, and the interfaces to builds and version control."""

from collections.abc import Callable, Iterable, Mapping

from puffin.stages.resolve.index.page import IndexFile
from puffin.stages.resolve.metadata.wanted import BuildSource, MetadataRequest
from puffin.stages.resolve.solve.universe import Metadata, Place, Release
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


@frozen
class Chosen:
    """The handle of one version of a package: the file to install, and the file whose metadata is read.

    ``install`` is a wheel that fits, else a source distribution. ``metadata`` is the same file, or, for a
    source distribution, a wheel of the same version that does not fit here. ``name`` is normalised.
    """

    name: str
    version: str
    install: IndexFile
    metadata: IndexFile

    def request(self, hashes: tuple[str, ...], file: IndexFile | None = None) -> MetadataRequest:
        """Return the request for the metadata in *file*, by default ``metadata``; *hashes* are demanded ones."""
        file = file or self.metadata
        return MetadataRequest(
            package=f"{self.name}=={self.version}",
            candidate=file,
            name=self.name,
            version=self.version,
            hashes=hashes if file is self.install else (),
            whole=file is self.install,
        )


@frozen
class LookedAt:
    """What was read of one package: its pages (see :meth:`Pages.validity`), versions, and metadata by version."""

    pages: tuple[tuple[str, float, int], ...]
    releases: "Iterable[Release]"
    metadata: "Mapping[str, Metadata]"


@frozen
class InstalledDistribution:
    """The handle of what is installed: ``path`` is its ``.dist-info`` or ``.egg-info`` (a directory or a file)."""

    name: str
    version: str
    path: str


@frozen
class Built:
    """The answer of a build: the bytes of METADATA, and the handle to install by (None keeps the old one)."""

    metadata: bytes
    source: object = None


@frozen
class CheckedOut:
    """A repository at one commit: ``path`` is its directory, ``place`` the requirement with the commit in its URL.

    ``placed`` returns the requirements of the project with the places that its own tables name.
    """

    path: str
    place: "Place"
    placed: "Callable[[tuple[str, ...]], tuple[str, ...]] | None" = None


Builder = Callable[[BuildSource], "Built | Metadata"]
"""The seam to the build stage, called from the thread that asks for metadata; raises what went wrong with the build."""


class BegunBuild(Protocol):
    """A build that goes on elsewhere."""

    @property
    def done(self) -> bool:
        """Whether :meth:`result` answers at once."""

    def result(self) -> "Built | Metadata":
        """Wait, and return what a :data:`Builder` returns or raise what it raises."""

    def drop(self) -> None:
        """Give it up, if it did not start."""


BeginBuild = Callable[[BuildSource], "BegunBuild | None"]
"""The seam for builds ahead of need; None for what is built here and now, by the :data:`Builder`."""
Checkout = Callable[[Place], CheckedOut]
"""The seam to version control: it checks the repository of a place out."""
