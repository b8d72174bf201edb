"""Emptying the cache: all of it, the entries of some packages, or leftovers of dead processes.

Links in it are removed, never followed.
"""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from puffin.cache.atomic import remove_tree
from puffin.cache.layout import Bucket, Cache, process_space
from puffin.cache.pruned import note_pruned, pruned_names
from puffin.cache.reading import names_in, read
from puffin.cache.usage import NOT_WRITABLE
from puffin.errors import PuffinError, os_cause
from puffin.names import normalise
from puffin.value import frozen, replace

KINDS = (Bucket.TREES, Bucket.PYC)  # buckets with something for each kind of interpreter, of archives
_CLOCKS = 5.0  # seconds that the clocks of a file system and of processes may differ by
_FOREIGN_AFTER = (
    24 * 3600.0
)  # seconds; whether a process of another machine or container lives, nobody here can tell


@frozen
class Cleaned:
    """What was removed: entries of packages, files and bytes. Environments use the archives that were ``spared``."""

    entries: int
    files: int
    bytes: int
    spared: "frozenset[str]" = frozenset()


class CleanFailed(PuffinError):
    """The system refuses to remove something from the cache; what was removed before stays so."""

    sentence = "Failed to clean the cache at `{path}`"
    path: str


@contextmanager
def cleaning(cache: Cache) -> "Iterator[None]":
    """Raise :class:`CleanFailed` for what the system refuses within."""
    try:
        yield
    except OSError as error:
        raise CleanFailed(path=cache.root, causes=(os_cause(error),), hints=(NOT_WRITABLE,)) from error


def clean_all(cache: Cache, *, keep: "Collection[str]" = (), held: "frozenset[str]" = frozenset()) -> Cleaned:
    """Remove everything in the cache directory except the entries named in *keep*, and the archives *held*."""
    keep = {*keep, Bucket.ARCHIVE, *KINDS, Bucket.LIVING} if held else keep
    paths = [f"{cache.root}/{name}" for name in names_in(cache.root) if name not in keep]
    archives = [cache.path(Bucket.ARCHIVE), *kinds_in(cache)] if held else []
    entries = sorted([path for each in archives for path in _entries(each)], reverse=True)  # manifests first
    others = [path for path in entries if os.path.basename(path).removesuffix(".manifest") not in held]
    return replace(remove([*paths, *others]), spared=held)


def clean_packages(cache: Cache, names: "Collection[str]", held: "Collection[str]" = ()) -> Cleaned:
    """Remove what the cache holds of the packages with these normalised names, and archives nobody points to.

    An archive goes when the last name that leads to it goes, unless it is *held* by environments.
    """
    wanted = frozenset(names)
    pages = [path for path in _entries(cache.path(Bucket.SIMPLE)) if os.path.basename(path) in wanted]
    pins = [path for path in _entries(cache.path(Bucket.PINS)) if _pinned(path) in wanted]
    own = [cache.path(bucket, name) for bucket in (Bucket.METADATA, Bucket.SDISTS) for name in sorted(wanted)]
    wheels = [path for path in _wheel_directories(cache) if os.path.basename(path) in wanted]
    archives = {target for path in wheels for target in _targets(path)}
    built = [path for path in _inside(cache.path(Bucket.BUILT)) if not wanted.isdisjoint(_names_built(path))]
    environments = _inside(cache.path(Bucket.BUILD_ENVIRONMENTS))
    rooms = [path for path in environments if not wanted.isdisjoint(_names_inside(path))]
    known = [*wheels, *built, *[each for path in wheels for each in _inside(path)], *archives]
    removed = remove([*pages, *pins, *own, *wheels, *built, *rooms])
    left = {target for path in _wheel_directories(cache) for target in _targets(path)}
    going = [each for each in archives - left if os.path.basename(each) not in held]
    gone = [path for archive in going for path in (f"{archive}.manifest", archive)]
    layers = [path for archive in going for path in _layers(cache, os.path.basename(archive))]
    note_pruned(cache, pruned_names(cache, [*known, *rooms, *layers]))
    more = remove([*[path for path in gone if path.startswith(cache.path(Bucket.ARCHIVE))], *layers])
    spared = frozenset([os.path.basename(each) for each in archives - left]).intersection(held)
    files, size = removed.files + more.files, removed.bytes + more.bytes
    return Cleaned(entries=removed.entries, files=files, bytes=size, spared=spared)


def _pinned(path: str) -> str:
    return os.path.basename(path).rpartition("-")[0]


def _wheel_directories(cache: Cache) -> "Iterator[str]":
    for kind in _entries(cache.path(Bucket.WHEELS)):
        yield from _inside(kind)


def _inside(bucket: str) -> "list[str]":
    return [f"{bucket}/{name}" for name in names_in(bucket)]


def _names_built(revision: str) -> "Iterator[str]":
    """Yield the normalised names that the wheels and metadata of a revision have."""
    for settings in names_in(revision):
        for entry in names_in(f"{revision}/{settings}"):
            for line in (read(f"{revision}/{settings}/{entry}/METADATA") or b"").split(b"\n\n")[0].splitlines():
                field, _, value = line.decode("utf-8", "replace").partition(":")
                if field.lower() == "name":
                    yield normalise(value.strip())


def _names_inside(environment: str) -> "Iterator[str]":
    """Yield the normalised names of the distributions in a build environment."""
    for directory, names, _ in os.walk(environment):
        if os.path.basename(directory) == "site-packages":
            found = [name for name in names if name.endswith(".dist-info")]
            yield from (normalise(name.partition("-")[0]) for name in found)
            names.clear()


def _entries(bucket: str) -> "Iterator[str]":
    """Yield ``<bucket>/<x>/<y>``."""
    for outer in names_in(bucket):
        yield from _inside(f"{bucket}/{outer}")


def _layers(cache: Cache, archive: str) -> "Iterator[str]":
    """Yield manifest and tree of each sealed tree and of each layer of bytecode of an archive."""
    for kind in kinds_in(cache):
        yield from (f"{kind}/{archive[:2]}/{archive}.manifest", f"{kind}/{archive[:2]}/{archive}")


def kinds_in(cache: Cache) -> "list[str]":
    """Return what the cache has for each kind of interpreter."""
    return [path for each in KINDS for path in _inside(cache.path(each))]


def _targets(directory: str) -> "Iterator[str]":
    for name in names_in(directory):
        try:
            yield os.readlink(f"{directory}/{name}")
        except OSError:
            continue


def remove(paths: list[str]) -> Cleaned:
    """Remove what there is of *paths*; each of them counts as an entry."""
    entries, files, size = 0, 0, 0
    for path in paths:
        if os.path.lexists(path):
            count, total = measure(path)
            entries, files, size = entries + 1, files + count, size + total
            remove_tree(path)
    return Cleaned(entries=entries, files=files, bytes=size)


def measure(path: str) -> tuple[int, int]:
    """Return how many files *path* is or has beneath it, and their bytes."""
    if os.path.islink(path) or not os.path.isdir(path):
        return 1, os.lstat(path).st_size
    files, size = 0, 0
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                size += os.lstat(f"{directory}/{name}").st_size
                files += 1
            except FileNotFoundError:
                pass  # the temporary file of a process that keeps its answer, which takes no lock
    return files, size


def collect(cache: Cache) -> int:
    """Remove temporary entries whose makers are dead, and very old ones of other machines; return how many."""
    room = cache.path(Bucket.TEMPORARY)
    gone = [name for name in names_in(room) if _is_leftover(room, name)]
    for name in gone:
        try:
            remove_tree(f"{room}/{name}")
        except OSError:
            continue
    return len(gone)


def _is_leftover(room: str, name: str) -> bool:
    pid, _, rest = name.partition("-")
    space = rest.partition("-")[0]
    try:
        age = time.time() - os.lstat(f"{room}/{name}").st_mtime
    except OSError:
        return False
    if pid.isdigit() and space == process_space():
        return not _lives(int(pid), age)
    return age > _FOREIGN_AFTER


def _lives(pid: int, age: float) -> bool:
    """Tell whether a process lives that had this number *age* seconds ago; one that began later is another."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(4096).rpartition(b")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return fields[0] not in (b"Z", b"X") and time.clock_gettime(time.CLOCK_BOOTTIME) - began > age - _CLOCKS
    except (OSError, IndexError, ValueError, AttributeError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
