"""Collecting what dead processes left in the cache's room for temporary files."""

import os
import time

from puffin.cache.atomic import remove_tree
from puffin.cache.layout import Bucket, Cache, process_space

_FOREIGN_AFTER = (
    24 * 3600.0
)  # seconds; whether a process of another machine or container lives, nobody here can tell


def collect(cache: Cache) -> int:
    """Remove temporary entries whose makers are dead, and very old ones of other machines; return how many."""
    room = cache.path(Bucket.TEMPORARY)
    try:
        names = os.listdir(room)
    except OSError:
        return 0
    gone = [name for name in names if _is_leftover(room, name)]
    for name in gone:
        try:
            remove_tree(f"{room}/{name}")
        except OSError:
            continue
    return len(gone)


def _is_leftover(room: str, name: str) -> bool:
    pid, _, rest = name.partition("-")
    space = rest.partition("-")[0]
    if pid.isdigit() and space == process_space():
        return not _lives(int(pid))
    try:
        return os.lstat(f"{room}/{name}").st_mtime < time.time() - _FOREIGN_AFTER
    except OSError:
        return False


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return file.read(4096).rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
