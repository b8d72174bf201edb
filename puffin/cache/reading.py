"""Reading small files and directories; what cannot be read counts as absent."""

import os

from puffin import depends

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read(path: str) -> "bytes | None":
    """Return the bytes of a small file, or None where it cannot be read (a cache miss)."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return None
    try:
        return _read_all(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read_beginning(path: str, count: int = 0) -> bytes:
    """Return the first *count* bytes of a small file (0: all of them), nothing where it cannot be read."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return b""
    try:
        return os.read(descriptor, count or os.fstat(descriptor).st_size)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def read_text(path: str, errors: str = "replace") -> str:
    """Return the text of a small file, its lines as they end there; empty where it cannot be read."""
    depends.file(path)
    return (read(path) or b"").decode("utf-8", errors)


def names_in(directory: str) -> "list[str]":
    """Return the sorted names in a directory; none where it cannot be read."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, max(65536, os.fstat(descriptor).st_size + 1)):
        parts.append(part)
        if len(part) < 65536:
            break
    return b"".join(parts)
