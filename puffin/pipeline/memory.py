"""Keeping freed memory: buffers of many megabytes come and go, and each new page costs a fault and a clearing."""

import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h of glibc
_TRIM_FROM = 128 << 20  # bytes at the top of the heap before they are given back


def keep_freed_memory() -> None:
    """Tell glibc's allocator to keep what is freed, in this process and those forked from it; elsewhere do nothing.

    It maps nothing then, as it would for what is large: a mapping goes back to the system when it is freed.
    """
    if sys.platform != "linux":
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(_TRIM_THRESHOLD, _TRIM_FROM)
    mallopt(_MMAP_MAX, 0)
