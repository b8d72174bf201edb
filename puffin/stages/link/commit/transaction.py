"""The transaction on an environment: a staging area, a journal, and steps that can always be finished.

Everything is staged before the journal is written, so that the script in a journal can be rolled forward.
"""

import os
import time

from puffin import signals
from puffin.cache import frame
from puffin.cache.atomic import NOT_EXCHANGED, exchange, replace_file
from puffin.errors import PuffinError, os_cause
from puffin.stages.link.commit.opening import prepare
from puffin.stages.link.commit.recovery import FORMAT, forget_home, home_of, undo
from puffin.stages.link.commit.stamps import JOURNAL, STATE
from puffin.stages.link.commit.steps import SWAP, WHOLE, Script, discard, do_steps, inode_of
from puffin.stages.link.commit.whole import as_whole
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.link.commit.opening import Preparation

_TICKS = 25  # ms after which the clock of a file system has moved on, if it ever will


NEEDS = (
    "`--atomic always` needs a site-packages that the file system can exchange as a whole; leave it out here"
)


changed: "list[str]" = []  # the roots of the environments that this process has changed


class NotExchangeable(PuffinError):
    """A whole site-packages is to be exchanged, and that cannot be done there."""

    sentence = "Failed to prepare an exchange of `{site}`: {reason}"
    site: str
    reason: str
    hints: tuple[str, ...] = (NEEDS,)


class CommitFailed(PuffinError):
    """A step of the commit failed; the environment was put back as it was."""

    sentence = "Failed to change the environment `{environment}`; it was left as it was"
    environment: str


class Transaction:
    """The staging area of one change to the environment at *root*; the caller holds the environment's lock.

    *home* is where to stage instead of in the environment's own ``.puffin``: on the device of site-packages,
    where that is another one. A mark in ``.puffin`` then tells the next run to look for leftovers there.
    """

    def __init__(self, root: str, *, home: str | None = None) -> None:
        self.root = root
        self.id = f"tx-{os.getpid()}-{os.urandom(5).hex()}"
        self._home = home or ""
        self._mark = f"{home_of(root)}/{self.id}"
        self.directory = f"{home}/{self.id}" if home else self._mark
        self._trashed = 0
        self._began = 0
        self._until = 0
        self._pending = False

    def begin(self) -> None:
        """Create the staging area (``OSError`` when the environment cannot be written)."""
        os.makedirs(self._mark)
        if self._home:
            os.makedirs(self.directory)
        os.mkdir(f"{self.directory}/old")
        self._began = self._until = moment(self.directory)

    def try_exchange(self, site: str) -> None:
        """Raise :class:`NotExchangeable` where the file system of the staging area exchanges nothing."""
        first, second = f"{self.directory}/0~", f"{self.directory}/1~"
        os.mkdir(first)
        os.mkdir(second)
        try:
            exchange(first, second)
        except OSError as error:
            raise NotExchangeable(site=site, reason=f"the system reports: {error.strerror}") from error

    def window(self) -> "tuple[int, int]":
        """Return from when until now directories were made here, in ns since the epoch."""
        self._until = moment(self.directory)
        return self._began, self._until

    def stage(self, number: int) -> str:
        """Return the staging directory of the distribution with this number; a link task creates it."""
        return f"{self.directory}/{number}"

    def trash(self) -> str:
        """Return a new place for something that goes."""
        self._trashed += 1
        return f"{self.directory}/old/{self._trashed}"

    def commit(
        self, script: Script, preparation: "Preparation | None" = None, *, whole: str = "", always: bool = False
    ) -> None:
        """Do what the script says, as a whole or not at all, even when interrupted in between.

        The *preparation* is done before, in the staging area.

        What it does in the directory *whole* is done by one call, as :func:`as_whole` says of it and of *always*.
        Raises :class:`CommitFailed` after having undone everything; an interrupt is raised when done.
        """
        journal = f"{home_of(self.root)}/{JOURNAL}"
        with signals.Uninterrupted():
            try:
                if preparation:
                    prepare(preparation)
                if whole:
                    script = as_whole(script, whole, f"{self.directory}/site", always=always)
                swaps = [staged for kind, staged, _ in script.steps if kind in (SWAP, WHOLE)]
                script = replace(script, inodes=tuple([(each, inode_of(each)) for each in swaps]))
                fields = (FORMAT, self.directory, script.steps, script.state, script.stamp, script.inodes)
                replace_file(journal, frame.dump(fields), durable=True)
            except OSError as error:
                raise self._failed(error, always) from error
            self._pending = True
            try:
                do_steps(script)
                replace_file(f"{home_of(self.root)}/{STATE}", script.state)
            except OSError as error:
                undo(self.root, script, error)
                self._pending = False
                raise self._failed(error, always) from error
            changed.append(self.root)
            self._close(journal)
            self._let_pass()

    def _failed(self, error: OSError, always: bool) -> CommitFailed:
        hints = (NEEDS,) if always and error.errno in NOT_EXCHANGED else ()
        return CommitFailed(environment=self.root, causes=(os_cause(error),), hints=hints)

    def _let_pass(self) -> None:
        """Let the window end before anybody can change what came in: what is changed now is to show by its time."""
        try:
            for _ in range(_TICKS):
                if moment(self.directory) > self._until:
                    return
                time.sleep(0.001)
        except OSError:
            pass  # the commit is done, whatever became of the staging area

    def _close(self, journal: str) -> None:
        try:
            os.unlink(journal)
        except OSError:
            return  # the next run finds everything done, or undone, and tries again
        self._pending = False

    def end(self) -> None:
        """Clear the staging area away, unless a journal still counts on what is in it."""
        if self._pending:
            return
        if self._home:
            discard(self.directory)
            forget_home(self._home)
        discard(self._mark)


def moment(directory: str) -> int:
    """Return the time that the file system of *directory* writes down for what is changed now, in ns (``OSError``).

    It need not be this machine's, and it may move in steps of some milliseconds.
    """
    os.utime(directory)
    return os.stat(directory).st_mtime_ns
