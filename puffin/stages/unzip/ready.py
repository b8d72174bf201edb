"""Which archive a wheel is, and whether it can be trusted. HOT.

Archives are not fsync'd: that would cost more than all other work. After a power loss a manifest may
therefore stand beside files whose content never reached the disk. The manifest holds the boot it was
written in: within that boot the kernel's view is right whatever died; after it the sizes of all files
are compared once, and the manifest is rewritten to say so.

What happens to an archive afterwards shows by its files: whoever links it counts them (:class:`Census`). Only where
that is not as it was, every content is compared.
"""

import os
import time
from zlib import crc32

from puffin.artifact.artifact import decisive
from puffin.cache.atomic import move, publish_file, remove_tree
from puffin.cache.layout import Bucket, Cache, current_boot
from puffin.cache.reading import read
from puffin.names import same_version
from puffin.stages.unzip.manifest import (
    BOOT_ID,
    DIST_INFO,
    FILENAME,
    NAME,
    VERSION,
    WHEEL_BYTES,
    Manifest,
    encode_manifest,
    read_header,
    read_manifest,
)
from puffin.types import Iterable
from puffin.value import replace


def pointer(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the path of the symlink that leads from a wheel's name to its archive."""
    return cache.path(Bucket.WHEELS, source, name, filename)


def known_archive(cache: Cache, source: str, name: str, filename: str) -> str:
    """Return the archive that a wheel's name led to when it was last stored, ``""`` for none."""
    try:
        return os.path.basename(os.readlink(cache.find(pointer(cache, source, name, filename))))
    except OSError:
        return ""


def meant_archive(
    cache: Cache, *, source: str, name: str, filename: str, hashes: tuple[str, ...], again: bool = False
) -> str:
    """Return the archive that a wheel is, as far as that is known without its bytes, else ``""``.

    It may be missing from the cache. The one SHA-256 that *hashes* allow names it, unless the file is a local one:
    what that holds tells only the file. Else it is the one that was last stored under the wheel's name, if that has
    one of *hashes* for certain; with *again* what was stored does not count.
    """
    allowed = decisive(hashes)
    if len(allowed) == 1 and not source.startswith("path/"):
        return allowed[0]
    if again:
        return ""
    archive = known_archive(cache, source, name, filename)
    return archive if not hashes or archive in allowed else ""


def archive_ready(cache: "Cache", sha256: str, *, size: int = 0, filename: str = "") -> bool:
    """Tell whether the archive of the wheel with this hash can be linked from; a bad one is removed.

    A wheel that must have *size* bytes (0 for any) and has not is told to have no archive: fetching it says what is
    wrong. With *filename* it must also be the archive of a wheel that may be called so: a hash says nothing of a name.
    """
    header = read_header(cache.manifest(sha256))
    if header is None or not os.path.isdir(cache.archive(sha256)):
        return False
    if size and header[WHEEL_BYTES] not in (0, size):
        return False
    if filename and header[FILENAME] != filename and not may_be_called(header[NAME], header[VERSION], filename):
        return False
    if not cache.archive(sha256).startswith(f"{cache.root}/"):
        return True  # in a cache that is only read: whoever prepared it saw it through
    return header[BOOT_ID] in ("", current_boot()) or settle(cache, sha256)


def may_be_called(name: str, version: str, filename: str) -> bool:
    """Tell whether the archive of a distribution may be that of a wheel with this file name."""
    from puffin.stages.unzip.errors import Refused
    from puffin.stages.unzip.wheelfile import parse_filename

    try:
        its_name, its_version = parse_filename(filename)
    except Refused:
        return False
    return its_name == name and same_version(its_version, version)


def settle(cache: "Cache", sha256: str) -> bool:
    """Make an archive that an earlier boot wrote trusted, or remove it and return False.

    Where the cache cannot be written to, the answer is the same and nothing changes.
    """
    path = cache.manifest(sha256)
    manifest = read_manifest(path)
    if manifest is None:
        return False
    if manifest.boot_id in ("", current_boot()):
        return True
    stamp = changed(path)
    good = _counted(cache.archive(sha256), manifest, stamp) or recheck(cache, sha256)
    try:
        if good:
            publish_file(cache, path, encode_manifest(replace(manifest, boot_id="")), durable=True)
            os.utime(path, ns=(stamp, stamp))
        else:
            discard_archive(cache, sha256)
    except OSError:
        pass
    return good


class Census:
    """What the files of an archive come to together: their sizes, their modes, and the latest change of one.

    An edit in an environment is one of the archive too, where both are one file by a hard link. It changes the time
    of the file, so that this tells of it without a look at the contents.
    """

    def __init__(self) -> None:
        self._files = self._size = self._modes = self._latest = 0

    def count(self, names: "Iterable[str]", directory: int) -> None:
        """Count the files *names* in an open directory (``OSError``). HOT: a warm sync does it for each file."""
        stat, files, size, modes, latest = os.stat, 0, 0, 0, self._latest
        for name in names:
            facts = stat(name, dir_fd=directory, follow_symlinks=False)
            files += 1
            size += facts.st_size
            modes += facts.st_mode & _KIND
            if facts.st_mtime_ns > latest:
                latest = facts.st_mtime_ns
        self._files += files
        self._size += size
        self._modes += modes
        self._latest = latest

    def agrees(self, files: int, size: int, executables: "tuple[str, ...] | None", latest: int) -> bool:
        """Tell whether these are so many files of this size together, and none was changed after *latest* (ns)."""
        runnable = self._modes - self._files * _PLAIN
        known = (0, self._files) if executables is None else (len(executables), len(executables))
        modes = known[0] * _RUN <= runnable <= known[1] * _RUN
        return modes and self._files == files and self._size == size and self._latest <= latest


_RUN = 0o100
_PLAIN = 0o100400  # a file, and its owner may read it
_KIND = 0o170000 | 0o400 | _RUN


def _counted(root: str, manifest: Manifest, latest: int) -> bool:
    """Tell whether a census of the archive at *root* agrees with its manifest."""
    census = Census()
    try:
        here = os.open(root, os.O_RDONLY)
        try:
            census.count([path for path, _, _ in files_listed(manifest)], here)
        finally:
            os.close(here)
    except OSError:
        return False
    return census.agrees(manifest.files, manifest.bytes, manifest.executables, latest)


def changed(path: str) -> int:
    """Return the time of the last change of a file in ns, -1 where there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1


def recheck(cache: "Cache", sha256: str) -> bool:
    """Tell whether each file of an archive has its content and its mode; then its times are those to be trusted."""
    path = cache.manifest(sha256)
    manifest = read_manifest(path)
    if manifest is None:
        return False
    latest = examined(cache.archive(sha256), manifest)
    if changed(path) < latest <= time.time_ns():
        try:
            os.utime(path, ns=(latest, latest))
        except OSError:
            pass  # of a cache that is only read: the next one looks again
    return latest >= 0


def archived_metadata(cache: "Cache", archive: str) -> bytes:
    """Return METADATA of an archive of the cache, ``b""`` where it is not there or was changed."""
    manifest = cache.manifest(archive)
    header = read_header(manifest) if archive else None
    path = f"{cache.archive(archive)}/{header[DIST_INFO]}/METADATA" if header else ""
    if not path or (changed(path) > changed(manifest) and not recheck(cache, archive)):
        return b""
    return read(path) or b""


def examined(root: str, manifest: Manifest) -> int:
    """Return the time in ns of the latest change of a file at *root*; -1 if one has another content or mode."""
    latest = 0
    marked = frozenset(manifest.executables or ())
    try:
        here = os.open(root, os.O_RDONLY)
    except OSError:
        return -1
    try:
        for path, size, crc in files_listed(manifest):
            facts = os.stat(path, dir_fd=here, follow_symlinks=False)
            wanted = _PLAIN | (_RUN if path in marked else 0)
            mode = facts.st_mode & (_KIND if manifest.executables is not None else ~_RUN & _KIND)
            if facts.st_size != size or mode != wanted or _checksum(path, here) != crc:
                return -1
            latest = max(latest, facts.st_mtime_ns)
    except OSError:
        return -1
    finally:
        os.close(here)
    return latest


def _checksum(path: str, here: int) -> int:
    """Return the CRC-32 of a file, whose path leads there from the open directory *here*."""
    found = 0
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0), dir_fd=here)
    try:
        # Small files are quicker to read without a file object.
        while piece := os.read(descriptor, 1 << 18):
            found = crc32(piece, found)
    finally:
        os.close(descriptor)
    return found


def discard_archive(cache: "Cache", sha256: str) -> None:
    """Remove an archive, its manifest first so that nobody takes the rest for a whole one (OSError)."""
    cache = cache.own
    remove_tree(cache.manifest(sha256))
    tree = cache.archive(sha256)
    condemned = cache.temporary()
    try:
        move(tree, condemned)
    except FileNotFoundError:
        return
    remove_tree(condemned)


def discard_damaged(cache: "Cache", sha256: str) -> None:
    """Remove an archive in which a file has not its content, if the cache can be written to."""
    if recheck(cache, sha256):
        return
    try:
        discard_archive(cache, sha256)
    except OSError:
        pass


def files_listed(manifest: Manifest) -> "list[tuple[str, int, int]]":
    """Return path, size and CRC-32 of every file of an archive, relative to it."""
    found = []
    for directory, names, sizes, crcs in manifest.tree:
        where = f"{directory}/" if directory else ""
        found += [(f"{where}{name}", size, crc) for name, size, crc in zip(names, sizes, crcs, strict=True)]
    for key, directory, names, sizes, crcs, _hashes in manifest.outside:
        where = f".data/{key}/{directory}".rstrip("/")
        found += [(f"{where}/{name}", size, crc) for name, size, crc in zip(names, sizes, crcs, strict=True)]
    return found
