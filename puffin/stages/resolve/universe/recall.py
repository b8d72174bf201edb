"""Remembered resolutions: one with the same request and the same index pages is not computed again.

A resolution is a function of its request and of what indexes say. Its record names every index page that was looked
at, as the file that the cache has of it, and until when all of them are fresh; if one was replaced, is stale or is to
be refreshed, the record counts for nothing. What local places, URLs and repositories say is not remembered.

Index URLs may hold credentials. So a record has their places in the configuration instead, and takes no link that has
credentials of its own.
"""

from collections.abc import Iterable
from typing import Any

from puffin import depends
from puffin.artifact.urls import digest, mask, strip_credentials
from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.stages.resolve.index.config import Scope, is_local
from puffin.stages.resolve.index.page import FileLink
from puffin.stages.resolve.locate.file_choice import IndexFile
from puffin.stages.resolve.requirements.lenient import specifier
from puffin.stages.resolve.solve.check import Facts, broken_rules
from puffin.stages.resolve.solve.request import Parent, Resolution, Resolved, ResolveRequest
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import astuple, field_names, from_tuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.universe.index import IndexUniverse

_FORMAT = "resolution 2"


class Recall:
    """The record of one resolution, found by its *request* and *scope*."""

    def __init__(self, cache: Cache, request: "ResolveRequest", scope: "Scope") -> None:
        self._cache = cache
        self._request = request
        self._now = scope.now
        self._may_read = not scope.refresh and not scope.offline
        self._path = ""
        self._indexes = ("", *scope.config.every_index())
        if _is_remote(request, scope):
            plain = replace(scope, now=0.0, refresh=False, offline=False)
            key = digest(repr((_FORMAT, _canonical(request), _canonical(plain))))
            self._path = cache.path(Bucket.RESOLUTIONS, key)

    def find(self) -> Resolution | None:
        """Return the resolution, None where it has to be made, or one that was remembered breaks a rule."""
        data = read(self._path) if self._path and self._may_read else None
        value = frame.load(data) if data else None
        if not isinstance(value, tuple) or len(value) != 5 or value[0] != _FORMAT:
            return None
        _, until, pages, packages, rest = value
        if not self._now < until or not all(_stamp(path) == stamp for path, stamp in pages):
            return None
        depends.fresh(0.0, until)
        shown = [mask(each) for each in self._indexes]
        found = Resolution(
            packages=tuple([_resolved(row, self._indexes, shown) for row in packages]),
            warnings=rest[0],
            rounds=rest[1],
        )
        return None if broken_rules(self._request, found, _facts) else found

    def keep(self, resolution: Resolution, universe: "IndexUniverse") -> None:
        """Remember a resolution that was made, if it depends on nothing but index pages and hashed files."""
        seen = universe.evidence() if self._path else None
        if seen is None or not all(_is_plain(each) for each in resolution.packages):
            return
        paths, until = seen
        stamps = [(path, _stamp(path)) for path in paths]
        if self._now < until and all(stamp for _, stamp in stamps):
            packages = tuple([_row(each, self._indexes) for each in resolution.packages])
            value = (_FORMAT, until, tuple(stamps), packages, (resolution.warnings, resolution.rounds))
            try:
                publish_file(self._cache, self._path, frame.dump(value))
            except OSError:
                pass  # then the next run makes it again


def _is_remote(request: "ResolveRequest", scope: "Scope") -> bool:
    """Tell whether a request names nothing but packages of remote indexes."""
    indexes = scope.config.every_index()
    places = [*scope.config.find_links, *(index for index in indexes if is_local(index))]
    installed = any(each.installed is not None for each in request.preferences)
    return not places and not installed and not any(each.url for each in (*request.given, *request.reached))


def _is_plain(package: Resolved) -> bool:
    handle = package.handle
    if not isinstance(handle, Chosen):
        return False
    links = handle.metadata.link, handle.install.link
    return all(link.hashes and link.url == strip_credentials(link.url) for link in links)


def _facts(package: Resolved) -> Facts:
    """Return what the record has of a package, apart from the answer itself: the file that was chosen."""
    handle = package.handle
    assert isinstance(handle, Chosen)
    link = handle.install.link
    return Facts(requires_python=(specifier(link.requires_python),), hashes=link.hashes)


def _stamp(path: str) -> "tuple[int, ...]":
    facts = depends.stat_of(path)
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino) if facts else ()


def _canonical(value: "Any") -> "Any":
    """Return *value* in a form whose ``repr`` is the same in every process and with all credentials."""
    if isinstance(value, str):
        return strip_credentials(value)
    if isinstance(value, (frozenset, set)):
        return tuple(sorted(value))
    if hasattr(type(value), "__setters__"):
        return tuple([_canonical(each) for each in astuple(value)])
    if hasattr(value, "items"):
        return tuple(sorted((key, _canonical(each)) for key, each in value.items()))
    return tuple([_canonical(each) for each in value]) if isinstance(value, (tuple, list)) else value


def _row(package: Resolved, indexes: tuple[str, ...]) -> "tuple[Any, ...]":
    handle = package.handle
    assert isinstance(handle, Chosen)
    files = tuple([_file(each, indexes) for each in _distinct(handle)])
    fields = dict(zip(field_names(Resolved), astuple(package), strict=True))
    fields |= {
        "handle": (handle.name, handle.version, files),
        "via": (),
        "index": [mask(each) for each in indexes].index(package.index),
    }
    return (*fields.values(), tuple([astuple(each) for each in package.via]))


def _distinct(handle: Chosen) -> "Iterable[IndexFile]":
    return (handle.install,) if handle.install == handle.metadata else (handle.install, handle.metadata)


def _file(candidate: IndexFile, indexes: tuple[str, ...]) -> "tuple[Any, ...]":
    return (astuple(candidate.link), candidate.version, indexes.index(candidate.place), candidate.linked)


def _candidate(row: "tuple[Any, ...]", indexes: tuple[str, ...]) -> IndexFile:
    link, version, place, linked = row
    return IndexFile(link=from_tuple(FileLink, link), version=version, place=indexes[place], linked=linked)


def _resolved(row: "tuple[Any, ...]", indexes: tuple[str, ...], shown: list[str]) -> Resolved:
    *fields, via = row
    plain = from_tuple(Resolved, fields)
    stored: Any = plain.handle
    number: Any = plain.index
    name, version, files = stored
    candidates = [_candidate(each, indexes) for each in files]
    handle = Chosen(name=name, version=version, install=candidates[0], metadata=candidates[-1])
    return replace(
        plain, index=shown[number], handle=handle, via=tuple([from_tuple(Parent, each) for each in via])
    )
