"""The unzip stage: the bytes of a wheel become a complete, checked archive in the cache, or nothing."""

import os
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from puffin import meter
from puffin.cache.atomic import remove_tree, write
from puffin.cache.layout import Cache
from puffin.stages.unzip import record
from puffin.stages.unzip.errors import Refused, bad_archive, cache_write_failed
from puffin.stages.unzip.inflate import STREAM_ABOVE, chunks, member_content
from puffin.stages.unzip.installed import OUTSIDE, Item, Layout, plan
from puffin.stages.unzip.manifest import INSTALLER, Manifest
from puffin.stages.unzip.publish import (
    CREATE,
    READABLE,
    RUNNABLE,
    complete_manifest,
    kept_executables,
    publish_archive,
)
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.unzip.record import record_digest
from puffin.stages.unzip.zipdir import Member, read_directory
from puffin.types import Buffer

_WALK = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_RELATIVE = os.open in os.supports_dir_fd
_PIECE = 16 << 20  # bytes of one write: between two of them, the display is drawn and Ctrl-C heard


def write_tree(root: str, view: memoryview, tree: "dict[str, list[Item]]") -> "dict[str, list[str]]":
    """Create the directory *root* with the files of *tree* and return their hashes, directory by directory.

    The files are read-only, because environments share them by hard links; those that the wheel marks may be run.
    Raises Refused for a member whose content is not what its directory entry says, and OSError.
    """
    hashes = {}
    for directory, items in tree.items():
        path = f"{root}/{directory}" if directory else root
        os.mkdir(path)
        hashes[directory] = _write_directory(path, view, items) if items else []
    return hashes


def _write_directory(path: str, view: memoryview, items: "list[Item]") -> "list[str]":
    if not _RELATIVE:
        return _write_members(path + "/", None, view, items)
    descriptor = os.open(path, _WALK)
    try:
        return _write_members("", descriptor, view, items)
    finally:
        os.close(descriptor)


def _write_members(prefix: str, at: "int | None", view: memoryview, items: "list[Item]") -> "list[str]":
    hashes = []
    for name, member, known in items:
        _name, _start, _packed, size, _crc, deflated, executable = member
        streamed = size > STREAM_ABOVE and deflated
        body = b"" if streamed else member_content(view, member)
        descriptor = os.open(prefix + name, CREATE, RUNNABLE if executable else READABLE, dir_fd=at)
        try:
            if streamed:
                known = _stream(descriptor, view, member)
            elif size > _PIECE:
                _write_all(descriptor, memoryview(body))
            elif size and (written := os.write(descriptor, body)) != size:
                _write_all(descriptor, memoryview(body)[written:])
        finally:
            os.close(descriptor)
        hashes.append(known or record_digest((body,)))
    return hashes


def _stream(descriptor: int, view: memoryview, member: "Member") -> str:
    def passing() -> "Iterator[bytes]":
        for piece in chunks(view, member):
            _write_all(descriptor, memoryview(piece))
            yield piece

    return record_digest(passing())


def _write_all(descriptor: int, rest: memoryview) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest[:_PIECE]) :]


def unzip(*, data: "Buffer", filename: str, sha256: str, cache_root: str) -> str:
    """Make sure that the archive of the wheel *filename*, whose bytes are *data*, is in the cache.

    *sha256* (hex) is the hash of *data*, checked by whoever received them, and is returned: it is the
    archive's identity. Raises BadArchive and CacheWriteFailed; then the cache is as it was.
    """
    cache = Cache(cache_root, lower=())  # one beneath it, which is only read, may hold a damaged archive
    if archive_ready(cache, sha256, filename=filename):
        meter.found(meter.HIT)
        return sha256
    view = memoryview(data).cast("B")
    meter.count(taken=len(view))
    try:
        layout = plan_wheel(view, filename)
        _publish(cache, sha256, view, layout)
    except Refused as refused:
        raise bad_archive(filename, refused) from None
    except OSError as error:
        raise cache_write_failed(filename, cache_root, error) from error
    return sha256


def read_metadata(data: "Buffer", filename: str) -> bytes:
    """Return METADATA of the wheel *filename* in *data*; raise BadArchive where :func:`unzip` would."""
    view = memoryview(data).cast("B")
    try:
        layout = plan_wheel(view, filename)
        member = next(item[1] for item in layout.tree[layout.dist_info] if item[0] == "METADATA")
        return bytes(member_content(view, member))
    except Refused as refused:
        raise bad_archive(filename, refused) from None


def plan_wheel(view: memoryview, filename: str) -> Layout:
    """Return the installed form of a wheel without writing anything; raise Refused."""
    members, directories = read_directory(view)
    return plan(filename, members, directories, lambda member: bytes(member_content(view, member)))


def _publish(cache: Cache, sha256: str, view: memoryview, layout: Layout) -> None:
    cache.initialise()
    temporary = cache.temporary()
    try:
        manifest = _write_archive(temporary, view, layout)
        meter.count(given=manifest.bytes)
    except BaseException:
        remove_tree(temporary)
        raise
    publish_archive(cache, sha256, temporary, manifest)


class _Rows(NamedTuple):
    """The files of a directory, one place in each field for each of them."""

    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    crcs: tuple[int, ...] = ()

    def plus(self, name: str, body: bytes) -> "_Rows":
        """Return the same with a file that puffin wrote."""
        return _Rows((*self.names, name), (*self.sizes, len(body)), (*self.crcs, crc32(body)))


def _rows_of(items: "list[Item]") -> _Rows:
    if not items:
        return _Rows()
    names, members, _hashes = zip(*items, strict=True)
    _names, _starts, _packed, sizes, crcs, _deflated, _executable = zip(*members, strict=True)
    return _Rows(names, sizes, crcs)


def _write_archive(root: str, view: memoryview, layout: Layout) -> Manifest:
    hashes = write_tree(root, view, layout.tree)
    rows = {directory: _rows_of(items) for directory, items in layout.tree.items()}
    info = layout.dist_info
    rows[info] = rows[info].plus("INSTALLER", INSTALLER)
    hashes[info].append(record.record_digest((INSTALLER,)))
    text = _record_text(rows, hashes)
    rows[info] = rows[info].plus("RECORD", text)
    write(f"{root}/{info}/INSTALLER", INSTALLER, mode=READABLE)
    write(f"{root}/{info}/RECORD", text, mode=READABLE)
    executables = kept_executables(root, info, _executables(layout))
    return _manifest(layout, rows, hashes, len(view), executables)


def _executables(layout: Layout) -> "tuple[str, ...]":
    """Return the files that the wheel marks as such that may be run."""
    return tuple(
        [
            f"{directory}/{name}".lstrip("/")
            for directory, items in layout.tree.items()
            for name, member, _ in items
            if member.executable
        ]
    )


def _is_outside(directory: str) -> bool:
    return directory == OUTSIDE or directory.startswith(f"{OUTSIDE}/")


def _record_text(rows: dict[str, _Rows], hashes: dict[str, list[str]]) -> bytes:
    """Return RECORD of the root tree, without the row about itself."""
    lines = []
    for directory, (names, sizes, _crcs) in rows.items():
        if not _is_outside(directory):
            lines += record.rows(f"{directory}/" if directory else "", names, hashes[directory], sizes)
    return "".join(lines).encode()


def _manifest(
    layout: Layout,
    rows: dict[str, _Rows],
    hashes: dict[str, list[str]],
    size: int,
    executables: "tuple[str, ...] | None",
) -> Manifest:
    tree = {directory: rows[directory] for directory in rows if not _is_outside(directory)}
    outside = []
    for directory in rows:
        key, _, inside = directory.removeprefix(f"{OUTSIDE}/").partition("/")
        if directory.startswith(f"{OUTSIDE}/"):
            outside.append((key, inside, *rows[directory], tuple(hashes[directory])))
    return complete_manifest(
        raw_name=layout.raw_name,
        version=layout.version,
        dist_info=layout.dist_info,
        filename=layout.filename,
        purelib=layout.root_is_purelib,
        entry_points=layout.entry_points,
        outside=tuple(outside),
        healed=layout.healed,
        wheel_bytes=size,
        tree=tuple([(directory, *row) for directory, row in tree.items()]),
        executables=executables,
    )
