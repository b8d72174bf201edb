"""Buffers for whole files, used again: a new one of many megabytes costs a page fault and a clearing per page."""

import mmap
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytearray | mmap.mmap

_MOST_KEPT = 96 << 20  # bytes kept by one process
_GRAIN = 1 << 20
_HUGE = 2 << 20  # bytes of a huge page, 512 common ones, on most machines

_lock = threading.Lock()
_free: "list[Buffer]" = []


def take(size: int) -> "Buffer":
    """Return a buffer of at least *size* bytes with anything in it; the smallest free one that will do."""
    with _lock:
        fitting = [index for index, buffer in enumerate(_free) if len(buffer) >= size]
        if fitting:
            return _free.pop(min(fitting, key=lambda index: len(_free[index])))
    return _new(size)


def give(buffer: object) -> None:
    """Give a buffer back, if it is one. Nobody may look at it, or at a view of it, afterwards."""
    if not isinstance(buffer, (bytearray, mmap.mmap)):
        return
    with _lock:
        if sum(map(len, _free)) + len(buffer) <= _MOST_KEPT:
            _free.append(buffer)


def _new(size: int) -> "Buffer":
    """Return a new buffer; for a large one the system is asked for huge pages, which take a tenth of the time."""
    if size < _HUGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return bytearray(-(-size // _GRAIN) * _GRAIN)
    buffer = mmap.mmap(-1, -(-size // _HUGE) * _HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        buffer.madvise(mmap.MADV_HUGEPAGE)
    except OSError:
        pass  # a kernel without them
    return buffer
