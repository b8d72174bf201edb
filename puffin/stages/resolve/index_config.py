"""Which indexes and find-links a run looks at."""

import os

from puffin.errors import Cause, UsageError
from puffin.stages.urls import digest, file_path, file_url, is_file, mask, strip_credentials
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


_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def bare(url: str) -> str:
    """Return *url* without credentials and without fragment."""
    return strip_credentials(url.partition("#")[0])


def is_local(location: str) -> bool:
    """Return whether a location is on this machine: a path or a ``file:`` URL."""
    return is_file(location) or "://" not in location


def canonical(location: str) -> str:
    """Return the form of a URL, or of a local path, that stands for the place in digests."""
    if is_local(location):
        return file_url(local_path(location))
    scheme, mark, rest = bare(location).partition("://")
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme.lower(), "/"))
    return f"{scheme.lower()}{mark}{host}{(slash + path).rstrip('/')}"


def local_path(location: str) -> str:
    """Return the absolute path that a ``file:`` URL or a plain path names (:class:`UsageError` if none)."""
    try:
        path = file_path(location) if is_file(location) else os.path.expanduser(location)
    except ValueError as error:
        raise UsageError(text=f"Failed to use `{mask(location)}`", causes=(Cause(text=str(error)),)) from None
    if not path or "\0" in path:
        raise UsageError(text=f"`{mask(location)!r}` names no local file")
    return os.path.abspath(path)
