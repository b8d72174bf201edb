"""Safe member names, on the file systems that puffin installs to.

A name that is fine on one system and harmful on another (a backslash, a drive) is refused on all of them. Two names
that differ by case alone are refused where file systems ignore case: Linux holds both, and there are such wheels.
"""

import os
import sys

from puffin.stages.unzip.errors import Refused
from puffin.types import Callable, Collection

IGNORES_CASE = os.name == "nt" or sys.platform == "darwin"  # the file systems that are usual on this system
LONGEST_COMPONENT = 255  # bytes; NAME_MAX of every usual file system
LONGEST_NAME = 2048  # bytes; leaves room for the directories above within PATH_MAX

_CONTROL = bytes(range(1, 32)) + b"\x7f\\"
_HARMLESS = bytes(c for c in range(256) if c not in _CONTROL)  # NUL stands between the joined names


def decode_name(raw: "list[bytes]") -> "list[str]":
    """Return member names as text (UTF-8, as the wheel specification has it); raise Refused for an unsafe one.

    A trailing slash, the mark of a directory, stays. All names are looked at in one sweep, and one by
    one only when the sweep finds something.
    """
    joined = b"\0".join(raw)
    if len(raw) and not _harmless(joined, raw):
        for name in raw:
            if reason := fault(name):
                raise Refused(reason, name.decode("utf-8", "backslashreplace"))
    return joined.decode("utf-8").split("\0") if raw else []


def _harmless(joined: bytes, raw: "list[bytes]") -> bool:
    if joined.count(0) != len(raw) - 1 or joined.translate(None, _HARMLESS) or not joined.isascii():
        return False
    if b":" in joined or max(map(len, raw)) > LONGEST_COMPONENT:
        return False
    paths = b"\0%b\0" % joined
    paths = paths.replace(b"/\0", b"\0").replace(b"\0", b"/")
    return b"//" not in paths and b"/./" not in paths and b"/../" not in paths


def fault(raw: bytes) -> str:
    """Return the problem of one member name, as text that follows the name, empty if there is none."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        return "the name is not UTF-8"
    if "\0" in name:
        return "the name holds a NUL"
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in name):
        return "the name holds a control character"
    if "\\" in name:
        return "the name holds a backslash"
    if len(raw) > LONGEST_NAME:
        return f"the name is longer than {LONGEST_NAME} bytes"
    return _path_fault(name)


def _path_fault(name: str) -> str:
    if name.startswith("/"):
        return "the name is an absolute path"
    if name[1:2] == ":" and name[0].isascii() and name[0].isalpha():
        return "the name begins with a drive letter"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "the name leaves the archive with `..`"
    if "" in parts or "." in parts:
        return "the name has an empty component" if "" in parts else "the name has a `.` component"
    if any(len(part.encode()) > LONGEST_COMPONENT for part in parts):
        return f"the name has a component of more than {LONGEST_COMPONENT} bytes"
    return ""


def fold(name: str) -> str:
    """Return the form of *name* on a file system that ignores case and Unicode normalisation."""
    if name.isascii():
        return name.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", name).casefold())


def check_collisions(files: "list[str]", directories: "set[str]") -> None:
    """Raise Refused where two paths are one: exactly, or on file systems that ignore case and normalisation.

    *directories* must hold every directory above each of *files*.
    """
    same = fold if IGNORES_CASE else str
    known = _folded(files) if IGNORES_CASE else set(files)
    known_directories = _folded(directories) if IGNORES_CASE else directories
    if len(known) == len(files) and len(known_directories) == len(directories):
        if known.isdisjoint(known_directories):
            return
        clash = next(name for name in files if same(name) in known_directories)
        raise Refused("a file and a directory have this name", clash)
    _refuse_first_clash(files, same)
    _refuse_first_clash(sorted(directories), same)


def _folded(paths: "Collection[str]") -> "set[str]":
    joined = "\0".join(paths)  # no name holds a NUL
    return set(joined.lower().split("\0")) if joined.isascii() and paths else set(map(fold, paths))


def _refuse_first_clash(paths: "list[str]", same: "Callable[[str], str]") -> None:
    seen: dict[str, str] = {}
    for path in paths:
        key = same(path)
        if key in seen:
            if seen[key] == path:
                raise Refused("two files have this name", path)
            raise Refused(f"the name differs from `{seen[key]}` only by case or Unicode normalisation", path)
        seen[key] = path


def ancestors(directories: "set[str]") -> "set[str]":
    """Return *directories* and all directories above them, the root (``""``) included."""
    every = {""}
    for directory in directories:
        while directory not in every:
            every.add(directory)
            directory = directory.rpartition("/")[0]
    return every


def shadows(name: str) -> bool:
    """Tell whether a file of this name beside the interpreter would pass for it, or for what activates it."""
    plain = name.lower().removesuffix(".exe")
    for interpreter in ("python", "pypy"):
        if plain.startswith(interpreter):
            rest = plain[len(interpreter) :].removeprefix("w").rstrip("td")
            return rest.replace(".", "").isdigit() or not rest
    return plain == "pyvenv.cfg" or plain.partition(".")[0] in ("activate", "activate_this", "deactivate")
