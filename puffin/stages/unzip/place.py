"""Writing a tree of files as fast as the kernel takes them: one open, one write, one close per file."""

import os
from collections.abc import Iterator

from puffin.stages.unzip.inflate import STREAM_ABOVE, chunks, content
from puffin.stages.unzip.installed import Item
from puffin.stages.unzip.record import digest
from puffin.stages.unzip.zipdir import Member

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WALK = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_RELATIVE = os.open in os.supports_dir_fd


def write_tree(root: str, view: memoryview, tree: "dict[str, list[Item]]") -> "dict[str, list[str]]":
    """Create the directory *root* with the files of *tree* and return their hashes, directory by directory.

    Modes follow the umask: 0o777 where the member is executable, else 0o666. Raises Refused for a
    member whose content is not what its directory entry says, and OSError.
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
        body = b"" if streamed else content(view, member)
        descriptor = os.open(prefix + name, _WRITE, 0o777 if executable else 0o666, dir_fd=at)
        try:
            if streamed:
                known = _stream(descriptor, view, member)
            elif size and (written := os.write(descriptor, body)) != size:
                _write_all(descriptor, memoryview(body)[written:])
        finally:
            os.close(descriptor)
        hashes.append(known or digest((body,)))
    return hashes


def _stream(descriptor: int, view: memoryview, member: "Member") -> str:
    def passing() -> "Iterator[bytes]":
        for piece in chunks(view, member):
            _write_all(descriptor, memoryview(piece))
            yield piece

    return digest(passing())


def _write_all(descriptor: int, rest: memoryview) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]
