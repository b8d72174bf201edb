"""The last steps of every way into the cache: the manifest is completed, and it and a tree become an archive."""

import os

from puffin.cache.atomic import publish_file, publish_tree, remove_tree
from puffin.cache.layout import Bucket, Cache, current_boot
from puffin.cache.lock import Lock
from puffin.names import normalise
from puffin.stages.unzip.manifest import Manifest, OutsideRow, Row, encode_manifest
from puffin.stages.unzip.ready import discard_archive, examined
from puffin.types import Any

# On Windows, what is read-only cannot be removed.
READABLE, RUNNABLE = (0o444, 0o555) if os.name != "nt" else (0o666, 0o777)
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def complete_manifest(
    *, raw_name: str, tree: tuple[Row, ...], outside: tuple[OutsideRow, ...], **facts: Any
) -> Manifest:
    """Return the manifest of an archive that was written in this boot, with what follows from its files."""
    rows = [(names, sizes) for _, names, sizes, _ in tree] + [row[2:4] for row in outside]
    scripts = [
        f"{at}/{name}".lstrip("/") for key, at, names, *_ in outside if key == "scripts" for name in names
    ]
    tops = [(directory, True) for directory, *_ in tree if directory and "/" not in directory]
    return Manifest(
        name=normalise(raw_name),
        raw_name=raw_name,
        boot_id=current_boot(),
        tops=tuple(sorted([*tops, *[(name, False) for name in tree[0][1]]])),
        files=sum([len(names) for names, _ in rows]),
        bytes=sum([sum(sizes) for _, sizes in rows]),
        scripts=tuple(scripts),
        outside=outside,
        has_pyc=any(".pyc/" in f"{'/'.join(names)}/" for _, names, *_ in tree),
        tree=tree,
        **facts,
    )


def publish_archive(cache: Cache, sha256: str, tree: str, manifest: Manifest) -> None:
    """Make the directory *tree* the archive *sha256*, which *manifest* describes; one that is there and whole stays.

    Raises OSError; then the cache is as it was, and *tree* is gone.
    """
    archive = cache.archive(sha256)
    try:
        if os.path.isdir(archive) and examined(archive, manifest) < 0:
            _clear_wreck(cache, sha256, manifest)
        mine = publish_tree(tree, archive)
    except BaseException:
        remove_tree(tree)
        raise
    try:
        publish_file(cache, cache.manifest(sha256), encode_manifest(manifest))
    except BaseException:
        if mine:  # without its manifest nobody sees the tree: it would only take up room
            discard_archive(cache, sha256)
        raise


def _clear_wreck(cache: Cache, sha256: str, manifest: Manifest) -> None:
    """Remove a tree that a crash left damaged, under a lock, lest a neighbour's new one goes instead."""
    locks = cache.path(Bucket.LOCKS)
    os.makedirs(locks, exist_ok=True)
    with Lock(f"{locks}/archive-{sha256}", what=f"the archive of `{manifest.filename}`"):
        if examined(cache.archive(sha256), manifest) < 0:
            discard_archive(cache, sha256)


def kept_executables(root: str, dist_info: str, found: "tuple[str, ...]") -> "tuple[str, ...] | None":
    """Return the files that may be run, *found*; None if the file system at *root* does not keep that."""
    kept = [bool(os.stat(f"{root}/{path}").st_mode & 0o100) for path in (f"{dist_info}/RECORD", *found[:1])]
    return found if kept == [False, True][: len(kept)] else None
