"""Environments with links into sealed trees of the cache: while they exist, the cache keeps the archives they use."""

import errno
import os

from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_file, remove_tree
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import names_in, read
from puffin.types import Collection

_MARK = ".puffin"  # in each environment that puffin changes
_GONE = (errno.ENOENT, errno.ENOTDIR)


def note_living(cache: Cache, root: str, archives: "Collection[str]") -> None:
    """Note that the environment at *root* uses sealed trees of *archives*; without any it is forgotten.

    A cache that cannot be written to is left as it is.
    """
    if not archives and not os.path.exists(cache.path(Bucket.LIVING)):
        return
    root = os.path.realpath(root)
    path = cache.path(Bucket.LIVING, digest(root))
    data = frame.dump((root, tuple(sorted(archives)))) if archives else None
    if read(path) != data:
        try:
            publish_file(cache, path, data) if data else remove_tree(path)
        except OSError:
            pass


def living(cache: Cache) -> "dict[str, frozenset[str]]":
    """Return the archives whose sealed trees each environment uses, and forget moved or removed environments."""
    bucket = cache.path(Bucket.LIVING)
    found = {}
    for name in names_in(bucket):
        fields = frame.load(read(f"{bucket}/{name}") or b"")
        if isinstance(fields, tuple) and len(fields) == 2 and not _is_gone(fields[0]):
            found[fields[0]] = frozenset(fields[1])
        else:
            remove_tree(f"{bucket}/{name}")
    return found


def _is_gone(root: str) -> bool:
    try:
        os.lstat(f"{root}/{_MARK}")
    except OSError as error:
        return error.errno in _GONE
    return False
