"""Which configuration files count, and whether they can matter to a no-op. With ``os`` alone: a no-op passes here."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PIP_FILE = "pip.ini" if sys.platform == "win32" else "pip.conf"
PUFFIN_FILE = "puffin.toml"
PROJECT_FILE = "pyproject.toml"
# All that pip's settings can change about pins that are installed already.
_PIP_WORDS = (b"require-hashes", b"require_hashes", b"constraint")
_PIP_VARIABLES = ("PIP_REQUIRE_HASHES", "PIP_CONSTRAINT")
# Puffin's settings that cannot change it: where files come from, and how work is done.
_HARMLESS = frozenset(
    (
        b"index-url", b"default-index", b"extra-index-url", b"find-links", b"no-index", b"index-strategy", b"cert",
        b"client-cert", b"trusted-host", b"proxy", b"timeout", b"retries", b"keyring-provider", b"link-mode",
        b"path-conflict", b"executor", b"jobs", b"cache-dir", b"offline", b"only-binary", b"no-binary",
        b"shared-filesystem", b"tls-ca", b"tls-cert", b"tls-key",
    )
)  # fmt: skip
_HARMLESS_INDEX = frozenset((b"name", b"url", b"packages", b"explicit", b"default"))


def pip_files(environ: "Mapping[str, str]", root: str) -> "tuple[str, ...]":
    """Return pip's configuration files in pip's order, the last one wins; they need not exist.

    Global files, then the user's, then that of the environment at *root*, then ``PIP_CONFIG_FILE``, which
    replaces the user's if it exists, and which as ``os.devnull`` switches all files off.
    """
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return ()
    found = [os.path.join(directory, PIP_FILE) for directory in _global_directories(environ)]
    if not (chosen and os.path.exists(chosen)):
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
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except PermissionError:
        return b""
    except OSError:
        return None


def unconcerned(options: "Mapping[str, object]", environ: "Mapping[str, str]", root: str, cwd: str) -> bool:
    """Tell whether no configuration can matter to a sync that finds its plain pins installed.

    Whatever is not surely so, such as a setting that this function does not know, is for the full reading.
    """
    if not options["isolated"]:
        if any(environ.get(name) for name in _PIP_VARIABLES):
            return False
        for path in pip_files(environ, root):
            data = content(path)
            if data is not None and _says_more(data):
                return False
    if options["no_config"]:
        return True
    return all(_harmless(path, data) for path, data in puffin_files(environ, cwd))


def _says_more(data: bytes) -> bool:
    lower = data.lower()
    return not data or any(word in lower for word in _PIP_WORDS)


def _harmless(path: str, data: bytes) -> bool:
    own = not path.endswith(PROJECT_FILE)
    section = b"tool.puffin" if own else b""
    for raw in data.split(b"\n"):
        line = raw.strip()
        if not line or line[:1] in (b"#", b"]") or _is_element(line):
            continue
        if line[:1] == b"[":
            name = line.partition(b"#")[0].strip(b"[] \t")
            section = b"tool.puffin." + name if own else name
        elif not _knows(section, line.partition(b"=")[0].strip()):
            return False
    return True


def _is_element(line: bytes) -> bool:
    """Tell whether a line of TOML is an element of a list, and not a quoted key."""
    quote = line[:1]
    if quote not in (b'"', b"'"):
        return False
    return line[1:].partition(quote)[2].strip()[:1] in (b"", b",", b"]", b"#")


def _knows(section: bytes, key: bytes) -> bool:
    if section == b"tool.puffin":
        return key in _HARMLESS
    if section == b"tool.puffin.index":
        return key in _HARMLESS_INDEX
    if section.startswith(b"tool.puffin.env"):
        return True
    return not section.startswith(b"tool.puffin") and section != b"tool" and not key.startswith(b"tool")


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
        base = own if os.path.isdir(own) else os.path.join(home, ".config", "pip")
    return [os.path.join(home, ".pip", PIP_FILE), os.path.join(base, PIP_FILE)]


def _config_home(environ: "Mapping[str, str]") -> str:
    if sys.platform == "win32":
        return environ.get("APPDATA") or os.path.expanduser("~")
    return environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
