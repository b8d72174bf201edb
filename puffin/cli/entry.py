"""The entry point. What is up to date is told from here with ``sys`` and ``os`` alone; all else is imported late."""

import gc
import os
import sys
from time import perf_counter

from puffin.cli.table import SYNC, read_by_hand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

STARTED = perf_counter()


def run() -> "NoReturn":
    """Run the command line of this process and end it."""
    gc.disable()  # a command lives for moments, and what it makes lives as long
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130  # so early, or so late, that there is nothing to undo
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking the interpreter down in order costs more than many a command


def main(argv: "list[str]") -> int:
    """Run the command line *argv* (without the program's name) and return its exit code."""
    rest = _of_sync(argv)
    options = read_by_hand(SYNC, rest, os.environ) if rest is not None else None
    if options is None:
        from puffin.cli.app import run_app

        return run_app(argv)
    from puffin.cli.uptodate import checked

    told = checked(options, os.environ, STARTED)
    if told is not None:
        sys.stderr.write(told)
        return 0
    from puffin.cli.guard import guarded
    from puffin.cli.sync import sync

    return guarded(sync, options, STARTED)


def _of_sync(argv: "list[str]") -> "list[str] | None":
    if argv[:1] == ["pip-sync"]:
        return argv[1:]
    return argv[2:] if argv[:2] == ["pip", "sync"] else None
