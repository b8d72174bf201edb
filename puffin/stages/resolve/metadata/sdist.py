"""Static metadata of source distributions and source trees, read without unpacking or building."""

import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from glob import glob
from typing import IO

from puffin import depends
from puffin.stages.resolve.metadata.parse import fields_of, static_metadata
from puffin.stages.resolve.metadata.project import Dynamic, project_metadata
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.resolve.solve.universe import Metadata

_NAMES = ("PKG-INFO", "pyproject.toml")
_MOST = 16 << 20  # bytes of one of these files
_ROOT = "/"  # stands for the top directory of an archive that has none
_MODULES = (".py", ".pyc", ".so", ".pyd", ".pyi", ".pth")
_NO_PACKAGES = frozenset(
    ("test", "tests", "testing", "doc", "docs", "example", "examples", "benchmarks", "tools")
)
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def sdist_metadata(
    archive: "str | IO[bytes]", filename: str, *, name: str = "", version: str = "", subdirectory: str = ""
) -> "Metadata":
    """Return the static metadata of the source distribution *archive*, a path or a file.

    *subdirectory* is the path of the project below the top directory of the archive.
    Raises :class:`Dynamic` if a build is needed, :class:`Malformed`, and OSError if it cannot be opened.
    """
    if isinstance(archive, str):
        with open(archive, "rb") as file:
            return sdist_metadata(file, filename, name=name, version=version, subdirectory=subdirectory)
    found = _own_files(archive, filename, subdirectory)
    info = found.get("PKG-INFO")
    if info is not None:
        static = static_metadata(info, name=name, version=version)
        if static is not None:
            return static
        version = version or next(iter(fields_of(info).get("version", ())), "")
    if "pyproject.toml" not in found:
        raise Dynamic("it has no static metadata (PEP 643) and no `pyproject.toml`")
    return project_metadata(found["pyproject.toml"], name=name, version=version)


def project_files(path: str, filename: str, subdirectory: str = "") -> dict[str, bytes]:
    """Return pyproject.toml of the source distribution at *path*, and setup.py if it stands before it, by name.

    Raises :class:`Malformed`, and OSError if it cannot be opened.
    """
    with open(path, "rb") as file:
        return _own_files(file, filename, subdirectory, ("pyproject.toml", "setup.py"), enough="pyproject.toml")


def tree_metadata(path: str, *, name: str = "") -> "Metadata":
    """Return the static metadata of the source tree at *path*.

    Raises :class:`Dynamic`, :class:`Malformed`, and OSError for a directory that cannot be read.
    """
    depends.text(os.path.join(path, "pyproject.toml"))
    try:
        with open(os.path.join(path, "pyproject.toml"), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if not depends.is_directory(path):
            raise
        if not depends.is_file(os.path.join(path, "setup.py")):
            raise Malformed("the directory has neither a `pyproject.toml` nor a `setup.py`") from None
        raise Dynamic("it has no `pyproject.toml`") from None
    return project_metadata(data, name=name)


def _own_files(
    file: "IO[bytes]", filename: str, subdirectory: str, names: tuple[str, ...] = _NAMES, *, enough: str = ""
) -> dict[str, bytes]:
    """Return the files called *names* in the top directory of the archive, the first one if there are several.

    An archive with one of them at its root has no top directory. The search ends when the file *enough* is found.
    """
    members = _zipped if filename.lower().endswith(".zip") else _tarred
    wanted = {"/".join(filter(None, (subdirectory.strip("/"), name))): name for name in names}
    found: dict[str, bytes] = {}
    top = ""
    try:
        for path, read in members(file):
            directory, inner = _divided(path.removeprefix("./"), wanted)
            base = wanted.get(inner, "")
            if base and directory == _ROOT != top:
                found = {}  # those before were of a directory beneath
            elif not base or base in found or (top and directory != top):
                continue
            top = directory
            found[base] = read()
            if len(found) == len(names) or base == enough:
                break
    except _DAMAGED as error:
        first, _, more = str(error)[:200].partition("\n")
        if more:  # tarfile tells of each compression that it tried
            raise Malformed(
                "the archive is damaged: it is not a tar file, or its beginning is missing"
            ) from None
        raise Malformed(f"the archive is damaged: {first or type(error).__name__}") from None
    return found


def _divided(path: str, wanted: "Container[str]") -> "tuple[str, str]":
    """Return the top directory of *path* and the rest; of a *wanted* file at the root of an archive :data:`_ROOT`."""
    directory, _, rest = path.partition("/")
    return (_ROOT, path) if path in wanted else (directory, rest)


def _tarred(file: "IO[bytes]") -> "Iterator[tuple[str, Callable[[], bytes]]]":
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            if member.isreg() and member.size <= _MOST:
                yield member.name, lambda member=member: _content(archive.extractfile(member))  # type: ignore[misc]


def _zipped(file: "IO[bytes]") -> "Iterator[tuple[str, Callable[[], bytes]]]":
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.is_dir() and member.file_size <= _MOST:
                yield member.filename, lambda member=member: archive.read(member)  # type: ignore[misc]


def _content(file: "IO[bytes] | None") -> bytes:
    return (file or io.BytesIO()).read()


def lost_package(wheel: str, source: str, inner: str) -> str:
    """Return a package that the project in *source* has if the wheel at *wheel* has no module at all, else ``""``.

    *source* is a directory or an archive, *inner* the project's place in it. What cannot be read is others' matter.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            if any(name.endswith(_MODULES) for name in archive.namelist() if ".dist-info/" not in name):
                return ""
        names = _source_names(source, inner)
    except _DAMAGED:
        return ""
    for name in names:
        directory, _, base = name.rpartition("/")
        package = directory.removeprefix("src/")
        if base == "__init__.py" and package and "/" not in package and package not in _NO_PACKAGES:
            return directory
    return ""


def _source_names(source: str, inner: str) -> "list[str]":
    """Return the files of a project: of a directory those that can be in a top-level package."""
    if os.path.isdir(source):
        root = os.path.join(source, inner)
        return sorted({*glob("*/*.py", root_dir=root), *glob("src/*/*.py", root_dir=root)})
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
    else:
        with tarfile.open(source) as packed:
            names = packed.getnames()
    tails = [name.removeprefix("./").partition("/")[2] for name in names]
    return [name.removeprefix(f"{inner}/") for name in tails if not inner or name.startswith(f"{inner}/")]
