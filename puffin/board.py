"""The work at hand of a process and its forked children, in memory that they share.

A display reads it while the processes work. Each process has a region with counts and a row for each piece of work;
a thread writes to its own row only, so nothing is locked. A row may be read while it is written: then one picture of
the display is wrong for a moment.
"""

import mmap
import os
import struct
import time
from _thread import LockType, allocate_lock

from puffin.types import Iterator
from puffin.value import frozen

KINDS = (
    "page", "metadata", "git", "fetch", "unzip", "build", "environment", "compile", "link", "lock", "upload", "verify",
)  # fmt: skip
_REGIONS = 128  # processes
_ROWS = 32  # pieces of work of one process
_PIDS = struct.Struct(f"<{_REGIONS}I")
_COUNTS = struct.Struct(f"<{len(KINDS) + 1}Q")  # ended work by kind, and bytes that arrived
_ROW = struct.Struct("<dqq12s52s")  # start, bytes, all bytes, kind, name; a start of 0 marks a free row
_REGION = _COUNTS.size + _ROWS * _ROW.size


@frozen
class WorkAtHand:
    """A piece of work: since when (seconds since the epoch), how many bytes have arrived of how many (-1: unknown)."""

    started: float
    arrived: int
    total: int
    kind: str
    name: str


class Board:
    """The shared memory. Make it before the forks whose children are to be seen."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _PIDS.size + _REGIONS * _REGION)
        self._pid = 0
        self._start = -1
        self._free: list[int] = []
        self._counts = [0] * (len(KINDS) + 1)
        self._at: dict[int, int] = {}
        # A forked child must not wait for a thread of its parent, so each process has a lock of its own.
        self._entering: dict[int, LockType] = {}

    def begin(self, kind: str, name: str) -> int:
        """Take a row for work that begins now and return its place; -1 if there is none."""
        pid = os.getpid()
        if self._pid != pid:
            with self._entering.setdefault(pid, allocate_lock()):
                if self._pid != pid:
                    self._enter()
                    self._pid = pid
        try:
            place = self._free.pop()
        except IndexError:
            return -1
        text = name.encode("utf-8", "replace")[: _ROW.size]
        _ROW.pack_into(self._memory, place, time.time(), 0, -1, kind.encode(), text)
        self._at[place] = 0
        return place

    def move(self, place: int, arrived: int, total: int) -> None:
        """Note how far the work of a row is."""
        if place in self._at:
            struct.pack_into("<qq", self._memory, place + 8, arrived, total)
            self._counts[-1] += max(0, arrived - self._at[place])  # less after a download began again
            self._at[place] = arrived
            _COUNTS.pack_into(self._memory, self._start, *self._counts)

    def end(self, place: int, kind: str) -> None:
        """Give a row back and count its work."""
        if kind in KINDS and self._start >= 0 and self._pid == os.getpid():
            self._counts[KINDS.index(kind)] += 1
            _COUNTS.pack_into(self._memory, self._start, *self._counts)
        if place >= 0:
            struct.pack_into("<d", self._memory, place, 0.0)
            self._free.append(place)

    def _enter(self) -> None:
        """Take a region for this process."""
        pid = os.getpid()
        taken = _PIDS.unpack_from(self._memory)
        first = pid % _REGIONS
        order = (*range(first, _REGIONS), *range(first))
        number = next((each for each in order if not taken[each] or not is_alive(taken[each])), -1)
        self._at, self._free, self._start = {}, [], -1
        if number < 0:
            return
        struct.pack_into("<I", self._memory, 4 * number, pid)
        self._start = _PIDS.size + number * _REGION
        self._counts = list(_COUNTS.unpack_from(self._memory, self._start))  # a dead process's: they add up
        rows = range(self._start + _COUNTS.size, self._start + _REGION, _ROW.size)
        for place in rows:
            struct.pack_into("<d", self._memory, place, 0.0)
        self._free = list(rows)

    def counts(self) -> tuple[dict[str, int], int]:
        """Return how much work of each kind has ended, and the bytes that have arrived."""
        sums = [0] * (len(KINDS) + 1)
        for number, pid in enumerate(_PIDS.unpack_from(self._memory)):
            if pid:
                own = _COUNTS.unpack_from(self._memory, _PIDS.size + number * _REGION)
                sums = [former + more for former, more in zip(sums, own, strict=True)]
        return dict(zip(KINDS, sums, strict=False)), sums[-1]

    def rows(self) -> Iterator[WorkAtHand]:
        """Yield the work at hand of processes that are alive."""
        for number, pid in enumerate(_PIDS.unpack_from(self._memory)):
            if pid and is_alive(pid):
                start = _PIDS.size + number * _REGION + _COUNTS.size
                with memoryview(self._memory)[start : start + _ROWS * _ROW.size] as region:
                    found = [row for row in _ROW.iter_unpack(region) if row[0]]
                for started, arrived, total, kind, name in found:
                    yield WorkAtHand(
                        started=started, arrived=arrived, total=total, kind=_text(kind), name=_text(name)
                    )


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a child that has ended and was not waited for does not."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except (AttributeError, OSError):  # not a child, or a system without this call
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")
