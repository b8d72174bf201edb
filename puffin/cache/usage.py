"""Who is using the cache: runs share it, cleaning has it alone."""

import errno
import os
import time

from puffin.cache.layout import Cache
from puffin.cache.lock import LockFailed, LockTimeout, hold, release
from puffin.errors import os_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

LOCK = ".lock"
NOT_WRITABLE = "make the cache writable for this user, or name another with `--cache-dir`"
_TIMEOUT = 300.0
_PAUSE = 0.1


class Usage:
    """A lock on the whole cache, shared or exclusive, held between ``with`` and its end.

    filelock has no shared locks on a plain file, so this is ``flock`` itself; where there is none, or the cache cannot
    be written to, sharing is free, since all that it guards against is ``clean`` at the same moment.
    """

    def __init__(
        self, cache: Cache, *, alone: bool, timeout: float, told: "Callable[[str], None] | None" = None
    ) -> None:
        self._path = f"{cache.root}/{LOCK}"
        self._alone = alone
        self._timeout = timeout
        self._told = told
        self._descriptor = -1

    def __enter__(self) -> frozenset[str]:
        try:
            import fcntl
        except ImportError:
            return frozenset()
        kind = fcntl.LOCK_EX if self._alone else fcntl.LOCK_SH
        deadline = 0.0
        try:
            while not self._try(kind):
                now = time.monotonic()
                deadline = deadline or self._expect_wait(now)
                if now > deadline:
                    raise self._too_late()
                time.sleep(_PAUSE)
        except OSError as error:
            if self._alone:
                raise self._refused(error) from error
            return frozenset()
        return frozenset({LOCK})

    def _try(self, kind: int) -> bool:
        import fcntl

        descriptor = self._open()
        hold(descriptor)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
                return True
        except BlockingIOError:
            pass
        except BaseException:
            release(descriptor)
            raise
        release(descriptor)
        return False

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            return os.open(self._path, flags, 0o666)
        except OSError:
            if self._alone:
                raise
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)  # enough to share it

    def _expect_wait(self, now: float) -> float:
        if self._told is not None:
            self._told("The cache is in use; waiting for other puffin processes to finish")
        return now + self._timeout

    def _refused(self, error: OSError) -> LockFailed:
        unwritable = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        hint = NOT_WRITABLE if unwritable else "pass `--force` to go on without the lock"
        return LockFailed(what="the cache", path=self._path, causes=(os_cause(error),), hints=(hint,))

    def _too_late(self) -> LockTimeout:
        hints = ("pass `--force` to go on all the same",) if self._alone else ()
        return LockTimeout(what="the cache", path=self._path, seconds=self._timeout, hints=hints)

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._descriptor >= 0:
            release(self._descriptor)
            self._descriptor = -1


def shared(cache: Cache) -> Usage:
    """Return the lock that every run holds while it uses archives."""
    return Usage(cache, alone=False, timeout=_TIMEOUT)


def exclusive(cache: Cache, *, force: bool, told: "Callable[[str], None]") -> "Usage | _Free":
    """Return the lock for removing things; *force* takes none."""
    return _Free() if force else Usage(cache, alone=True, timeout=_TIMEOUT, told=told)


class _Free:
    def __enter__(self) -> frozenset[str]:
        return frozenset()

    def __exit__(self, *error: object) -> None:
        return None
