"""Buffers for whole files, used again: a new one of many megabytes costs a page fault and a clearing per page."""

import threading

_MOST_KEPT = 96 << 20  # bytes kept by one process
_GRAIN = 1 << 20

_lock = threading.Lock()
_free: list[bytearray] = []


def take(size: int) -> bytearray:
    """Return a buffer of at least *size* bytes with anything in it; the smallest free one that will do."""
    with _lock:
        fitting = [index for index, buffer in enumerate(_free) if len(buffer) >= size]
        if fitting:
            return _free.pop(min(fitting, key=lambda index: len(_free[index])))
    return bytearray(-(-size // _GRAIN) * _GRAIN)


def give(buffer: bytearray) -> None:
    """Give a buffer back. Nobody may look at it, or at a view of it, afterwards."""
    with _lock:
        if sum(map(len, _free)) + len(buffer) <= _MOST_KEPT:
            _free.append(buffer)
