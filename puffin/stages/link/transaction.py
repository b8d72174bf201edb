"""The transaction on an environment: a staging area, a journal, and renames that can always be finished.

Everything is staged before the journal is written, so the script in a journal can be rolled forward, and
every step tells by itself, from what is on disk, whether it was done: an *out* is done when its place in
the trash is taken, an *in* when its staged source is gone. Recovery therefore needs no progress marks and
may itself be broken off at any point.
"""

import os

from puffin.cache import frame
from puffin.cache.atomic import read, remove_tree, replace_file
from puffin.errors import BUG, PuffinError, os_cause
from puffin.stages.link.state import DIRECTORY, JOURNAL, SETTLED, STATE
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Step = tuple[str, str, str]

FORMAT = 1
OUT = "out"
MKDIR = "mkdir"
IN = "in"
STAMP = "stamp"


class CommitFailed(PuffinError):
    """A step of the commit failed; the environment was put back as it was."""

    stage = "link"
    environment: str

    def summary(self) -> str:
        return f"Failed to change the environment `{self.environment}`; it was left as it was"


class RecoveryFailed(PuffinError):
    """A broken-off transaction can neither be finished nor undone."""

    stage = "link"
    environment: str

    def summary(self) -> str:
        return f"Failed to repair the environment `{self.environment}` after an interrupted change"


class JournalDamaged(PuffinError):
    """A journal exists but cannot be read: not written by puffin, or by another version."""

    exit_code = BUG
    stage = "link"
    path: str

    def summary(self) -> str:
        return f"The journal `{self.path}` of an interrupted change cannot be read"


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
    """The staging area of one change to the environment at *root*; the caller holds the environment's lock."""

    def __init__(self, root: str, *, home: str | None = None) -> None:
        self.root = root
        self.id = f"tx-{os.getpid()}-{os.urandom(5).hex()}"
        self.directory = f"{home or home_of(root)}/{self.id}"
        self._trashed = 0

    def begin(self) -> None:
        """Create the staging area (``OSError`` when the environment cannot be written)."""
        os.makedirs(self.directory)
        os.mkdir(f"{self.directory}/old")

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
        fields = (FORMAT, self.directory, script.steps, script.state, script.stamp)
        try:
            replace_file(journal, frame.dump(fields), durable=True)
        except OSError as error:
            raise CommitFailed(environment=self.root, causes=(os_cause(error),)) from error
        with Uninterrupted():
            try:
                roll_forward(self.root, script)
            except OSError as error:
                roll_back(script.steps)
                os.unlink(journal)
                raise CommitFailed(environment=self.root, causes=(os_cause(error),)) from error
            os.unlink(journal)

    def end(self) -> None:
        """Clear the staging area away, whatever became of it."""
        remove_tree(self.directory)


def home_of(root: str) -> str:
    """Return the directory that holds puffin's own files in the environment at *root*."""
    return f"{root}/{DIRECTORY}"


def roll_forward(root: str, script: Script) -> None:
    """Do all steps that are not done yet, then write the new state."""
    for step in script.steps:
        _do(step, script.stamp)
    replace_file(f"{home_of(root)}/{STATE}", script.state, durable=False)


def _do(step: "Step", stamp: int) -> None:
    kind, first, second = step
    if kind == IN:
        try:
            os.rename(first, second)
        except FileNotFoundError:
            if not os.path.lexists(second):
                raise
    elif kind == OUT:
        if not os.path.lexists(second):
            os.rename(first, second)
    elif kind == MKDIR:
        try:
            os.mkdir(first)
        except FileExistsError:
            pass
    else:
        os.utime(first, ns=(stamp, stamp))


def roll_back(steps: "Sequence[Step]") -> None:
    """Undo, last first, all steps that were done."""
    for kind, first, second in reversed(steps):
        if kind == IN:
            if not os.path.lexists(first) and os.path.lexists(second):
                os.rename(second, first)
        elif kind == OUT:
            if os.path.lexists(second):
                os.rename(second, first)
        elif kind == MKDIR:
            try:
                os.rmdir(first)
            except OSError:
                pass  # it was there before, or holds something that is not ours


def recover(root: str) -> str:
    """Finish or undo what a broken-off transaction left at *root*; return ``""``, ``"forward"`` or ``"back"``.

    The caller holds the lock. While only removals had begun the old environment is restored; from the
    first new entry on, or when all removals are done, the new one is completed. Leftovers of transactions
    that never committed are cleared away.
    """
    home = home_of(root)
    data = read(f"{home}/{JOURNAL}")
    direction = ""
    if data is not None:
        direction = _finish(root, data)
    _clear(home, () if data is None else (frame.load(data) or ((), ""))[1:2])
    return direction


def _finish(root: str, data: bytes) -> str:
    journal = f"{home_of(root)}/{JOURNAL}"
    fields = frame.load(data)
    if not isinstance(fields, tuple) or len(fields) != 5 or fields[0] != FORMAT:
        raise JournalDamaged(path=journal, hints=("create the environment anew with `puffin venv --clear`",))
    _, _, steps, state, stamp = fields
    script = Script(steps=steps, state=state, stamp=stamp)
    try:
        direction = "forward" if _past_the_middle(steps) else "back"
        if direction == "forward":
            roll_forward(root, script)
        else:
            roll_back(steps)
    except OSError as error:
        raise RecoveryFailed(environment=root, causes=(os_cause(error),)) from error
    os.unlink(journal)
    return direction


def _past_the_middle(steps: "Sequence[Step]") -> bool:
    if any(kind == IN and not os.path.lexists(first) for kind, first, _ in steps):
        return True
    return all(os.path.lexists(second) for kind, _, second in steps if kind == OUT)


def _clear(home: str, elsewhere: "Sequence[Any]") -> None:
    try:
        names = os.listdir(home)
    except FileNotFoundError:
        names = []
    for name in names:
        if name not in SETTLED and name != JOURNAL:
            remove_tree(f"{home}/{name}")
    for directory in elsewhere:
        if directory:
            remove_tree(directory)


class Uninterrupted:
    """Holds back SIGINT and SIGTERM until the end of the block, then lets them have their way."""

    def __init__(self) -> None:
        self._former: dict[int, Any] = {}
        self._came: list[int] = []

    def __enter__(self) -> None:
        from puffin import signals

        for number in (signals.SIGINT, signals.SIGTERM):
            try:
                self._former[number] = signals.signal(number, lambda came, _frame: self._came.append(came))
            except ValueError:
                return  # not the main thread: signals do not come here

    def __exit__(self, *error: object) -> None:
        from puffin import signals

        for number, handler in self._former.items():
            signals.signal(number, handler)
        for number in self._came[:1]:
            signals.raise_signal(number)
