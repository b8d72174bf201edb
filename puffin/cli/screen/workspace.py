"""The display of a run over many environments: a live line for each on a terminal, then a table."""

import os
from time import perf_counter

from puffin import depends
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import aligned, counted, duration, sharing
from puffin.pipeline.request.settings import DRIFTED, FAILED, SKIPPED, UPDATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from puffin.cli.screen.github import Github
    from puffin.pipeline.change.values import EnvResult, ManyResult
    from puffin.pipeline.graph.task import Key, Outcome, Task
    from puffin.pipeline.request.settings import Line, ManySettings

_HEADS = ("python", "+", "-", "~", "shared", "time")
_STYLES = {UPDATED: "green", DRIFTED: "yellow", FAILED: "red", SKIPPED: "dim"}


class ManyConsole:
    """Tells the console of one command how a run goes."""

    def __init__(self, console: Console, settings: "ManySettings") -> None:
        self._console = console
        self._dry = settings.is_dry
        self._what = "machine" if settings.on else "environment"
        self._github: Github | None = None

    def shown(self, sync: "Callable[[], ManyResult]") -> "ManyResult":
        """Run *sync*, show its progress, and then its result."""
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from puffin.cli.screen.github import Github

            self._github = Github(os.environ)
        result = sync()
        self._table(result)
        if self._github is not None:
            self._github.tell(result)
        return result

    def phase(self, verb: str, count: int, seconds: float, *, shown: bool = True) -> None:
        """Write a phase of the whole run; those of single environments are in the table."""
        if count < 0:
            self._console.phase(verb, count, seconds)

    def warn(self, text: str) -> None:
        self._console.warn(text)
        if self._github is not None:
            self._github.warn(text)

    def expect(self, tasks: "Mapping[Key, Task]") -> None:
        self._console.expect(tasks)

    def task(self, task: "Task", outcome: "Outcome") -> None:
        self._console.task(task, outcome)

    def changes(self, lines: "tuple[Line, ...]") -> None:
        self._console.changes(lines)

    def began(self, names: "tuple[str, ...]") -> None:
        self._console.progress.states = dict.fromkeys(names, ("waiting", perf_counter()))

    def environment(self, name: str, text: str) -> None:
        self._console.progress.states[name] = (text, perf_counter())

    def ended(self, name: str, status: str) -> None:
        self._console.progress.done[name] = status

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
