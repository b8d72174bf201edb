"""Unpacking source distributions and archives of projects, checked as strictly as wheels.

Where a wheel's rules are harder than life among source distributions, theirs differ: a tar file may hold symbolic and
hard links that stay inside (PEP 706's ``data`` filter has the last word where this Python has it), and a
directory may be named twice.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from lzma import LZMAError
from typing import IO

from puffin.artifact.limits import inflated
from puffin.errors import PuffinError, os_cause
from puffin.stages.unzip.errors import Refused, bad_archive
from puffin.stages.unzip.inflate import STREAM_ABOVE, chunks, member_content
from puffin.stages.unzip.names import ancestors, check_collisions, fault
from puffin.stages.unzip.zipdir import Member, read_directory
from puffin.types import Buffer

_OLDEST = 315_619_200.0  # 2 January 1980: in no time zone older than what a zip file, such as a wheel, can hold
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
MOST_MEMBERS = 500_000


class Writer:
    """Writes into *root*, which exists. Names are checked, and use ``/``; nothing that exists is written over."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._made = {""}
        self._now = time.time()
        self._times: list[tuple[str, float]] = []

    def directory(self, name: str, time: float = 0.0) -> None:
        """Make a directory, and those above it, where they are missing."""
        if name not in self._made:
            self.directory(name.rpartition("/")[0])
            os.mkdir(f"{self._root}/{name}")
            self._made.add(name)
        if time:
            self._times.append((name, time))

    def file(self, name: str, body: "Iterable[Buffer]", *, executable: bool, time: float) -> None:
        """Write a file; *time* is in seconds since the epoch, 0 for now."""
        self.directory(name.rpartition("/")[0])
        path = f"{self._root}/{name}"
        descriptor = os.open(path, _WRITE, 0o777 if executable else 0o666)
        try:
            for piece in body:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        self._stamp(path, time)

    def symlink(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        self.directory(name.rpartition("/")[0])
        os.symlink(target, f"{self._root}/{name}")

    def hardlink(self, name: str, target: str) -> None:
        """Make a file another name of the file *target*, which was written before."""
        self.directory(name.rpartition("/")[0])
        os.link(f"{self._root}/{target}", f"{self._root}/{name}", follow_symlinks=False)

    def finish(self) -> None:
        """Set the times of directories, after all that is in them was written."""
        for name, moment in reversed(self._times):
            self._stamp(f"{self._root}/{name}", moment)

    def _stamp(self, path: str, moment: float) -> None:
        if moment:
            moment = min(max(moment, _OLDEST), self._now)
            os.utime(path, (moment, moment))


class UnpackFailed(PuffinError):
    """The operating system did not let puffin read or write what a source archive holds."""

    sentence = "Failed to unpack `{filename}` into `{path}`"
    filename: str
    path: str


def check_size(unpacked: int, packed: int) -> None:
    """Raise Refused where an archive of *packed* bytes becomes more than a project can be meant to have."""
    if reason := inflated(packed, unpacked):
        raise Refused(reason)


def check_count(members: int) -> None:
    """Raise Refused for more members than a project can be meant to have."""
    if members > MOST_MEMBERS:
        raise Refused(f"it has more than {MOST_MEMBERS} members")


_KINDS = {
    ".tar.gz": "gz", ".tgz": "gz", ".tar.bz2": "bz2", ".tbz": "bz2", ".tar.xz": "xz", ".txz": "xz",
    ".tar.lzma": "lzma", ".tar": "tar", ".zip": "zip",
}  # fmt: skip
_MAGIC = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"), (b"PK\3\4", "zip"), (b"PK\5\6", "zip"))
_NAMES = {"gz": "gzip-compressed", "bz2": "bzip2-compressed", "xz": "xz-compressed", "zip": "a zip file"}


def unpack(archive: "str | Buffer", filename: str, directory: str, *, package: str) -> str:
    """Unpack the source archive *archive*, a path or its bytes, into *directory*; return the project's directory.

    That is the only top-level directory, else *directory* itself, which is created where it is missing and should be
    empty. *filename* tells by its ending what the archive is; *package* is it in the user's words. Files are
    executable or not as in the archive, and no older than 1980, which zip files cannot hold. Raises ``BadArchive`` for
    one that is broken, ambiguous or hostile, and :class:`UnpackFailed`; what was written until then is the caller's to
    remove.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with _opened(archive) as file:
            _unpack(file, filename, directory)
        return project_directory(directory)
    except Refused as refused:
        raise bad_archive(filename, refused, package) from None
    except OSError as error:
        causes = (os_cause(error),)
        raise UnpackFailed(package=package, filename=filename, path=directory, causes=causes) from error


def project_directory(directory: str) -> str:
    """Return the only entry of *directory* if that is a directory, else *directory*. Raises OSError."""
    names = os.listdir(directory)
    only = f"{directory}/{names[0]}" if len(names) == 1 else ""
    return only if only and os.path.isdir(only) and not os.path.islink(only) else directory


def _opened(archive: "str | Buffer") -> "IO[bytes]":
    return open(archive, "rb") if isinstance(archive, str) else io.BytesIO(archive)


def _unpack(file: "IO[bytes]", filename: str, directory: str) -> None:
    kind = _kind(file, filename)
    if kind == "zip":
        _refuse_tar(file)
        data = memoryview(file.read())
        unzip_source(data, zip_members(data), directory)
        return
    _refuse_zip(file)
    with tar_members(file, kind) as tar:
        untar(tar, directory)


def _kind(file: "IO[bytes]", filename: str) -> str:
    """Return what the archive is, by its name; Refused where its first bytes say otherwise."""
    ending = max((each for each in _KINDS if filename.lower().endswith(each)), key=len, default="")
    if not ending:
        raise Refused(f"its name ends with none of {', '.join(f'`{each}`' for each in _KINDS)}")
    kind = _KINDS[ending]
    head = file.read(8)
    file.seek(0)
    found = next((known for magic, known in _MAGIC if head.startswith(magic)), "")
    if not head:
        raise Refused("it is empty")
    if (found or kind) != kind:
        raise Refused(f"its name ends with `{ending}`, but it is {_NAMES[found]}")
    if kind in _NAMES and not found:
        raise Refused(f"its name ends with `{ending}`, but it is not {_NAMES[kind]}")
    return kind


def _refuse_zip(file: "IO[bytes]") -> None:
    """Refuse a tar file that readers of zip files would read as one, with other content."""
    try:
        zipfile.ZipFile(file).close()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        file.seek(0)
        return
    raise Refused("it is a tar file and a zip file at once")


def _refuse_tar(file: "IO[bytes]") -> None:
    try:
        tarfile.open(fileobj=file, mode="r:").close()
    except (tarfile.TarError, ValueError, OSError):
        file.seek(0)
        return
    raise Refused("it is a zip file and a tar file at once")


def zip_members(data: memoryview) -> "tuple[list[Member], set[str]]":
    """Return the files and the directories (no ``""``) of the zip file *data*; raises Refused."""
    members, named = read_directory(data)
    check_count(len(members) + len(named))
    check_size(sum(member.size for member in members), len(data))
    files = [member.name for member in members]
    directories = ancestors(named | {name.rpartition("/")[0] for name in files})
    check_collisions(files, directories)
    return members, directories - {""}


def unzip_source(data: memoryview, listed: "tuple[list[Member], set[str]]", directory: str) -> None:
    """Write what :func:`zip_members` listed into *directory*. Raises Refused for damaged content, and OSError."""
    members, directories = listed
    times = _times(data)
    writer = Writer(directory)
    for name in sorted(directories):
        writer.directory(name)
    for member in members:
        streamed = member.deflated and member.size > STREAM_ABOVE
        body = chunks(data, member) if streamed else (member_content(data, member),)
        writer.file(member.name, body, executable=member.executable, time=times.get(member.name, 0.0))
    writer.finish()


def _times(data: memoryview) -> "dict[str, float]":
    """Return when each file was changed, in seconds since the epoch; zip files tell it in nobody's time zone."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            try:
                found[info.filename.replace(os.sep, "/")] = time.mktime((*info.date_time, 0, 0, -1))
            except (ValueError, OverflowError):
                continue
    return found


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
        yield Tar(archive, _judged(archive, found, packed))


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
        return bz2.BZ2File(file)

    return lzma.LZMAFile(file)


def _check_end(archive: tarfile.TarFile, plain: "IO[bytes]") -> None:
    """Refuse an archive without its end mark: tarfile takes it as whole wherever it is cut between two members."""
    plain.seek(archive.offset)
    if plain.read(_BLOCK) != bytes(_BLOCK):
        raise Refused("it is cut off, or damaged, behind its last readable member")


def _judged(
    archive: tarfile.TarFile, found: "list[tarfile.TarInfo]", packed: int
) -> "list[tuple[str, tarfile.TarInfo]]":
    check_count(len(found))
    check_size(sum(member.size for member in found if member.isreg()), packed)
    members = _distinct(archive, [(_plain(member.name), member) for member in found])
    members = [(name, member) for name, member in members if name or not member.isdir()]
    for name, member in members:
        _check_member(name, member)
    files = [name for name, member in members if not member.isdir()]
    named = {name for name, member in members if member.isdir()}
    check_collisions(files, ancestors(named | {name.rpartition("/")[0] for name in files}))
    _check_hardlinks(members)
    return members


def _distinct(
    archive: tarfile.TarFile, members: "list[tuple[str, tarfile.TarInfo]]"
) -> "list[tuple[str, tarfile.TarInfo]]":
    """Return the members without repetitions of the same file, about which all readers agree."""
    first: dict[str, tarfile.TarInfo] = {}
    return [
        (name, member)
        for name, member in members
        if (known := first.setdefault(name, member)) is member or not _is_same(archive, known, member)
    ]


def _is_same(archive: tarfile.TarFile, one: tarfile.TarInfo, other: tarfile.TarInfo) -> bool:
    if other.islnk() and _plain(other.linkname) == _plain(one.name):
        return one.isreg()  # what tar writes for a file that it is given twice
    kinds = [(each.type, each.linkname, each.mode & 0o100, each.size) for each in (one, other)]
    if kinds[0] != kinds[1] or one.isdir():
        return False
    return not one.isreg() or all(
        a == b for a, b in zip(_body(archive, one), _body(archive, other), strict=True)
    )


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
            reason = f"it is a hard link to something that is not a file before it in the archive, `{member.linkname}`"
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
