"""The bytes in and out of the task on this thread, for the run record.

Stage functions add to it, once or a few times a task; whoever runs the task resets and reads it. A call costs a
fraction of a microsecond, and threads have a meter each.
"""

from _thread import _local

HIT = "hit"
MISS = "miss"


class _Meter(_local):
    taken = 0
    given = 0
    cache = ""
    log = ""
    worker = ""


_meter = _Meter()


def reset() -> None:
    """Begin a task."""
    _meter.taken = _meter.given = 0
    _meter.cache = _meter.log = _meter.worker = ""


def count(*, taken: int = 0, given: int = 0) -> None:
    """Add bytes that came in (were downloaded or read) and that went out (were written or linked)."""
    _meter.taken += taken
    _meter.given += given


def found(cache: str) -> None:
    """Say whether the cache had what the task is to make: ``HIT`` or ``MISS``."""
    _meter.cache = cache


def logged(path: str) -> None:
    """Say where the log of the task is, such as that of a build."""
    _meter.log = path


def worked(worker: str) -> None:
    """Say which worker of a scheduler did the task."""
    _meter.worker = worker


def measured() -> tuple[int, int, str, str, str]:
    """Return the bytes taken and given, ``HIT``, ``MISS`` or ``""``, the path of a log, and a worker, or ``""``."""
    return _meter.taken, _meter.given, _meter.cache, _meter.log, _meter.worker
