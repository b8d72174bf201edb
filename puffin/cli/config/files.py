"""The configuration files that apply: pip's, the nearest one of puffin, and the user's."""

import os
import sys
from itertools import islice

from puffin import depends
from puffin.cache.layout import home_directory, xdg_home
from puffin.errors import UsageError
from puffin.pipeline.workspace.document import (
    PROJECT_FILE,
    PUFFIN_FILE,
    configurations,
    read_content,
    speaks_of_puffin,
)
from puffin.types import Iterator, Mapping

PUFFIN, UV = "puffin", "uv"
PIP_FILE = "pip.ini" if sys.platform == "win32" else "pip.conf"


def pip_files(environ: "Mapping[str, str]", root: str) -> "tuple[str, ...]":
    """Return pip's configuration files in pip's order, the last one wins; they need not exist.

    Global files, then the user's, then that of the environment at *root*, then ``PIP_CONFIG_FILE``, which
    replaces the user's if it exists, and which as ``os.devnull`` switches all files off.
    """
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return ()
    found = [os.path.join(directory, PIP_FILE) for directory in _global_directories(environ)]
    if not (chosen and depends.exists(chosen)):
        found += _user_files(environ)
    if root:
        found.append(os.path.join(root, PIP_FILE))
    return tuple([*found, chosen] if chosen else found)


def puffin_files(
    environ: "Mapping[str, str]", cwd: str, chosen: str = ""
) -> "Iterator[tuple[str, bytes, str]]":
    """Yield path and content of the files with settings, and the tool that they are for; the first one goes first.

    It is the nearest configuration in *cwd* and above; then the ``[tool.uv]`` that holds there; then the user's
    ``puffin/puffin.toml``. A *chosen* file is the only one; raises :class:`UsageError` where it is not there.
    """
    if chosen:
        path = os.path.abspath(os.path.expanduser(chosen))
        data = read_content(path)
        if data is None:
            raise UsageError(text=f"The configuration file `{chosen}` does not exist")
        yield path, data, PUFFIN
        return
    for path, data in islice(configurations(cwd), 1):
        yield path, data, PUFFIN
    of_uv = _uv_file(cwd)
    if of_uv is not None:
        yield (*of_uv, UV)
    path = os.path.join(_config_home(environ), "puffin", PUFFIN_FILE)
    data = read_content(path)
    if data is not None:
        yield path, data, PUFFIN


def _uv_file(cwd: str) -> "tuple[str, bytes] | None":
    """Return path and content of the ``pyproject.toml`` whose ``[tool.uv]`` holds in *cwd*, None if there is none.

    It is the nearest one, or the root of the workspace that this is a member of.
    """
    found: tuple[str, bytes] | None = None
    directory = cwd
    while True:
        path = os.path.join(directory, PROJECT_FILE)
        data = read_content(path)
        if data is not None and speaks_of_puffin(data, b"uv"):
            found = found or (path, data)
            if b"workspace" in data and _is_within(os.path.dirname(found[0]), path, data):
                return path, data
        above = os.path.dirname(directory)
        if above == directory:
            return found
        directory = above


def _is_within(directory: str, path: str, data: bytes) -> bool:
    """Tell whether a *directory* belongs to the workspace of a ``pyproject.toml``, as its root or as a member."""
    from puffin.stages.resolve.projects.members import is_within

    return is_within(directory, path, data)


def _global_directories(environ: "Mapping[str, str]") -> list[str]:
    if sys.platform == "win32":
        return [os.path.join(environ.get("PROGRAMDATA") or "C:\\ProgramData", "pip")]
    if sys.platform == "darwin":
        return ["/Library/Application Support/pip"]
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(os.path.join(each, "pip") for each in shared.split(os.pathsep) if os.path.isabs(each)), "/etc"]


def _user_files(environ: "Mapping[str, str]") -> list[str]:
    home = home_directory()
    if sys.platform == "win32":
        base = environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
        return [os.path.join(home, "pip", PIP_FILE), os.path.join(base, "pip", PIP_FILE)]
    base = os.path.join(_config_home(environ), "pip")
    if sys.platform == "darwin":
        own = os.path.join(home, "Library", "Application Support", "pip")
        base = own if depends.is_directory(own) else os.path.join(home, ".config", "pip")
    return [os.path.join(home, ".pip", PIP_FILE), os.path.join(base, PIP_FILE)]


def _config_home(environ: "Mapping[str, str]") -> str:
    if sys.platform == "win32":
        return environ.get("APPDATA") or home_directory()
    return xdg_home(environ.get("XDG_CONFIG_HOME", ""), ".config")
