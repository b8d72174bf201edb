"""Displays on a terminal, drawn by rich: a bar for a run, or a line for each of many environments."""

import time

from rich.console import Console as RichConsole
from rich.live import Live as RichLive
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from puffin.pipeline.graph.task import Outcome, Task

_EVERY = 0.1  # seconds between two drawings
_STYLES = {"updated": "green", "unchanged": "dim", "failed": "red", "skipped": "dim", "drifted": "yellow"}


class Live:
    """A line for each of *names*, without a thread; finished ones are dropped if the terminal is too low."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._states = dict.fromkeys(names, "waiting")
        self._ended: dict[str, str] = {}
        self._width = max(map(len, names), default=0)
        self._console = RichConsole(stderr=True)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self._drawn = 0.0
        self._draw()

    def state(self, name: str, text: str) -> None:
        self._states[name] = text
        self._draw()

    def end(self, name: str, status: str) -> None:
        self._ended[name] = self._states[name] = status
        self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn >= _EVERY:
            self._drawn = now
            self._live.update(self.picture(self._console.size.height - 2), refresh=True)

    def picture(self, height: int) -> Text:
        names = list(self._states)
        if len(names) > height:
            names.sort(key=lambda name: name in self._ended)
        text = Text()
        for name in names[: max(1, height)]:
            text.append(f"  {name.ljust(self._width)}  ")
            text.append(f"{self._states[name]}\n", style=_STYLES.get(self._states[name], ""))
        text.append(f"  {len(self._ended)} of {len(self._states)} environments done")
        return text

    def pause(self) -> None:
        """Take the lines away, until something changes, so that a message can be written."""
        self._live.update(Text(""), refresh=True)
        self._drawn = 0.0

    def stop(self) -> None:
        self._live.stop()


class Progress:
    """Counts tasks by name of the last package; drawn at most ten times a second."""

    def __init__(self, total: int) -> None:
        self._progress = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[last]}"),
            console=RichConsole(stderr=True),
            transient=True,
            refresh_per_second=10,
        )
        self._bar: TaskID = self._progress.add_task("Preparing", total=total, last="")
        self._progress.start()

    def expect(self, total: int) -> None:
        self._progress.update(self._bar, total=total)

    def task(self, task: Task, outcome: Outcome) -> None:
        self._progress.update(self._bar, advance=1, last=f"{task.stage} {task.label}")

    def stop(self) -> None:
        self._progress.stop()
