"""The manifest of an archive: everything that link needs to know of it, in one small file. HOT for reading.

``<sha256>.manifest`` is written when the tree beside it is whole, and holds four frames
(:mod:`puffin.cache.frame`) of builtins, one behind the other: a plan reads the header alone, link the
names too, and only who checks files the sizes and checksums, which cost twice as much as all the rest.

Header: a tuple, in the order of the constants below::

    FORMAT        int: the version of this layout; any other is a miss
    NAME          str: the project's normalised name
    RAW_NAME      str: the name as METADATA spells it
    VERSION       str: the version as METADATA spells it
    DIST_INFO     str: the name of the .dist-info directory
    FILENAME      str: the wheel's file name
    BOOT_ID       str: of the boot in which it was written; "" once its files are known to be on the disk,
                  and where the system has none (see puffin.stages.unzip.ready)
    PURELIB       bool: Root-Is-Purelib, where the root tree goes: purelib or platlib
    TOPS          ((name, is_directory), …): the top level of the root tree
    FILES         int: how many files the archive has, those outside the root tree included
    BYTES         int: their sizes together
    ENTRY_POINTS  ((name, module, attribute, gui), …)
    SCRIPTS       (path, …): files in the archive's .data/scripts, relative to it
    OUTSIDE       ((key, directory, (name, …), (size, …), (crc32, …), (hash, …)), …): every directory of the
                  archive's .data/<key>, key being data, headers or scripts, with its files; directory is
                  relative to .data/<key> and "" for it, parents first; hash is as in RECORD (sha256=…)
    HAS_PYC       bool: the wheel brings bytecode
    HEALED        int: how many rows of the wheel's RECORD were missing, wrong or about no file
    WHEEL_BYTES   int: the size of the wheel itself; 0 where it is not known, as in manifests of former
                  versions, whose headers end before it

Names: ``((directory, (name, …)), …)`` for every directory of the root tree, the empty ones too, parents
before children; the first is the root, ``""``. In the .dist-info directory
RECORD is the last name: link writes a private copy of it, with rows added, and shares the rest.

Checks: ``(((size, …), (crc32, …)), …)`` of the same files in the same order.

Executables: ``(path, …)`` of the files that may be run, relative to the archive. None where the file system keeps no
modes; manifests of former versions end before it.

No file of the archive is younger than the file with the manifest (:mod:`puffin.stages.unzip.ready`).
"""

from puffin.cache.frame import dump, load_at, skipped
from puffin.cache.reading import read_beginning
from puffin.types import Any
from puffin.value import frozen

Row = tuple[str, tuple[str, ...], tuple[int, ...], tuple[int, ...]]
OutsideRow = tuple[str, str, tuple[str, ...], tuple[int, ...], tuple[int, ...], tuple[str, ...]]
Outline = tuple[tuple[Any, ...], tuple[str, ...]]

INSTALLER = b"puffin\n"  # what the file of that name holds
# bytes of a wheel: a pack of a smaller one saves less time than the request for it takes
PACKED_FROM = 256 << 10
CURRENT_FORMAT = 1
(
    FORMAT, NAME, RAW_NAME, VERSION, DIST_INFO, FILENAME, BOOT_ID, PURELIB,
    TOPS, FILES, BYTES, ENTRY_POINTS, SCRIPTS, OUTSIDE, HAS_PYC, HEALED, WHEEL_BYTES,
) = range(17)  # fmt: skip
_HEADER_LENGTH = 17
_FIRST_READ = 8192  # bytes; holds the header of nearly every wheel


@frozen
class Manifest:
    """The header's fields under their names, and ``tree``; the module says what they hold.

    ``tree`` is ``((directory, (name, …), (size, …), (crc32, …)), …)``; ``executables`` may be None.
    """

    name: str
    raw_name: str
    version: str
    dist_info: str
    filename: str
    boot_id: str
    purelib: bool
    tops: "tuple[tuple[str, bool], ...]"
    files: int
    bytes: int
    entry_points: "tuple[tuple[str, str, str, bool], ...]"
    scripts: "tuple[str, ...]"
    outside: "tuple[OutsideRow, ...]"
    has_pyc: bool
    healed: int
    wheel_bytes: int
    tree: "tuple[Row, ...]"
    executables: "tuple[str, ...] | None" = None


_NAMES: "tuple[str, ...]" = Manifest.__match_args__


def encode_manifest(manifest: Manifest) -> "bytes":
    """Return the bytes of the manifest file."""
    *fields, _tree, executables = [getattr(manifest, name) for name in _NAMES]
    names = tuple([row[:2] for row in manifest.tree])
    checks = tuple([row[2:] for row in manifest.tree])
    return dump((CURRENT_FORMAT, *fields)) + dump(names) + dump(checks) + dump(executables)


def read_header(path: str) -> "tuple[Any, ...] | None":
    """Return the header of the manifest file *path*, or None for a missing, damaged, foreign or older one."""
    data = read_beginning(path, _FIRST_READ)
    header = _header(data)[0]
    if header is None and len(data) == _FIRST_READ:
        header = _header(read_beginning(path))[0]
    return header


def read_names(path: str) -> "tuple[tuple[Any, ...], tuple[tuple[str, tuple[str, ...]], ...]] | None":
    """Return the header and the names in the manifest file *path*, or None as :func:`read_header` does."""
    found = read_for_link(path)
    return found[:2] if found else None


def outline(header: "tuple[Any, ...]", names: "tuple[tuple[str, tuple[str, ...]], ...]") -> Outline:
    """Return what a commit needs to know of an archive: its header, and the directories below the root."""
    return header, tuple([directory for directory, _ in names[1:]])


def read_for_link(path: str) -> "tuple[Any, Any, tuple[str, ...] | None] | None":
    """Return the header, the names and the executables in the manifest file *path*, or None as :func:`read_header`."""
    data = read_beginning(path)
    header, end = _header(data)
    names, end = load_at(data, end)
    if header is None or type(names) is not tuple:
        return None
    executables, end = load_at(data, skipped(data, end))
    return (header, names, executables) if end == len(data) else None


def read_manifest(path: str) -> "Manifest | None":
    """Return the whole manifest in the file *path*, or None for a missing, damaged, foreign or older one."""
    data = read_beginning(path)
    header, end = _header(data)
    names, end = load_at(data, end)
    checks, end = load_at(data, end)
    executables, end = load_at(data, end)
    if header is None or type(names) is not tuple or type(checks) is not tuple or end != len(data):
        return None
    tree = tuple([(*row, *check) for row, check in zip(names, checks, strict=True)])
    return Manifest(**dict(zip(_NAMES, (*header[1:], tree, executables), strict=True)))


def _header(data: bytes) -> "tuple[tuple[Any, ...] | None, int]":
    header, end = load_at(data, 0)
    if type(header) is not tuple or not header or header[FORMAT] != CURRENT_FORMAT:
        return None, 0
    if len(header) == WHEEL_BYTES:
        header = (*header, 0)
    return (header, end) if len(header) == _HEADER_LENGTH else (None, 0)
