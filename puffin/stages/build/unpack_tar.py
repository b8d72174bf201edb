"""Tar files: decompressed once, all members judged, then written."""

import contextlib
import gzip
import os
import tarfile
import tempfile
import zlib

from puffin.stages.build.unpack_rules import Writer, check_count, check_size
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.names import ancestors, check_collisions, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_IN_MEMORY = 128 << 20  # bytes; more is decompressed to the disk
_CHUNK = 1 << 20
_BLOCK = 512
_SPECIAL = {
    tarfile.CHRTYPE: "a character device", tarfile.BLKTYPE: "a block device", tarfile.FIFOTYPE: "a named pipe",
}  # fmt: skip


class Tar:
    """A tar file whose members are judged. ``members`` are in their order, each with its name made plain."""

    def __init__(self, archive: tarfile.TarFile, members: "list[tuple[str, tarfile.TarInfo]]") -> None:
        self.archive = archive
        self.members = members


@contextlib.contextmanager
def tar_members(file: "IO[bytes]", kind: str) -> "Iterator[Tar]":
    """Give the members of the tar file *file*; *kind* is its compression: gz, bz2, xz, lzma, or tar for none.

    Raises Refused for what no source distribution may hold, and for a file that is cut off or damaged.
    """
    packed = file.seek(0, os.SEEK_END)
    file.seek(0)
    with contextlib.ExitStack() as stack:
        plain = file if kind == "tar" else stack.enter_context(_decompressed(file, kind, packed))
        try:
            archive = stack.enter_context(tarfile.open(fileobj=plain, mode="r:"))
            found = archive.getmembers()
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise Refused(f"it is not a tar file, or it is damaged ({error})") from None
        _check_end(archive, plain)
        yield Tar(archive, _judged(found, packed))


def untar(tar: Tar, directory: str) -> None:
    """Write the members of *tar* into *directory*. Raises Refused for damaged content, and OSError."""
    writer = Writer(directory)
    links = []
    for name, member in tar.members:
        if member.isdir():
            writer.directory(name, member.mtime)
        elif member.issym():
            links.append((name, member))
        elif member.islnk():
            writer.hardlink(name, _plain(member.linkname))
        else:
            writer.file(
                name, _body(tar.archive, member), executable=bool(member.mode & 0o100), time=member.mtime
            )
    for name, member in links:  # last, so that nothing is ever written through one
        _ask_python(member, directory)
        writer.symlink(name, member.linkname)
    writer.finish()


def _decompressed(file: "IO[bytes]", kind: str, packed: int) -> "IO[bytes]":
    """Return the decompressed content of *file* as a file, bounded and checked to its end."""
    plain = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    total = 0
    try:
        for piece in _pieces(file, kind):
            total += len(piece)
            check_size(total, packed)
            plain.write(piece)
    except BaseException:
        plain.close()
        raise
    plain.seek(0)
    return plain


def _pieces(file: "IO[bytes]", kind: str) -> "Iterator[bytes]":
    from lzma import LZMAError

    try:
        with _reader(file, kind) as stream:
            while piece := stream.read(_CHUNK):
                yield piece
    except EOFError:
        raise Refused("it is cut off: its compressed data end too early") from None
    except (zlib.error, LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Refused(f"its compressed data are damaged ({error})") from None


def _reader(file: "IO[bytes]", kind: str) -> "IO[bytes]":
    if kind == "gz":
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    if kind == "bz2":
        import bz2

        return bz2.BZ2File(file)
    import lzma

    return lzma.LZMAFile(file)


def _check_end(archive: tarfile.TarFile, plain: "IO[bytes]") -> None:
    """Refuse an archive without its end mark: tarfile takes it as whole wherever it is cut between two members."""
    plain.seek(archive.offset)
    if plain.read(_BLOCK) != bytes(_BLOCK):
        raise Refused("it is cut off, or damaged, behind its last readable member")


def _judged(found: "list[tarfile.TarInfo]", packed: int) -> "list[tuple[str, tarfile.TarInfo]]":
    check_count(len(found))
    check_size(sum(member.size for member in found if member.isreg()), packed)
    members = [(_plain(member.name), member) for member in found]
    members = [(name, member) for name, member in members if name or not member.isdir()]
    for name, member in members:
        _check_member(name, member)
    files = [name for name, member in members if not member.isdir()]
    named = {name for name, member in members if member.isdir()}
    check_collisions(files, ancestors(named | {name.rpartition("/")[0] for name in files}))
    _check_hardlinks(members)
    return members


def _plain(name: str) -> str:
    """Return a member's name without the leading ``./`` that some writers put there."""
    name = name.removeprefix("./")
    return "" if name == "." else name


def _check_member(name: str, member: tarfile.TarInfo) -> None:
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if reason := fault(name.encode("utf-8", "surrogateescape")):
        raise Refused(reason, shown)
    if member.issparse() or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise Refused(f"it is {_SPECIAL.get(member.type, 'a special file')}", name)
    if member.issym() and not _stays_inside(name, member.linkname):
        raise Refused(f"it is a symbolic link that leads out of the archive, to `{member.linkname}`", name)


def _stays_inside(name: str, target: str) -> bool:
    """Tell whether a symbolic link leads to a place in the archive.

    It may go up only at its beginning, where all directories on its way are real ones.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
    rest = "/".join(parts[ups:])
    if not target or target.startswith("/") or ups > name.count("/"):
        return False
    return not rest or not fault(rest.encode("utf-8", "surrogateescape"))


def _check_hardlinks(members: "list[tuple[str, tarfile.TarInfo]]") -> None:
    """Refuse hard links to anything but regular files that come before them."""
    written = set()
    for name, member in members:
        if member.islnk() and _plain(member.linkname) not in written:
            reason = f"it is a hard link to what is no file before it in the archive, `{member.linkname}`"
            raise Refused(reason, name)
        if member.isreg() or member.islnk():
            written.add(name)


def _body(archive: tarfile.TarFile, member: tarfile.TarInfo) -> "Iterator[bytes]":
    try:
        source = archive.extractfile(member)
        while source is not None and (piece := source.read(_CHUNK)):
            yield piece
    except tarfile.TarError as error:
        raise Refused(f"it is cut off ({error})", member.name) from None


def _ask_python(member: tarfile.TarInfo, directory: str) -> None:
    """Let PEP 706's filter judge a link, against what is on the disk by now."""
    judge = getattr(tarfile, "data_filter", None)  # not in the first micro versions of 3.11
    if judge is None:
        return
    try:
        judge(member, directory)
    except tarfile.FilterError as error:
        raise Refused(str(error), member.name) from None
