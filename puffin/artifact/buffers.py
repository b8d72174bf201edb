"""Reusable buffers for whole files: a new buffer of many megabytes costs a page fault and a clearing per page."""

import mmap
from _thread import allocate_lock  # what ``threading`` hands out, without its import

Buffer = bytearray | mmap.mmap

_MOST_KEPT = 96 << 20  # bytes kept by one process
_GRAIN = 1 << 20
_HUGE = 2 << 20  # bytes of a huge page, 512 common ones, on most machines

_lock = allocate_lock()
_free: "list[Buffer]" = []


def take(size: int) -> "Buffer":
    """Return a buffer of at least *size* bytes with anything in it; the smallest free one that will do.

    Where none will do, the largest grows: the memory that it has costs nothing any more.
    """
    with _lock:
        fitting = [index for index, buffer in enumerate(_free) if len(buffer) >= size]
        if fitting:
            return _free.pop(min(fitting, key=lambda index: len(_free[index])))
        growing = [index for index, buffer in enumerate(_free) if isinstance(buffer, mmap.mmap)]
        largest = _free.pop(max(growing, key=lambda index: len(_free[index]))) if growing else None
    return _grown(largest, size) if isinstance(largest, mmap.mmap) else _new(size)


def give(view: memoryview) -> None:
    """Give the buffer behind *view* back, if it is one. *view* is released; nobody may look at another one of it."""
    buffer = view.obj
    if not isinstance(buffer, (bytearray, mmap.mmap)):
        return
    view.release()
    with _lock:
        if sum(map(len, _free)) + len(buffer) <= _MOST_KEPT:
            _free.append(buffer)


def _grown(buffer: mmap.mmap, size: int) -> "Buffer":
    try:
        buffer.resize(-(-size // _HUGE) * _HUGE)
    except (BufferError, OSError):
        return _new(size)  # somebody still has a view of it, or there is no memory
    return buffer


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
