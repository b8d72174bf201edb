"""Running a command: its words become a frozen value, and whatever it raises is told to the user."""

import errno
import os
import sys

from puffin import signals
from puffin.artifact.urls import mask_text
from puffin.cache.lock import tell_waits
from puffin.cli.options.values import ScreenOptions, made, unsaid
from puffin.cli.screen.console import Console
from puffin.cli.screen.errors import INTERRUPTED, Terminated, exit_code, render
from puffin.errors import BUG, PuffinError, refused_by_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from puffin.cli.options.foreign import Given

    T = TypeVar("T")

# of standard output; wherever else room may lack, there is an error that names the place
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def guarded(
    command: "Callable[[T, Console, float], int]",
    kind: "type[T]",
    values: "Mapping[str, object]",
    started: float,
    foreign: "Given | None" = None,
) -> int:
    """Run *command* and return its exit code; whatever it raises is told to the user here.

    It is called with the *kind* of options that it takes, made of *values*. *foreign* are those of other tools.
    """
    screen = made(ScreenOptions, values)
    console = Console(
        quiet=screen.quiet, verbose=screen.verbose, color=screen.color, no_progress=screen.no_progress
    )
    signals.on_ending(_terminate)
    tell_waits(lambda text: console.aside(mask_text(text)))
    try:
        if foreign:
            from puffin.cli.options.foreign import judge

            judge(foreign, console)
        return command(request(kind, values, console), console, started)
    except PuffinError as error:
        return _tell(error, console)
    except KeyboardInterrupt:
        console.stop_progress()
        return INTERRUPTED
    except Terminated as error:
        console.stop_progress()
        return error.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:
        console.stop_progress()
        if error.errno in _FULL:
            sys.stderr.write(f"error: Failed to write the output: {error.strerror}\n")
            return 1
        return _unexpected(error, console)
    except Exception as error:
        return _unexpected(error, console)


def _tell(error: PuffinError, console: Console) -> int:
    console.stop_progress()
    sys.stderr.write(render(error, console))
    return exit_code(error)


def _unexpected(error: Exception, console: Console) -> int:
    """Tell what nobody foresaw where it was raised: a refusal of the system, or a bug."""
    refused = refused_by_system(error)
    if refused is not None:
        return _tell(refused, console)
    console.stop_progress()
    return _bug()


def request(kind: "type[T]", values: "Mapping[str, object]", console: Console) -> "T":
    """Return what a command is asked, out of the *values* that its words and variables give, and configuration.

    Raises :class:`ConfigurationInvalid`.
    """
    section, many = getattr(kind, "CONFIGURATION", ("", False))
    if not section:
        return made(kind, values)
    from puffin.cli.config.layers import configured
    from puffin.cli.noop.record import judge

    whole = configured(section, {**unsaid(kind), **values}, console, os.environ, many=many)
    judge(whole, os.environ)
    return made(kind, whole)


def _terminate(number: int) -> None:
    raise Terminated(number)


def _bug() -> int:
    import traceback

    traceback.print_exc()
    sys.stderr.write("error: this is a bug in puffin; report it with the lines above\n")
    return BUG
