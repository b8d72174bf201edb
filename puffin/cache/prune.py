"""What of the cache goes: by reachability, by age of last use, by size. A pure plan, and the shell that does it."""

import os
from collections.abc import Iterable, Sequence

from puffin.cache.atomic import remove_tree
from puffin.cache.clean import Cleaned, measure
from puffin.cache.contents import ARCHIVE, Item
from puffin.cache.layout import Bucket

_CHEAP = (
    Bucket.ANSWERS,
    Bucket.SIMPLE,
    Bucket.RESOLUTIONS,
    Bucket.SDISTS,
    Bucket.GIT,
    Bucket.BUILD_ENVIRONMENTS,
    Bucket.RUNS,
)


def plan_prune(
    items: "Sequence[Item]",
    *,
    now: float,
    unused_for: float | None = None,
    max_size: int | None = None,
    other_bytes: int = 0,
    ci: bool = False,
) -> tuple[Item, ...]:
    """Return the *items* that go, in the order in which they were chosen.

    Archives to which no name leads always go. *unused_for* is in seconds. *max_size* and *other_bytes* (what the
    cache holds besides the items) are in bytes: of what is left, the longest unused goes first. With *ci* all
    goes that is cheap to fetch again: archives that were not built here, pages, source distributions, repositories.
    """
    going = [each for each in items if each.kind == ARCHIVE and not each.reachable]
    left = [each for each in items if each.kind != ARCHIVE or each.reachable]
    if ci:
        going, left = _split(going, left, [_is_cheap(each) for each in left])
    if unused_for is not None:
        going, left = _split(going, left, [now - min(each.used, now) >= unused_for for each in left])
    if max_size is not None:
        going += _over(left, max_size - other_bytes)
    return tuple(going)


def _is_cheap(item: Item) -> bool:
    return not item.built if item.kind == ARCHIVE else item.bucket in _CHEAP


def _split(going: list[Item], left: list[Item], which: list[bool]) -> tuple[list[Item], list[Item]]:
    more = [each for each, goes in zip(left, which, strict=True) if goes]
    return going + more, [each for each, goes in zip(left, which, strict=True) if not goes]


def _over(items: "Iterable[Item]", room: int) -> list[Item]:
    ordered = sorted(items, key=lambda each: (each.used, each.name))
    total = sum(each.bytes for each in ordered)
    going = []
    for each in ordered:
        if total <= room:
            break
        going.append(each)
        total -= each.bytes
    return going


def prune(items: "Iterable[Item]", useless: "Iterable[str]", buckets: "Iterable[str]") -> Cleaned:
    """Remove *items* and *useless* paths, what leads to something first, then the directories left empty."""
    entries, files, size = 0, 0, 0
    for each in items:
        entries += 1
        for path in each.paths:
            count, total = _remove(path)
            files, size = files + count, size + total
    for path in useless:
        count, total = _remove(path)
        files, size = files + count, size + total
    for bucket in buckets:
        _sweep(bucket)
    return Cleaned(entries=entries, files=files, bytes=size)


def _remove(path: str) -> tuple[int, int]:
    if not os.path.lexists(path):
        return 0, 0
    found = measure(path)
    remove_tree(path)
    return found


def _sweep(bucket: str) -> None:
    """Remove the empty directories beneath *bucket*, deepest first; not those within archives, which may be empty."""
    for directory, inner, _ in os.walk(bucket, topdown=True):
        inner[:] = [name for name in inner if len(name) != 64 and not os.path.islink(f"{directory}/{name}")]
        _forget_empty(directory, bucket)


def _forget_empty(directory: str, bucket: str) -> None:
    while directory != bucket and directory.startswith(bucket):
        try:
            os.rmdir(directory)
        except OSError:
            return
        directory = os.path.dirname(directory)
