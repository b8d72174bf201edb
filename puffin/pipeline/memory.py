"""Keeping freed memory: buffers of many megabytes come and go, and each new page costs a fault and a clearing."""

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_TRIM_FROM = 1 << 30  # bytes at the top of the heap before they are given back
_MAP_FROM = 32 << 20  # bytes; the most glibc allows


def keep_freed_memory() -> None:
    """Tell glibc's allocator to keep what is freed, in this process and those forked from it; elsewhere do nothing."""
    if sys.platform != "linux":
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(_TRIM_THRESHOLD, _TRIM_FROM)
    mallopt(_MMAP_THRESHOLD, _MAP_FROM)
