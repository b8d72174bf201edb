"""Recovery: what a change that was broken off left in an environment is finished, undone, or looked into."""

import os

from puffin.cache import frame
from puffin.cache.atomic import read, replace_file
from puffin.errors import PuffinError, os_cause
from puffin.stages.link.commit.stamps import DIRECTORY, JOURNAL, SETTLED, STATE
from puffin.stages.link.commit.state import encode, read_state
from puffin.stages.link.commit.steps import Script, discard, do_steps, lacking, undo_steps
from puffin.value import replace

FORMAT = 2  # format 1, of former versions, has no inodes, because it has no swaps
FORWARD, BACK, UNREADABLE, LOST = "forward", "back", "unreadable", "lost"
_BACK = "-back"  # behind the name of a journal whose change is being undone
_DOUBTED = "?"  # in the place of a boot: the next look is at all files


class RecoveryFailed(PuffinError):
    """A broken-off transaction can neither be finished nor undone."""

    sentence = "Failed to repair the environment `{environment}` after an interrupted change"
    environment: str


def home_of(root: str) -> str:
    """Return the directory that holds puffin's own files in the environment at *root*."""
    return f"{root}/{DIRECTORY}"


def recover(root: str, *, home: str | None = None) -> str:
    """Finish or undo what a broken-off transaction left at *root*; return ``""`` or what was done.

    The caller holds the lock. All was staged when the journal was written, so the change is finished. It is undone if
    that cannot be, or if its undoing had begun. A journal that cannot be read, is of another environment, or has lost
    what was staged, goes. In any case the next look at the environment is at all its files. Leftovers of transactions
    that never committed are cleared away, in *home* too where that is given.
    """
    own = home_of(root)
    journal = f"{own}/{JOURNAL}"
    direction = ""
    for each in (journal, f"{journal}{_BACK}"):
        if os.path.lexists(each):
            direction = _finish(root, each, home)
    left = _leftovers(own)
    if home and (left or direction):
        for path in _leftovers(home):
            discard(path)
        forget_home(home)
    for path in left:
        discard(path)
    return direction


def broken_off(root: str) -> bool:
    """Tell whether a change of the environment at *root* waits to be finished or undone."""
    return any(os.path.lexists(f"{home_of(root)}/{JOURNAL}{end}") for end in ("", _BACK))


def forget_home(home: str) -> None:
    """Remove a staging home that is not the environment's own, if it is empty."""
    try:
        os.rmdir(home)
    except OSError:
        pass


def undo(root: str, script: Script, reason: OSError | None = None) -> None:
    """Roll back, after *reason*; :class:`RecoveryFailed` where that fails too, and the next run goes on with it."""
    journal = f"{home_of(root)}/{JOURNAL}"
    try:
        if not os.path.lexists(f"{journal}{_BACK}"):
            os.rename(journal, f"{journal}{_BACK}")
        undo_steps(script)
        _doubt(root)
        os.unlink(f"{journal}{_BACK}")
    except OSError as error:
        causes = (os_cause(reason), os_cause(error)) if reason else (os_cause(error),)
        raise RecoveryFailed(environment=root, causes=causes) from error


def _leftovers(home: str) -> "list[str]":
    kept = {*SETTLED, JOURNAL, f"{JOURNAL}{_BACK}"}
    try:
        return [f"{home}/{name}" for name in os.listdir(home) if name not in kept]
    except OSError:
        return []


def _finish(root: str, journal: str, home: str | None) -> str:
    directory, script = _read(journal)
    homes = [os.path.realpath(each) for each in (home_of(root), home) if each]
    try:
        own = script is not None and os.path.realpath(os.path.dirname(directory)) in homes
        if script is None or not own or not os.path.isdir(f"{directory}/old"):
            _doubt(root)
            discard(journal)
            return LOST if own else UNREADABLE
        if journal.endswith(_BACK):
            undo(root, script)
            direction = BACK
        else:
            direction = _finish_script(root, script)
        if direction == FORWARD:
            _doubt(root)
            os.unlink(journal)
    except OSError as error:
        raise RecoveryFailed(environment=root, causes=(os_cause(error),)) from error
    discard(directory)
    return direction


def _read(journal: str) -> "tuple[str, Script | None]":
    """Return the staging area and the script of a journal, None for one that this version does not understand."""
    fields = frame.load(read(journal) or b"")
    if not isinstance(fields, tuple) or (len(fields), fields[0]) not in ((5, 1), (6, FORMAT)):
        return "", None
    _, directory, steps, state, stamp, *inodes = fields
    return directory, Script(steps=steps, state=state, stamp=stamp, inodes=inodes[0] if inodes else ())


def _finish_script(root: str, script: Script) -> str:
    try:
        do_steps(script, again=True)
        replace_file(f"{home_of(root)}/{STATE}", script.state)
        return FORWARD
    except OSError as error:
        if not lacking(script.steps):
            raise  # all is in place but the state, for which there was no room
        undo(root, script, error)
    return BACK


def _doubt(root: str) -> None:
    """Have the next look at the environment be at all its files."""
    state = read_state(root)
    if state is not None:
        replace_file(f"{home_of(root)}/{STATE}", encode(replace(state, boot=_DOUBTED)))
