"""Locks between processes.

A lock is one ``flock``, the call that filelock makes too, but on a descriptor that forked children can
close: else a child that outlives its parent would keep the parent's lock. Systems without ``flock``
have filelock, whose import (46 ms) only then is paid.
"""

import errno
import os
import time

from puffin.errors import TEMPORARY, PuffinError, os_cause
from puffin.types import Callable, Mapping, TracebackType

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment, unused-ignore]


LOCK_TIMEOUT = 300.0
_held: set[int] = set()
_PAUSE = 0.05
_NOTICE_AFTER = 1.0  # seconds of waiting, after which it is said for whom
_STOPPED_AFTER = 5.0  # seconds that a stopped process gets to go on, where its lock only saves work
_told: "Callable[[str], None] | None" = None
_unlocked: set[str] = set()  # what was worked on without a lock, so that it is said once
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of a file system that has none
_NO_LOCKS_NOW = (errno.EINVAL, errno.ESTALE)


def close_inherited_locks() -> None:
    """In a forked child: close the parent's locks, so that they go when the parent does."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close_inherited_locks)


def tell_waits(call: "Callable[[str], None]") -> None:
    """Have *call* told, in this process and its forked children, of locks that are waited for."""
    global _told
    _told = call


def lock_timeout(environ: "Mapping[str, str]", usual: float = LOCK_TIMEOUT) -> float:
    """Return for how many seconds to wait for a lock: ``PUFFIN_LOCK_TIMEOUT``, else the *usual* time."""
    text = environ.get("PUFFIN_LOCK_TIMEOUT", "")
    try:
        return float(text) if text else usual
    except ValueError:
        return usual


def holders(path: str) -> str:
    """Return who holds a lock on the file *path*, as the kernel tells it, ``""`` where it does not."""
    try:
        facts = os.stat(path)
        with open("/proc/locks", encoding="ascii") as file:
            rows = [line.split() for line in file]
    except (OSError, ValueError):
        return ""
    place = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino}"
    pids = sorted({int(row[4]) for row in rows if row[1] == "FLOCK" and place in row[5:6]} - {os.getpid()})
    shown = ", ".join([str(pid) for pid in pids if pid > 0])
    return f"process{'es' * (len(pids) > 1)} {shown}" if shown else ""


def locked(descriptor: int, kind: int, counts: "Callable[[], bool]") -> bool:
    """Lock an open file without waiting, and tell whether it is locked; else it is closed.

    It is not where another process has the lock, or where the file no longer *counts*: it was removed meanwhile.
    """
    _held.add(descriptor)  # forked children close it
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        if counts():
            return True
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        release(descriptor)
        raise
    release(descriptor)
    return False


def release(descriptor: int) -> None:
    """Close a lock, unless it is one that a parent process held."""
    if descriptor in _held:
        _held.discard(descriptor)
        os.close(descriptor)


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
    """The file system refuses the lock, and will again; going on without it would not be safe."""

    sentence = "Failed to lock {what} (`{path}`)"

    what: str
    path: str


class Lock:
    """An exclusive lock on a file, held between ``with`` and its end; it goes when its process dies.

    ``what`` names the locked thing in messages. ``timeout`` is in seconds, by default what :func:`lock_timeout`
    says. Raises :class:`LockTimeout` or :class:`LockFailed`: it never goes on unlocked, except on a file system
    that has no locks at all.
    """

    _patient = True  # with a stopped holder

    def __init__(self, path: str, *, what: str, timeout: float | None = None) -> None:
        self._path = path
        self._what = what
        self._timeout = lock_timeout(os.environ) if timeout is None else timeout
        self._descriptor = -1
        self._slow: object = None

    def __enter__(self) -> "Lock":
        try:
            self._acquire()
        except OSError as error:
            self._close()
            if error.errno in _NO_LOCKS:
                self._go_unlocked()
                return self
            local = ("put it on a file system that supports locks, such as a local disk",)
            raise LockFailed(
                what=self._what,
                path=self._path,
                causes=(os_cause(error),),
                hints=local if error.errno in _NO_LOCKS_NOW else (),
            ) from error
        self._sign()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._close()

    def _acquire(self) -> None:
        if fcntl is None:
            self._wait_with_filelock()
            return
        began, told = 0.0, False
        while not self._try_flock():
            now = time.monotonic()
            began = began or now
            waited = now - began
            if waited >= self._timeout or (
                waited > _STOPPED_AFTER and not self._patient and self._is_stopped()
            ):
                raise self._too_late()
            if waited > _NOTICE_AFTER and not told:
                told = True
                self._tell()
            time.sleep(min(_PAUSE, began + self._timeout - now))

    def _go_unlocked(self) -> None:
        if not self._patient or _unlocked:
            return
        _unlocked.add(self._path)
        if _told is not None:
            _told(
                f"The file system has no locks (`{self._path}`): "
                f"make sure that no other puffin works on {self._what} at the same time"
            )

    def _tell(self) -> None:
        if _told is not None:
            _told(f"Waiting for {self._what}, which {self._holder() or 'another process'} has locked")

    def _is_stopped(self) -> bool:
        """Tell whether the holder is stopped (Ctrl-Z, a debugger), and so will not let go by itself."""
        try:
            with open(f"/proc/{self._holder().rpartition(' ')[2]}/stat", "rb") as file:
                return file.read(4096).rpartition(b")")[2].split()[0] in (b"T", b"t")
        except (OSError, IndexError):
            return False

    def _try_flock(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o666)
        if locked(
            descriptor, fcntl.LOCK_EX, lambda: os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        ):
            self._descriptor = descriptor
        return self._descriptor >= 0

    def _wait_with_filelock(self) -> None:
        import filelock

        lock = filelock.FileLock(self._path, timeout=self._timeout, mode=0o666)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise self._too_late() from None
        self._slow = lock

    def _too_late(self) -> LockTimeout:
        return LockTimeout(
            what=self._what,
            path=self._path,
            seconds=self._timeout,
            holder=self._holder(),
            hints=("wait for that process to end, or end it, and run the command again",),
        )

    def _sign(self) -> None:
        """Write down who holds the lock, for the messages of others; on a full disk it stays anonymous."""
        if self._descriptor < 0:
            return
        try:
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass

    def _holder(self) -> str:
        try:
            with open(self._path, encoding="ascii") as file:
                text = file.read().strip()
        except (OSError, ValueError):
            return ""
        return f"process {text}" if text.isdigit() else ""

    def _close(self) -> None:
        if self._descriptor >= 0:
            release(self._descriptor)
            self._descriptor = -1
        if self._slow is not None:
            self._slow.release()  # type: ignore[attr-defined]
            self._slow = None


class WorkLock(Lock):
    """A lock that only saves work: who cannot have it, in time or at all, does the work as well.

    A holder that is stopped is waited for a few seconds only.
    """

    _patient = False

    def __enter__(self) -> "WorkLock":
        try:
            super().__enter__()
        except (LockTimeout, LockFailed):
            pass
        return self

    @property
    def taken(self) -> bool:
        """Whether this process has it."""
        return self._descriptor >= 0 or self._slow is not None
