"""Archives that travel from one cache to another: the manifest, and the files one behind the other, in pieces.

The order of the files is that of the manifest. Before the receiver publishes an archive, it checks the paths, compares
the size and the checksum of each file, and reads the files in ``.dist-info`` as an unzip does. So a broken transfer
leaves nothing behind. The contents of files are taken as the sender has them: the hash of the wheel cannot be computed
from its files.
"""

import os

from puffin.cache.atomic import read, remove_tree
from puffin.cache.layout import Cache, current_boot
from puffin.errors import PuffinError
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.inflate import crc32
from puffin.stages.unzip.installed import OUTSIDE, OUTSIDE_KEYS, fault_outside, own_description
from puffin.stages.unzip.manifest import Manifest, OutsideRow, read_manifest
from puffin.stages.unzip.names import ancestors, check_collisions, decode_name
from puffin.stages.unzip.publish import CREATE, READABLE, RUNNABLE, kept_executables, publish_archive
from puffin.stages.unzip.ready import archive_ready, files_listed
from puffin.stages.unzip.record import digest_of, parse_record, split_row
from puffin.stages.unzip.wheelfile import is_for, parse_filename
from puffin.types import Any, Buffer
from puffin.value import replace


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
        if fault := _fault(self._manifest):
            raise self._broken(fault)
        self._cache.initialise()
        self._root = self._cache.temporary("-arrival")
        try:
            for directory in _directories(self._manifest):
                os.mkdir(f"{self._root}/{directory}" if directory else self._root)
            self._next()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        remove_tree(self._root)

    def add(self, piece: Buffer) -> None:
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
            mode = RUNNABLE if self._path in self._runnable else READABLE
            self._descriptor = os.open(f"{self._root}/{self._path}", CREATE, mode)

    def finish(self) -> None:
        """Publish the archive. Raises :class:`BrokenTransfer` and OSError; then the cache is as it was."""
        if self._left:
            raise self._broken("files are missing")
        try:
            facts = _facts(self._root, self._manifest)
        except Refused as refused:
            raise self._broken(f"`{refused.member}`: {refused.reason}") from None
        marked = self._manifest.executables
        if marked is not None:
            marked = kept_executables(self._root, self._manifest.dist_info, marked)
        manifest = replace(self._manifest, boot_id=current_boot(), executables=marked, **facts)
        publish_archive(self._cache, self._archive, self._root, manifest)

    def _broken(self, reason: str) -> BrokenTransfer:
        return BrokenTransfer(filename=self._manifest.filename, reason=reason)


def _facts(root: str, manifest: Manifest) -> "dict[str, Any]":
    """Return those fields of a manifest that the files at *root* tell; raise Refused unless RECORD lists the files."""
    info = manifest.dist_info
    name, version = parse_filename(manifest.filename)
    if not info.endswith(".dist-info") or not is_for(info.removesuffix(".dist-info"), name, version):
        raise Refused("the directory is not that of the wheel", info)
    own = ("METADATA", "WHEEL", "entry_points.txt")
    texts = {each: read(f"{root}/{info}/{each}") or b"" for each in own}
    found = own_description(name, version, info, texts)
    _check_record(read(f"{root}/{info}/RECORD") or b"", manifest)
    outside = tuple([_hashed(root, row) for row in manifest.outside])
    return {"name": name, "outside": outside, **found._asdict()}


def _check_record(text: bytes, manifest: Manifest) -> None:
    """Raise Refused unless RECORD has one row for each file of the root tree but itself."""
    own = f"{manifest.dist_info}/RECORD"
    wanted = {path: str(size) for path, size, _ in files_listed(replace(manifest, outside=())) if path != own}
    try:
        found = {path: split_row(row)[1] for path, row in parse_record(text).items()}
    except ValueError as error:
        raise Refused(f"it cannot be parsed: {error}", own) from None
    if found != wanted or text.count(b"\n") != len(wanted):
        raise Refused("it lists other files", own)


def _hashed(root: str, row: OutsideRow) -> OutsideRow:
    at = f"{root}/{_outside(*row[:2])}"
    return (*row[:5], tuple([digest_of(f"{at}/{name}", "sha256") for name in row[2]]))


def _directories(manifest: Manifest) -> "list[str]":
    """Return the directories of an archive, parents first."""
    inside, outside = [row[0] for row in manifest.tree], [_outside(*row[:2]) for row in manifest.outside]
    return [*inside, *([OUTSIDE] if outside else []), *outside]


def _outside(key: str, directory: str) -> str:
    return f"{OUTSIDE}/{key}/{directory}".rstrip("/")


def _fault(manifest: Manifest) -> str:
    """Return why no archive may be made of a manifest, ``""`` if it may: what it names lies where a wheel's files may.

    A wheel is checked likewise, by :mod:`~puffin.stages.unzip.zipdir` and :mod:`~puffin.stages.unzip.installed`.
    """
    paths, directories = [path for path, _, _ in files_listed(manifest)], _directories(manifest)
    names = [name for row in manifest.tree for name in row[1]]
    names += [name for row in manifest.outside for name in row[2]]
    known = set(directories)
    if "" in names or "/" in "".join(names) or ancestors(known) != known or len(known) != len(directories):
        return "a file is not in its directory"
    marked = manifest.executables or ()
    if not set(marked) <= set(paths) or len(set(marked)) != len(marked):
        return "a file that may be run is missing, or listed twice"
    if [row[1][-1:] for row in manifest.tree if row[0] == manifest.dist_info] != [("RECORD",)]:
        return "RECORD is not the last file of its directory"
    try:
        decode_name([each.encode() for each in (*paths, *directories) if each])
        check_collisions(paths, known)
    except Refused as refused:
        return f"`{refused.member}`: {refused.reason}"
    return _fault_outside(manifest)


def _fault_outside(manifest: Manifest) -> str:
    if any(directory.partition("/")[0] == OUTSIDE for directory, *_ in manifest.tree):
        return "a file of the root tree is outside it"
    for key, directory, names, *_ in manifest.outside:
        if key not in OUTSIDE_KEYS:
            return f"`{key}` is not a place of files"
        for name in names:
            if reason := fault_outside(key, f"{directory}/{name}".lstrip("/")):
                return f"`{name}`: {reason}"
    return ""
