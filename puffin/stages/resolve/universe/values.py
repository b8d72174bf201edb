"""Values of the universe: the handles of distributions, and the interfaces to builds and version control."""

from typing import Protocol

from puffin.stages.resolve.locate.file_choice import IndexFile
from puffin.stages.resolve.metadata.wanted import BuildSource
from puffin.stages.resolve.solve.universe import Metadata, Place
from puffin.value import frozen


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
    """A repository at one commit: ``path`` is its directory, ``place`` the requirement with the commit in its URL."""

    path: str
    place: "Place"


class Builder(Protocol):
    """The seam to the build stage. It is called from the thread that asks for the metadata."""

    def __call__(self, source: BuildSource) -> "Built | Metadata":
        """Return the metadata of *source*; raises what went wrong with the build."""


class Checkout(Protocol):
    """The seam to version control."""

    def __call__(self, place: "Place") -> CheckedOut:
        """Check out the repository of *place*, and return where it is."""
