"""A sealed tree: an archive with its bytecode, read-only, to whose directories environments have symlinks.

``trees-v0/<kind>/<aa>/<sha256>/`` has the files of the archive and of its layer of bytecode, mostly by hard links;
``<kind>`` is that of the bytecode, :data:`PLAIN` for none. ``<sha256>.manifest`` is written last. Like a layer,
it is void if the archive was unzipped again.

Two rules decide which directories become symlinks (:func:`divided`):

- A directory at the top level does if it is a package with an ``__init__``. Any other is a namespace, which packages
  share. A deeper one does if there are files beside it.
- ``.dist-info`` and ``__pycache__`` do not.

So a file of the distribution lies beside each link, or below. pip relies on that: it removes a whole directory if it
removes all files in it, and ignores links to directories there.

The manifest holds three frames. Head: ``(FORMAT, seconds, boot id)``. Body: the fields of :class:`Sealed` but ``root``.
Bytecode: ``((directory, (name, …)), …)`` of the layer.
"""

import os

from puffin.cache.atomic import exchange, publish_tree
from puffin.cache.frame import dump, load_at, skipped
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read
from puffin.stages.bytecode.layer import CACHE, archive_time
from puffin.stages.unzip.manifest import DIST_INFO
from puffin.stages.unzip.record import quoted, rows_in
from puffin.types import Any, Iterable
from puffin.value import astuple, frozen

Tree = tuple[tuple[str, tuple[str, ...]], ...]

PLAIN = "plain"
_FORMAT = 1
_WRITERS = 0o222


@frozen
class Sealed:
    """The data for links to a sealed tree at *root*.

    ``header`` is that of the archive's manifest. ``links`` are the directories that become symlinks;
    ``tree`` and ``layer`` are all others with their files and their bytecode, and ``record`` is RECORD of all these.
    """

    root: str
    header: "tuple[Any, ...]"
    links: tuple[str, ...]
    tree: "Tree"
    layer: "Tree"
    record: str


def tree_path(cache: Cache, kind: str, archive: str) -> str:
    """Return the sealed tree of an archive, in the cache that has it."""
    path = cache.path(Bucket.TREES, kind or PLAIN, archive[:2], archive)
    return cache.find(f"{path}.manifest").removesuffix(".manifest")


def read_sealed(root: str) -> "Sealed | None":
    """Return the manifest of the tree at *root*; None for a missing or damaged one."""
    return _read(root)[1]


def sealed_tree(cache: Cache, kind: str, archive: str, boot: str) -> "tuple[Sealed | None, bool]":
    """Return the sealed tree of an archive and whether this *boot* knows it to be whole; None if none fits it."""
    root = tree_path(cache, kind, archive)
    head, found = _read(root)
    if found is None or head[1] != archive_time(cache, archive):
        return None, False
    return found, head[2] in ("", boot) or not root.startswith(f"{cache.root}/")


def encode_sealed(sealed: Sealed, bytecode: "Tree", *, seconds: int, boot: str) -> bytes:
    """Return the bytes of a manifest."""
    return dump((_FORMAT, seconds, boot)) + dump(astuple(sealed)[1:]) + dump(bytecode)


def bytecode_in(root: str) -> "Tree":
    """Return the directories with bytecode in the tree at *root*, and its files."""
    data = read(f"{root}.manifest") or b""
    bytecode: Tree | None = load_at(data, skipped(data, skipped(data, 0)))[0]
    return bytecode or ()


def sealed_at(path: str) -> "tuple[str, str, str] | None":
    """Return root, archive and inner directory of the sealed tree that the symlink *path* leads into, if it does."""
    try:
        target = os.readlink(path)
    except OSError:
        return None
    home, found, rest = target.rpartition(f"/{Bucket.TREES}/")
    parts = rest.split("/", 3)
    if not found or len(parts) < 4:
        return None
    return f"{home}{found}{'/'.join(parts[:3])}", parts[2], parts[3]


def rows_beneath(root: str, directories: "Iterable[str]") -> "list[tuple[str, str, str]]":
    """Return path, hash and size of the files of the tree at *root* that lie beneath *directories*."""
    sealed = read_sealed(root)
    beneath = tuple([f"{each}/" for each in directories])
    rows = full_record(root, sealed) if sealed and beneath else []
    return [each for each in rows if each[0].startswith(beneath)]


def full_record(root: str, sealed: Sealed) -> "list[tuple[str, str, str]]":
    """Return the rows of the archive's own RECORD."""
    text = read(f"{root}/{sealed.header[DIST_INFO]}/RECORD") or b""
    return rows_in(text.decode("utf-8", "surrogateescape"))


def divide(root: str, header: "tuple[Any, ...]", names: "Tree", layer: "Tree", record: bytes) -> Sealed:
    """Return the sealed tree with these directories, of which *layer* is bytecode. *record* is the archive's."""
    links, real = divided(names, header[DIST_INFO])
    opened = frozenset(real)
    pyc = tuple([row for row in layer if row[0].removesuffix(CACHE).rstrip("/") in opened])
    rows = rows_in(record.decode("utf-8", "surrogateescape"))
    return Sealed(
        root=root,
        header=header,
        links=links,
        tree=tuple([row for row in names if row[0] in opened]),
        layer=pyc,
        record=as_rows(
            [
                *[row for row in rows if row[0].rpartition("/")[0] in opened],
                *[(f"{directory}/{name}", "", "") for directory, files in pyc for name in files],
                *[(link, "", "") for link in links],
            ]
        ),
    )


def divided(names: "Tree", dist_info: str) -> "tuple[tuple[str, ...], tuple[str, ...]]":
    """Return the directories in *names*, parents first, that are taken by symlinks, and those that are not."""
    files = dict(names)
    links: list[str] = []
    real: dict[str, None] = {}
    for directory, own in names:
        parent, _, name = directory.rpartition("/")
        if directory and parent not in real:
            continue
        if not directory or f"{directory}/".startswith(f"{dist_info}/") or name == CACHE:
            real[directory] = None
        elif files[parent] if parent else any(each.startswith("__init__.") for each in own):
            links.append(directory)
        else:
            real[directory] = None
    return tuple(links), tuple(real)


def as_rows(rows: "Iterable[tuple[str, str, str]]") -> str:
    """Return *rows* as the text of RECORD."""
    return "".join([f"{quoted(path)},{digest},{size}\n" for path, digest, size in rows])


def close(root: str, directories: "Iterable[str]") -> None:
    """Make *directories* of a tree read-only (``OSError``)."""
    for directory in directories:
        path = f"{root}/{directory}"
        os.chmod(path, os.stat(path).st_mode & ~_WRITERS & 0o7777)


def publish_again(temporary: str, root: str) -> None:
    """Put the directory *temporary* in the place of the tree at *root*, and that at *temporary* (``OSError``).

    Environments that use the tree find the old or the new one, if the file system can exchange two entries.
    """
    if not os.path.lexists(root):
        publish_tree(temporary, root)
        return
    try:
        exchange(temporary, root)
    except OSError:
        os.rename(root, f"{temporary}~")
        os.rename(temporary, root)
        os.rename(f"{temporary}~", temporary)


def holds(root: str, source: str, tree: "Tree") -> bool:
    """Tell whether each file of *tree* at *root* is the one at *source*, or one of its size and time."""
    try:
        for directory, names in tree:
            for name in names:
                here, there = os.lstat(f"{root}/{directory}/{name}"), os.lstat(f"{source}/{directory}/{name}")
                if here.st_ino != there.st_ino and (here.st_size, here.st_mtime) != (
                    there.st_size,
                    there.st_mtime,
                ):
                    return False
    except OSError:
        return False
    return True


_known: "dict[str, tuple[Any, tuple[Any, ...], Sealed | None]]" = {}  # what this process read, by the file it was


def _read(root: str) -> "tuple[tuple[Any, ...], Sealed | None]":
    try:
        facts = os.stat(f"{root}.manifest")
    except OSError:
        return (), None
    state = facts.st_ino, facts.st_mtime_ns, facts.st_size
    if root not in _known or _known[root][0] != state:
        _known[root] = (state, *_decoded(root, read(f"{root}.manifest") or b""))
    return _known[root][1:]


def _decoded(root: str, data: bytes) -> "tuple[tuple[Any, ...], Sealed | None]":
    head, end = load_at(data, 0)
    body = load_at(data, end)[0]
    if (
        type(head) is not tuple
        or len(head) != 3
        or head[0] != _FORMAT
        or type(body) is not tuple
        or len(body) != 5
    ):
        return (), None
    header, links, tree, layer, record = body
    return head, Sealed(root=root, header=header, links=links, tree=tree, layer=layer, record=record)
