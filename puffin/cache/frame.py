"""A stable wire form for small records on disk: a magic word, a checksum, and marshalled builtins.

Marshal's version 4 is read and written by every CPython that puffin runs on, loads about ten times
as fast as JSON, and needs no import. The checksum stands between it and damaged bytes.
"""

import marshal
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap
    from typing import Any

_MAGIC = b"puffin1\n"
HEAD = len(_MAGIC) + 8  # bytes: magic word, checksum and length


def dump(value: "Any") -> bytes:
    """Return *value*, made of builtins only, as a frame of bytes."""
    body = marshal.dumps(value, 4)
    return b"".join((_MAGIC, crc32(body).to_bytes(4, "little"), len(body).to_bytes(4, "little"), body))


def load(data: bytes) -> "Any":
    """Return the value of the frame at the start of *data*; None for anything damaged or foreign."""
    return load_at(data, 0)[0]


def skipped(data: bytes, start: int) -> int:
    """Return where the frame at *start* ends, which is not looked into."""
    return start + HEAD + int.from_bytes(data[start + HEAD - 4 : start + HEAD], "little")


def load_at(data: "bytes | mmap", start: int) -> "tuple[Any, int]":
    """Return the value of the frame at *start* and where it ends; ``(None, start)`` for a damaged one."""
    if data[start : start + len(_MAGIC)] != _MAGIC or len(data) < start + HEAD:
        return None, start
    at = start + len(_MAGIC)
    body_at = start + HEAD
    end = body_at + int.from_bytes(data[at + 4 : body_at], "little")
    body = data[body_at:end]
    if len(body) != end - body_at or crc32(body) != int.from_bytes(data[at : at + 4], "little"):
        return None, start
    try:
        return marshal.loads(body), end
    except (ValueError, EOFError, TypeError):
        return None, start
