"""The universe's own values: the handles that stand for distributions, and what it asks of builders."""

from typing import Protocol

from puffin.stages.resolve.file_choice import IndexFile
from puffin.stages.resolve.metadata_wanted import BuildSource
from puffin.stages.resolve.solve.universe import Metadata, Place
from puffin.value import frozen


@frozen
class Chosen:
    """The handle of one version of a package: what to install, and which file's metadata tells of it.

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
    """What a build answered: the bytes of METADATA, and the handle to install it by, None to keep the old one."""

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
        """Make sure that the repository which *place* names is on this machine, and return where."""
