"""What can be wrong with an index, a page of it, or a find-links place."""

from puffin.errors import TEMPORARY, USAGE, PuffinError
from puffin.stages.urls import mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def on_several(name: str, indexes: "Iterable[str]") -> str:
    """Return the warning about a package that several indexes have (URLs, masked here)."""
    shown = ", ".join(f"`{mask(index)}`" for index in indexes)
    return f"`{name}` is on several indexes: {shown}; only the first of them is used"


class IndexFailure(PuffinError):
    """Root of the errors below: an index gave no usable answer. URLs in the fields are masked."""

    stage = "resolve"


class PageUnreadable(IndexFailure):
    """An answer of an index is neither a JSON page of PEP 691 nor an HTML page of PEP 503."""

    url: str
    content_type: str

    def summary(self) -> str:
        """Return the first line."""
        kind = f"`{self.content_type}`" if self.content_type else "no content type"
        return f"Failed to read `{self.url}` as a page of a package index ({kind})"


class UnknownApiVersion(IndexFailure):
    """The index speaks a later major version of the simple interface (PEP 629)."""

    url: str
    version: str

    def summary(self) -> str:
        """Return the first line."""
        return f"`{self.url}` uses version {self.version} of the simple interface; puffin knows version 1"


class IndexAnswered(IndexFailure):
    """The index answered with a status that is neither a page nor "not found"."""

    url: str
    status: int

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to fetch `{self.url}`: the index answered with status {self.status}"


class IndexRefused(IndexAnswered):
    """The index wants credentials, or other ones (401, 403)."""

    def summary(self) -> str:
        """Return the first line."""
        return f"The index refused `{self.url}` with status {self.status}"


class IndexUnavailable(IndexAnswered):
    """The index has trouble that may pass (429, 5xx)."""

    exit_code = TEMPORARY


class NotInCache(IndexFailure):
    """The network is off and the index page of a package has never been fetched."""

    index: str

    def summary(self) -> str:
        """Return the first line."""
        return (
            f"The page of `{self.package}` on `{self.index}` was not found in the cache, and the network is off"
        )


class PlaceMissing(IndexFailure):
    """A local directory or page, named as an index or in ``--find-links``, cannot be read."""

    exit_code = USAGE
    kind: str
    path: str

    def summary(self) -> str:
        """Return the first line."""
        return f"Failed to read the {self.kind} `{self.path}`"
