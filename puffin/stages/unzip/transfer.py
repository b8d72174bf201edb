"""Archives that travel from one cache to another: the manifest, and the files one behind the other, in pieces.

The order of the files is that of the manifest. Whoever receives them compares the size and the checksum of each file
before the archive is published. So a broken transfer leaves nothing behind. What a peer says is believed otherwise: the
hash of the wheel cannot be computed from its files.
"""

import os
from zlib import crc32

from puffin.cache.atomic import publish_file, publish_tree, remove_tree
from puffin.cache.layout import Cache, current_boot
from puffin.errors import PuffinError
from puffin.stages.unzip.manifest import Manifest, encode_manifest, read_manifest
from puffin.stages.unzip.ready import archive_ready, discard_archive, files_listed
from puffin.value import replace

_READABLE, _RUNNABLE = (0o444, 0o555) if os.name != "nt" else (0o666, 0o777)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class BrokenTransfer(PuffinError):
    """The files of an archive did not arrive as its manifest lists them."""

    sentence = "The archive of `{filename}` arrived damaged: {reason}"
    filename: str
    reason: str


def manifest_of(cache: Cache, archive: str) -> "Manifest | None":
    """Return the manifest of an archive that can be sent, None if the cache does not have it."""
    return read_manifest(cache.manifest(archive)) if archive_ready(cache, archive) else None


def piece_of(cache: Cache, archive: str, manifest: Manifest, start: int, size: int) -> bytes:
    """Return *size* bytes of the files of an archive from *start* on, fewer at the end. Raises OSError."""
    root, parts, at, end = cache.archive(archive), [], 0, start + size
    for path, length, _crc in files_listed(manifest):
        if at < end and at + length > start:
            with open(f"{root}/{path}", "rb") as file:
                file.seek(max(start - at, 0))
                parts.append(file.read(min(end, at + length) - max(start, at)))
        at += length
        if at >= end:
            break
    return b"".join(parts)


class Arrival:
    """An archive on its way into *cache*. Give it the pieces in order, then :meth:`finish`; use it in ``with``."""

    def __init__(self, cache: Cache, archive: str, manifest: Manifest) -> None:
        self._cache = cache.own
        self._archive = archive
        self._manifest = manifest
        self._files = iter(files_listed(manifest))
        self._runnable = frozenset(manifest.executables or ())
        self._path, self._left, self._crc, self._wanted = "", 0, 0, 0
        self._descriptor = -1
        self._root = ""
        self.taken = 0

    def __enter__(self) -> "Arrival":
        self._cache.initialise()
        self._root = self._cache.temporary("-arrival")
        for directory in _directories(self._manifest):
            os.makedirs(f"{self._root}/{directory}" if directory else self._root, exist_ok=True)
        self._next()
        return self

    def __exit__(self, *error: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        remove_tree(self._root)

    def add(self, piece: bytes) -> None:
        """Take the next bytes. Raises :class:`BrokenTransfer` and OSError."""
        view = memoryview(piece)
        self.taken += len(view)
        while view:
            if self._descriptor < 0:
                raise self._broken("there are more bytes than files")
            part, view = view[: self._left], view[self._left :]
            self._crc = crc32(part, self._crc)
            self._left -= len(part)
            while part:
                part = part[os.write(self._descriptor, part) :]
            if not self._left:
                self._next()

    def _next(self) -> None:
        """Go on to the next file that has content; those without are made at once."""
        while not self._left:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                if self._crc != self._wanted:
                    raise self._broken(f"`{self._path}` has another content")
            found = next(self._files, None)
            if found is None:
                return
            self._path, self._left, self._wanted = found
            self._crc = 0
            mode = _RUNNABLE if self._path in self._runnable else _READABLE
            self._descriptor = os.open(f"{self._root}/{self._path}", _WRITE, mode)

    def finish(self) -> None:
        """Publish the archive. Raises :class:`BrokenTransfer` and OSError; then the cache is as it was."""
        if self._left:
            raise self._broken("files are missing")
        mine = publish_tree(self._root, self._cache.archive(self._archive))
        manifest = replace(self._manifest, boot_id=current_boot())
        try:
            publish_file(self._cache, self._cache.manifest(self._archive), encode_manifest(manifest))
        except BaseException:
            if mine:
                discard_archive(self._cache, self._archive)
            raise

    def _broken(self, reason: str) -> BrokenTransfer:
        return BrokenTransfer(filename=self._manifest.filename, reason=reason)


def _directories(manifest: Manifest) -> "list[str]":
    """Return the directories of an archive, parents first."""
    inside = [row[0] for row in manifest.tree]
    return [*inside, *[f".data/{key}/{directory}".rstrip("/") for key, directory, *_ in manifest.outside]]
