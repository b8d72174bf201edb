"""Whether an archive in the cache can be trusted. HOT.

Archives are not fsync'd: that would cost more than all other work. After a power loss a manifest may
therefore stand beside files whose content never reached the disk. The manifest holds the boot it was
written in: within that boot the kernel's view is right whatever died; after it the sizes of all files
are compared once, and the manifest is rewritten to say so.
"""

import os

from puffin.cache.atomic import move, publish_file, remove_tree
from puffin.cache.layout import Cache
from puffin.names import same_version
from puffin.stages.unzip.manifest import (
    BOOT_ID,
    FILENAME,
    NAME,
    VERSION,
    WHEEL_BYTES,
    Manifest,
    encode_manifest,
    read_header,
    read_manifest,
)
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_boot_id: "str | None" = None


def current_boot_id() -> str:
    """Return the identity of this boot of the kernel, empty on systems that have none."""
    global _boot_id
    if _boot_id is None:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                _boot_id = file.read().strip()
        except (OSError, ValueError):
            _boot_id = ""
    return _boot_id


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
    if filename and header[FILENAME] != filename and not _may_be_called(header, filename):
        return False
    if not cache.archive(sha256).startswith(f"{cache.root}/"):
        return True  # in a cache that is only read: whoever prepared it saw it through
    return header[BOOT_ID] in ("", current_boot_id()) or settle(cache, sha256)


def _may_be_called(header: "tuple[Any, ...]", filename: str) -> bool:
    """Tell whether name and version in a wheel's file name are those of the archive with this header."""
    from puffin.stages.unzip.errors import Refused
    from puffin.stages.unzip.wheelfile import parse_filename

    try:
        name, version = parse_filename(filename)
    except Refused:
        return False
    return name == header[NAME] and same_version(version, header[VERSION])


def settle(cache: "Cache", sha256: str) -> bool:
    """Make an archive that an earlier boot wrote trusted, or remove it and return False.

    Where the cache cannot be written to, the answer is the same and nothing changes.
    """
    path = cache.manifest(sha256)
    manifest = read_manifest(path)
    if manifest is None:
        return False
    if manifest.boot_id in ("", current_boot_id()):
        return True
    good = sizes_match(cache.archive(sha256), manifest)
    try:
        if good:
            publish_file(cache, path, encode_manifest(replace(manifest, boot_id="")), durable=True)
        else:
            discard_archive(cache, sha256)
    except OSError:
        pass
    return good


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


def sizes_match(root: str, manifest: Manifest) -> bool:
    """Tell whether every file of the archive at *root* is there in its size."""
    try:
        return all(os.stat(path).st_size == size for path, size, _crc in files(root, manifest))
    except OSError:
        return False


def discard_damaged(cache: "Cache", sha256: str) -> None:
    """Remove an archive of which a file is missing or has another size, if the cache can be written to."""
    manifest = read_manifest(cache.manifest(sha256))
    if manifest is None or sizes_match(cache.archive(sha256), manifest):
        return
    try:
        discard_archive(cache, sha256)
    except OSError:
        pass


def files(root: str, manifest: Manifest) -> "list[tuple[str, int, int]]":
    """Return path, size and CRC-32 of every file of the archive at *root*."""
    found = []
    for directory, names, sizes, crcs in manifest.tree:
        where = f"{root}/{directory}" if directory else root
        found += [(f"{where}/{name}", size, crc) for name, size, crc in zip(names, sizes, crcs, strict=True)]
    for key, directory, names, sizes, crcs, _hashes in manifest.outside:
        where = f"{root}/.data/{key}/{directory}".rstrip("/")
        found += [(f"{where}/{name}", size, crc) for name, size, crc in zip(names, sizes, crcs, strict=True)]
    return found
