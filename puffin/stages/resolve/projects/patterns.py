"""Patterns of paths: ``*``, ``?`` and ``[…]`` match within a name, ``**`` any number of directories.

A name that begins with a dot is matched only by a part that does too, as in a shell.
"""

import os

from puffin import depends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = frozenset("*?[")
_SKIPPED = frozenset({"node_modules", "__pycache__"})  # that ``**`` does not enter
_MADE = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})  # in environments and caches, which `**` does not enter


def is_pattern(text: str) -> bool:
    """Tell whether *text* stands for several paths."""
    return not MAGIC.isdisjoint(text)


def expand(pattern: str, root: str, there: "Callable[[str], bool]" = depends.is_file) -> "list[str]":
    """Return the files that *pattern* means, relative to *root* unless it is absolute, sorted; ``/`` separates.

    A pattern without any magic is returned if the file exists. *there* tells what counts: files, or directories.
    """
    parts = [part for part in pattern.replace(os.sep, "/").split("/") if part not in ("", ".")]
    start = "/" if pattern.startswith("/") else ""
    found = dict.fromkeys(_walk(start, parts, root, there))
    return sorted(found)


def _walk(
    base: str, parts: "list[str]", root: str, there: "Callable[[str], bool]", *, below: bool = False
) -> "Iterator[str]":
    """Yield what *parts* match beneath *base*, which may be *below* the directory where their ``**`` begins."""
    if not parts:
        if there(os.path.join(root, base)):
            yield base
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _walk(base, rest, root, there)
        for name in _directories(os.path.join(root, base), below=below):
            yield from _walk(_joined(base, name), parts, root, there, below=True)
    elif is_pattern(part):
        for name in _names(os.path.join(root, base)):
            if matches(name, part):
                yield from _walk(_joined(base, name), rest, root, there)
    else:
        yield from _walk(_joined(base, part), rest, root, there)


def _joined(base: str, name: str) -> str:
    return f"{base}{name}" if base in ("", "/") else f"{base}/{name}"


def _names(directory: str) -> "list[str]":
    depends.directory(directory or ".")
    try:
        return depends.names_at(directory or ".")
    except OSError:
        return []


def _directories(directory: str, *, below: bool) -> "list[str]":
    """Return the directories to look into: none of an environment or a cache, unless the ``**`` begins there."""
    depends.directory(directory or ".")
    if depends.commit():
        names = _names(directory)
        entered = [name for name in names if _is_entered(name) and _is_directory(os.path.join(directory, name))]
    else:
        try:
            with os.scandir(directory or ".") as found:
                entries = list(found)
        except OSError:
            return []
        names = [each.name for each in entries]
        entered = [
            each.name for each in entries if _is_entered(each.name) and each.is_dir(follow_symlinks=False)
        ]
    return entered if not below or _MADE.isdisjoint(names) else []


def _is_entered(name: str) -> bool:
    return name[0] != "." and name not in _SKIPPED


def _is_directory(path: str) -> bool:
    return depends.is_directory(path) and not depends.link_target(path)


def matches(name: str, pattern: str) -> bool:
    """Tell whether *name*, which has no ``/``, is matched by *pattern*."""
    if name[:1] == "." and pattern[:1] != ".":
        return False
    if "[" in pattern or "?" in pattern:
        from fnmatch import fnmatchcase

        return fnmatchcase(name, pattern)
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
