"""The link stage: the trees of one archive, built in the staging areas of one or many environments."""

import os

from puffin import meter
from puffin.cache.atomic import publish_file, remove_tree
from puffin.cache.layout import Bucket, Cache, current_boot
from puffin.cache.lock import WorkLock
from puffin.cache.reading import read
from puffin.errors import PuffinError, os_cause, room_hints
from puffin.stages.bytecode.layer import Layer, archive_time, layer_path, manifest_path, read_layer
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.files import HARDLINK, TREE
from puffin.stages.link.sealed import (
    PLAIN,
    Sealed,
    Tree,
    close,
    divide,
    encode_sealed,
    holds,
    publish_again,
    sealed_tree,
    tree_path,
)
from puffin.stages.link.staging import DIRECTORY, LinkPlace, LinkTarget, Staging, clear_stage, in_lib, spread
from puffin.stages.unzip.manifest import (
    BYTES,
    DIST_INFO,
    FILES,
    NAME,
    OUTSIDE,
    RAW_NAME,
    SCRIPTS,
    Outline,
    OutsideRow,
    outline,
    read_for_link,
)
from puffin.stages.unzip.ready import Census, changed, discard_archive, recheck
from puffin.stages.unzip.record import rows_below
from puffin.types import Any, Callable, Sequence
from puffin.value import from_tuple

Linked = tuple[str, int]

_AT_ONCE = 64  # places, each with an open directory


class ArchiveGone(PuffinError):
    """An archive that the plan counts on is not in the cache, or not whole."""

    archive: str
    hints: tuple[str, ...] = ("run the command again: missing archives will be fetched again",)

    def summary(self) -> str:
        return f"The cached archive of `{self.package or self.archive[:12]}` is damaged"


class TreeNotSealed(PuffinError):
    """The sealed tree of an archive could not be put into the cache."""

    sentence = "Failed to put a sealed tree into the cache (`{path}`)"
    path: str


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
    (result,), _ = _link(archive, cache_root, (place,), source)
    if isinstance(result, PuffinError):
        raise result
    return archive, *result


def link_all(
    *,
    archive: str,
    cache_root: str,
    places: "tuple[tuple[Any, ...], ...]",
    source: "tuple[Any, ...] | None" = None,
) -> "tuple[str, tuple[Linked | bytes, ...], Outline | None]":
    """Build the tree of an archive in each of *places*; return the archive, the result of each, and what it holds.

    A place is a :class:`LinkPlace` in its wire form; *source* is as in :func:`link`. It came to ``(link mode used,
    files)``, or to a pickled error where that environment alone is in the way. What it holds is not told where all
    take its sealed tree. Raises :class:`ArchiveGone`; then no place has a tree.
    """
    read_places = tuple([from_tuple(LinkPlace, each) for each in places])
    results, told = _link(archive, cache_root, read_places, source)
    return archive, tuple([_pickled(each) if isinstance(each, PuffinError) else each for each in results]), told


def _link(
    archive: str, cache_root: str, places: "tuple[LinkPlace, ...]", source: "tuple[Any, ...] | None"
) -> "tuple[list[Linked | PuffinError], Outline | None]":
    """Link those alike together: all that take a sealed tree of one kind, and all others."""
    groups: dict[str, list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault((place.bytecode or PLAIN) if place.mode == TREE else "", []).append(number)
    results: dict[int, Linked | PuffinError] = {}
    told = None
    for kind, numbers in groups.items():
        alike = [places[number] for number in numbers]
        linked, known = _link_alike(Cache(cache_root), archive, alike, source, kind)
        results.update(zip(numbers, linked, strict=True))
        told = told if kind else known
    return [results[number] for number in range(len(places))], told


def _link_alike(
    cache: Cache, archive: str, places: "Sequence[LinkPlace]", source: "tuple[Any, ...] | None", kind: str
) -> "tuple[list[Linked | PuffinError], Outline]":
    """Link an archive into *places*, from its sealed tree of this *kind* unless that is ``""``."""
    doubted = any(place.checked for place in places)
    stagings: list[Staging] = []
    try:
        building = _sealed(cache, archive, kind, doubted) if kind else _Building(cache, archive)
        stagings += [
            Staging(
                place.stage,
                building.header,
                from_tuple(LinkTarget, place.target),
                requested=place.requested,
                direct_url=with_source(with_hash(place.direct_url, archive), source),
                mode=place.mode,
            )
            for place in places
        ]
        kinds = [place.bytecode for place in places]
        for start in range(0, len(places), _AT_ONCE):
            building.build(stagings[start : start + _AT_ONCE], kinds[start : start + _AT_ONCE])
        if not kind:
            building.check(contents=doubted)
    except ArchiveGone:
        for staging in stagings:
            clear_stage(staging.stage)
        discard_archive(cache, archive)
        raise
    size = building.header[BYTES]
    meter.count(taken=size, given=size * len(places))
    return [_result(each, building.header[NAME], kind) for each in stagings], building.outline


def _sealed(cache: Cache, archive: str, kind: str, doubted: bool) -> "_Building":
    """Return the work with the sealed tree of an archive, which is made or repaired first if necessary.

    If it is *doubted*, the contents of the archive are compared, and its tree with it. Raises :class:`ArchiveGone` and
    :class:`TreeNotSealed`.
    """
    sealed, sure = sealed_tree(cache, kind, archive, current_boot())
    if sealed is None or doubted or not sure:
        try:
            locks = cache.path(Bucket.LOCKS)
            cache.initialise()
            os.makedirs(locks, exist_ok=True)
            with WorkLock(f"{locks}/tree-{kind}-{archive}", what="the sealed tree of an archive"):
                sealed = _Building(cache, archive).seal(kind, doubted)
        except OSError as error:
            hints = room_hints(error, "leave out `--link-mode tree`")
            raise TreeNotSealed(path=cache.root, causes=(os_cause(error),), hints=hints) from error
    return _Building(cache, archive, sealed)


def _result(staging: Staging, name: str, kind: str) -> "Linked | PuffinError":
    if staging.error is not None:
        failed = LinkFailed(path=staging.stage, package=name, causes=(os_cause(staging.error),))
        failed.__cause__ = staging.error
        return failed
    return TREE if kind else staging.placer.mode, staging.files


class _Building:
    """The work on one archive, or on its sealed tree. Files are counted as the first places get them."""

    def __init__(self, cache: Cache, archive: str, sealed: "Sealed | None" = None) -> None:
        manifest = cache.manifest(archive)
        self._stamp = changed(manifest)
        found: tuple[Any, Tree, tuple[str, ...] | None] | None = (
            (sealed.header, sealed.tree, None) if sealed else read_for_link(manifest)
        )
        if found is None:
            raise ArchiveGone(archive=archive)
        self._cache = cache
        self._archive = archive
        self.header, self._tree, self._executables = found
        self._source = cache.archive(archive)
        self._sealed = sealed
        self._census = Census()
        self._counting: Census | None = None if sealed else self._census

    @property
    def outline(self) -> Outline:
        return outline(self.header, self._tree)

    def seal(self, kind: str, doubted: bool) -> Sealed:
        """Return the sealed tree of this *kind*, made if there is none that is whole (``OSError``)."""
        cache, archive = self._cache, self._archive
        layer = read_layer(manifest_path(cache, kind, archive))
        bytecode = layer.tree if layer else ()
        if doubted and not recheck(cache, archive):
            raise self._gone()
        sealed, boot = sealed_tree(cache, kind, archive, "")[0], ""
        if sealed is None or not (
            holds(sealed.root, self._source, self._tree)
            and holds(sealed.root, layer_path(cache, kind, archive), bytecode)
        ):
            sealed, boot = self._seal(kind, bytecode), current_boot()
        if sealed.root.startswith(f"{cache.root}/"):
            data = encode_sealed(sealed, bytecode, seconds=archive_time(cache, archive), boot=boot)
            publish_file(cache, f"{sealed.root}.manifest", data, durable=not boot)
        return sealed

    def _seal(self, kind: str, bytecode: "Tree") -> Sealed:
        root, temporary = tree_path(self._cache.own, kind, self._archive), self._cache.temporary()
        target = LinkTarget(executable="", version=(0, 0), relocatable=False, scripts="", data="", headers="")
        staging = Staging(temporary, self.header, target, requested=False, direct_url="", mode=HARDLINK)
        try:
            self.build([staging], [kind], bare=True)
            if staging.error:
                raise staging.error
            self.check(contents=False)
            close(temporary, [directory for directory, _ in (*self._tree, *bytecode) if directory])
            publish_again(temporary, root)
        finally:
            remove_tree(temporary)
        record = read(f"{root}/{self.header[DIST_INFO]}/RECORD") or b""
        return divide(root, self.header, self._tree, bytecode, record)

    def build(self, stagings: "Sequence[Staging]", kinds: "Sequence[str]", *, bare: bool = False) -> None:
        """Build the tree in each of *stagings*, with the bytecode of its kind; a *bare* one as the cache has it."""
        try:
            self._build(stagings, kinds, bare)
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

    def check(self, *, contents: bool) -> None:
        """Raise :class:`ArchiveGone` if a file was changed after the archive was last looked at.

        What may have been changed is compared by its content, and with *contents* every file is.
        """
        header = self.header
        agrees = self._census.agrees(header[FILES], header[BYTES], self._executables, self._stamp)
        if (contents or not agrees) and not recheck(self._cache, self._archive):
            raise self._gone()

    def _build(self, stagings: "Sequence[Staging]", kinds: "Sequence[str]", bare: bool) -> None:
        sealed = self._sealed
        if sealed:
            record: bytes | None = sealed.record.encode("utf-8", "surrogateescape")
        else:
            record = read(f"{self._source}/{self.header[DIST_INFO]}/RECORD")
        if not record:
            raise self._gone()
        for staging in stagings:
            _attempt(staging, staging.open)
        root = sealed.root if sealed else self._source
        spread(self._tree if bare else self._own_tree(), root, stagings, frozenset([""]), self._counting)
        scripts = [f".data/scripts/{each}" for each in self.header[SCRIPTS]]
        self._count(scripts if bare else [f"{self.header[DIST_INFO]}/RECORD", *scripts])
        if sealed:
            if sealed.layer:
                spread(sealed.layer, root, stagings, self._directories())
            for staging in stagings:
                _attempt(staging, staging.link, sealed.links, root)
        for kind in () if sealed else dict.fromkeys(filter(None, kinds)):
            layer = read_layer(manifest_path(self._cache, kind, self._archive))
            if layer is not None and layer.tree:
                self._add(layer, kind, [s for s, own in zip(stagings, kinds, strict=True) if own == kind])
        for key in ("data", "headers"):
            rows = [row for row in self.header[OUTSIDE] if row[0] == key]
            if bare:
                self._count([f".data/{key}/{row[1]}/{name}" for row in rows for name in row[2]])
            elif rows:
                self._beside(key, rows, stagings)
        for staging in () if bare else stagings:
            _attempt(staging, staging.finish, self._source, record)

    def _directories(self) -> "frozenset[str]":
        return frozenset([directory for directory, _ in self._tree])

    def _own_tree(self) -> "Tree":
        """Return the tree without RECORD, its directory's last file: each environment gets its own."""
        info = self.header[DIST_INFO]
        return tuple([(each, names[:-1] if each == info else names) for each, names in self._tree])

    def _add(self, layer: "Layer", kind: str, stagings: "Sequence[Staging]") -> None:
        known = self._directories()
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
        inner = self.header[RAW_NAME] if key == "headers" else ""
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
        return ArchiveGone(archive=self._archive, package=self.header[NAME])

    def _is_whole(self) -> bool:
        """Tell whether every file of the archive is there."""
        outside = [(f".data/{key}/{directory}", names) for key, directory, names, *_ in self.header[OUTSIDE]]
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
