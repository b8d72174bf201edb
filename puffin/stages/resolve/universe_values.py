"""The universe's own values: the handles that stand for distributions, and what it asks of builders."""

from puffin.stages.resolve.locate_choose import Candidate
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from puffin.stages.resolve.solve.universe import Metadata, Place
else:
    Protocol = object


@frozen
class Chosen:
    """The handle of one version of a package: what to install, and which file's metadata tells of it.

    ``install`` is a wheel that fits, else a source distribution. ``metadata`` is the same file, or, for a
    source distribution, a wheel of the same version that does not fit here. ``name`` is normalised.
    """

    name: str
    version: str
    install: Candidate
    metadata: Candidate


@frozen
class InstalledDistribution:
    """The handle of what is installed: ``path`` is its ``.dist-info`` or ``.egg-info`` (a directory or a file)."""

    name: str
    version: str
    path: str


@frozen
class Source:
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

    def __call__(self, source: Source) -> "Built | Metadata":
        """Return the metadata of *source*; raises what went wrong with the build."""


class Checkout(Protocol):
    """The seam to version control."""

    def __call__(self, place: "Place") -> CheckedOut:
        """Make sure that the repository which *place* names is on this machine, and return where."""
