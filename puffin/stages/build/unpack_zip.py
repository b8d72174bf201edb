"""Zip files of projects, read by the strict reader that wheels have."""

import os

from puffin.stages.build.unpack_errors import check_count, check_size
from puffin.stages.build.unpack_write import Writer
from puffin.stages.unzip.inflate import STREAM_ABOVE, chunks, content
from puffin.stages.unzip.names import ancestors, check_collisions
from puffin.stages.unzip.zipdir import read_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.unzip.zipdir import Member


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
    import io
    import time
    import zipfile

    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            try:
                found[info.filename.replace(os.sep, "/")] = time.mktime((*info.date_time, 0, 0, -1))
            except (ValueError, OverflowError):
                continue
    return found
