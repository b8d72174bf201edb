"""The link stage: the trees of one archive, built in the staging areas of one or many environments."""

import os

from puffin import meter
from puffin.cache.layout import Cache
from puffin.cache.reading import read
from puffin.errors import PuffinError, os_cause
from puffin.stages.bytecode.layer import Layer, layer_path, manifest_path, read_layer
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.staging import DIRECTORY, LinkPlace, LinkTarget, Staging, clear_stage, in_lib, spread
from puffin.stages.unzip.manifest import (
    BYTES,
    DIST_INFO,
    FILES,
    NAME,
    OUTSIDE,
    RAW_NAME,
    SCRIPTS,
    OutsideRow,
    read_for_link,
)
from puffin.stages.unzip.ready import Census, changed, discard_archive, recheck
from puffin.stages.unzip.record import rows_below
from puffin.types import Any, Callable, Sequence
from puffin.value import from_tuple

Found = tuple[tuple[Any, ...], tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...] | None]

Linked = tuple[str, int]

_AT_ONCE = 64  # places, each with an open directory


class ArchiveGone(PuffinError):
    """An archive that the plan counts on is not in the cache, or not whole."""

    archive: str
    hints: tuple[str, ...] = ("run the command again: what is missing will be fetched again",)

    def summary(self) -> str:
        return f"The cached archive of `{self.package or self.archive[:12]}` is damaged"


class LinkFailed(PuffinError):
    """The staged tree of a distribution could not be built."""

    sentence = "Failed to stage `{package}` in `{path}`"
    path: str


def link(
    *,
    archive: str,
    cache_root: str,
    stage: str,
    target: "tuple[Any, ...]",
    requested: bool,
    direct_url: str,
    mode: str,
    bytecode: str = "",
    checked: bool = False,
    source: "tuple[Any, ...] | None" = None,
) -> "tuple[str, str, int]":
    """Build the tree of an archive below *stage*; return ``(archive, link mode used, files)``.

    *bytecode* and *checked* are as in :class:`LinkPlace`. *source* is the answer of the task that fetched what this
    was built from. Raises :class:`ArchiveGone` or :class:`LinkFailed`.
    """
    place = LinkPlace(
        stage=stage,
        target=target,
        requested=requested,
        direct_url=direct_url,
        mode=mode,
        bytecode=bytecode,
        checked=checked,
    )
    _, (result,) = _link(archive, cache_root, (place,), source)
    if isinstance(result, PuffinError):
        raise result
    return archive, *result


def link_all(
    *,
    archive: str,
    cache_root: str,
    places: "tuple[tuple[Any, ...], ...]",
    source: "tuple[Any, ...] | None" = None,
) -> "tuple[str, tuple[Linked | bytes, ...]]":
    """Build the tree of an archive in each of *places*; return the archive and the result of each.

    A place is a :class:`LinkPlace` in its wire form; *source* is as in :func:`link`. It came to ``(link mode used,
    files)``, or to a pickled error where that environment alone is in the way. Raises :class:`ArchiveGone`; then no
    place has a tree.
    """
    read_places = tuple([from_tuple(LinkPlace, each) for each in places])
    archive, results = _link(archive, cache_root, read_places, source)
    return archive, tuple([_pickled(each) if isinstance(each, PuffinError) else each for each in results])


def _link(
    archive: str, cache_root: str, places: "tuple[LinkPlace, ...]", source: "tuple[Any, ...] | None"
) -> "tuple[str, list[Linked | PuffinError]]":
    cache = Cache(cache_root)
    manifest = cache.manifest(archive)
    stamp, found = changed(manifest), read_for_link(manifest)
    if found is None:
        raise ArchiveGone(archive=archive)
    header = found[0]
    stagings = [
        Staging(
            place.stage,
            header,
            from_tuple(LinkTarget, place.target),
            requested=place.requested,
            direct_url=with_source(with_hash(place.direct_url, archive), source),
            mode=place.mode,
        )
        for place in places
    ]
    building = _Building(cache, archive, found)
    kinds = [place.bytecode for place in places]
    try:
        for start in range(0, len(places), _AT_ONCE):
            building.build(stagings[start : start + _AT_ONCE], kinds[start : start + _AT_ONCE])
        building.check(stamp, contents=any(place.checked for place in places))
    except ArchiveGone:
        for staging in stagings:
            clear_stage(staging.stage)
        discard_archive(cache, archive)
        raise
    meter.count(taken=header[BYTES], given=header[BYTES] * len(places))
    return archive, [_result(each, header[NAME]) for each in stagings]


def _result(staging: Staging, name: str) -> "Linked | PuffinError":
    if staging.error is not None:
        failed = LinkFailed(path=staging.stage, package=name, causes=(os_cause(staging.error),))
        failed.__cause__ = staging.error
        return failed
    return staging.placer.mode, staging.files


class _Building:
    """The work on one archive, of which *found* was read. Its files are counted as the first places get them."""

    def __init__(self, cache: Cache, archive: str, found: "Found") -> None:
        self._cache = cache
        self._archive = archive
        self._header, self._tree, self._executables = found
        self._source = cache.archive(archive)
        self._census = Census()
        self._counting: Census | None = self._census

    def build(self, stagings: "Sequence[Staging]", kinds: "Sequence[str]") -> None:
        """Build the whole tree in each of *stagings*, with the bytecode of its kind."""
        try:
            self._build(stagings, kinds)
        except OSError as error:  # of the source; those of a place are its own
            for staging in stagings:
                staging.error = staging.error or error
        finally:
            for staging in stagings:
                staging.close()
        self._counting = None
        for staging in stagings:
            if isinstance(staging.error, (FileNotFoundError, NotADirectoryError)) and not self._is_whole():
                raise self._gone() from staging.error

    def check(self, latest: int, *, contents: bool) -> None:
        """Raise :class:`ArchiveGone` if a file was changed after *latest* (ns).

        What may have been changed is compared by its content, and with *contents* every file is.
        """
        header = self._header
        agrees = self._census.agrees(header[FILES], header[BYTES], self._executables, latest)
        if (contents or not agrees) and not recheck(self._cache, self._archive):
            raise self._gone()

    def _build(self, stagings: "Sequence[Staging]", kinds: "Sequence[str]") -> None:
        record = read(f"{self._source}/{self._header[DIST_INFO]}/RECORD")
        if not record:
            raise self._gone()
        for staging in stagings:
            _attempt(staging, staging.open)
        spread(self._own_tree(), self._source, stagings, frozenset([""]), self._counting)
        self._count(
            (f"{self._header[DIST_INFO]}/RECORD", *[f".data/scripts/{each}" for each in self._header[SCRIPTS]])
        )
        for kind in dict.fromkeys(filter(None, kinds)):
            layer = read_layer(manifest_path(self._cache, kind, self._archive))
            if layer is not None and layer.tree:
                self._add(layer, kind, [s for s, own in zip(stagings, kinds, strict=True) if own == kind])
        for key in ("data", "headers"):
            rows = [row for row in self._header[OUTSIDE] if row[0] == key]
            if rows:
                self._beside(key, rows, stagings)
        for staging in stagings:
            _attempt(staging, staging.finish, self._source, record)

    def _own_tree(self) -> "list[tuple[str, tuple[str, ...]]]":
        """Return the tree without RECORD, its directory's last file: each environment gets its own."""
        info = self._header[DIST_INFO]
        return [(each, names[:-1] if each == info else names) for each, names in self._tree]

    def _add(self, layer: "Layer", kind: str, stagings: "Sequence[Staging]") -> None:
        known = frozenset([directory for directory, _ in self._tree])
        census, manifest = Census(), manifest_path(self._cache, kind, self._archive)
        spread(layer.tree, layer_path(self._cache, kind, self._archive), stagings, known, census)
        sizes = [size for row in layer.sizes for size in row]
        if not census.agrees(len(sizes), sum(sizes), None, changed(manifest)):
            os.unlink(manifest)
            raise self._gone()
        for staging in stagings:
            staging.add_rows(layer.rows)

    def _beside(self, key: str, rows: "Sequence[OutsideRow]", stagings: "Sequence[Staging]") -> None:
        """Link what goes to the environments' roots, or to their headers, with a row in RECORD for each file."""
        inner = self._header[RAW_NAME] if key == "headers" else ""
        for staging in stagings:
            _attempt(staging, staging.enter, key, inner)
        tree = [(directory, names) for _, directory, names, *_ in rows]
        spread(tree, f"{self._source}/.data/{key}", stagings, frozenset([""]), self._counting)
        told: dict[tuple[str, bool], str] = {}
        for staging in stagings:
            home = f"{staging.target.headers}/{inner}" if inner else staging.target.data
            linked = key == "data" and staging.target.lib64
            if linked:
                _attempt(staging, staging.merge_lib64)
            if (home, linked) not in told:
                own = [(row[0], in_lib(row[1]), *row[2:]) for row in rows] if linked else rows
                told[home, linked] = rows_below(home, own)
            staging.add_rows(told[home, linked])

    def _count(self, paths: "Sequence[str]") -> None:
        """Count files that are not linked."""
        if self._counting is not None:
            here = os.open(self._source, DIRECTORY)
            try:
                self._counting.count(paths, here)
            finally:
                os.close(here)

    def _gone(self) -> ArchiveGone:
        return ArchiveGone(archive=self._archive, package=self._header[NAME])

    def _is_whole(self) -> bool:
        """Tell whether every file of the archive is there."""
        outside = [(f".data/{key}/{directory}", names) for key, directory, names, *_ in self._header[OUTSIDE]]
        return all(
            os.path.lexists(f"{self._source}/{directory}/{name}")
            for directory, names in (*self._tree, *outside)
            for name in names
        )


def _attempt(staging: Staging, step: "Callable[..., None]", *arguments: object) -> None:
    """Do one step in one place, unless it is beyond that."""
    if staging.error is None:
        try:
            step(*arguments)
        except OSError as error:
            staging.error = error


def _pickled(error: PuffinError) -> bytes:
    import pickle

    return pickle.dumps(error)
