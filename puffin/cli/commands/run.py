"""Running a command: configuration adds to its options, and whatever it raises is told to the user."""

import errno
import os
import sys
from itertools import pairwise

from puffin import signals
from puffin.artifact.urls import mask_text
from puffin.cache.lock import tell_waits
from puffin.cli.commands.call import Call
from puffin.cli.options.table import DEFAULTS
from puffin.cli.options.values import ScreenOptions, made
from puffin.cli.screen.console import Console
from puffin.cli.screen.errors import Terminated, exit_code, render, status_of
from puffin.cli.screen.quantities import counted
from puffin.errors import BUG, PuffinError, UsageError, refused_by_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from puffin.cli.options.foreign import Given

# of standard output; wherever else room may lack, there is an error that names the place
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run_guarded(
    body: "Callable[[Call], int]",
    command: str,
    values: "Mapping[str, Any]",
    started: float,
    foreign: "Given | None" = None,
) -> int:
    """Run the *body* of a command and return its exit code; whatever it raises is told to the user here.

    *values* are those of its options by name, *foreign* the options of other tools.
    """
    screen = made(ScreenOptions, values)
    console = Console(
        quiet=screen.quiet, verbose=screen.verbose, color=screen.color, no_progress=screen.no_progress
    )
    console.begin(command, started)
    signals.on_ending(_terminate)
    tell_waits(lambda text: console.aside(mask_text(text)))
    try:
        return _judged(lambda: _called(body, command, values, console, started, foreign), command, console)
    finally:
        console.end()


def _called(
    body: "Callable[[Call], int]",
    command: str,
    values: "Mapping[str, Any]",
    console: Console,
    started: float,
    foreign: "Given | None",
) -> int:
    if foreign:
        from puffin.cli.options.foreign import judge_foreign

        judge_foreign(foreign, console)
    _check_profile(values.get("words", ()))
    return body(Call(command, with_configuration(command, values, console), console, started, values))


def _check_profile(words: "Sequence[str]") -> None:
    """Raise :class:`UsageError` for a page that is written as a word of its own, which would be taken for a source."""
    for option, word in pairwise(words):
        if option == "--profile" and word.endswith(".html"):
            raise UsageError(text="The file of `--profile` follows a `=`", hints=(f"write `--profile={word}`",))


def _judged(call: "Callable[[], int]", command: str, console: Console) -> int:
    """Return the exit code of a *call*, having written what it raises."""
    try:
        return call()
    except PuffinError as error:
        return _tell(error, console)
    except (KeyboardInterrupt, Terminated) as error:
        return _tell_interrupt(error, command, console)
    except BrokenPipeError:
        return 1
    except OSError as error:
        console.end()
        if error.errno in _FULL and not error.filename:
            sys.stderr.write(f"error: Failed to write the output: {error.strerror}\n")
            return 1
        if isinstance(error, FileNotFoundError) and _is_nowhere():
            hint = "change to another directory, or name one with `--directory`"
            return _tell(
                UsageError(text="The current directory does not exist any more", hints=(hint,)), console
            )
        return _unexpected(error, console)
    except Exception as error:
        return _unexpected(error, console)


def _is_nowhere() -> bool:
    """Tell whether the current directory does not exist any more."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


# commands that change environments by transactions: an interrupt comes before such a change or after it
_CHANGING = ("pip sync", "pip install", "pip uninstall", "sync")


def _tell_interrupt(error: "KeyboardInterrupt | Terminated", command: str, console: Console) -> int:
    """Say that the run was interrupted, and what that means for the environments."""
    console.end()
    text = ""
    if command in _CHANGING:
        transaction = sys.modules.get("puffin.stages.link.commit.transaction")
        changed = dict.fromkeys(getattr(transaction, "changed", ()))
        which = "the environment is as it was" if command != "sync" else "no environment was changed"
        if changed:
            which = f"{counted(len(changed), 'environment')} had been changed already; run the command again"
        text = f": {which}"
    console.say(f"Interrupted{text}")
    return status_of(error)


def _tell(error: PuffinError, console: Console) -> int:
    console.end()
    sys.stderr.write(render(error, console))
    return exit_code(error)


def _unexpected(error: Exception, console: Console) -> int:
    """Tell what nobody foresaw where it was raised: a refusal of the system, or a bug."""
    refused = refused_by_system(error)
    if refused is not None:
        return _tell(refused, console)
    console.end()
    return _bug()


# commands to whose options configuration adds, and the section of pip.conf that counts for each
_SECTIONS = {
    "pip sync": "sync",
    "pip install": "install",
    "pip uninstall": "uninstall",
    "pip compile": "compile",
    "pip list": "list",
    "pip tree": "list",
    "cache push": "list",
    "cache pull": "sync",
    "cache size": "list",
    "sync": "sync",
    "affected": "sync",
    "lock": "compile",
    "venv": "venv",
}


def with_configuration(command: str, values: "Mapping[str, Any]", console: Console) -> "Mapping[str, Any]":
    """Return the *values* of a command's options with what configuration adds. Raises ``ConfigurationInvalid``."""
    if command not in _SECTIONS or not (values.get("outdated", True) and values.get("remote", True)):
        return values  # nothing is configured, or neither an index nor a remote cache is asked
    from puffin.cli.config.layers import configured
    from puffin.cli.noop.record import judge_options

    many = command in ("sync", "lock", "affected", "cache pull")
    if many:
        from puffin.cli.options.workspace import CONFIGURED

        values = {**{row[1]: DEFAULTS[row[2]] for row in CONFIGURED[command]}, **values}
    without = many or "python" not in values  # no environment whose pip.conf could count
    whole = configured(_SECTIONS[command], values, console, os.environ, many=without)
    judge_options(whole, os.environ)
    return whole


def _terminate(number: int) -> None:
    raise Terminated(number)


def _bug() -> int:
    import traceback

    traceback.print_exc()
    sys.stderr.write("error: this is a bug in puffin; report it with the lines above\n")
    return BUG
