"""Who is using the cache: runs share it, cleaning has it alone."""

import os
import time

from puffin.cache.layout import Cache
from puffin.cache.lock import LockFailed, LockTimeout
from puffin.errors import os_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

LOCK = ".lock"
_TIMEOUT = 300.0
_PAUSE = 0.1


class Usage:
    """A lock on the whole cache, shared or exclusive, held between ``with`` and its end.

    filelock has no shared locks on a plain file, so this is ``flock`` itself; where there is none, or the cache cannot
    be written to, sharing is free, since all that it guards against is ``clean`` at the same moment.
    """

    def __init__(self, cache: Cache, *, alone: bool, timeout: float, told: "Callable[[str], None] | None" = None) -> None:
        self._path = f"{cache.root}/{LOCK}"
        self._alone = alone
        self._timeout = timeout
        self._told = told
        self._descriptor = -1

    def __enter__(self) -> frozenset[str]:
        try:
            import fcntl

            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except ImportError:
            return frozenset()
        except OSError as error:
            if self._alone:
                raise LockFailed(what="the cache", path=self._path, causes=(os_cause(error),)) from error
            return frozenset()
        self._wait(fcntl.LOCK_EX if self._alone else fcntl.LOCK_SH)
        return frozenset({LOCK})

    def _wait(self, kind: int) -> None:
        import fcntl

        deadline = time.monotonic() + self._timeout
        waited = False
        while True:
            try:
                fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            if time.monotonic() > deadline:
                raise LockTimeout(
                    what="the cache",
                    path=self._path,
                    seconds=self._timeout,
                    hints=("pass `--force` to go on all the same",),
                )
            if not waited and self._told is not None:
                self._told("The cache is in use; waiting for other puffin processes to finish")
                waited = True
            time.sleep(_PAUSE)

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
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
