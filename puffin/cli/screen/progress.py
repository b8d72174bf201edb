"""The progress display on a terminal: one bar for each stage, drawn by rich."""

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from puffin.pipeline.graph.task import Outcome, Task


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
        """Count up to another number of tasks."""
        self._progress.update(self._bar, total=total)

    def task(self, task: Task, outcome: Outcome) -> None:
        """Count an outcome."""
        self._progress.update(self._bar, advance=1, last=f"{task.stage} {task.label}")

    def stop(self) -> None:
        """Take the display away."""
        self._progress.stop()
