"""Output for people: phases and warnings on stderr, data on stdout. Light enough for a warm sync."""

import os
import sys

from puffin import depends
from puffin.artifact.urls import mask
from puffin.cli.screen.quantities import counted, duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.screen.live import Progress
    from puffin.pipeline.graph.task import Outcome, Task
    from puffin.pipeline.request.settings import Line

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_SIGN_STYLES = {"+": "green", "-": "red", "~": "yellow"}


def wants_color(choice: str, stream: "Any") -> bool:
    """Decide on colours: the option, then ``NO_COLOR`` and ``FORCE_COLOR``, then whether it is a terminal."""
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


class Console:
    """Writes the messages of a command. ``quiet`` of 1 keeps errors and warnings, of 2 errors only."""

    def __init__(self, *, quiet: int = 0, verbose: int = 0, color: str = "", no_progress: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._color = wants_color(color, sys.stderr)
        self._live = not (quiet or no_progress) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._progress: Progress | None = None

    @property
    def live(self) -> bool:
        """Whether there is a terminal to draw on."""
        return self._live

    @property
    def verbose(self) -> bool:
        """Whether ``-v`` was given."""
        return self._verbose > 0

    @property
    def wants_heartbeat(self) -> bool:
        """Whether progress lines are needed, because there is no progress display."""
        return not self._quiet and not self._live

    def style(self, text: str, *names: str) -> str:
        if not self._color:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def link(self, url: str, text: str) -> str:
        """Return *text* as a link to *url*, where the terminal can show one (OSC 8)."""
        if not (self._color and sys.stderr.isatty()):
            return text
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"

    def say(self, text: str) -> None:
        """Write a line to stderr, unless quiet."""
        if not self._quiet:
            self.stop_progress()
            sys.stderr.write(f"{text}\n")
            depends.said(2, f"{text}\n")

    def timed(self, text: str, seconds: float, style: str = "", *, shown: bool = True) -> None:
        """Write a line that ends with a duration, unless quiet; if it is not *shown*, the next run will say it."""
        if not self._quiet:
            before, _, behind = self.style(" in \0", *([style] if style else [])).partition("\0")
            if shown:
                self.stop_progress()
                sys.stderr.write(f"{text}{before}{duration(seconds)}{behind}\n")
            depends.said(2, f"{text}{before}", f"{behind}\n")

    def detail(self, text: str) -> None:
        """Write a line that only ``-v`` asks for."""
        if self._verbose:
            self.say(self.style(text, "dim"))

    def phase(self, verb: str, count: int, seconds: float, *, shown: bool = True) -> None:
        """Say that a phase is over; a negative count or time is left out."""
        what = f" {self.style(counted(count), 'bold')}" if count >= 0 else ""
        verb, space, url = verb.rpartition(" ") if "://" in verb else (verb, "", "")
        text = f"{verb}{space}{self.link(url, url)}{what}" if url else f"{verb}{what}"
        if seconds >= 0 and count >= 0:
            self.timed(text, seconds, "dim", shown=shown)
        else:
            self.say(text)

    def warn(self, text: str) -> None:
        if self._quiet < 2:
            self.stop_progress()
            line = f"{self.style('warning', 'yellow', 'bold')}: {text}\n"
            sys.stderr.write(line)
            depends.said(2, line)

    def aside(self, text: str) -> None:
        """Say what is no part of the answer, from this process or a forked child of it."""
        if self._quiet < 2:
            sys.stderr.write(f"{self.style('warning', 'yellow', 'bold')}: {text}\n")
            sys.stderr.flush()

    def changes(self, lines: "tuple[Line, ...]") -> None:
        for line in lines:
            sign = self.style(line.sign, _SIGN_STYLES[line.sign])
            place = f" (from {mask(line.place)})" if line.place else ""
            version = f"=={line.version}" if line.version else ""
            self.say(f" {sign} {self.style(line.name, 'bold')}{version}{place}")

    def expect(self, tasks: int) -> None:
        """Show progress over so many tasks, on a terminal; there may be more of them later."""
        if self._progress is not None:
            self._progress.expect(tasks)
        elif self._live and tasks > 20:
            from puffin.cli.screen.live import Progress

            self._progress = Progress(tasks)

    def task(self, task: "Task", outcome: "Outcome") -> None:
        if self._progress is not None:
            self._progress.task(task, outcome)
        if self._verbose > 1:
            took = duration(max(0.0, outcome.ended - outcome.started))
            sys.stderr.write(f"{task.stage} {task.label}: {outcome.status} in {took}\n")

    def stop_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def write_data(path: str, text: str) -> None:
    """Write what a command was asked for to a file, or to standard output for no path or ``-``.

    Raises ``OutputUnwritable``.
    """
    if path in ("", "-"):
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from puffin.stages.resolve.output.target import write_output

    write_output(path, text.encode("utf-8", "replace"))
