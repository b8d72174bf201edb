"""A strict reader of a zip file's directory, straight from memory (APPNOTE.TXT 6.3.10, the parts wheels use).

Two readers of one zip file may see different files: one trusts the central directory, another the local
headers, a third whatever follows the first signature. So this reader accepts only files about which all
of them agree: members that follow one another without gap from the first byte, the central directory
right behind them, the end record at the very end, and headers that say the same in both places.
"""

from functools import partial
from struct import Struct, error
from typing import NamedTuple

from puffin.artifact.limits import inflated
from puffin.names import printable
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import decode_name
from puffin.types import Buffer

STORED = 0
DEFLATED = 8
_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstandard", 95: "xz", 98: "PPMd", 99: "AES"}

_END = Struct("<4s4H2LH")
_END_64 = Struct("<4sQ2H2L4Q")
_LOCATOR_64 = Struct("<4sLQL")
_CENTRAL = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_EXTRA = Struct("<2H")

_ENCRYPTED = 0x2041  # bits 0 (encrypted), 6 (strong encryption), 13 (masked headers)
_PATCHED = 0x20
_NEWEST = 63  # version 6.3 of the zip format
_REFUSED_FLAGS = _ENCRYPTED | _PATCHED
_DESCRIPTOR = 0x08
_FULL_16 = 0xFFFF
_FULL_32 = 0xFFFFFFFF
_UNICODE_PATH = 0x7075
_MOST_INFLATION = 1032  # deflate cannot expand more than this


class Member(NamedTuple):
    """A file in a zip file: where its ``packed`` bytes are and what they must become. Sizes are in bytes."""

    name: str
    start: int
    packed: int
    size: int
    crc: int
    deflated: bool
    executable: bool


# An entry of the central directory: offset, name, flags, method, crc, packed size, size, mode, and the bytes
# that a local header repeats (empty where it must be compared field by field). A plain tuple: 36,000 of them
# are made in an install of 189 wheels.
_Entry = tuple[int, bytes, int, int, int, int, int, int, bytes]


def read_directory(data: "Buffer") -> "tuple[list[Member], set[str]]":
    """Return the files of the zip file in *data*, and the directories it names, without trailing slash.

    Raises Refused for anything that another reader could understand differently, and for what no
    wheel may hold: encryption, exotic methods, links and devices, unsafe or repeated names.
    """
    view = memoryview(data).cast("B")
    try:
        start, end, count = _end_record(view)
        entries = _entries(bytes(view[start:end]), count)
        if reason := inflated(len(view), sum([entry[6] for entry in entries])):
            raise Refused(reason)
        names = decode_name([entry[1] for entry in entries])
        starts = _check_layout(view, entries, start)
    except error:
        raise Refused("a header is cut off") from None
    if len(set(names)) != len(names):
        entries, names, starts = _distinct(view, entries, names, starts)
    return _members(entries, names, starts)


def _distinct(
    view: memoryview, entries: "list[_Entry]", names: "list[str]", starts: "list[int]"
) -> "tuple[list[_Entry], list[str], list[int]]":
    """Return the members without repetitions of the same bytes, about which all readers agree; else raise Refused."""
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        known = first.setdefault(name, number)
        parts = [_parts(view, entries[each], starts[each]) for each in {known, number}]
        if parts[0] != parts[-1]:
            raise Refused("two members have this name", name)
    kept = list(first.values())
    return [entries[each] for each in kept], list(first), [starts[each] for each in kept]


def _parts(view: memoryview, entry: _Entry, start: int) -> "tuple[int, int, int, bytes]":
    """Return what is the same of two members that cannot be told apart: method, mode, size and packed bytes."""
    _offset, _raw, _flags, method, _crc, packed, size, mode, _same = entry
    return method, mode, size, bytes(view[start : start + packed])


def _end_record(view: memoryview) -> "tuple[int, int, int]":
    """Return where the central directory starts and ends and how many entries it has."""
    tail_at = max(0, len(view) - _END.size - _FULL_16)
    tail = bytes(view[tail_at:])
    found = tail.rfind(b"PK\5\6")
    if found < 0:
        raise Refused("it is not a zip file, or its end is missing")
    at = tail_at + found
    _sig, disk, start_disk, here, count, size, start, comment = _END.unpack_from(view, at)
    if at + _END.size + comment != len(view):
        raise Refused("there are bytes after the end of the zip file")
    end = at
    if at >= _LOCATOR_64.size and bytes(view[at - _LOCATOR_64.size : at - 16]) == b"PK\6\7":
        end, wide = _end_record_64(view, at - _LOCATOR_64.size)
        narrow = (disk, start_disk, here, count, size, start)
        if any(
            a not in (b, _FULL_16 if i < 4 else _FULL_32)
            for i, (a, b) in enumerate(zip(narrow, wide, strict=True))
        ):
            raise Refused("its two end records disagree")
        disk, start_disk, here, count, size, start = wide
    if disk or start_disk or here != count:
        raise Refused("it is a part of a zip file of several disks")
    if start + size != end:
        raise Refused("its directory is not where its end record points (leading or hidden bytes)")
    return start, end, count


def _end_record_64(view: memoryview, locator_at: int) -> "tuple[int, tuple[int, ...]]":
    _sig, disk, at, disks = _LOCATOR_64.unpack_from(view, locator_at)
    if at > len(view):
        raise Refused("its zip64 end record is missing")
    sig, size, _made, _need, *wide = _END_64.unpack_from(view, at)
    if sig != b"PK\6\6" or at + 12 + size != locator_at or disk or disks > 1:
        raise Refused("its zip64 end record is not valid")
    return at, tuple(wide)


def _entries(raw: bytes, count: int) -> "list[_Entry]":
    """Return the entries of the central directory *raw*, in the order of their places in the file."""
    entries: list[_Entry] = []
    at = 0
    unpack = _CENTRAL.unpack_from
    for _ in range(count):
        (sig, _made, need, flags, method, _time, _date, crc, packed, size, name_size, extra_size, comment_size,
         disk, _internal, external, offset) = unpack(raw, at)  # fmt: skip
        same = raw[at + 6 : at + 30]
        name_at = at + 46
        at = name_at + name_size + extra_size + comment_size
        name = raw[name_at : name_at + name_size]
        if sig != b"PK\1\2" or disk or at > len(raw):
            raise Refused("an entry of its directory is not valid", _text(name))
        if extra_size:
            extra = raw[name_at + name_size : name_at + name_size + extra_size]
            size, packed, offset = _widen(extra, name, [size, packed, offset])
            same = b""  # the local header is then compared field by field
        if (
            flags & _REFUSED_FLAGS
            or method not in (STORED, DEFLATED)
            or external >> 28 not in (0, 8, 4)
            or need & 0xFF > _NEWEST
        ):
            _refuse_kind(name, flags, method, external >> 28, need & 0xFF)
        entries.append((offset, name, flags, method, crc, packed, size, external >> 16, same))
    if at != len(raw):
        raise Refused("its directory has more entries than its end record declares")
    entries.sort()
    return entries


def _refuse_kind(raw: bytes, flags: int, method: int, kind: int, need: int) -> None:
    if flags & _ENCRYPTED:
        reason = "it is encrypted"
    elif flags & _PATCHED:
        reason = "it is a patch"
    elif method not in (STORED, DEFLATED):
        reason = f"its compression method, {_METHODS.get(method, method)}, is not allowed in wheels"
    elif need > _NEWEST:
        reason = f"it needs version {need / 10} of the zip format"
    else:
        reason = f"it is a {'symbolic link' if kind == 10 else 'special file'}"
    raise Refused(reason, _text(raw))


def _widen(extra: bytes, raw: bytes, values: "list[int]") -> "list[int]":
    """Return *values* (size, packed size, offset) with those that overflowed taken from the zip64 field."""
    at = 0
    seen = set()
    while at < len(extra):
        kind, size = _EXTRA.unpack_from(extra, at)
        field = extra[at + 4 : at + 4 + size]
        at += 4 + size
        if at > len(extra) or (kind in (1, _UNICODE_PATH) and kind in seen):
            raise Refused("an extra field is not valid", _text(raw))
        seen.add(kind)
        if kind == 1:
            values = _widen_from(field, raw, values)
        elif kind == _UNICODE_PATH and field[5:] != raw:
            raise Refused("it has two different names", _text(raw))
    return values


def _widen_from(field: bytes, raw: bytes, values: "list[int]") -> "list[int]":
    wide = list(values)
    for i, value in enumerate(values):
        if value == _FULL_32:
            if len(field) < 8:
                raise Refused("its zip64 field is too short", _text(raw))
            wide[i] = int.from_bytes(field[:8], "little")
            field = field[8:]
    return wide


def _check_layout(view: memoryview, entries: "list[_Entry]", limit: int) -> "list[int]":
    """Return where each entry's bytes start; the entries must fill the file up to *limit* without gap."""
    starts = []
    expected = 0
    for entry in entries:
        at, raw, _flags, _method, _crc, packed, _size, _mode, same = entry
        if at != expected:
            _refuse_place(at, raw, expected)
        start = at + 30 + len(raw)
        head = bytes(view[at:start])
        if head != b"PK\3\4%b\0\0%b" % (same, raw):
            start += _compare_headers(view, entry, head)
        expected = start + packed
        if expected > limit:
            raise Refused("it reaches beyond its place in the file", _text(raw))
        if head[6] & _DESCRIPTOR:
            expected += _descriptor_size(view, entry, expected)
        starts.append(start)
    if expected != limit:
        raise Refused("there are bytes between its members and its directory")
    return starts


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _refuse_place(at: int, raw: bytes, expected: int) -> None:
    if not expected:
        raise Refused("it does not begin with its first member (leading bytes)")
    if at < expected:
        raise Refused("it overlaps the member before it", _text(raw))
    raise Refused("there are bytes between it and the member before it", _text(raw))


def _compare_headers(view: memoryview, entry: _Entry, head: bytes) -> int:
    """Return the length of the local header's extra fields; Refused unless it says what the directory says."""
    at, raw, own_flags, own_method, own_crc, own_packed, own_size, _mode, _same = entry
    sig, _need, flags, method, _time, _date, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(head)
    if sig != b"PK\3\4":
        raise Refused("there is no local header where the directory points", _text(raw))
    raw_at = at + _LOCAL.size
    if name_size != len(raw) or head[_LOCAL.size :] != raw:
        other = printable(_text(bytes(view[raw_at : raw_at + name_size])))
        raise Refused(f"its local header gives another name, `{other}`", _text(raw))
    if extra_size:
        extra = bytes(view[raw_at + name_size : raw_at + name_size + extra_size])
        size, packed, _ = _widen(extra, raw, [size, packed, 0])
    if (flags ^ own_flags) & _REFUSED_FLAGS or method != own_method:
        raise Refused("its local header disagrees with the directory on how it is packed", _text(raw))
    late = flags & _DESCRIPTOR  # these three then follow the data, and zeros may stand here
    for own, found in ((own_crc, crc), (own_packed, packed), (own_size, size)):
        if found != own and not (late and not found):
            raise Refused("its local header disagrees with the directory on its size or checksum", _text(raw))
    return int(extra_size)


def _descriptor_size(view: memoryview, entry: _Entry, at: int) -> int:
    """Return the length of the data descriptor at *at*: with or without signature, 32 or 64 bits wide."""
    _at, raw, _flags, _method, crc, packed, size, _mode, _same = entry
    for wide in (4, 8):
        if max(packed, size) >= 1 << 8 * wide:
            continue
        body = crc.to_bytes(4, "little") + packed.to_bytes(wide, "little") + size.to_bytes(wide, "little")
        for whole in (b"PK\7\x08" + body, body):
            behind = bytes(view[at + len(whole) : at + len(whole) + 4])
            if view[at : at + len(whole)] == whole and behind in _SIGNATURES:
                return len(whole)
    raise Refused("its data descriptor disagrees with the directory", _text(raw))


_SIGNATURES = (b"PK\3\4", b"PK\1\2")


def _members(
    entries: "list[_Entry]", names: "list[str]", starts: "list[int]"
) -> "tuple[list[Member], set[str]]":
    members = []
    directories = set()
    make = partial(tuple.__new__, Member)  # its own constructor takes twice the time
    for entry, name, start in zip(entries, names, starts, strict=True):
        _offset, _raw, _flags, method, crc, packed, size, mode, _same = entry
        if name[-1] == "/" or mode >> 12 == 4:
            if size or packed > 2 or name[-1] != "/":
                raise Refused("it is a directory that holds bytes, or is not named like one", name)
            directories.add(name[:-1])
            continue
        if (size != packed) if method == STORED else (size > packed * _MOST_INFLATION):
            raise Refused("its size cannot be that of the directory", name)
        members.append(make((name, start, packed, size, crc, method == DEFLATED, mode & 0o111 != 0)))
    return members, directories
