"""A source tree as bytes, for a machine that does not have it."""

import gzip
import hashlib
import io
import os
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OUT = ("__pycache__", ".tox", ".nox")
_MARKS = ("pyvenv.cfg", "CACHEDIR.TAG")  # of environments and of caches


def pack_tree(root: str) -> "tuple[bytes, str]":
    """Return the tree at *root* as ``.tar.gz`` and its SHA-256, hexadecimal; the same for the same tree.

    Left out are environments and caches, and what is neither file, directory nor link. A link that leads out of the
    tree goes as what it leads to. Raises OSError.
    """
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, name in _entries(os.path.realpath(root)):
            _add(archive, path, f"source/{name}")
    data = out.getvalue()
    return data, hashlib.sha256(data).hexdigest()


def _entries(root: str) -> "Iterator[tuple[str, str]]":
    """Yield the path and the name in the archive of all that is in *root*, parents first, sorted."""
    stack: list[tuple[str, str, tuple[str, ...]]] = [(root, "", (root,))]
    while stack:
        directory, name, above = stack.pop()
        inner: list[tuple[str, str, tuple[str, ...]]] = []
        for each in sorted(os.listdir(directory)):
            path, within = f"{directory}/{each}", f"{name}/{each}" if name else each
            leads_out = os.path.islink(path) and not _is_inside(path, root)
            path = os.path.realpath(path) if leads_out else path
            if os.path.islink(path) or not os.path.isdir(path):
                yield path, within
            elif each not in _LEFT_OUT and not _is_marked(path) and path not in above:
                yield path, within
                inner.append((path, within, (*above, path)))
        stack += reversed(inner)


def _is_inside(link: str, root: str) -> bool:
    """Tell whether a link may travel: it is relative, and stays in the tree."""
    return not os.path.isabs(os.readlink(link)) and os.path.realpath(link).startswith(root + os.sep)


def _is_marked(directory: str) -> bool:
    return any(os.path.exists(f"{directory}/{mark}") for mark in _MARKS)


def _add(archive: tarfile.TarFile, path: str, name: str) -> None:
    try:
        member = archive.gettarinfo(path, name)
    except FileNotFoundError:
        return  # a link that leads nowhere
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    if member.islnk():  # of one that is perhaps left out
        member.type, member.linkname = tarfile.REGTYPE, ""
        member.size = os.stat(path).st_size
    if member.isreg():
        with open(path, "rb") as file:
            archive.addfile(member, file)
    else:
        archive.addfile(member)
