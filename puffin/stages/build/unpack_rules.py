"""What a source archive may hold, and how it is written: modes and times as building wants them."""

import os
import time

from puffin.artifact.limits import inflated
from puffin.errors import Cause, PuffinError, os_cause
from puffin.names import printable
from puffin.stages.unzip.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer, Iterable  # type: ignore[attr-defined, unused-ignore]


_OLDEST = 315_619_200.0  # 2 January 1980: in no time zone older than what a zip file, such as a wheel, can hold
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
MOST_MEMBERS = 500_000


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


class BadSource(PuffinError):
    """A source archive that is not unpacked: broken, ambiguous or hostile."""

    stage = "build"
    filename: str
    member: str = ""
    reason: str = ""

    def summary(self) -> str:
        """Name the archive."""
        return f"`{self.filename}` has an invalid package format"


class UnpackFailed(PuffinError):
    """The operating system did not let puffin read or write what a source archive holds."""

    stage = "build"
    filename: str
    path: str

    def summary(self) -> str:
        """Name the archive and the place."""
        return f"Failed to unpack `{self.filename}` into `{self.path}`"

    @classmethod
    def of(cls, package: str, filename: str, path: str, error: OSError) -> "UnpackFailed":
        """Return the error for what the operating system said."""
        return cls(package=package, filename=filename, path=path, causes=(os_cause(error),))


def bad_source(package: str, filename: str, refused: Refused) -> BadSource:
    """Word a refusal for the user."""
    member = printable(refused.member)
    reason = printable(refused.reason, limit=400)
    cause = Cause(text=f"`{member}`: {reason}" if member else reason)
    return BadSource(package=package, filename=filename, member=member, reason=reason, causes=(cause,))


def check_size(unpacked: int, packed: int) -> None:
    """Raise Refused where an archive of *packed* bytes becomes more than a project can be meant to have."""
    if reason := inflated(packed, unpacked):
        raise Refused(reason)


def check_count(members: int) -> None:
    """Raise Refused for more members than a project can be meant to have."""
    if members > MOST_MEMBERS:
        raise Refused(f"it has more than {MOST_MEMBERS} members")
