"""What is fuzzed: each target refuses bytes from outside in words, or makes something safe of them.

A target raises ``AssertionError`` for what it should have refused, and whatever a parser raises against its promise.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.build.unpack import unpack
from puffin.stages.resolve.index.page import Page
from puffin.stages.resolve.index.parse import parse_html, parse_json
from puffin.stages.resolve.metadata.parse import parse_metadata, static_metadata
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.pylock import LockTarget, read_lock
from puffin.stages.resolve.requirements.file import read_requirements
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.record import parse_record, rows_in
from puffin.stages.unzip.unzip import unzip
from puffin.stages.unzip.wheelfile import check_metadata, check_wheel, entry_points

WHEEL = "evil-1.0-py3-none-any.whl"  # the name that hostile wheels of the forge have, too
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_DIGEST = "ab" * 32


def _entries(root: str) -> Iterator[str]:
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            yield os.path.join(directory, name)


def wheel(data: bytes) -> None:
    """What is accepted is, file for file, what another reader of zip files finds."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as room:
        root = os.path.join(room, "cache")
        unzip(data=data, filename=WHEEL, sha256=_DIGEST, cache_root=root)
        assert os.listdir(room) == ["cache"]
        archive = Cache(root).archive(_DIGEST)
        assert not any(os.path.islink(path) for path in _entries(archive))
        found = {path[len(archive) + 1 :] for path in _entries(archive) if os.path.isfile(path)}
        with zipfile.ZipFile(io.BytesIO(data)) as other:
            names = {info.filename for info in other.infolist() if not info.is_dir()}
            inside = {name for name in names if ".data/" not in name and ".dist-info/" not in name}
            assert inside <= found, inside - found
            for name in inside:
                with open(os.path.join(archive, name), "rb") as file:
                    assert file.read() == other.read(name), name


def _source(data: bytes, filename: str) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as room:
        root = os.path.join(room, "tree")
        try:
            unpack(data, filename, root, package="evil")
        finally:
            assert set(os.listdir(room)) <= {"tree"}
        real = os.path.realpath(root) + os.sep
        for path in _entries(root):
            mode = os.lstat(path).st_mode
            assert os.path.islink(path) or os.path.isfile(path) or os.path.isdir(path), path
            assert os.path.islink(path) or not mode & 0o7022, path
            assert (os.path.realpath(path) + os.sep).startswith(real), path


def tar(data: bytes) -> None:
    """All that is unpacked is inside, and is a file, a directory, or a link to inside."""
    _source(data, "evil-1.0.tar")


def targz(data: bytes) -> None:
    """The same, compressed."""
    _source(data, "evil-1.0.tar.gz")


def zipsource(data: bytes) -> None:
    """The same, for zip files."""
    _source(data, "evil-1.0.zip")


def record(data: bytes) -> None:
    """A RECORD is read row by row, or refused."""
    try:
        found = parse_record(data)
    except ValueError as error:  # not CSV, or not UTF-8
        raise Refused(str(error)) from None
    assert set(found) == {row[0] for row in rows_in(data.decode())}, found


def metadata(data: bytes) -> None:
    """All readers of METADATA end in words."""
    for read in (parse_metadata, static_metadata):
        try:
            read(data)
        except Malformed:
            pass
    name, version = check_metadata(data, "METADATA", "evil", "1.0")
    assert name.strip().lower() == "evil", name
    assert version.strip().lower().lstrip("v").startswith(("1", "0")), version


def wheelfile(data: bytes) -> None:
    """No other major version is taken."""
    check_wheel(data, "WHEEL")


def entrypoints(data: bytes) -> None:
    """No launcher leaves the directory of scripts, nor takes the place of the interpreter."""
    for name, module, attribute, _ in entry_points(data.decode(), "entry_points.txt"):
        assert "/" not in name, name
        assert "\\" not in name, name
        assert name not in ("", ".", "..", "python", "python3", "activate"), name
        assert all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))), (
            module,
            attribute,
        )


def _page(page: Page) -> None:
    for file in page.files:
        assert "/" not in file.filename, file
        assert file.filename.isprintable(), file
        assert urlsplit(file.url).scheme in ("http", "https", "file"), file


def html(data: bytes) -> None:
    """The files of a page have names without places, and URLs that puffin fetches."""
    _page(parse_html(data, name="evil", url="https://host.example/simple/evil/"))


def json(data: bytes) -> None:
    """The same, for JSON pages."""
    _page(parse_json(data, name="evil", url="https://host.example/simple/evil/"))


def requirements(data: bytes) -> None:
    """A file is read, or the line is named; nothing else is read for it but what the test gives."""

    def read(path: str) -> bytes:
        return data if path.endswith("first.txt") else b""

    read_requirements(["first.txt"], read=read, environ={"A": "a"}, exists=lambda path: False)


def pylock(data: bytes) -> None:
    """A lock is read, or refused."""
    text = data.decode()
    target = LockTarget(markers=_MARKERS, tags=("py3-none-any",))
    read_lock(SourceFile(path="/place/pylock.toml", shown="pylock.toml", text=text), target=target)


_MARKERS = {
    "implementation_name": "cpython", "implementation_version": "3.12.0", "os_name": "posix",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython", "platform_release": "6",
    "platform_system": "Linux", "platform_version": "1", "python_full_version": "3.12.0", "python_version": "3.12",
    "sys_platform": "linux",
}  # fmt: skip
TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        wheel, tar, targz, zipsource, record, metadata, wheelfile, entrypoints, html, json, requirements, pylock,
    )
}  # fmt: skip
_TEXTS = {"entrypoints", "pylock"}  # their readers are given text: other bytes are refused before


def run(name: str, data: bytes) -> bool:
    """Run a target; tell whether it took *data*. Whatever is raised but a refusal is a fault."""
    try:
        TARGETS[name](data)
    except (PuffinError, Refused):
        return False
    except UnicodeDecodeError:
        if name not in _TEXTS:
            raise
        return False
    return True
