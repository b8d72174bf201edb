"""A queue that several forked processes pull from: whoever is free takes the next unit.

The queue is a pipe that holds the numbers of the units, four bytes each; a read of four bytes is
atomic, so no lock and no feeding process is needed, and work balances itself to the last unit.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from puffin.pipeline.graph import Unit
    from puffin.pipeline.task import Key

    Parcel = tuple[Unit, dict[Key, Any]]

_NUMBER = 4
_CAPACITY = 65536 // _NUMBER // 2  # half of what a pipe holds, so that filling it never blocks


class PullQueue:
    """The numbers of *count* things in a pipe. Fill it before forking; each number is given out once."""

    def __init__(self, count: int) -> None:
        self.step = max(1, -(-count // _CAPACITY))
        self._count = count
        self._reader, writer = os.pipe()
        for start in range(0, count, self.step):
            os.write(writer, start.to_bytes(_NUMBER, "little"))
        os.close(writer)

    def take(self) -> "range | None":
        """Return the next numbers, or None when all are given out."""
        data = os.read(self._reader, _NUMBER)
        if not data:
            return None
        start = int.from_bytes(data, "little")
        return range(start, min(start + self.step, self._count))

    def close(self) -> None:
        """Close this process's end."""
        os.close(self._reader)


class Taker:
    """Pulls the next of *parcels* from *queue*. ``left`` is how many there are behind that, at the most."""

    def __init__(self, queue: PullQueue, parcels: "Sequence[Parcel]") -> None:
        self._queue = queue
        self._parcels = parcels
        self._taken: list[int] = []
        self.left = len(parcels)

    def __call__(self) -> "Parcel | None":
        """Return the next parcel, None at the end."""
        if not self._taken:
            numbers = self._queue.take()
            if numbers is None:
                return None
            self._taken.extend(numbers)
            self.left = len(self._parcels) - numbers.stop
        return self._parcels[self._taken.pop(0)]
