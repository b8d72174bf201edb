"""Which configuration files count, and what is in them."""

import os
import sys

from puffin import depends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PIP_FILE = "pip.ini" if sys.platform == "win32" else "pip.conf"
PUFFIN_FILE = "puffin.toml"
PROJECT_FILE = "pyproject.toml"


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


def puffin_files(environ: "Mapping[str, str]", cwd: str) -> "Iterable[tuple[str, bytes]]":
    """Yield path and content of puffin's own configuration files, the one that goes first at first.

    It is the nearest ``puffin.toml``, or ``pyproject.toml`` that speaks of ``tool.puffin``, upwards from *cwd*;
    then the user's ``puffin/puffin.toml``.
    """
    directory = cwd
    while True:
        path = os.path.join(directory, PUFFIN_FILE)
        data = content(path)
        if data is None:
            path = os.path.join(directory, PROJECT_FILE)
            data = content(path)
            data = data if data is not None and speaks_of_puffin(data) else None
        if data is not None:
            yield path, data
            break
        above = os.path.dirname(directory)
        if above == directory:
            break
        directory = above
    path = os.path.join(_config_home(environ), "puffin", PUFFIN_FILE)
    data = content(path)
    if data is not None:
        yield path, data


def speaks_of_puffin(data: bytes) -> bool:
    """Tell whether a ``pyproject.toml`` has a table of puffin's, written in any of the usual ways."""
    if b"puffin" not in data:
        return False
    section = b""
    for raw in data.split(b"\n"):
        line = raw.strip()
        if line[:1] == b"[":
            section = line.strip(b"[] \t").replace(b" ", b"")
        if section.startswith(b"tool.puffin") or line.replace(b" ", b"").startswith(b"tool.puffin"):
            return True
        if section == b"tool" and line.startswith(b"puffin"):
            return True
    return False


def content(path: str) -> "bytes | None":
    """Return what is in a file, None if it is not there; whoever may not read it, reads b""."""
    depends.file(path)
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except PermissionError:
        return b""
    except OSError:
        return None


def _global_directories(environ: "Mapping[str, str]") -> list[str]:
    if sys.platform == "win32":
        return [os.path.join(environ.get("PROGRAMDATA") or "C:\\ProgramData", "pip")]
    if sys.platform == "darwin":
        return ["/Library/Application Support/pip"]
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(os.path.join(each, "pip") for each in shared.split(os.pathsep) if each), "/etc"]


def _user_files(environ: "Mapping[str, str]") -> list[str]:
    home = os.path.expanduser("~")
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
        return environ.get("APPDATA") or os.path.expanduser("~")
    return environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
