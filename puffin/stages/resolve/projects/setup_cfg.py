"""The static part of ``setup.cfg``, and ``setup.py``, which only a build can read.

The keys are setuptools' (its page "Configuring setuptools using setup.cfg files").
"""

import os
from collections.abc import Callable

from puffin.names import normalise
from puffin.stages.resolve.projects.entries import SourceFile, entries_of
from puffin.stages.resolve.projects.project import Project
from puffin.stages.resolve.projects.pyproject import is_static, read_pyproject
from puffin.stages.resolve.projects.toml import InvalidProject, NeedsBuild, check_specifier, decode_text
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import RawConfigParser

_FILE = "file:"


def read_setup_py(file: SourceFile, *, extras: bool, read: Callable[[str], bytes]) -> Project:
    """Return the project of a ``setup.py`` from the static ``pyproject.toml`` beside it.

    Raises :class:`NeedsBuild` if there is none.
    """
    beside = _beside(file, "pyproject.toml", read)
    if beside is not None and is_static(beside):
        return replace(read_pyproject(beside, extras=extras), file=file.shown)
    raise NeedsBuild(file=file.shown, reason="a `setup.py` is a program, so that only a build tells")


def read_setup_cfg(file: SourceFile, *, read: Callable[[str], bytes]) -> Project:
    """Return the project that a ``setup.cfg`` describes.

    Raises :class:`NeedsBuild` where a ``setup.py`` beside it may know more, :class:`InvalidProject`, and
    ``InvalidRequirementLine``.
    """
    parser = _parsed(file)
    name = parser.get("metadata", "name", fallback="")
    if not parser.has_option("options", "install_requires") and file.exists(_path(file, "setup.py")):
        reason = "it has no `install_requires`, so that `setup.py` may have it, and only a build tells"
        raise NeedsBuild(file=file.shown, reason=reason)
    value = parser.get("options", "install_requires", fallback="")
    python = " ".join(parser.get("options", "python_requires", fallback="").split())
    return Project(
        name=normalise(name) if name else "",
        file=file.shown,
        dependencies=_entries(value, file, read),
        extras=_extras(parser, file, read),
        requires_python=check_specifier(python, file.shown, "python_requires"),
    )


def describes_project(file: SourceFile) -> bool:
    """Tell whether a ``setup.cfg`` describes a project, and does not only set up tools."""
    parser = _parsed(file)
    return parser.has_section("metadata") or parser.has_section("options")


def _parsed(file: SourceFile) -> "RawConfigParser":
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        parser.read_string(file.text, file.shown)
    except Error as error:
        problem = str(error).split("\n", 1)[0].rstrip(":")
        raise InvalidProject(file=file.shown, problem=problem[:1].lower() + problem[1:]) from None
    return parser


def _extras(
    parser: "RawConfigParser", file: SourceFile, read: Callable[[str], bytes]
) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    section = "options.extras_require"
    if not parser.has_section(section):
        return ()
    return tuple([(normalise(name), _entries(value, file, read)) for name, value in parser.items(section)])


def _entries(value: str, file: SourceFile, read: Callable[[str], bytes]) -> tuple[Entry, ...]:
    """Return the requirements of a value: lines, or texts with semicolons, or the lines of other files."""
    if not value.strip().startswith(_FILE):
        return entries_of(_lines(value), file)
    found: list[Entry] = []
    for name in value.strip()[len(_FILE) :].replace("\n", ",").split(","):
        if name.strip():
            found += _entries_of_file(name.strip(), file, read)
    return tuple(found)


def _entries_of_file(name: str, file: SourceFile, read: Callable[[str], bytes]) -> tuple[Entry, ...]:
    other = _beside(file, name, read)
    if other is None:
        raise InvalidProject(file=file.shown, problem=f"it refers to `{name}`, which is not there")
    return entries_of(_lines(other.text if "\n" in other.text else f"{other.text}\n"), other)


def _lines(value: str) -> list[str]:
    lines = value.splitlines() if "\n" in value else value.split(";")
    stripped = [line.strip() for line in lines]
    return [line.partition(" #")[0].rstrip() for line in stripped if line and not line.startswith("#")]


def _beside(file: SourceFile, name: str, read: Callable[[str], bytes]) -> SourceFile | None:
    path = _path(file, name)
    if not file.exists(path):
        return None
    shown = os.path.join(os.path.dirname(file.shown), name)
    return SourceFile(path=path, shown=shown, text=decode_text(read(path), shown), exists=file.exists)


def _path(file: SourceFile, name: str) -> str:
    return os.path.normpath(os.path.join(file.directory, name))
