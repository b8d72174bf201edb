"""What former resolutions read of a universe, kept as one file that loads at once.

A universe is all that indexes offer to one scope: index URLs, tags, the Python, kinds of files, ``exclude-newer``. Its
file has a record of each package that was looked at: its versions, what is known of those that were considered, and
their metadata. A record holds while every page that it came from is the same file in the cache and may still be used
(``Scope.trusts``). What has no record is asked of the universe behind, which is made for the first such question.

The file also has what was found out about texts (``requirements.texts``), and the latest answers. An answer counts for
the same request, while all records that it was made of hold; the final check looks at it as at any other.

What places, URLs and repositories say is not kept.
Index URLs may hold credentials. So records have places in the configuration instead, and no link with credentials.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from packaging import __version__ as packaging_version

from puffin import __version__, depends
from puffin.artifact.urls import digest, mask, strip_credentials
from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.stages.resolve.index.config import Scope, is_local, page_path
from puffin.stages.resolve.index.errors import few_names, on_several
from puffin.stages.resolve.index.page import FileLink, IndexFile
from puffin.stages.resolve.requirements.texts import memory, remind
from puffin.stages.resolve.solve.request import Resolution, ResolveRequest
from puffin.stages.resolve.solve.universe import Metadata, Offer, Release
from puffin.stages.resolve.universe.values import Chosen
from puffin.types import Any, TracebackType
from puffin.value import astuple, from_tuple, frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.universe.index import IndexUniverse

_FORMAT = f"universe 4 of {__version__} with {packaging_version}"
_MOST = 3000  # packages; then what this run did not use is left out
_ANSWERS = 8

Stamp = tuple[int, ...]


@frozen
class PackageRecord:
    """What is kept of one package.

    ``pages`` are those that it came from: place of the index, time of the fetch, seconds that it lasts, stamp of the
    file. ``hashes`` were demanded. ``masks``, ``releases`` and ``metadata`` grow as more is looked at; the other fields
    are those of ``Offer``.
    """

    pages: tuple[tuple[int, float, int, Stamp], ...]
    hashes: tuple[str, ...]
    versions: tuple[str, ...]
    newer: tuple[str, ...]
    undated: frozenset[str]
    groups: tuple[int, ...]
    masks: "dict[str, int]"
    releases: "dict[str, tuple[Any, ...]]"
    metadata: "dict[str, tuple[Any, ...]]"


class KeptRecords:
    """The file of one universe."""

    def __init__(self, cache: Cache, scope: Scope) -> None:
        config = scope.config
        self._cache = cache
        self._scope = scope
        self._indexes = ("", *config.every_index())
        self._shown = [mask(each) for each in self._indexes]
        self._homes: dict[int, str] = {}
        self._held: dict[str, PackageRecord | None] = {}
        name = scope_name(scope)
        self._path = cache.path(Bucket.RESOLUTIONS, name) if name else ""
        self._packages: dict[str, tuple[Any, ...]] = {}
        self._answers: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
        if self._path:
            self._load(read(self._path))

    def _load(self, data: bytes | None) -> None:
        value = frame.load(data) if data else None
        if isinstance(value, tuple) and len(value) == 4 and value[0] == _FORMAT:
            _, self._packages, self._answers, texts = value
            remind(texts)

    def record(self, name: str) -> PackageRecord | None:
        """Return the record of a package, None if there is none that holds."""
        if name not in self._held:
            row = self._packages.get(name)
            found = None if row is None else from_tuple(PackageRecord, row)
            self._held[name] = found if found is not None and self._holds(name, found) else None
        return self._held[name]

    def _holds(self, name: str, record: PackageRecord) -> bool:
        return record.hashes == self._scope.hashes.get(name, ()) and all(
            self._scope.trusts(name, since, lasts) and self._stamp(index, name) == stamp
            for index, since, lasts, stamp in record.pages
        )

    def _stamp(self, index: int, name: str) -> Stamp:
        if index not in self._homes:
            self._homes[index] = page_path(self._cache, self._indexes[index], "")
        path = self._cache.find(f"{self._homes[index]}{name}")
        facts = depends.stat_of(path)
        return (facts.st_mtime_ns, facts.st_size, facts.st_ino) if facts else ()

    def release(self, name: str, version: str, row: "tuple[Any, ...]") -> Release:
        """Return what :meth:`row` made of a version of a package."""
        files, index, *fields = row
        found = [self._candidate(each) for each in files]
        handle = Chosen(name=name, version=version, install=found[0], metadata=found[-1]) if found else None
        return from_tuple(Release, (version, handle, *fields, self._shown[index]))

    def _candidate(self, row: "tuple[Any, ...]") -> IndexFile:
        link, text, place = row
        return IndexFile(link=from_tuple(FileLink, link), version=text, place=self._indexes[place])

    def row(self, release: Release) -> "tuple[Any, ...] | None":
        """Return the wire form of what is known of a version; None if a link has credentials."""
        handle = release.handle
        files: tuple[IndexFile, ...] = ()
        if isinstance(handle, Chosen):
            files = (handle.install,) if is_direct(handle) else (handle.install, handle.metadata)
        if any(each.link.url != strip_credentials(each.link.url) for each in files):
            return None
        rows = tuple([(astuple(each.link), each.version, self._indexes.index(each.place)) for each in files])
        _, _, *fields, index = astuple(release)
        return rows, self._shown.index(index), *fields

    def begin(self, name: str, pages: "Iterable[tuple[str, float, int]]", offer: Offer) -> PackageRecord | None:
        """Return a record of a package by what its *pages* (index, time, seconds) offer; None if it may not be kept."""
        places = [(self._indexes.index(index), since, lasts) for index, since, lasts in pages]
        stamped = tuple([(*each, self._stamp(each[0], name)) for each in places])
        if offer.missing or not self._path or not stamped or not all(stamp for *_, stamp in stamped):
            return None
        made = PackageRecord(
            pages=stamped,
            hashes=self._scope.hashes.get(name, ()),
            versions=offer.versions,
            newer=offer.newer,
            undated=offer.undated,
            groups=offer.groups,
            masks=offer.masks or {},
            releases={},
            metadata={},
        )
        fresh = all(self._scope.trusts(name, since, lasts) for _, since, lasts in places)
        self._held[name] = made if fresh else None
        return self._held[name]

    def answer(self, key: str) -> "Mapping[str, str] | None":
        """Return the versions that the same request had, if all that they were chosen from is the same."""
        names, chosen = self._answers.get(key, ((), {}))
        return chosen if names and all(self.record(name) for name in names) else None

    def keep(self, key: str, used: tuple[str, ...], chosen: dict[str, str]) -> None:
        """Write the file, with the versions *chosen* for a request, if any: records of all packages *used* hold."""
        held = {name: astuple(each) for name, each in self._held.items() if each is not None}
        if len(self._packages) + len(held) < _MOST:
            held = {**self._packages, **held}
        answers = {own: each for own, each in self._answers.items() if own != key}
        if chosen:
            answers[key] = (used, chosen)
        self._answers = latest = dict(list(answers.items())[-_ANSWERS:])
        try:
            publish_file(self._cache, self._path, frame.dump((_FORMAT, held, latest, memory())))
        except (OSError, ValueError):
            pass  # then the next run reads the pages again


class KeptUniverse:
    """A :class:`~puffin.stages.resolve.solve.universe.Universe`: records first, then the universe behind them.

    A context manager, which closes what *opened* returned, if that was called.
    """

    def __init__(self, cache: Cache, scope: Scope, opened: "Callable[[], IndexUniverse]") -> None:
        self._records = KeptRecords(cache, scope)
        self._scope = scope
        self._open = opened
        self._universe: IndexUniverse | None = None
        self._offers: dict[str, Offer] = {}
        self._known: dict[tuple[str, str], Metadata] = {}

    def __enter__(self) -> "KeptUniverse":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._universe is not None:
            self._universe.__exit__(kind, error, trace)

    def close(self) -> None:
        """End what asks indexes."""
        self.__exit__(None, None, None)

    @property
    def _behind(self) -> "IndexUniverse":
        if self._universe is None:
            self._universe = self._open()
        return self._universe

    def versions(self, name: str) -> Offer:
        """Return all versions of a package by its normalised name."""
        if name not in self._offers:
            record = self._records.record(name)
            self._offers[name] = self._behind.versions(name) if record is None else self._kept(name, record)
        return self._offers[name]

    def _kept(self, name: str, record: PackageRecord) -> Offer:
        def release(version: str) -> Release:
            row = record.releases.get(version)
            if row is None:
                return self._behind.versions(name).release(version)
            return self._records.release(name, version, row)

        return Offer(
            name=name,
            versions=record.versions,
            release=release,
            groups=record.groups,
            newer=record.newer,
            undated=record.undated,
            elsewhere=_Elsewhere(lambda: self._behind.versions(name)),
            masks=record.masks,
        )

    def metadata(self, handle: object) -> Metadata:
        """Return the metadata of a handle; raises what :meth:`IndexUniverse.metadata` raises."""
        found = self._recorded(handle)
        return self._behind.metadata(handle) if found is None else found

    def _recorded(self, handle: object) -> Metadata | None:
        if not isinstance(handle, Chosen):
            return None
        key = (handle.name, handle.version)
        if key not in self._known:
            record = self._records.record(handle.name) if is_lasting(handle) else None
            row = record.metadata.get(handle.version) if record else None
            if row is None:
                return None
            self._known[key] = from_tuple(Metadata, (*row, None))
        return self._known[key]

    def needs_build(self, handle: object) -> bool:
        """Tell whether the metadata of a handle takes a build, or took one; see :meth:`IndexUniverse.needs_build`."""
        found = self._recorded(handle)
        return self._behind.needs_build(handle) if found is None else found.built

    def expect(self, names: "Iterable[str]") -> None:
        """Have the pages of packages without a record fetched."""
        if unknown := [name for name in names if self._records.record(name) is None]:
            self._behind.expect(unknown)

    @property
    def asks(self) -> bool:
        """Whether anything was not in the records so far."""
        return self._universe is not None

    def knows(self, name: str) -> bool | None:
        """Tell whether :meth:`versions` would answer now; None if one had to wait."""
        return self._records.record(name) is not None or self._behind.knows(name)

    def knows_metadata(self, handle: object) -> bool | None:
        """Tell whether :meth:`metadata` would answer now; None if one had to wait."""
        return self._recorded(handle) is not None or self._behind.knows_metadata(handle)

    def news(self, *, wait: bool) -> bool:
        """Take in what has come, or *wait* for it; False if none is to come, or nobody can wait for all of it."""
        return self._universe is not None and self._universe.news(wait=wait)

    def came(self) -> "Iterable[str]":
        """Return the packages of which something has come since the last call."""
        return () if self._universe is None else self._universe.came()

    def expect_metadata(self, handles: "Iterable[object]") -> None:
        """Have metadata without a record fetched."""
        if unknown := [each for each in handles if self._recorded(each) is None]:
            self._behind.expect_metadata(unknown)

    def confirm(self, handles: "Iterable[object]", *, build: bool) -> bool:
        """Read the metadata of source distributions from themselves; see :meth:`IndexUniverse.confirm`."""
        unsure = [each for each in handles if isinstance(each, Chosen) and not is_direct(each)]
        return bool(unsure) and self._behind.confirm(unsure, build=build)

    def files(self, handle: Chosen) -> "tuple[IndexFile, ...]":
        """Return every file of a version, fitting or not."""
        return self._behind.files(handle)

    def ambiguities(self, names: "Iterable[str]") -> tuple[str, ...]:
        """Return warnings about packages on several indexes, of which only the first was used, and undated versions."""
        offers = [self._offers[name] for name in names if name in self._offers]
        several = [each.name for each in offers if len(self._scope.config.for_package(each.name)) > 1]
        found = on_several(self._behind.others(several).items()) if several else ()
        return (*found, *hidden_undated([each.name for each in offers if each.undated]))

    def answer(self, request: ResolveRequest) -> "Mapping[str, str] | None":
        """Return the versions that the same request had; see :meth:`KeptRecords.answer`."""
        return self._records.answer(_key(request)) if _is_remote(request) else None

    def keep(self, request: ResolveRequest, resolution: Resolution) -> None:
        """Keep what was read for a resolution, and what came of it."""
        key = _key(request)
        taken = [name for name in self._offers if self._take(name)] if self._universe is not None else []
        chosen = {each.name: each.version for each in resolution.packages}
        whole = _is_remote(request) and all(self._records.record(name) for name in self._offers)
        if not whole or not all(self._has_metadata(*each) for each in chosen.items()):
            chosen = {}
        if taken or (chosen and self._records.answer(key) != chosen):
            self._records.keep(key, tuple(self._offers), chosen)

    def pages(self, request: ResolveRequest) -> "tuple[tuple[str, float, int], ...]":
        """Return what the kept answer to a request was made of: package, time of the page, seconds that it lasts.

        There are none if no answer is kept.
        """
        if self.answer(request) is None:
            return ()
        records = [(name, self._records.record(name)) for name in self._offers]
        return tuple([(name, *page[1:3]) for name, record in records if record for page in record.pages])

    def _has_metadata(self, name: str, version: str) -> bool:
        record = self._records.record(name)
        return record is not None and version in record.metadata

    def _take(self, name: str) -> bool:
        """Put into the record of a package what the universe behind has read of it; tells whether there was any."""
        looked = self._behind.looked_at(name)
        if looked is None:
            return False
        record = self._records.record(name) or self._records.begin(name, looked.pages, self._offers[name])
        if record is None:
            return False
        for release in looked.releases:
            row, handle = self._records.row(release), release.handle
            if row is not None:
                record.releases[release.version] = row
                found = looked.metadata.get(release.version) if is_lasting(handle) else None
                if found is not None and found.source is None:
                    record.metadata[release.version] = astuple(found)[:-1]
        return True


class _Elsewhere:
    """The versions on indexes behind the one that counts, asked for when an error wants to tell them."""

    def __init__(self, offered: "Callable[[], Offer]") -> None:
        self._offered = offered

    def __iter__(self) -> "Iterator[tuple[str, tuple[str, ...]]]":
        return iter(self._offered().elsewhere)


def is_direct(handle: Chosen) -> bool:
    """Tell whether the file to install tells the metadata itself."""
    return handle.install is handle.metadata or handle.install == handle.metadata


def is_lasting(handle: object) -> bool:
    """Tell whether the metadata of a handle is that of a file which is named by its hash."""
    return isinstance(handle, Chosen) and is_direct(handle) and bool(handle.install.link.hashes)


def hidden_undated(names: "list[str]") -> tuple[str, ...]:
    """Return a warning about packages of which ``--exclude-newer`` hides versions without a date, if there are any."""
    if not names:
        return ()
    verb = "has" if len(names) == 1 else "have"
    return (f"{few_names(names)} {verb} versions without an upload time: `--exclude-newer` hides them",)


def scope_name(scope: Scope) -> str:
    """Return the name of all that indexes offer to a scope, ``""`` if some of them are directories."""
    config = scope.config
    if config.find_links or any(is_local(each) for each in config.every_index()):
        return ""
    plain = replace(scope, now=0.0, refresh=False, offline=False, hashes={})
    return digest(repr((_FORMAT, _canonical(plain))))


def request_name(scope: Scope, request: ResolveRequest) -> str:
    """Return the name of a request to a scope on every machine, ``""`` if only this one can answer it."""
    name = scope_name(scope)
    return f"{name}/{_key(request)}" if name and _is_remote(request) else ""


def _is_remote(request: ResolveRequest) -> bool:
    """Tell whether a request names nothing but packages of indexes."""
    return not any(each.installed is not None for each in request.preferences) and not any(
        each.url for each in (*request.given, *request.reached)
    )


def _key(request: ResolveRequest) -> str:
    return digest(repr(_canonical(request)))


def _canonical(value: "Any") -> "Any":
    """Return *value* in a form whose ``repr`` is the same in every process and for all credentials."""
    if isinstance(value, str):
        return strip_credentials(value)
    if isinstance(value, (frozenset, set)):
        return tuple(sorted(value))
    if hasattr(type(value), "__setters__"):
        return tuple([_canonical(each) for each in astuple(value)])
    if hasattr(value, "items"):
        return tuple(sorted((key, _canonical(each)) for key, each in value.items()))
    return tuple([_canonical(each) for each in value]) if isinstance(value, (tuple, list)) else value
