"""The bytes in and out of the task on this thread, for the run record, and the work at hand, for a progress display.

Stage functions add to it, once or a few times a task; whoever runs the task resets and reads it. A call costs a
fraction of a microsecond, and threads have a meter each. If a display is wanted (:func:`watch`), the work at hand is
also on a board (:mod:`puffin.board`) that the process shares with its forked children.
"""

from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from puffin.board import Board

HIT = "hit"
MISS = "miss"


class _Meter(_local):
    taken = 0
    given = 0
    cache = ""
    cpu = 0.0
    log = ""
    worker = ""
    remote: "tuple[object, ...]" = ()
    row = -1


_meter = _Meter()
_watched = False
_board: "Board | None" = None


def reset() -> None:
    """Begin a task."""
    _meter.taken = _meter.given = 0
    _meter.cache = _meter.log = _meter.worker = ""
    _meter.remote = ()
    _meter.cpu = 0.0


def count(*, taken: int = 0, given: int = 0) -> None:
    """Add bytes that came in (were downloaded or read) and that went out (were written or linked)."""
    _meter.taken += taken
    _meter.given += given


def found(cache: str) -> None:
    """Say whether the cache had what the task is to make: ``HIT`` or ``MISS``."""
    _meter.cache = cache


def spent(cpu: float) -> None:
    """Add CPU seconds of child processes that worked for the task."""
    _meter.cpu += cpu


def logged(path: str) -> None:
    """Say where the log of the task is, such as that of a build."""
    _meter.log = path


def worked(worker: str) -> None:
    """Say which worker of a scheduler did the task."""
    _meter.worker = worker


def asked(told: "tuple[object, ...]") -> None:
    """Say what a remote cache answered (``puffin.stages.remote.values.Told``)."""
    _meter.remote = told


def measured() -> "tuple[int, int, str, str, str, tuple[object, ...], float]":
    """Return what the task said: bytes taken and given, hit or miss, log, worker, remote answer, children's CPU.

    A text is empty where it said nothing.
    """
    return _meter.taken, _meter.given, _meter.cache, _meter.log, _meter.worker, _meter.remote, _meter.cpu


DECISIONS, REQUESTS = 1, 2  # how often `-v` was given to see them
_notes = 0
_write: "Callable[[str, float], None] | None" = None


def note_to(level: int, write: "Callable[[str, float], None]") -> None:
    """Have *write* get the notes up to a *level* and the seconds they took, from this process and forked children."""
    global _notes, _write
    _notes, _write = level, write


def notes(level: int) -> bool:
    """Tell whether somebody wants notes of this level, so that nothing else is made."""
    return _notes >= level


def note(text: str, seconds: float = -1.0) -> None:
    """Write a note for whoever asked for more output; call it only after :func:`notes` said so."""
    if _write is not None:
        _write(text, seconds)


def watch() -> None:
    """Have :func:`share` make a board: somebody looks at it."""
    global _watched
    _watched = True


def share() -> None:
    """Make the board, if somebody looks at it. Call it before forks whose children do work that takes a while."""
    global _board
    if _watched and _board is None:
        from puffin.board import Board

        _board = Board()


_expected: dict[str, int] = {}


def expect(kind: str, pieces: int) -> None:
    """Say how many pieces of work of a kind this process is going to do, for a display."""
    _expected[kind] = pieces


def expected(kind: str) -> int:
    """Return how many pieces of work of a kind there will be, 0 if nobody said it."""
    return _expected.get(kind, 0)


def board() -> "Board | None":
    """Return the board, None if nobody looks at it or no work needs it yet."""
    return _board


class at:  # noqa: N801 - reads as the function that it is to its callers
    """Have the ``with`` block on the board as work of this *kind*, such as ``page``, on what *name* says."""

    __slots__ = ("_former", "_kind", "_name")

    def __init__(self, kind: str, name: str) -> None:
        self._kind = kind
        self._name = name

    def __enter__(self) -> None:
        self._former = _meter.row
        if _board is not None:
            _meter.row = _board.begin(self._kind, self._name)

    def __exit__(self, *_error: object) -> None:
        if _board is not None:
            _board.end(_meter.row, self._kind)
            _meter.row = self._former


def arrived(count: int, total: int) -> None:
    """Say that *count* bytes of *total* (-1 if unknown) have arrived for the work at hand."""
    if _board is not None:
        _board.move(_meter.row, count, total)
