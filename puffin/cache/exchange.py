"""Exchanging two entries of a file system by one call, where the system has it: Linux and macOS."""

import errno
import os
import sys

from puffin.types import Any

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h
_RENAMEAT2 = {"x86_64": 316, "i386": 353, "i686": 353, "armv7l": 382, "ppc64le": 357, "s390x": 347}
_GENERIC = 276  # of aarch64, riscv64 and whatever is younger
# what a kernel, a C library, a file system or a container's filter says that does not exchange, or not these two
REFUSED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV, errno.EBUSY)


_loaded: "list[Any]" = []  # the C library, once it was needed: ctypes is not imported before


def exchange(first: str, second: str) -> None:
    """Let two entries, of any type, change places atomically (``OSError``, and then neither has moved)."""
    try:
        import ctypes

        library = _loaded[0] if _loaded else ctypes.CDLL(None, use_errno=True)
        _loaded[:] = [library]
        here, there = os.fsencode(first), os.fsencode(second)
        if sys.platform == "darwin":
            failed = library.renamex_np(here, there, ctypes.c_uint(_RENAME_SWAP))
        elif sys.platform != "linux":
            failed = errno.ENOSYS
        elif hasattr(library, "renameat2"):
            failed = library.renameat2(_AT_FDCWD, here, _AT_FDCWD, there, ctypes.c_uint(_RENAME_EXCHANGE))
        else:  # musl, until lately
            number = ctypes.c_long(_RENAMEAT2.get(os.uname().machine, _GENERIC))
            failed = library.syscall(number, _AT_FDCWD, here, _AT_FDCWD, there, ctypes.c_uint(_RENAME_EXCHANGE))
    except (ImportError, AttributeError, TypeError):  # Windows, a Python without ctypes, an old macOS
        failed = errno.ENOSYS
    if failed:
        code = ctypes.get_errno() if failed == -1 else errno.ENOSYS
        raise OSError(code, os.strerror(code), first, None, second)
