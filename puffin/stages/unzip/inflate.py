"""The bytes of a member, inflated and checked.

libdeflate (the ``deflate`` package) needs half the time of zlib; where it cannot be imported, zlib does
the same. A member too big to hold twice in memory is streamed through zlib.
"""

import zlib
from collections.abc import Iterator

from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.zipdir import Member

STREAM_ABOVE = 512 << 20  # bytes; libdeflate would hold such a member whole, and counts to 2**32 only
_CHUNK = 4 << 20


def zlib_inflate(packed: "bytes | bytearray | memoryview", size: int) -> bytes:
    """Return the *size* bytes that *packed* inflates to; raise ValueError where it does not."""
    stream = zlib.decompressobj(-15)
    try:
        content = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(content) != size or not stream.eof:
        raise ValueError("the data end early or late")
    return content


try:
    from deflate import DeflateError, deflate_decompress
    from deflate import crc32 as crc32  # for who checks files that come unzipped, too
except ImportError:  # no wheel of it for this platform
    DeflateError = ValueError  # type: ignore[assignment, misc]
    crc32 = zlib.crc32  # type: ignore[assignment]
    deflate_decompress = zlib_inflate  # type: ignore[assignment]


def member_content(view: memoryview, member: Member) -> "bytes | bytearray | memoryview":
    """Return what *member* of the zip file *view* holds; raise Refused if size or checksum are wrong."""
    _name, start, packed, size, crc, deflated, _executable = member
    body: bytes | bytearray | memoryview = view[start : start + packed]
    if deflated:
        try:
            body = deflate_decompress(body, size) if size else zlib_inflate(body, 0)
        except (DeflateError, ValueError, MemoryError):
            raise Refused("its compressed data are damaged", member.name) from None
    if len(body) != size or crc32(body) != crc:
        raise Refused("its content does not match its checksum", member.name)
    return body


def chunks(view: memoryview, member: Member) -> "Iterator[bytes]":
    """Yield a deflated *member* piece by piece; Refused comes at the end if size or checksum are wrong."""
    stream = zlib.decompressobj(-15)
    total = crc = 0
    for piece in _inflated(stream, view[member.start : member.start + member.packed], member.name):
        total += len(piece)
        crc = zlib.crc32(piece, crc)
        if total > member.size:
            break
        yield piece
    if not stream.eof or total != member.size or crc != member.crc:
        raise Refused("its content does not match its checksum", member.name)


def _inflated(stream: "zlib._Decompress", packed: memoryview, name: str) -> "Iterator[bytes]":
    try:
        for at in range(0, len(packed), _CHUNK):
            rest: bytes | memoryview = packed[at : at + _CHUNK]
            while rest and not stream.eof:
                yield stream.decompress(rest, _CHUNK)
                rest = stream.unconsumed_tail
    except zlib.error:
        raise Refused("its compressed data are damaged", name) from None
