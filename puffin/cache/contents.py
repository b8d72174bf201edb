"""The contents of the cache as items that can be removed one by one, and their sizes."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from puffin.cache import frame
from puffin.cache.clean import Cleaned, kinds_in, remove
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import names_in, read
from puffin.cache.usage import DAY, last_used
from puffin.value import frozen

_BY_AGE = (
    Bucket.ANSWERS,
    Bucket.INPUTS,
    Bucket.SIMPLE,
    Bucket.METADATA,
    Bucket.RESOLUTIONS,
    Bucket.SDISTS,
    Bucket.RUNS,
)
_RETIRED = frozenset({"workspaces"})  # stems of buckets that former versions of puffin had
_HEX = frozenset("0123456789abcdef")

ARCHIVE = "archive"
ENTRY = "entry"


@frozen
class Item:
    """An archive with its bytecode and all that leads to it, or another entry (a page, metadata, …).

    ``paths`` are in the order in which they must go: what leads somewhere goes before where it leads.
    ``bytes`` is its size, ``used`` when it was last used, in seconds since the epoch, to the day for archives.
    ``reachable`` tells whether a name leads to the archive, ``built`` whether it was built here and not fetched.
    """

    kind: str
    name: str
    paths: tuple[str, ...]
    bytes: int
    used: float
    reachable: bool = True
    built: bool = False
    bucket: str = ""


def total_size(*roots: str) -> int:
    """Return the size in bytes of the files below *roots*, each counted once; 0 if no root exists."""
    found: dict[tuple[int, int], int] = {}
    for path in (each for root in roots for each in _tree(root)):
        try:
            facts = os.lstat(path)
        except OSError:
            continue
        found[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(found.values())


def read_contents(cache: Cache, held: "Collection[str]" = ()) -> "tuple[tuple[Item, ...], tuple[str, ...]]":
    """Return the items of the cache, and the useless paths.

    These are pointers, bytecode and sealed trees of archives that are gone, but for those *held* by environments, and
    buckets of older formats.
    """
    days = last_used(cache)
    pointers = _pointers(cache)
    layers = _layers(cache)
    archives = tuple(_archives(cache.own))
    built = _built(cache)
    items = [
        _archive(cache.own, name, days, pointers.get(name, ()), layers.get(name, ()), name in built)
        for name in archives
    ]
    entries = [entry for bucket in _BY_AGE for entry in _entries(cache.path(bucket), bucket)]
    known = frozenset(archives)
    gone = [
        name
        for name in {*pointers, *layers}
        if name not in known and name not in held and not _is_below(cache, name)
    ]
    useless = [path for name in gone for path in (*pointers.get(name, ()), *layers.get(name, ()))]
    return (*items, *entries, *_repositories(cache), *_rooms(cache)), tuple(
        sorted((*useless, *_outdated(cache)))
    )


def _outdated(cache: Cache) -> "Iterator[str]":
    """Yield the buckets whose names tell of another version of their format, or of puffin."""
    current = {value for key, value in vars(Bucket).items() if key.isupper()}
    stems = {*_RETIRED, *[name.rpartition("-v")[0] for name in current]}
    for name in names_in(cache.root):
        stem, _, version = name.rpartition("-v")
        if stem in stems and version.isdigit() and name not in current:
            yield f"{cache.root}/{name}"


def _is_below(cache: Cache, archive: str) -> bool:
    return bool(cache.lower) and os.path.exists(f"{cache.archive(archive)}.manifest")


def _archive(
    cache: Cache,
    name: str,
    days: "dict[str, int]",
    pointers: "tuple[str, ...]",
    layers: "tuple[str, ...]",
    built: bool,
) -> Item:
    tree = cache.archive(name)
    manifest = f"{tree}.manifest"
    paths = (*pointers, manifest, tree, *layers)
    return Item(
        kind=ARCHIVE,
        name=name,
        paths=paths,
        bytes=total_size(*paths),
        used=max(
            _time(manifest) or _time(tree), (days.get(name, -1) + 1) * float(DAY) if name in days else 0.0
        ),
        reachable=(bool(pointers) or built) and os.path.exists(manifest) and os.path.isdir(tree),
        built=built,
        bucket=Bucket.ARCHIVE,
    )


def _archives(cache: Cache) -> "Iterator[str]":
    """Yield the archives, those too of which there is only a tree or a manifest."""
    bucket = cache.path(Bucket.ARCHIVE)
    for outer in names_in(bucket):
        inner = {name.removesuffix(".manifest") for name in names_in(f"{bucket}/{outer}")}
        yield from sorted(name for name in inner if len(name) == 64 and _HEX.issuperset(name))


def _pointers(cache: Cache) -> "dict[str, tuple[str, ...]]":
    """Return the paths of what leads to each archive: links of wheels' names, and pins."""
    found: dict[str, list[str]] = {}
    for path in _tree(cache.path(Bucket.WHEELS)):
        if os.path.islink(path):
            found.setdefault(os.path.basename(os.readlink(path)), []).append(path)
    for path in _tree(cache.path(Bucket.PINS)):
        found.setdefault(_pinned(path), []).append(path)
    return {archive: tuple(paths) for archive, paths in found.items()}


def _pinned(path: str, at: int = 1) -> str:
    """Return the archive that a pin names in its field *at*; ``""`` for what cannot be read, which is of no use."""
    fields = frame.load(read(path) or b"")
    return fields[at] if isinstance(fields, tuple) and len(fields) > at and isinstance(fields[at], str) else ""


def _layers(cache: Cache) -> "dict[str, tuple[str, ...]]":
    """Return manifest and tree of each sealed tree and of each layer of bytecode, by archive."""
    found: dict[str, list[str]] = {}
    for kind in kinds_in(cache):
        for outer in names_in(kind):
            for name in sorted(names_in(f"{kind}/{outer}"), key=lambda name: not name.endswith(".manifest")):
                found.setdefault(name.removesuffix(".manifest"), []).append(f"{kind}/{outer}/{name}")
    return {archive: tuple(paths) for archive, paths in found.items()}


def _entries(bucket: str, name: str) -> "Iterator[Item]":
    for path in _tree(bucket):
        yield Item(kind=ENTRY, name=path, paths=(path,), bytes=_size(path), used=_time(path), bucket=name)


def _built(cache: Cache) -> "frozenset[str]":
    """Return the archives of wheels that were built here and are kept."""
    bucket = cache.path(Bucket.BUILT)
    return frozenset(_pinned(path, 2) for path in _tree(bucket) if path.endswith(".wheel/entry"))


def _rooms(cache: Cache) -> "Iterator[Item]":
    """Yield what was built from each state of a source, and each environment to build in."""
    for bucket in (Bucket.BUILT, Bucket.BUILD_ENVIRONMENTS):
        for name in names_in(cache.path(bucket)):
            path = cache.path(bucket, name)
            used = max((_time(each) for each in _tree(path)), default=_time(path))
            yield Item(kind=ENTRY, name=path, paths=(path,), bytes=total_size(path), used=used, bucket=bucket)


def _repositories(cache: Cache) -> "Iterator[Item]":
    """Yield each repository, its clone and all its checkouts together: these may look into that."""
    room = cache.path(Bucket.GIT)
    for key in sorted({*names_in(f"{room}/db"), *names_in(f"{room}/checkouts")}):
        checkouts = [f"{room}/checkouts/{key}/{name}" for name in names_in(f"{room}/checkouts/{key}")]
        paths = (*checkouts, f"{room}/db/{key}")
        size = sum(total_size(path) for path in paths)
        used = max(_time(path) for path in paths)
        yield Item(kind=ENTRY, name=f"{room}/{key}", paths=paths, bytes=size, used=used, bucket=Bucket.GIT)


def _tree(path: str) -> "Iterator[str]":
    """Yield the files beneath *path*, links as they are and not followed; *path* itself if it is one."""
    if not os.path.isdir(path) or os.path.islink(path):
        if os.path.lexists(path):
            yield path
        return
    for directory, inner, names in os.walk(path):
        for name in (*names, *(each for each in inner if os.path.islink(f"{directory}/{each}"))):
            yield f"{directory}/{name}"


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _time(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


_CHEAP = (
    Bucket.ANSWERS,
    Bucket.INPUTS,
    Bucket.SIMPLE,
    Bucket.RESOLUTIONS,
    Bucket.SDISTS,
    Bucket.GIT,
    Bucket.BUILD_ENVIRONMENTS,
    Bucket.RUNS,
)


def plan_prune(
    items: "Sequence[Item]",
    *,
    now: float,
    unused_for: float | None = None,
    max_size: int | None = None,
    other_bytes: int = 0,
    ci: bool = False,
) -> tuple[Item, ...]:
    """Return the *items* that go, in the order in which they were chosen.

    Archives to which no name leads always go. *unused_for* is in seconds. *max_size* and *other_bytes* (what the
    cache holds besides the items) are in bytes: of what is left, the longest unused goes first. With *ci* all
    goes that is cheap to fetch again: archives that were not built here, pages, source distributions, repositories.
    """
    going = [each for each in items if each.kind == ARCHIVE and not each.reachable]
    left = [each for each in items if each.kind != ARCHIVE or each.reachable]
    if ci:
        going, left = _split(going, left, [_is_cheap(each) for each in left])
    if unused_for is not None:
        going, left = _split(going, left, [now - min(each.used, now) >= unused_for for each in left])
    if max_size is not None:
        going += _over(left, max_size - other_bytes)
    return tuple(going)


def _is_cheap(item: Item) -> bool:
    return not item.built if item.kind == ARCHIVE else item.bucket in _CHEAP


def _split(going: list[Item], left: list[Item], which: list[bool]) -> tuple[list[Item], list[Item]]:
    more = [each for each, goes in zip(left, which, strict=True) if goes]
    return going + more, [each for each, goes in zip(left, which, strict=True) if not goes]


def _over(items: "Iterable[Item]", room: int) -> list[Item]:
    ordered = sorted(items, key=lambda each: (each.used, each.name))
    total = sum(each.bytes for each in ordered)
    going = []
    for each in ordered:
        if total <= room:
            break
        going.append(each)
        total -= each.bytes
    return going


def prune(items: "Iterable[Item]", useless: "Iterable[str]", buckets: "Iterable[str]") -> Cleaned:
    """Remove *items* and *useless* paths, what leads to something first, then the directories left empty."""
    going = tuple(items)
    removed = remove([*[path for each in going for path in each.paths], *useless])
    for bucket in buckets:
        _sweep(bucket)
    return Cleaned(entries=len(going), files=removed.files, bytes=removed.bytes)


def _sweep(bucket: str) -> None:
    """Remove the empty directories beneath *bucket*, deepest first; not those within archives, which may be empty."""
    for directory, inner, _ in os.walk(bucket, topdown=True):
        inner[:] = [name for name in inner if len(name) != 64 and not os.path.islink(f"{directory}/{name}")]
        _forget_empty(directory, bucket)


def _forget_empty(directory: str, bucket: str) -> None:
    while directory != bucket and directory.startswith(bucket):
        try:
            os.rmdir(directory)
        except OSError:
            return
        directory = os.path.dirname(directory)
