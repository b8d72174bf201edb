"""Which indexes and find-links a run looks at."""

from puffin.stages.resolve.index_url import canonical
from puffin.stages.urls import digest
from puffin.value import frozen

FIRST_INDEX = "first-index"


@frozen
class IndexConfig:
    """The places wheels may come from, in the words of the command line.

    ``index_url`` is the default index, empty under ``--no-index``. ``find_links`` are directories, HTML
    pages or archives: paths, ``file:`` or ``http(s):`` URLs. Credentials may stand in all URLs.
    ``strategy`` is ``first-index``: the first index that has a name is the only one used for it, so that
    nobody can slip in a higher version of a private package by way of a public index.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    strategy: str = FIRST_INDEX

    def indexes(self) -> tuple[str, ...]:
        """Return the URLs of the indexes, the first to be asked first: the default one comes last."""
        urls = (*self.extra_index_urls, self.index_url)
        return tuple(dict.fromkeys(url for url in urls if url))

    def digest(self) -> str:
        """Return 16 hexadecimal digits that stand for this configuration, whatever the credentials in it."""
        places = [f"index {canonical(url)}" for url in self.indexes()]
        places += [f"links {canonical(place)}" for place in self.find_links]
        return digest("\n".join((self.strategy, *places)))
