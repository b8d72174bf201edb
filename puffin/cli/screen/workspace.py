"""The display of a run over many environments: a live line for each on a terminal, then a table."""

import os
import time

from puffin import depends, signals
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import aligned, counted, duration, sharing
from puffin.pipeline.request.settings import DRIFTED, FAILED, SKIPPED, UPDATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from puffin.cli.screen.github import Github
    from puffin.cli.screen.live import Live
    from puffin.pipeline.change.values import EnvResult, ManyResult
    from puffin.pipeline.graph.task import Outcome, Task
    from puffin.pipeline.request.settings import Line, ManySettings

_HEADS = ("python", "+", "-", "~", "shared", "time")
_STYLES = {UPDATED: "green", DRIFTED: "yellow", FAILED: "red", SKIPPED: "dim"}


class ManyConsole:
    """Tells the console of one command how a run goes; ``began`` is when, of ``time.perf_counter``."""

    def __init__(self, console: Console, settings: "ManySettings", *, started: float) -> None:
        self._console = console
        self._dry = settings.check or settings.run.dry_run
        self._what = "machine" if settings.on else "environment"
        self._started = started
        self._live: Live | None = None
        self._github: Github | None = None
        self._names: tuple[str, ...] = ()
        self._ended = 0
        self._tasks = self._done = 0

    def shown(self, sync: "Callable[[], ManyResult]") -> "ManyResult":
        """Run *sync*, show its progress, and then its result."""
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from puffin.cli.screen.github import Github

            self._github = Github(os.environ)
        with Heartbeat(self._beat, wanted=self._console.wants_heartbeat):
            try:
                result = sync()
            finally:
                self._stop()
        self._table(result)
        if self._github is not None:
            self._github.tell(result)
        return result

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _beat(self) -> str:
        tasks = f", {self._done} of {counted(self._tasks, 'task')}" if self._tasks else ""
        seconds = duration(time.perf_counter() - self._started)
        return f"{self._ended} of {counted(len(self._names), 'environment')} done{tasks} ({seconds})\n"

    def phase(self, verb: str, count: int, seconds: float, *, shown: bool = True) -> None:
        """Write a phase of the whole run; those of single environments are in the table."""
        if count < 0:
            if self._live is not None:
                self._live.pause()
            self._console.phase(verb, count, seconds)

    def warn(self, text: str) -> None:
        if self._live is not None:
            self._live.pause()
        self._console.warn(text)
        if self._github is not None:
            self._github.warn(text)

    def expect(self, tasks: int) -> None:
        self._tasks += tasks

    def task(self, task: "Task", outcome: "Outcome") -> None:
        self._done += 1
        self._console.task(task, outcome)

    def changes(self, lines: "tuple[Line, ...]") -> None:
        self._console.changes(lines)

    def began(self, names: "tuple[str, ...]") -> None:
        self._names = names
        if self._console.live:
            from puffin.cli.screen.live import Live

            self._live = Live(names)

    def environment(self, name: str, text: str) -> None:
        if self._live is not None:
            self._live.state(name, text)

    def ended(self, name: str, status: str) -> None:
        self._ended += 1
        if self._live is not None:
            self._live.end(name, status)

    def _table(self, result: "ManyResult") -> None:
        changed = result.with_status(UPDATED, DRIFTED, FAILED, SKIPPED)
        if not changed:
            self._checked(result)
            return
        before = depends.mark() if result.settled else None
        done = result.with_status(UPDATED, DRIFTED)
        if done:
            verb = "Would sync" if self._dry else "Synced"
            what = self._console.style(counted(len(done), "environment"), "bold")
            self._console.timed(f"{verb} {what}", result.seconds, "dim")
        self._rows(changed)
        unchanged = len(result.environments) - len(changed)
        if unchanged:
            self._console.say(f"{counted(unchanged, 'environment')} up to date")
        self._dedupe(result)
        if before is not None:
            depends.back(before)
            self._checked(result, shown=False)

    def _checked(self, result: "ManyResult", *, shown: bool = True) -> None:
        packages = sum(each.packages for each in result.environments)
        environments = counted(len(result.environments), "environment")
        self._console.timed(f"Checked {environments} ({counted(packages)})", result.seconds, shown=shown)
        depends.settled()

    def _rows(self, changed: "tuple[EnvResult, ...]") -> None:
        heads, *lines = aligned([(self._what, *_HEADS), *[row_of(each) for each in changed]], texts=2)
        self._console.say(self._console.style(f"  {heads}", "dim"))
        for each, line in zip(changed, lines, strict=True):
            self._console.say(f"  {self._console.style(line, _STYLES[each.status])}")
            if self._console.verbose:
                self._console.changes(each.lines())

    def _dedupe(self, result: "ManyResult") -> None:
        shared = result.shared
        if not shared.requested:
            return
        text = sharing(shared.requested, shared.unique, None if self._dry else shared.downloaded)
        if shared.built or shared.builds_shared:
            text += f"; {counted(shared.built)} built, {counted(shared.builds_shared, 'build')} shared"
        if shared.compiled:
            text += f"; {shared.compiled} compiled to bytecode"
        self._console.say(text)


def row_of(result: "EnvResult") -> "tuple[str, ...]":
    """Return the cells of an environment's row."""
    counts = [str(result.count(sign)) for sign in "+-~"]
    ended = f"{result.status}, partly done" if result.partly else result.status
    took = duration(result.seconds) if result.status in (UPDATED, DRIFTED) else ended
    return (result.name, result.python, *counts, str(result.shared), took)


class Heartbeat:
    """Writes a line every 15 s, so that nobody takes a long run for a dead one; by a timer, not by a thread."""

    SECONDS = 15.0

    def __init__(self, text: "Callable[[], str]", *, wanted: bool) -> None:
        self._text = text
        self._wanted = wanted

    def __enter__(self) -> None:
        if self._wanted:
            self._wanted = signals.every(self.SECONDS, self._beat)

    def _beat(self) -> None:
        os.write(2, self._text().encode())

    def __exit__(self, *error: object) -> None:
        if self._wanted:
            signals.no_more()
