"""The state of a source directory: one digest of all that a build of it may go by.

It is what the files hold, not when they were written: another checkout of the same content has the same state, and a
file that was replaced under its old time has another one. What tools leave in a project (caches, environments, built
files, lock files) does not count. ``[tool.puffin] cache-keys`` in its ``pyproject.toml`` says instead what
counts::

    cache-keys = ["src/**/*.c", { file = "VERSION" }, { env = "WITH_SSL" }, { git = true }]
"""

import os
import stat

from puffin import depends
from puffin.artifact.artifact import file_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import blake2b
    from typing import Any

_LARGE = 1 << 20  # bytes; of what is larger, size and times tell
_MOST = 20_000  # files; of what has more, sizes and times tell
_JUNK = frozenset(
    (
        ".git", ".hg", ".svn", ".bzr", "__pycache__", ".tox", ".nox", ".eggs", ".venv", "node_modules", ".mypy_cache",
        ".ruff_cache", ".pytest_cache", ".hypothesis", ".idea", ".vscode", ".coverage", ".DS_Store", "CACHEDIR.TAG",
    )
)  # fmt: skip
_ENDINGS = (".pyc", ".pyo", ".egg-info", ".dist-info", "~", ".swp")
_MARKS = ("pyvenv.cfg", "CACHEDIR.TAG")  # of environments and of caches
_MAGIC = frozenset("*?[")
_BUILT = ("build", "dist")  # what backends write to, at the top, unless it is a package


def tree_state(root: str, inner: str = "", *, editable: bool = False) -> str:
    """Return the state of the project in the directory *root*, or in *inner* below it, as 32 hexadecimal digits.

    Of an *editable* only that counts which decides what is installed of it: the files at its top but for modules other
    than ``setup.py``, and which directories it has. Whatever is looked at is noted in :mod:`puffin.depends`. What
    cannot be read has a state too.
    """
    from hashlib import blake2b

    project = os.path.join(root, inner) if inner else root
    told = blake2b(repr((inner, editable)).encode(), digest_size=16)
    depends.file(os.path.join(project, "pyproject.toml"))
    document = pyproject_of(project)
    keys = _cache_keys(document)
    if keys is not None:
        _add(told, project, "pyproject.toml", whole=True)
        _add_keys(told, project, keys)
    elif editable:
        _add_top(told, project)
    else:
        _add_tree(told, root, inner)
    if keys is None and _asks_for_version(document) and _is_project(project):
        _add_git(told, project)
    return told.hexdigest()


def pyproject_of(project: str) -> "dict[str, Any]":
    """Return the ``pyproject.toml`` of a directory, empty if it cannot be read; callers note it in ``depends``."""
    import tomllib

    try:
        return tomllib.loads(depends.data(os.path.join(project, "pyproject.toml")).decode())
    except (OSError, ValueError, RecursionError):
        return {}  # whoever builds it says so


def _cache_keys(document: "dict[str, Any]") -> "list[Any] | None":
    tool = document.get("tool", {})
    table = tool.get("puffin", {}) if isinstance(tool, dict) else {}
    keys = table.get("cache-keys") if isinstance(table, dict) else None
    return keys if isinstance(keys, list) else None


def _asks_for_version(document: "dict[str, Any]") -> bool:
    """Tell whether the version of a project may come from its repository: it is not written down."""
    project = document.get("project", {})
    return not (isinstance(project, dict) and "version" in project)


def _is_project(directory: str) -> bool:
    """Tell whether a backend may build a directory: one of links has no version."""
    return any(_is_there(f"{directory}/{name}") for name in ("pyproject.toml", "setup.py", "setup.cfg"))


def _add_keys(told: "blake2b", project: str, keys: "list[Any]") -> None:
    for key in keys:
        table = {"file": key} if isinstance(key, str) else key if isinstance(key, dict) else {}
        told.update(repr(sorted(table, key=str)).encode())
        if isinstance(table.get("file"), str):
            for name in _matching(project, table["file"]):
                _add(told, project, name, whole=True)
        if isinstance(table.get("dir"), str):
            _add_tree(told, os.path.join(project, table["dir"]))
        if isinstance(table.get("env"), str):
            value = os.environ.get(table["env"])
            depends.variable(table["env"], value)
            told.update(repr((table["env"], value)).encode())
        if table.get("git"):
            _add_git(told, project)


def _matching(project: str, pattern: str) -> "list[str]":
    """Return the files that a pattern means, relative to the project."""
    if _MAGIC.isdisjoint(pattern):
        return [pattern]
    depends.unsure("a pattern names files of a project")
    parts = [part for part in pattern.split("/") if part]
    return sorted(dict.fromkeys(filter(None, _globbed(project, "/" if pattern[0] == "/" else "", parts))))


def _globbed(project: str, base: str, parts: "list[str]") -> "Iterator[str]":
    """Yield what a pattern, in *parts*, means below *base*, as ``glob`` does with ``recursive``."""
    from fnmatch import fnmatchcase

    if not parts:
        yield base
        return
    part, *rest = parts
    if part == "**":
        yield from _globbed(project, base, rest)
        for name in _names(os.path.join(project, base)):
            path = os.path.join(base, name)
            if name[0] != "." and (not rest or _is_directory(os.path.join(project, path))):
                yield from _globbed(project, path, parts)
    elif _MAGIC.isdisjoint(part):
        path = os.path.join(base, part)
        if _is_there(os.path.join(project, path)):
            yield from _globbed(project, path, rest)
    else:
        for name in _names(os.path.join(project, base)):
            if fnmatchcase(name, part) and (name[0] != "." or part[0] == "."):
                yield from _globbed(project, os.path.join(base, name), rest)


def _names(directory: str) -> "list[str]":
    try:
        return depends.names_at(directory)
    except OSError:
        return []


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(depends.status(path).st_mode)
    except OSError:
        return False


def _add_top(told: "blake2b", project: str) -> None:
    """Add what decides how an editable is installed."""
    for name, kind in _listed(project):
        if kind == "f" and name.endswith(".py") and name != "setup.py":
            continue  # it is imported where it lies, a new one too
        told.update(f"{name}\0{kind}\0".encode("utf-8", "surrogateescape"))
        if kind == "d":
            told.update(
                repr([each for each in _listed(os.path.join(project, name)) if each[1] == "d"]).encode()
            )
        else:
            _add(told, project, name, whole=True)


def _add_tree(told: "blake2b", root: str, inner: str = "") -> None:
    """Add all files of a directory. It is the top of a project, or, if *inner* is given, that directory below it is."""
    tops = ("", inner.strip("/"))
    stack, count = [""], 0
    while stack:
        directory = stack.pop()
        below = []
        for name, kind in _listed(os.path.join(root, directory), top=directory in tops):
            path = f"{directory}/{name}" if directory else name
            if kind == "d":
                below.append(path)
                continue
            count += 1
            if count == _MOST:
                depends.unsure(f"`{root}` has many files")
            _add(told, root, path, whole=count < _MOST)
        told.update(repr(below).encode())
        stack += reversed(below)


def _listed(directory: str, *, top: bool = True) -> "Iterator[tuple[str, str]]":
    """Yield the names in a directory that count, sorted, each with ``d`` for a directory (no link) or ``f``."""
    depends.directory(directory)
    try:
        names = sorted(depends.names_at(directory))
    except OSError:
        return
    for name in names:
        if name in _JUNK or name.endswith(_ENDINGS) or (top and _is_lock_file(name)) or _is_passing(name):
            continue
        path = os.path.join(directory, name)
        if not _is_own_directory(path):
            yield name, "f"
        elif not any(_is_there(f"{path}/{mark}") for mark in _MARKS) and not (
            top and name in _BUILT and not _is_there(f"{path}/__init__.py")
        ):
            yield name, "d"


def _is_own_directory(path: str) -> bool:
    """Tell whether a directory, and no link to one, is at *path*."""
    try:
        return stat.S_ISDIR(depends.status(path).st_mode) and not depends.link_target(path)
    except OSError:
        return False


def _is_there(path: str) -> bool:
    try:
        depends.status(path)
    except OSError:
        return False
    return True


def _is_lock_file(name: str) -> bool:
    """Tell whether PEP 751 gives a name to lock files: puffin itself writes them into the projects that it locks."""
    return (name.startswith("pylock.") and name.endswith(".toml")) or name == "uv.lock"


def _is_passing(name: str) -> bool:
    """Tell whether a name is of what stands beside an environment while it is made, which may be in the project."""
    return name.startswith(".") and name.endswith((".lock", ".new", ".old"))


def _add(told: "blake2b", root: str, name: str, *, whole: bool) -> None:
    """Add one file: its name, whether it can be executed, and what it holds, or what else tells it from others."""
    path = os.path.join(root, name)
    depends.file(path)
    try:
        facts = depends.status(path)
        is_file = stat.S_ISREG(facts.st_mode)
        link = depends.link_target(path)
        told.update(repr((name, link, is_file, bool(facts.st_mode & 0o111))).encode())
        if whole and is_file and facts.st_size <= _LARGE:
            data = depends.data(path)
            told.update(f"{len(data)}\0".encode() + data)
        else:
            told.update(file_identity(facts).encode())
    except OSError as error:
        told.update(repr((name, error.errno)).encode())


def _add_git(told: "blake2b", project: str) -> None:
    """Add the commit and the tags of the repository that a project is in: its version may come from there.

    Where the files are those of a commit, this commit counts alone: nobody knows which tags there were.
    """
    if commit := depends.commit():
        told.update(commit.encode())
        return
    place = os.path.abspath(project)
    while not depends.lexists(os.path.join(place, ".git")):
        above = os.path.dirname(place)
        if above == place:
            return
        place = above
    directory = _git_directory(os.path.join(place, ".git"))
    common = _text(os.path.join(directory, "commondir"))
    shared = os.path.normpath(os.path.join(directory, common)) if common else directory
    head = _text(os.path.join(directory, "HEAD"))
    told.update(f"{head}\0{_text(os.path.join(shared, 'packed-refs'))}\0".encode("utf-8", "surrogateescape"))
    if head.startswith("ref: "):
        told.update(_text(os.path.join(shared, head[5:])).encode("utf-8", "surrogateescape"))
    _add_tree(told, os.path.join(shared, "refs/tags"))


def _git_directory(path: str) -> str:
    """Return the directory of a repository: ``.git``, or where such a file says it is."""
    if os.path.isdir(path):
        return path
    told = _text(path)
    return os.path.normpath(os.path.join(os.path.dirname(path), told.removeprefix("gitdir: ")))


def _text(path: str) -> str:
    depends.file(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip()
    except OSError:
        return ""
