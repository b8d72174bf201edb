"""When archives were last used: one small file for each day and set of archives, written once.

A run that uses what another used that day finds the file there: one ``stat``, however many archives there are.
"""

import os
import time
from zlib import crc32

from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

DAY = 24 * 3600


def note_use(cache: Cache, archives: "Collection[str]") -> None:
    """Note that these archives were used today. A cache that cannot be written to is left as it is."""
    text = "".join(sorted(archives))
    if not text:
        return
    data = text.encode("ascii")
    path = cache.path(Bucket.USED, f"{int(time.time()) // DAY}-{crc32(data):08x}")
    if not os.path.exists(path):
        try:
            publish_file(cache, path, data)
        except OSError:
            pass


def last_used(cache: Cache) -> dict[str, int]:
    """Return for archives the last day (since the epoch) on which they are known to have been used."""
    found: dict[str, int] = {}
    for name, day in _days(cache):
        for archive in _noted(cache, name):
            found[archive] = max(day, found.get(archive, 0))
    return found


def repeated(cache: Cache, known: "Collection[str]") -> list[str]:
    """Return the paths of notes that say nothing of an archive in *known* which newer notes do not say."""
    said: set[str] = set()
    needless = []
    for name, _ in sorted(_days(cache), key=lambda each: (-each[1], each[0])):
        news = [archive for archive in _noted(cache, name) if archive in known and archive not in said]
        said.update(news)
        needless += [] if news else [cache.path(Bucket.USED, name)]
    return needless


def _noted(cache: Cache, name: str) -> list[str]:
    text = (read(cache.path(Bucket.USED, name)) or b"").decode("ascii", "replace")
    return [text[at : at + 64] for at in range(0, len(text) - 63, 64)]


def _days(cache: Cache) -> "list[tuple[str, int]]":
    """Return the notes, by their names, and their days."""
    try:
        names = os.listdir(cache.path(Bucket.USED))
    except OSError:
        return []
    split = [(name, name.partition("-")[0]) for name in names]
    return sorted((name, int(day)) for name, day in split if day.isdigit() and len(day) < 9)
