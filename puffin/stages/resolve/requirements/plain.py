"""The fast reader of requirements files that hold plain ``name==version`` lines and nothing else.

An up-to-date sync must be decided before anything is imported (PERFORMANCE.md), and most compiled
files are of this shape. Whatever is not surely plain gives None, and the full reader decides.
"""

import os
import stat

from puffin import depends
from puffin.names import is_name, normalise

_LONGEST = 1 << 20  # bytes of a file in which the block of a script is looked for
_NEVER = (".txt", ".in")  # the usual ends of the names of requirements files


def is_script(path: str) -> bool:
    """Tell whether *path* is a script: by its name, or by the line that opens its block (PEP 723)."""
    name = os.path.basename(path)
    if name.endswith((".py", ".pyw")):
        return True
    if name.endswith(_NEVER) or path == "-" or "://" in path:
        return False
    depends.text(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe can be read only once
            return False
        with open(path, "rb") as file:
            return b"\n# /// script\n" in b"\n" + file.read(_LONGEST).replace(b"\r\n", b"\n")
    except (OSError, ValueError):
        return False


def is_lock(path: str) -> bool:
    """Tell whether a path has a name for lock files: one of PEP 751, or uv's, ``uv.lock``."""
    return os.path.basename(path) == "uv.lock" or is_pylock(path)


def is_pylock(path: str) -> bool:
    """Tell whether a path has a name of PEP 751: ``pylock.toml`` or ``pylock.<name>.toml``."""
    parts = os.path.basename(path).split(".")
    return parts[0] == "pylock" and parts[-1] == "toml" and len(parts) in (2, 3) and all(parts)


def simple_pins(data: bytes) -> "tuple[tuple[str, str], ...] | None":
    """Return the (normalized name, version) pairs of a plain requirements file in order, else None.

    Plain are blank lines, comments, and ``name==version`` with an optional trailing comment, in ASCII,
    each name once (normalized as in PEP 503), each version in PEP 440's normal form without epoch and
    local part. *data* is the whole file. Never raises.
    """
    if not data.isascii() or _names_encoding(data):
        return None
    pins: dict[str, str] = {}
    for line in data.decode("ascii").splitlines():
        name, _, version = line.partition("==")
        if not version or "#" in line:
            plain = _uncommented(line)
            if plain is None:
                return None
            name, version = plain
            if not name:
                continue
        for part in version.split("."):  # in line: two calls a line would double the time
            if not part.isdigit() or (part[0] == "0" and part != "0"):
                version = version.strip(" \t")
                if not _is_canonical(version):
                    return None
                break
        if name.isalnum():
            name = name.lower()
        else:
            name = name.strip(" \t")
            name = normalise(name) if is_name(name) else ""
        if not name or name in pins:
            return None
        pins[name] = version
    return tuple(pins.items())


def _names_encoding(data: bytes) -> bool:
    """Tell whether the first two lines could name an encoding (PEP 263)."""
    return any(line[:1] == b"#" and b"coding" in line for line in data.split(b"\n", 2)[:2])


def _uncommented(line: str) -> "tuple[str, str] | None":
    """Return name and version of a line without its comment, ("", "") if nothing is left, None if not plain."""
    rest = line.lstrip()
    if not rest or rest[0] == "#":
        return "", ""
    before, mark, _ = rest.partition("#")
    if mark and (not before[-1:].isspace() or line[-1] == "\\"):
        return None
    name, _, version = before.partition("==")
    return (name, version.rstrip()) if version else None


def _is_canonical(version: str) -> bool:
    """Tell whether *version* is a release, then at most one each of aN|bN|rcN, .postN and .devN."""
    version = _without(version, ".dev")
    version = _without(version, ".post")
    for mark in ("rc", "a", "b"):
        head, found, number = version.partition(mark)
        if found:
            version = head if _is_number(number) else ""
            break
    return all(map(_is_number, version.split(".")))


def _without(version: str, suffix: str) -> str:
    head, found, number = version.partition(suffix)
    return version if not found else head if _is_number(number) else ""


def _is_number(text: str) -> bool:
    return text.isdigit() and (text[0] != "0" or text == "0")
