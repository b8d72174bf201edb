"""Locks between processes.

A free lock is taken with one ``flock``, the call that filelock makes too; waiting for a taken one,
and every system without ``flock``, is filelock's, whose import (46 ms) only then is paid.
"""

import os

from puffin.errors import TEMPORARY, PuffinError, os_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


_held: set[int] = set()


def close_inherited_locks() -> None:
    """In a forked child: close the parent's locks, so that they go when the parent does."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


class LockTimeout(PuffinError):
    """Another process holds the lock and did not let go in time."""

    exit_code = TEMPORARY
    what: str
    path: str
    seconds: float
    holder: str = ""

    def summary(self) -> str:
        who = f" by {self.holder}" if self.holder else ""
        return f"Gave up after {self.seconds:g} s: {self.what} is locked{who} (`{self.path}`)"


class LockFailed(PuffinError):
    """The file system refuses the lock; going on without it would not be safe."""

    exit_code = TEMPORARY
    what: str
    path: str

    def summary(self) -> str:
        return f"Failed to lock {self.what} (`{self.path}`)"


class Lock:
    """An exclusive lock on a file, held between ``with`` and its end; it goes when its process dies.

    ``what`` names the locked thing in messages. ``timeout`` is in seconds. Raises :class:`LockTimeout`
    or :class:`LockFailed`: it never goes on unlocked.
    """

    def __init__(self, path: str, *, what: str, timeout: float = 300.0) -> None:
        self._path = path
        self._what = what
        self._timeout = timeout
        self._descriptor = -1
        self._slow: object = None

    def __enter__(self) -> "Lock":
        try:
            if not self._try_flock():
                self._wait()
            self._sign()
        except OSError as error:
            self._close()
            raise LockFailed(
                what=self._what,
                path=self._path,
                causes=(os_cause(error),),
                hints=("put it on a file system that supports locks, such as a local disk",),
            ) from error
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._close()

    def _try_flock(self) -> bool:
        try:
            import fcntl
        except ImportError:
            return False
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            self._descriptor = -1
            return False
        _held.add(self._descriptor)
        return True

    def _wait(self) -> None:
        import filelock

        lock = filelock.FileLock(self._path, timeout=self._timeout, mode=0o666)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise LockTimeout(
                what=self._what,
                path=self._path,
                seconds=self._timeout,
                holder=self._holder(),
                hints=("wait for that process to end, or end it, and run the command again",),
            ) from None
        self._slow = lock

    def _sign(self) -> None:
        if self._descriptor >= 0:
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def _holder(self) -> str:
        try:
            with open(self._path, encoding="ascii") as file:
                text = file.read().strip()
        except (OSError, ValueError):
            return ""
        return f"process {text}" if text.isdigit() else ""

    def _close(self) -> None:
        if self._descriptor >= 0:
            if self._descriptor in _held:
                _held.discard(self._descriptor)
                os.close(self._descriptor)
            self._descriptor = -1
        if self._slow is not None:
            self._slow.release()  # type: ignore[attr-defined]
            self._slow = None
