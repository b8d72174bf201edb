"""The transaction on an environment: a staging area, a journal, and renames that can always be finished.

Everything is staged before the journal is written, so the script in a journal can be rolled forward, and
every step tells by itself, from what is on disk, whether it was done: an *out* is done when its place in
the trash is taken, an *in* when its staged source is gone. Recovery therefore needs no progress marks and
may itself be broken off at any point.
"""

import errno
import os
import time

from puffin import signals
from puffin.cache import frame
from puffin.cache.atomic import carry, move, read, remove_tree, replace_file, unfinished
from puffin.errors import BUG, PuffinError, os_cause
from puffin.stages.link.commit.stamps import DIRECTORY, JOURNAL, SETTLED, STATE
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Step = tuple[str, str, str]

FORMAT = 1
OUT = "out"
MKDIR = "mkdir"
IN = "in"
STAMP = "stamp"
_TICKS = 25  # ms after which the clock of a file system has moved on, if it ever will
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)


class CommitFailed(PuffinError):
    """A step of the commit failed; the environment was put back as it was."""

    sentence = "Failed to change the environment `{environment}`; it was left as it was"
    environment: str


class RecoveryFailed(PuffinError):
    """A broken-off transaction can neither be finished nor undone."""

    sentence = "Failed to repair the environment `{environment}` after an interrupted change"
    environment: str


class JournalDamaged(PuffinError):
    """A journal exists but cannot be read: not written by puffin, or by another version."""

    exit_code = BUG
    sentence = "The journal `{path}` of an interrupted change cannot be read"
    path: str


@frozen
class Script:
    """What a commit will do, in order. Paths are absolute; ``state`` is the new state file, ``stamp`` in ns.

    Steps: ``("out", path, place in the trash)``, ``("mkdir", path, "")``, ``("in", staged, path)``,
    ``("stamp", directory, "")``.
    """

    steps: "tuple[Step, ...]"
    state: bytes
    stamp: int


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

    def commit(self, script: Script) -> None:
        """Do what the script says, as a whole or not at all, even when interrupted in between.

        Raises :class:`CommitFailed` after having undone everything; an interrupt is raised when done.
        """
        journal = f"{home_of(self.root)}/{JOURNAL}"
        with signals.Uninterrupted():
            try:
                if self._home:
                    script = self._by_device(script)
                fields = (FORMAT, self.directory, script.steps, script.state, script.stamp)
                replace_file(journal, frame.dump(fields), durable=True)
            except OSError as error:
                raise CommitFailed(environment=self.root, causes=(os_cause(error),)) from error
            self._pending = True
            try:
                roll_forward(self.root, script)
            except OSError as error:
                undo(self.root, script, error)
                self._close(journal)
                raise CommitFailed(environment=self.root, causes=(os_cause(error),)) from error
            self._close(journal)
            self._let_pass()

    def _let_pass(self) -> None:
        """Let the window end before anybody can change what came in: what is changed now is to show by its time."""
        try:
            for _ in range(_TICKS):
                if moment(self.directory) > self._until:
                    return
                time.sleep(0.001)
        except OSError:
            pass  # the commit is done, whatever became of the staging area

    def _by_device(self, script: Script) -> Script:
        """Return *script* without renames from one device to another; what was staged on the wrong one is copied."""
        steps = []
        for number, (kind, first, second) in enumerate(script.steps):
            if kind == IN and device(first) != device(second):
                near = f"{self._mark}/{number}"
                copy(first, near)
                first = near
            elif kind == OUT and device(first) != device(second):
                second = f"{self._mark}/old-{number}"
            steps.append((kind, first, second))
        return Script(steps=tuple(steps), state=script.state, stamp=script.stamp)

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


def home_of(root: str) -> str:
    """Return the directory that holds puffin's own files in the environment at *root*."""
    return f"{root}/{DIRECTORY}"


def moment(directory: str) -> int:
    """Return the time that the file system of *directory* writes down for what is changed now, in ns (``OSError``).

    It need not be this machine's, and it may move in steps of some milliseconds.
    """
    os.utime(directory)
    return os.stat(directory).st_mtime_ns


def forget_home(home: str) -> None:
    """Remove a staging home that is not the environment's own, if it is empty."""
    try:
        os.rmdir(home)
    except OSError:
        pass


def discard(path: str) -> None:
    """Remove a tree; directories that may not be written to are made so, and what cannot go stays."""
    try:
        remove_tree(path)
    except OSError:
        try:
            for directory, _, _ in os.walk(path):
                os.chmod(directory, 0o700)
            remove_tree(path)
        except OSError:
            pass


def roll_forward(root: str, script: Script, *, again: bool = False) -> None:
    """Do all steps, then write the new state; *again* leaves out those that are done already."""
    for kind, first, second in script.steps:
        if kind == IN:
            _bring_in(first, second)
        elif kind == OUT:
            if not (again and is_out(second)):
                _take_out(first, second)
        elif kind == MKDIR:
            _make(first)
        else:
            _stamp(first, script.stamp)
    replace_file(f"{home_of(root)}/{STATE}", script.state, durable=False)


def _bring_in(staged: str, path: str) -> None:
    try:
        os.rename(staged, path)
    except FileNotFoundError:
        if os.path.lexists(staged) or not os.path.lexists(path):
            raise
    except OSError as error:
        if error.errno not in OCCUPIED:
            raise
        put_aside(path, f"{staged}~")
        os.rename(staged, path)


def _take_out(path: str, trash: str) -> None:
    try:
        move(path, trash)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise
        os.mkdir(f"{trash}-")  # somebody else removed it; lest what comes in its place be taken for it


def is_out(trash: str) -> bool:
    """Tell whether what was to go to this place has gone."""
    return os.path.lexists(trash) or os.path.lexists(f"{trash}-")


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)
    except FileExistsError:
        pass


def _stamp(directory: str, stamp: int) -> None:
    try:
        os.utime(directory, ns=(stamp, stamp))
    except OSError:
        pass  # a directory of another user: the next run will look closer, that is all


def put_aside(path: str, place: str) -> None:
    """Move away what came to *path* since the plan was made, such as byte code that a running Python wrote."""
    discard(place)
    move(path, place)


def recover(root: str, *, home: str | None = None) -> str:
    """Finish or undo what a broken-off transaction left at *root*; return ``""``, ``"forward"`` or ``"back"``.

    The caller holds the lock. While only removals had begun the old environment is restored; from the
    first new entry on, or when all removals are done, the new one is completed, or else the old one restored.
    Leftovers of transactions that never committed are cleared away, in *home* too where that is given.
    """
    own = home_of(root)
    data = read(f"{own}/{JOURNAL}")
    direction = ""
    if data is not None:
        direction = finish(root, data)
    left = _leftovers(own)
    if home and (left or data is not None):
        for path in _leftovers(home):
            discard(path)
        forget_home(home)
    for path in left:
        discard(path)
    return direction


def _leftovers(home: str) -> "list[str]":
    try:
        return [f"{home}/{name}" for name in os.listdir(home) if name not in SETTLED and name != JOURNAL]
    except OSError:
        return []


def roll_back(steps: "Sequence[Step]") -> None:
    """Undo, last first, all steps that were done."""
    for kind, first, second in reversed(steps):
        if kind == IN:
            if not os.path.lexists(first) and os.path.lexists(second):
                os.rename(second, first)
        elif kind == OUT:
            if os.path.lexists(second):
                _put_back(second, first)
            elif os.path.isdir(unfinished(second)):
                carry(unfinished(second), first)
        elif kind == MKDIR:
            try:
                os.rmdir(first)
            except OSError:
                pass  # it was there before, or holds something that is not ours


def _put_back(trash: str, path: str) -> None:
    try:
        os.rename(trash, path)
    except OSError as error:
        if error.errno not in OCCUPIED:
            raise
        put_aside(path, f"{trash}~")
        os.rename(trash, path)


def undo(root: str, script: Script, reason: OSError) -> None:
    """Roll back after *reason*; :class:`RecoveryFailed` where that fails too, and the journal must stay."""
    try:
        roll_back(script.steps)
    except OSError as error:
        raise RecoveryFailed(environment=root, causes=(os_cause(reason), os_cause(error))) from error


def finish(root: str, data: bytes) -> str:
    """Finish or undo the transaction in the journal *data*; return ``"forward"`` or ``"back"``."""
    journal = f"{home_of(root)}/{JOURNAL}"
    fields = frame.load(data)
    if not isinstance(fields, tuple) or len(fields) != 5 or fields[0] != FORMAT:
        raise JournalDamaged(path=journal, hints=("create the environment anew with `puffin venv --clear`",))
    _, directory, steps, state, stamp = fields
    script = Script(steps=steps, state=state, stamp=stamp)
    try:
        direction = _finish_script(root, script)
        os.unlink(journal)
    except OSError as error:
        raise RecoveryFailed(environment=root, causes=(os_cause(error),)) from error
    discard(directory)
    return direction


def _finish_script(root: str, script: Script) -> str:
    if _past_the_middle(script.steps):
        try:
            roll_forward(root, script, again=True)
            return "forward"
        except OSError as error:
            if not _missing_in(script.steps):
                raise  # all is in place but the state, for which there was no room
            undo(root, script, error)
    else:
        roll_back(script.steps)
    return "back"


def _past_the_middle(steps: "Sequence[Step]") -> bool:
    if any(kind == IN and not os.path.lexists(first) for kind, first, _ in steps):
        return True
    return all(is_out(second) for kind, _, second in steps if kind == OUT)


def _missing_in(steps: "Sequence[Step]") -> bool:
    """Tell whether something that should come in is not in its place."""
    return any(
        kind == IN and (os.path.lexists(first) or not os.path.lexists(second)) for kind, first, second in steps
    )


def device(path: str) -> int:
    """Return the device that the entry *path* is, or will be, on: that of the nearest directory above it."""
    while True:
        path = os.path.dirname(path)
        try:
            return os.stat(path).st_dev
        except FileNotFoundError:
            continue


def copy(source: str, target: str) -> None:
    """Copy a file, a link or a tree, with modes and times (``OSError``)."""
    import shutil

    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
