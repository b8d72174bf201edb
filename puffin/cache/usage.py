"""The cache in use: made when it is missing, shared by runs, had alone by cleaning; and when archives were last used.

For that there is one small file for each day and set of archives, written once. A run that uses what another used
that day finds the file there: one ``stat``, however many archives there are. While environments with links into sealed
trees exist, the cache keeps the archives that they use.
"""

import errno
import os
import time
from zlib import crc32

from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_file, read, remove_tree
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import LockFailed, LockTimeout, holders, lock_timeout, locked, release
from puffin.cache.reading import names_in
from puffin.errors import PuffinError, os_cause
from puffin.types import Callable, Collection, TracebackType

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment, unused-ignore]


LOCK = ".lock"
NOT_WRITABLE = "make the cache writable for this user, or choose another with `--cache-dir`"
_PAUSE = 0.1
_TRIES = 20
DAY = 24 * 3600
_MARK = ".puffin"  # in each environment that puffin changes
_GONE = (errno.ENOENT, errno.ENOTDIR)


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
        if fcntl is None:
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
        descriptor = self._open()
        if locked(descriptor, kind, lambda: os.fstat(descriptor).st_nlink > 0):
            self._descriptor = descriptor
        return self._descriptor >= 0

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            for _ in range(_TRIES):  # whoever cleans removes the directory as well
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
            others = holders(self._path) or "other puffin processes"
            self._told(f"The cache is in use; waiting for {others} to finish")
        return now + self._timeout

    def _refused(self, error: OSError) -> LockFailed:
        unwritable = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        hint = NOT_WRITABLE if unwritable else "pass `--force` to go on without the lock"
        return LockFailed(what="the cache", path=self._path, causes=(os_cause(error),), hints=(hint,))

    def _too_late(self) -> LockTimeout:
        hints = ("pass `--force` to go on all the same",) if self._alone else ()
        return LockTimeout(
            what="the cache", path=self._path, seconds=self._timeout, holder=holders(self._path), hints=hints
        )

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._descriptor >= 0:
            release(self._descriptor)
            self._descriptor = -1


def shared(cache: Cache) -> Usage:
    """Return the lock that every run holds while it uses archives."""
    return Usage(cache, alone=False, timeout=lock_timeout(os.environ))


def exclusive(cache: Cache, *, force: bool, told: "Callable[[str], None]") -> "Usage | _Free":
    """Return the lock for removing things; *force* takes none."""
    return _Free() if force else Usage(cache, alone=True, timeout=lock_timeout(os.environ), told=told)


class _Free:
    def __enter__(self) -> frozenset[str]:
        return frozenset()

    def __exit__(self, *error: object) -> None:
        return None


def note_use(cache: Cache, archives: "Collection[str]") -> None:
    """Note that these archives were used today. A cache that cannot be written to is left as it is."""
    text = "".join(sorted(archives))
    if not text:
        return
    data = text.encode("ascii")
    path = cache.path(Bucket.USED, f"{int(time.time()) // DAY}-{crc32(data):08x}")
    if not os.path.exists(path):
        try:
            publish_file(cache, path, data)
        except OSError:
            pass


def last_used(cache: Cache) -> dict[str, int]:
    """Return for archives the last day (since the epoch) on which they are known to have been used."""
    found: dict[str, int] = {}
    for name, day in _days(cache):
        for archive in _noted(cache, name):
            found[archive] = max(day, found.get(archive, 0))
    return found


def needless_notes(cache: Cache, known: "Collection[str]") -> list[str]:
    """Return the paths of notes that say nothing of an archive in *known* which newer notes do not say."""
    said: set[str] = set()
    needless = []
    for name, _ in sorted(_days(cache), key=lambda each: (-each[1], each[0])):
        news = [archive for archive in _noted(cache, name) if archive in known and archive not in said]
        said.update(news)
        needless += [] if news else [cache.path(Bucket.USED, name)]
    return needless


def _noted(cache: Cache, name: str) -> list[str]:
    text = (read(cache.path(Bucket.USED, name)) or b"").decode("ascii", "replace")
    return [text[at : at + 64] for at in range(0, len(text) - 63, 64)]


def _days(cache: Cache) -> "list[tuple[str, int]]":
    """Return the notes, by their names, and their days."""
    try:
        names = os.listdir(cache.path(Bucket.USED))
    except OSError:
        return []
    split = [(name, name.partition("-")[0]) for name in names]
    return sorted((name, int(day)) for name, day in split if day.isdigit() and len(day) < 9)


class CacheUnusable(PuffinError):
    """The cache directory can neither be made nor written to."""

    sentence = "Failed to initialize the cache at `{path}`"
    path: str
    hints: tuple[str, ...] = ("choose another place with `--cache-dir` or `PUFFIN_CACHE_DIR`",)


def make_room(cache: "Cache") -> None:
    """Create what a cache needs before anything can be put into it. Raises :class:`CacheUnusable`."""
    try:
        cache.initialise()
    except OSError as error:
        raise CacheUnusable(path=cache.root, causes=(os_cause(error),)) from error


def note_living(cache: Cache, root: str, archives: "Collection[str]") -> None:
    """Note that the environment at *root* uses sealed trees of *archives*; without any it is forgotten.

    A cache that cannot be written to is left as it is.
    """
    if not archives and not os.path.exists(cache.path(Bucket.LIVING)):
        return
    root = os.path.realpath(root)
    path = cache.path(Bucket.LIVING, digest(root))
    data = frame.dump((root, tuple(sorted(archives)))) if archives else None
    if read(path) != data:
        try:
            publish_file(cache, path, data) if data else remove_tree(path)
        except OSError:
            pass


def living(cache: Cache) -> "dict[str, frozenset[str]]":
    """Return the archives whose sealed trees each environment uses, and forget moved or removed environments."""
    bucket = cache.path(Bucket.LIVING)
    found = {}
    for name in names_in(bucket):
        fields = frame.load(read(f"{bucket}/{name}") or b"")
        if isinstance(fields, tuple) and len(fields) == 2 and not _is_gone(fields[0]):
            found[fields[0]] = frozenset(fields[1])
        else:
            remove_tree(f"{bucket}/{name}")
    return found


def _is_gone(root: str) -> bool:
    try:
        os.lstat(f"{root}/{_MARK}")
    except OSError as error:
        return error.errno in _GONE
    return False
