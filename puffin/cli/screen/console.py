"""Output for people: phases and warnings on stderr, data on stdout. Light enough for a warm sync."""

import os
import sys
from time import perf_counter, time

from puffin import depends, meter, signals
from puffin.artifact.urls import mask, mask_text
from puffin.cli.screen.quantities import counted, duration
from puffin.reasons import reason_text, work_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from puffin.cli.screen.live import Display
    from puffin.pipeline.graph.task import Key, Outcome, Task
    from puffin.pipeline.request.settings import Line

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ERASE = "\x1b[J"  # the cursor is at the first line of the display, or there is none
REPAINT = 0.3  # seconds between two pictures of the display: one takes half a millisecond
FIRST = 0.1  # seconds until the first one, so that a quick run shows none
HEARTBEAT = 15.0  # seconds between two lines where there is no display
_SIGN_STYLES = {"+": "green", "-": "red", "~": "yellow"}


def wants_color(choice: str, stream: "Any") -> bool:
    """Decide on colours: the option, then ``NO_COLOR`` and ``FORCE_COLOR``, then whether it is a terminal."""
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


class RunProgress:
    """How far a command is, for its display: ``graphs`` are the tasks it runs, ``ended`` those that ended.

    ``states`` say of each environment of many what is being done, and since when; ``done`` how it ended. Times are of
    ``time.perf_counter``.
    """

    def __init__(self, command: str, started: float) -> None:
        self.command = command
        self.started = started
        self.graphs: list[Mapping[Key, Task]] = []
        self.ended: list[Key] = []
        self.states: dict[str, tuple[str, float]] = {}
        self.done: dict[str, str] = {}


class Console:
    """Writes the messages of a command. ``quiet`` of 1 keeps errors and warnings, of 2 errors only.

    From :meth:`begin` to :meth:`end` a display shows the ``progress`` on a terminal; elsewhere a line is written from
    time to time. Both come by a timer of the system. The display is drawn by the main thread, whatever it waits for.
    """

    def __init__(self, *, quiet: int = 0, verbose: int = 0, color: str = "", no_progress: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._color = wants_color(color, sys.stderr)
        self._live = not (quiet or no_progress) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._timed = False
        self._writing = False
        self._painted = False
        self._display: Display | None = None
        self.progress = RunProgress("", perf_counter())

    def begin(self, command: str, started: float) -> None:
        """Show from now on how *command* goes, which began at *started*."""
        self.progress = RunProgress(command, started)
        if self._verbose:
            meter.note_to(self._verbose, self.aside_detail)
        if self._live:
            meter.watch()
            first = max(0.01, FIRST - (perf_counter() - started))
            self._timed = signals.every(REPAINT, self._paint, first=first)
        elif not self._quiet:
            meter.watch()
            self._timed = signals.every(HEARTBEAT, self._beat)

    def end(self) -> None:
        """Take the display away, for good."""
        if self._timed:
            self._timed = False
            signals.no_more()
        self._live = False
        self._erase()

    def _made(self) -> "Display":
        if self._display is None:
            from puffin.cli.screen.live import Display

            self._display = Display(self.progress, style=self.style)
        return self._display

    def _paint(self) -> None:
        """Draw the display, in the place where the next line will be written."""
        if self._live and not self._writing:
            self._painted = True  # before, as an interrupt may come in between
            self._draw(lambda: self._made().frame())

    def _beat(self) -> None:
        if not self._writing:
            self._draw(lambda: f"{self._made().beat()}\n")

    def _draw(self, picture: "Callable[[], str]") -> None:
        """Write a picture. Nothing that goes wrong with it ends the run."""
        try:
            os.write(2, picture().encode("utf-8", "replace"))
        except Exception:
            return  # the terminal is gone, or what is read changed meanwhile: the next one may do

    def _erase(self) -> None:
        if self._painted:
            self._painted = False
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def _write(self, text: str) -> None:
        """Write *text* to stderr, above the display."""
        self._writing = True  # the timer draws nothing meanwhile
        try:
            self._erase()
            sys.stderr.write(text)
            sys.stderr.flush()
        finally:
            self._writing = False

    def write(self, text: str) -> None:
        """Write what the command was asked for to stdout; that ends the display."""
        self.end()
        sys.stdout.write(text)

    def write_data(self, path: str, text: str) -> None:
        """Write what the command was asked for to a file, or to stdout for no path or ``-``.

        Raises ``OutputUnwritable``.
        """
        if path in ("", "-"):
            self.write(text)
            sys.stdout.flush()
            return
        from puffin.stages.resolve.output.target import write_output

        write_output(path, text.encode("utf-8", "replace"))

    @property
    def verbose(self) -> bool:
        """Whether ``-v`` was given."""
        return self._verbose > 0

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
            self._write(f"{text}\n")
            depends.said(2, f"{text}\n")

    def timed(self, text: str, seconds: float, style: str = "", *, shown: bool = True) -> None:
        """Write a line that ends with a duration, unless quiet; if it is not *shown*, the next run will say it."""
        if not self._quiet:
            before, _, behind = self.style(" in \0", *([style] if style else [])).partition("\0")
            if shown:
                self._write(f"{text}{before}{duration(seconds)}{behind}\n")
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
            line = f"{self.style('warning', 'yellow', 'bold')}: {text}\n"
            self._write(line)
            depends.said(2, line)

    def aside(self, text: str) -> None:
        """Say what is no part of the answer, from this process or a forked child of it."""
        if self._quiet < 2:
            erase = _ERASE if self._live else ""  # a child does not know whether its parent shows a display
            self._write(f"{erase}{self.style('warning', 'yellow', 'bold')}: {text}\n")

    def aside_detail(self, text: str, seconds: float) -> None:
        """Write a line that only ``-v`` asks for, from this process or a forked child of it."""
        took = f" in {duration(seconds)}" if seconds >= 0 else ""
        self._write(f"{_ERASE if self._live else ''}{self.style(mask_text(text) + took, 'dim')}\n")

    def changes(self, lines: "tuple[Line, ...]") -> None:
        for line in lines:
            sign = self.style(line.sign, _SIGN_STYLES[line.sign])
            place = f" (from {mask(line.place)})" if line.place else ""
            version = f"=={line.version}" if line.version else ""
            why = f": {reason_text(line.reason, time())}" if line.reason and self.verbose else ""
            self.say(f" {sign} {self.style(line.name, 'bold')}{version}{place}{why}")
            for stage, reason in line.work if self.verbose else ():
                self.say(f"     {work_text(stage, reason, time())}")

    def expect(self, tasks: "Mapping[Key, Task]") -> None:
        """Show how far these tasks are; there may be more of them later."""
        self.progress.graphs.append(tasks)

    def task(self, task: "Task", outcome: "Outcome") -> None:
        self.progress.ended.append(task.key)
        if self._live and not self._timed:  # a system without timers
            self._paint()
        if self._verbose > 1:
            took = duration(max(0.0, outcome.ended - outcome.started))
            self._write(f"{task.stage} {task.label}: {outcome.status} in {took}\n")
