"""Errors of indexes, index pages and find-links places."""

from collections.abc import Iterable

from puffin.artifact.urls import mask
from puffin.errors import TEMPORARY, USAGE, PuffinError
from puffin.names import in_sentence


def on_several(found: "Iterable[tuple[str, Iterable[str]]]") -> tuple[str, ...]:
    """Return warnings about packages that are on several indexes: one warning for each set of indexes.

    *found* are pairs of a package name and index URLs; credentials in the URLs are masked here.
    """
    names: dict[tuple[str, ...], dict[str, None]] = {}
    for name, indexes in found:
        names.setdefault(tuple(indexes), {})[name] = None
    return tuple([_on_several(list(same), indexes) for indexes, same in names.items()])


def _on_several(names: "list[str]", indexes: tuple[str, ...]) -> str:
    places = ", ".join(f"`{mask(index)}`" for index in indexes)
    verb = "is" if len(names) == 1 else "are"
    return f"{few_names(names)} {verb} on several indexes: {places}; only the first of them is used"


def few_names(names: "list[str]") -> str:
    """Return names in a sentence: the first few, and how many more there are."""
    return in_sentence([f"`{name}`" for name in names], most=3)


class IndexFailure(PuffinError):
    """Base of the errors below: an index gave no usable answer. Credentials in URL fields are masked."""


class PageUnreadable(IndexFailure):
    """An answer of an index is neither a JSON page of PEP 691 nor an HTML page of PEP 503."""

    url: str
    content_type: str

    def summary(self) -> str:
        kind = f"`{self.content_type}`" if self.content_type else "no content type"
        return f"Failed to read `{self.url}` as a page of a package index ({kind})"


class UnknownApiVersion(IndexFailure):
    """The index speaks a later major version of the simple interface (PEP 629)."""

    sentence = "`{url}` uses version {version} of the simple interface; puffin knows version 1"
    url: str
    version: str


class IndexAnswered(IndexFailure):
    """The index answered with a status that is neither a page nor "not found"."""

    sentence = "Failed to fetch `{url}`: the index answered with status {status}"
    url: str
    status: int


class IndexRefused(IndexAnswered):
    """The index asks for credentials, or refuses those that were sent (401, 403)."""

    sentence = "The index refused `{url}` with status {status}"


class IndexUnavailable(IndexAnswered):
    """The index may answer later (429, 5xx)."""

    exit_code = TEMPORARY


class NotInCache(IndexFailure):
    """The network is off and the index page of a package has never been fetched."""

    sentence = "The page of `{package}` on `{index}` was not found in the cache, and the network is off"
    index: str


class PlaceMissing(IndexFailure):
    """A local directory or page, named as an index or in ``--find-links``, cannot be read."""

    exit_code = USAGE
    sentence = "Failed to read the {kind} `{path}`"
    kind: str
    path: str
