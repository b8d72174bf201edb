"""Keeping freed memory: buffers of many megabytes come and go, and each new page costs a fault and a clearing."""

import ctypes
import sys
from ctypes import c_int, c_size_t, c_void_p

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h of glibc
_TRIM_FROM = 128 << 20  # bytes at the top of the heap before they are given back
_HUGE = 2 << 20  # bytes of a huge page on most machines
_ROOM = 64 << 20  # bytes of the heap for which huge pages are asked; most files inflate to less
_MADV_HUGEPAGE = 14  # asm-generic/mman-common.h of Linux


def keep_freed_memory() -> None:
    """Tell glibc's allocator to keep freed memory, in this process and its forks; with another libc do nothing.

    It maps nothing then, as it would for what is large: a mapping goes back to the system when it is freed. Of what
    the heap will grow by first, the system is asked to give it in huge pages: a fault in place of 512.
    """
    if sys.platform != "linux":
        return
    try:
        library = ctypes.CDLL(None)
        mallopt = library.mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(_TRIM_THRESHOLD, _TRIM_FROM)
    mallopt(_MMAP_MAX, 0)
    _ask_for_huge_pages(library)


def _ask_for_huge_pages(library: "ctypes.CDLL") -> None:
    """Advise on what the heap will grow into: it is taken untouched, and given back."""
    library.malloc.restype, library.malloc.argtypes = c_void_p, (c_size_t,)
    library.madvise.argtypes = (c_void_p, c_size_t, c_int)
    library.free.argtypes = (c_void_p,)
    place = library.malloc(_ROOM)
    if place:
        start = -(-place // _HUGE) * _HUGE
        library.madvise(start, (place + _ROOM - start) // _HUGE * _HUGE, _MADV_HUGEPAGE)  # a wish; it may fail
        library.free(place)
