"""Removal of distributions: whole directories where nothing else is in them."""

import os
from zlib import crc32

from puffin.errors import PuffinError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Disk(Protocol):
        """What the planners ask of the disk."""

        def names(self, directory: str) -> frozenset[str]:
            """Return the entries of a directory; none if it does not exist."""

        def is_directory(self, path: str) -> bool:
            """Tell whether *path* is a directory and not a symlink to one."""

        def is_symlink(self, path: str) -> bool:
            """Tell whether *path* is a symlink."""

        def fingerprint(self, path: str) -> tuple[int, int]:
            """Return ``(size, crc32)`` of a file."""

    Node = dict[str, "Node | None"]


class SymlinkedDirectory(PuffinError):
    """A package's directory is a symlink: what is behind it is not the environment's."""

    sentence = "Refused to change files behind the symlink `{path}`"
    path: str
    hints: tuple[str, ...] = ("replace the symlink by a real directory, or remove it",)


class RealDisk:
    """The :class:`Disk` of this machine, each directory listed once."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}

    def names(self, directory: str) -> frozenset[str]:
        """Return the entries of a directory; none if it does not exist."""
        known = self._names.get(directory)
        if known is None:
            try:
                known = frozenset(os.listdir(directory))
            except (FileNotFoundError, NotADirectoryError):
                known = frozenset()
            self._names[directory] = known
        return known

    def is_directory(self, path: str) -> bool:
        """Tell whether *path* is a directory and not a symlink to one."""
        return os.path.isdir(path) and not os.path.islink(path)

    def is_symlink(self, path: str) -> bool:
        """Tell whether *path* is a symlink."""
        return os.path.islink(path)

    def fingerprint(self, path: str) -> tuple[int, int]:
        """Return ``(size, crc32)`` of a file."""
        with open(path, "rb") as file:
            data = file.read()
        return len(data), crc32(data)


def plan_removal(
    files: "Iterable[str]", kept: "frozenset[str]", roots: "Iterable[str]", disk: "Disk"
) -> list[str]:
    """Return the paths to move out so that *files* (absolute) are gone, parents of others first.

    Files in *kept* belong to distributions that stay. Directories are taken whole when all in them goes,
    byte code of removed modules included; *roots* (site-packages, the scripts directory, …) never are.
    Raises :class:`SymlinkedDirectory`.
    """
    fixed = frozenset(roots)
    tree: Node = {}
    nodes: dict[str, Node | None] = {"": tree}
    for path in files:
        if path not in kept:
            directory, _, name = path.rpartition("/")
            node = _node(directory, nodes)
            if node is not None:
                node.setdefault(name, None)
    out: list[str] = []
    _sweep("", tree, disk, fixed, out)
    return out


def _node(directory: str, nodes: "dict[str, Node | None]") -> "Node | None":
    """Return the node of a directory, made with those above it if it is not known; None at or beneath a file."""
    if directory not in nodes:
        above, _, name = directory.rpartition("/")
        parent = _node(above, nodes)
        nodes[directory] = None if parent is None else parent.setdefault(name, {})
    return nodes[directory]


def _sweep(directory: str, node: "Node", disk: "Disk", roots: frozenset[str], out: list[str]) -> bool:
    """Collect what goes below *directory*; True when that is everything, so the caller takes it whole."""
    going: list[str] = []
    inner: list[str] = []
    whole = directory not in roots and _within(directory, roots)
    names = disk.names(directory) if whole or directory in roots else node.keys()
    for name in sorted(names):
        path = f"{directory}/{name}"
        child = node.get(name, ...) if name in node else ...
        if child is None:
            going.append(path)
        elif child is ...:
            if not _cached_only(path, name, node, disk, inner):
                whole = False
            elif path not in inner:
                going.append(path)
        elif name == "__pycache__" and not disk.is_symlink(path):
            if _sweep(path, {**child, **_orphans(path, node, child, disk)}, disk, roots, inner):
                going.append(path)
            else:
                whole = False
        elif disk.is_symlink(path) and _within(path, roots) and not _leads(path, roots):
            raise SymlinkedDirectory(path=path)
        elif _sweep(path, child, disk, roots, inner):
            going.append(path)
        else:
            whole = False
    if whole:
        return True
    out.extend(going)
    out.extend(inner)
    return False


def _within(path: str, roots: frozenset[str]) -> bool:
    return any(path.startswith(root + "/") for root in roots)


def _leads(path: str, roots: frozenset[str]) -> bool:
    """Tell whether *path* is one of the roots, or on the way to one: how the environment is laid out is its affair."""
    return path in roots or any(root.startswith(path + "/") for root in roots)


def _orphans(path: str, node: "Node", listed: "Node", disk: "Disk") -> "Node":
    """Return what is in a ``__pycache__`` without being listed, of modules that go."""
    names = [name for name in disk.names(path) if name not in listed]
    return {name: None for name in names if node.get(name.partition(".")[0] + ".py", ...) is None}


def _cached_only(path: str, name: str, node: "Node", disk: "Disk", inner: list[str]) -> bool:
    """Tell whether *path* is a ``__pycache__`` with nothing but byte code of modules that go, or are not there.

    Where other byte code is in it too, what goes is added to *inner*.
    """
    if name != "__pycache__":
        return False
    beside = disk.names(path[: -len("/__pycache__")])
    modules = {each: f"{each.partition('.')[0]}.py" for each in disk.names(path)}
    going = [each for each, module in modules.items() if node.get(module, ...) is None or module not in beside]
    if len(going) == len(disk.names(path)):
        return True
    inner.extend(f"{path}/{each}" for each in sorted(going))
    return False
