"""Writing a source tree: modes and times as building them wants them."""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer, Iterable  # type: ignore[attr-defined, unused-ignore]

_OLDEST = 315_619_200.0  # 2 January 1980: in no time zone older than what a zip file, such as a wheel, can hold
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Writer:
    """Writes into *root*, which exists. Names are checked, and use ``/``; nothing that exists is written over."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._made = {""}
        self._now = time.time()
        self._times: list[tuple[str, float]] = []

    def directory(self, name: str, time: float = 0.0) -> None:
        """Make a directory, and those above it, where they are missing."""
        if name not in self._made:
            self.directory(name.rpartition("/")[0])
            os.mkdir(f"{self._root}/{name}")
            self._made.add(name)
        if time:
            self._times.append((name, time))

    def file(self, name: str, body: "Iterable[Buffer]", *, executable: bool, time: float) -> None:
        """Write a file; *time* is in seconds since the epoch, 0 for now."""
        self.directory(name.rpartition("/")[0])
        path = f"{self._root}/{name}"
        descriptor = os.open(path, _WRITE, 0o777 if executable else 0o666)
        try:
            for piece in body:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        self._stamp(path, time)

    def symlink(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        self.directory(name.rpartition("/")[0])
        os.symlink(target, f"{self._root}/{name}")

    def hardlink(self, name: str, target: str) -> None:
        """Make a file another name of the file *target*, which was written before."""
        self.directory(name.rpartition("/")[0])
        os.link(f"{self._root}/{target}", f"{self._root}/{name}", follow_symlinks=False)

    def finish(self) -> None:
        """Set the times of directories, after all that is in them was written."""
        for name, moment in reversed(self._times):
            self._stamp(f"{self._root}/{name}", moment)

    def _stamp(self, path: str, moment: float) -> None:
        if moment:
            moment = min(max(moment, _OLDEST), self._now)
            os.utime(path, (moment, moment))
