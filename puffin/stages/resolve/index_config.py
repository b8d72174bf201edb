"""Which indexes and find-links a run looks at."""

from puffin.stages.resolve.index_url import canonical
from puffin.stages.urls import digest
from puffin.value import frozen

FIRST_INDEX = "first-index"
FIRST_MATCH = "unsafe-first-match"
BEST_MATCH = "unsafe-best-match"
STRATEGIES = (FIRST_INDEX, FIRST_MATCH, BEST_MATCH)


@frozen
class NamedIndex:
    """An index with a name. ``packages`` are patterns (``acme-*``) of the names it alone is asked for.

    An ``explicit`` one is asked for nothing else, and neither is a ``default`` one by way of its name: it is
    the default index already, unless another took its place.
    """

    name: str
    url: str
    packages: tuple[str, ...] = ()
    explicit: bool = False
    default: bool = False

    def claims(self, package: str) -> bool:
        """Tell whether one of the patterns fits the normalised name of a package."""
        if not self.packages:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(package, pattern.lower().replace("_", "-")) for pattern in self.packages)


@frozen
class IndexConfig:
    """The places wheels may come from, in the words of the command line.

    ``index_url`` is the default index, empty under ``--no-index``. ``find_links`` are directories, HTML
    pages or archives: paths, ``file:`` or ``http(s):`` URLs. Credentials may stand in all URLs.
    ``strategy`` is one of :data:`STRATEGIES`. With ``first-index`` the first index that has a name is the only one
    used for it, so that nobody can slip in a higher version of a private package by way of a public index.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    strategy: str = FIRST_INDEX
    named: tuple[NamedIndex, ...] = ()

    def indexes(self) -> tuple[str, ...]:
        """Return the URLs of the indexes for any package, the first to be asked first: the default comes last."""
        named = [each.url for each in self.named if not each.explicit and not each.default]
        urls = (*named, *self.extra_index_urls, self.index_url)
        return tuple(dict.fromkeys(url for url in urls if url))

    def for_package(self, name: str) -> tuple[str, ...]:
        """Return the URLs of the indexes for a package by its normalised name: those that claim it, else all."""
        if not self.named:
            return self.indexes()
        claiming = dict.fromkeys(each.url for each in self.named if each.claims(name))
        return tuple(claiming) or self.indexes()

    def digest(self) -> str:
        """Return 16 hexadecimal digits that stand for this configuration, whatever the credentials in it."""
        places = [f"index {canonical(url)}" for url in self.indexes()]
        places += [f"links {canonical(place)}" for place in self.find_links]
        places += [
            f"{' '.join(each.packages)} only {canonical(each.url)}" for each in self.named if each.packages
        ]
        return digest("\n".join((self.strategy, *places)))
