"""Unpacking source distributions and archives of projects: strict at the door, as with wheels.

Where a wheel's rules are harder than life among source distributions, theirs differ: a tar file may hold symbolic and
hard links that stay inside (PEP 706's ``data`` filter has the last word where this Python has it), and a
directory may be named twice.
"""

import io
import os
import tarfile
import time
import zipfile
from typing import IO

from puffin.stages.build.unpack_rules import UnpackFailed, Writer, bad_source, check_count, check_size
from puffin.stages.build.unpack_tar import tar_members, untar
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.inflate import STREAM_ABOVE, chunks, content
from puffin.stages.unzip.names import ancestors, check_collisions
from puffin.stages.unzip.zipdir import Member, read_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined, unused-ignore]


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
    executable or not as in the archive, and no older than 1980, which zip files cannot hold. Raises
    :class:`~puffin.stages.build.unpack_rules.BadSource` for an archive that is broken, ambiguous or hostile, and
    :class:`~puffin.stages.build.unpack_rules.UnpackFailed`; what was written until then is the caller's to remove.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with _opened(archive) as file:
            _unpack(file, filename, directory)
        return project_directory(directory)
    except Refused as refused:
        raise bad_source(package, filename, refused) from None
    except OSError as error:
        raise UnpackFailed.of(package, filename, directory, error) from error


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
        body = chunks(data, member) if streamed else (content(data, member),)
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
