"""The indexes, find-links places and files that a run may use, and the spellings of one place."""

import os

from puffin import depends
from puffin.artifact.urls import digest, file_path, file_url, is_file_url, mask, strip_credentials
from puffin.cache.layout import Bucket, Cache
from puffin.errors import Cause, UsageError
from puffin.types import Collection, Mapping
from puffin.value import frozen

FIRST_INDEX = "first-index"
FIRST_MATCH = "unsafe-first-match"
BEST_MATCH = "unsafe-best-match"
STRATEGIES = (FIRST_INDEX, FIRST_MATCH, BEST_MATCH)
ALL = ":all:"


@frozen
class NamedIndex:
    """An index with a name.

    ``packages`` are patterns of package names, such as ``acme-*``: for these packages only this index is used. An
    ``explicit`` index is used for no others. A ``default`` one is used for others only in its place as the default
    index, if no option replaced it.
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
    """The places that distributions may come from. All URLs may contain credentials.

    ``index_url`` is the default index, empty under ``--no-index``. ``find_links`` are directories, HTML pages or
    archives: paths, ``file:`` or ``http(s):`` URLs. ``strategy`` is one of :data:`STRATEGIES`. With ``first-index``
    only the first index that has a package is used for it. So nobody can replace a private package by a higher
    version on a public index. ``pinned`` are packages with the URL of the only index for each.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    strategy: str = FIRST_INDEX
    named: tuple[NamedIndex, ...] = ()
    pinned: tuple[tuple[str, str], ...] = ()

    def indexes(self) -> tuple[str, ...]:
        """Return the URLs of the indexes for any package, in the order of use; the default index is the last."""
        named = [each.url for each in self.named if not each.explicit and not each.default]
        urls = (*named, *self.extra_index_urls, self.index_url)
        return tuple(dict.fromkeys(url for url in urls if url))

    def for_package(self, name: str) -> tuple[str, ...]:
        """Return the URLs of the indexes for a package (its name normalised): those that claim it, else all."""
        own = [url for pinned, url in self.pinned if pinned == name]
        if own:
            return tuple(own)
        if not self.named:
            return self.indexes()
        claiming = dict.fromkeys(each.url for each in self.named if each.claims(name))
        return tuple(claiming) or self.indexes()

    def every_index(self) -> tuple[str, ...]:
        """Return the URLs of all indexes, also of those for some packages only."""
        return (*self.indexes(), *[each.url for each in self.named], *[url for _, url in self.pinned])

    def digest(self) -> str:
        """Return 16 hexadecimal digits that identify this configuration; credentials do not change them."""
        places = [f"index {canonical(url)}" for url in self.indexes()]
        places += [f"links {canonical(place)}" for place in self.find_links]
        places += [
            f"{' '.join(each.packages)} only {canonical(each.url)}" for each in self.named if each.packages
        ]
        places += [f"{name} only {canonical(url)}" for name, url in self.pinned]
        return digest("\n".join((self.strategy, *places)))


@frozen
class FilePolicy:
    """Which kinds of files may be used: normalised names or :data:`ALL`, as `--no-binary` etc. give them.

    ``no_build`` forbids source distributions just as ``only_binary`` does.
    """

    no_binary: frozenset[str] = frozenset()
    only_binary: frozenset[str] = frozenset()
    no_build: frozenset[str] = frozenset()

    def wheels(self, name: str) -> bool:
        """Return whether wheels of the package may be used."""
        if name in self.only_binary:
            return True
        return name not in self.no_binary and ALL not in self.no_binary

    def sdists(self, name: str) -> bool:
        """Return whether source distributions of the package may be used."""
        if ALL in self.no_build or name in self.no_build or name in self.only_binary:
            return False
        return ALL not in self.only_binary or name in self.no_binary


ANY_FILES = FilePolicy()


@frozen
class Scope:
    """What decides which files a run may use.

    ``tags`` (best first) and ``python_version`` (full, such as ``3.12.1``) are those of the target. ``hashes`` are
    the demanded ones by normalised name. ``exclude_newer`` is a time or a date (ISO 8601). ``refresh`` is True, or
    the normalised names whose cached pages and metadata are not used. ``now`` is in seconds since the epoch.
    """

    config: IndexConfig
    tags: tuple[str, ...]
    python_version: str
    now: float
    files: FilePolicy = FilePolicy()
    hashes: "Mapping[str, tuple[str, ...]]" = {}
    exclude_newer: str = ""
    refresh: "bool | Collection[str]" = False
    offline: bool = False

    def refreshes(self, name: str) -> bool:
        """Tell whether what the cache has of a package is not used."""
        return self.refresh if isinstance(self.refresh, bool) else name in self.refresh

    def trusts(self, name: str, since: float, lasts: float) -> bool:
        """Tell whether a page of a package that was fetched *since* may be used, and note until when.

        Offline, any page may be used. Otherwise a page may be used until it is *lasts* seconds old.
        """
        if self.offline:
            return True
        if self.refreshes(name) or not may_be_used(since, lasts, self.now):
            return False
        depends.fresh(since, since + lasts)
        return True


def may_be_used(since: float, lasts: float, now: float) -> bool:
    """Tell whether a page that was fetched *since* is still usable *now* if it *lasts* so many seconds."""
    return 0 <= now - since < lasts


def with_credentials(name: str, url: str, environ: "Mapping[str, str]") -> str:
    """Return the URL of a named index with the user and the password that variables give for it."""
    plain = "".join([letter if letter.isalnum() else "_" for letter in name]).upper()
    user, password = [
        environ.get(f"PUFFIN_INDEX_{plain}_{part}") or environ.get(f"UV_INDEX_{plain}_{part}", "")
        for part in ("USERNAME", "PASSWORD")
    ]
    scheme, mark, rest = url.partition("://")
    if not plain or not (user or password) or not mark or "@" in rest.partition("/")[0]:
        return url
    from urllib.parse import quote

    secret = f":{quote(password, safe='')}" if password else ""
    return f"{scheme}://{quote(user, safe='')}{secret}@{rest}"


_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def page_path(cache: Cache, index: str, name: str) -> str:
    """Return the path in the cache of the page of a project (its name normalised)."""
    return cache.path(Bucket.SIMPLE, digest(canonical(index)), name)


def bare(url: str) -> str:
    """Return *url* without credentials and without fragment."""
    return strip_credentials(url.partition("#")[0])


def is_local(location: str) -> bool:
    """Return whether a location is on this machine: a path or a ``file:`` URL."""
    return is_file_url(location) or "://" not in location


def canonical(location: str) -> str:
    """Return the form of a URL or local path that is the same for all spellings of one place."""
    if is_local(location):
        return file_url(local_path(location))
    scheme, mark, rest = bare(location).partition("://")
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme.lower(), "/"))
    return f"{scheme.lower()}{mark}{host}{(slash + path).rstrip('/')}"


def local_path(location: str) -> str:
    """Return the absolute path of a ``file:`` URL or a plain path; raises :class:`UsageError` if it has none."""
    try:
        path = file_path(location) if is_file_url(location) else os.path.expanduser(location)
    except ValueError as error:
        raise UsageError(text=f"Failed to use `{mask(location)}`", causes=(Cause(text=str(error)),)) from None
    if not path or "\0" in path:
        raise UsageError(text=f"`{mask(location)!r}` is not the URL of a local file")
    return os.path.abspath(path)
