"""The way back from a broken-off transaction; imported only where there is one."""

import os

from puffin.cache import frame
from puffin.errors import os_cause
from puffin.stages.link.stamps import JOURNAL
from puffin.stages.link.transaction import (
    FORMAT,
    IN,
    MKDIR,
    OCCUPIED,
    OUT,
    JournalDamaged,
    RecoveryFailed,
    Script,
    discard,
    home_of,
    is_out,
    put_aside,
    roll_forward,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from puffin.stages.link.transaction import Step


def roll_back(steps: "Sequence[Step]") -> None:
    """Undo, last first, all steps that were done."""
    for kind, first, second in reversed(steps):
        if kind == IN:
            if not os.path.lexists(first) and os.path.lexists(second):
                os.rename(second, first)
        elif kind == OUT:
            if os.path.lexists(second):
                _put_back(second, first)
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
    """Finish or undo what the journal *data* tells of; return ``"forward"`` or ``"back"``."""
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
