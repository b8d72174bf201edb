"""The display of a command that goes on: what it is doing, what it waits for, and for how long.

It is drawn within a signal handler. So it imports what it needs at the top (but not ``typing``: that is slow), has no
locks, and keeps its own books of what has changed since the last picture.
"""

import os
import sys
from collections import Counter
from itertools import islice
from time import perf_counter, time
from unicodedata import east_asian_width

from puffin import meter
from puffin.board import WorkAtHand
from puffin.cli.screen.quantities import clock, counted, size
from puffin.cli.screen.stages import package_doing, stage_doing
from puffin.names import printable
from puffin.pipeline.graph.record import open_phase
from puffin.pipeline.graph.task import SECOND
from puffin.types import Callable, Iterator, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from puffin.pipeline.graph.task import Key, Task

    class Progress(Protocol):
        """How far a command is, as ``console.RunProgress`` has it."""

        @property
        def command(self) -> str: ...
        @property
        def started(self) -> float: ...
        @property
        def graphs(self) -> Sequence[Mapping[Key, Task]]: ...
        @property
        def ended(self) -> Sequence[Key]: ...
        @property
        def states(self) -> Mapping[str, tuple[str, float]]: ...
        @property
        def done(self) -> Mapping[str, str]: ...


# what commands without phases do
_COMMANDS = {
    "venv": "Creating the virtual environment",
    "verify": "Reading the installed files",
    "pip list": "Reading the installed packages",
    "pip freeze": "Reading the installed packages",
    "pip tree": "Reading the installed packages",
    "pip check": "Reading the installed packages",
    "pip uninstall": "Removing packages",
    "detach": "Replacing links by files",
    "envs": "Comparing environments",
    "affected": "Comparing environments",
    "why": "Looking for reasons",
    "cache clean": "Removing cache entries",
    "clean": "Removing cache entries",
    "cache prune": "Looking for unused cache entries",
    "cache size": "Measuring the cache",
}
# kinds of work that phases count, with the nouns: those of some phases, and of all others
_COUNTED = {
    "fetch": (("fetch", "file"),), "upload": (("upload", "object"),), "verify": (("verify", "package"),),
    "ask the remote cache": (),
}  # fmt: skip
_USUAL = (("lock", "environment"), ("page", "index page"), ("metadata", "metadata file"))
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_SPINNER = "|/-\\"
_BAR, _NARROW, _WIDE = 20, 69, 10_000  # columns of a bar, those of a line that has no room for it, and no limit
# characters of one column: lines of these alone need not be measured one by one
_SINGLE = frozenset(map(chr, range(32, 127))) | {*_SPINNER, *"\x1b━─"}
# what a line has no room for goes in this order
_BARS, _RATE, _ENVIRONMENTS, _BYTES, _LEFT, _SOUGHT = 6, 5, 4, 3, 2, 1
_ROWS = 6  # lines for single pieces of work
_LINK = 50_000  # bytes that a link task counts as; its own weight gives an order
_ALMOST = (
    0.95  # of a build, at the most, that counts as done while it goes on; of downloads, what lets them be over
)
_LARGE = 1 << 20  # bytes, from which on a download has a line from its start
_OLD = 0.5  # seconds, after which work that is no download gets a line
_WINDOW = 5.0  # seconds over which the rate of downloads is measured
_SETTLED = 0.5  # seconds, before which a rate says little
_SURE = 3.0  # seconds of work, after which the remaining time is shown
_STYLES = {"updated": "green", "unchanged": "dim", "failed": "red", "skipped": "dim", "drifted": "yellow"}

Style = Callable[..., str]
Part = tuple[int, str]  # of a line: its rank, 0 for one that always stays, and its text


class TaskTally:
    """Counts the packages and bytes of a run's tasks.

    A package is prepared when its tasks but the link have ended; one that is only linked, when that has.
    """

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._seen: list[int] = []  # how many tasks of each graph are counted
        self._heard = 0
        self._tasks: "dict[Key, Task]" = {}
        self._left: Counter[str] = Counter()
        self._links: Counter[str] = Counter()
        self.expected = 0.0
        self.done = 0.0
        self.to_fetch = 0
        self.fetched = 0
        self._builds: dict[str, int] = {}  # the weights of builds by their labels
        self.waiting: dict[str, Counter[str]] = {}  # by environment, the labels of tasks that have not ended

    @property
    def packages(self) -> tuple[int, int]:
        """How many packages are done, and how many there are."""
        left = {**self._links, **self._left}
        return sum(1 for count in left.values() if count <= 0), len(left)

    def update(self) -> None:
        """Count what has changed since the last time."""
        for at, graph in enumerate(self._progress.graphs):
            if at == len(self._seen):
                self._seen.append(0)
            if len(graph) > self._seen[at]:
                self._add(graph, self._seen[at])
                self._seen[at] = len(graph)
        ended, self._heard = self._progress.ended[self._heard :], len(self._progress.ended)
        for key in ended:
            self._end(key)

    def partly(self, rows: Sequence[WorkAtHand], now: float) -> float:
        """Return how much of the work at hand is done: bytes of downloads, and builds by the time they usually take."""
        fetched = sum(row.arrived for row in rows if row.kind == "fetch")
        builds = [(self._builds.get(row.name, 0), now - row.started) for row in rows if row.kind == "build"]
        return fetched + sum(min(_ALMOST * weight, max(0.0, since) * SECOND) for weight, since in builds)

    def _add(self, graph: "Mapping[Key, Task]", known: int) -> None:
        for key, task in islice(tuple(graph.items()), known, None):
            self._tasks[key] = task
            (self._links if task.stage == "link" else self._left)[task.label] += 1
            self.expected += work_of(task)
            self.to_fetch += task.weight if task.stage == "fetch" else 0
            if task.stage == "build":
                self._builds[task.label] = task.weight
            for name in task.environments:
                self.waiting.setdefault(name, Counter())[task.label] += 1

    def _end(self, key: "Key") -> None:
        task = self._tasks.get(key)
        if task is None:
            return
        (self._links if task.stage == "link" else self._left)[task.label] -= 1
        self.done += work_of(task)
        self.fetched += task.weight if task.stage == "fetch" else 0
        for name in task.environments:
            waiting = self.waiting.get(name)
            if waiting is not None and (count := waiting[task.label] - 1) > 0:
                waiting[task.label] = count
            elif waiting is not None:
                del waiting[task.label]


def work_of(task: "Task") -> int:
    """Return how much a task counts in the whole of the work, in bytes."""
    return _LINK if task.stage == "link" else task.weight


class Rate:
    """How fast something grows, over the last seconds."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def at(self, now: float, count: int) -> float:
        """Return the rate per second, given the *count* of this moment."""
        self._seen.append((now, count))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _WINDOW:
            self._seen.pop(0)
        (began, first), (_, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now - began > _SETTLED else 0.0


class Display:
    """Makes pictures of the *progress* of a command. *style* colours a text, as ``Console.style`` does."""

    def __init__(self, progress: "Progress", *, style: Style) -> None:
        self._progress = progress
        self._style = style
        self._tally = TaskTally(progress)
        self._rate = Rate()
        self._pictures = 0
        encoding = (getattr(sys.stderr, "encoding", "") or "").lower().replace("-", "")
        self._plain = encoding != "utf8"

    def frame(self) -> str:
        """Return the picture of this moment as a terminal takes it: the cursor ends where it began."""
        try:
            width, height = os.get_terminal_size(2)
        except OSError:
            width, height = 0, 0
        width, height = width or 80, max(3, height or 24)  # a terminal may not know its size
        lines = [fitted(line, max(10, width - 1)) for line in self.lines(perf_counter(), width, height)]
        back = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        return "\n".join(f"\r{line}\x1b[K" for line in lines) + f"\x1b[J{back}\r"

    def lines(self, now: float, width: int, height: int) -> list[str]:
        """Return the lines of the picture: a summary, the pieces of work, the environments."""
        self._tally.update()
        rows = at_hand()
        spinner = _ASCII_SPINNER if self._plain else _SPINNER
        self._pictures += 1
        head = f"{spinner[self._pictures % len(spinner)]} {self._summary(now, rows, width - 3)}"
        room = height - 2
        states = self._states(now, rows)
        most = min(_ROWS, room - min(len(states), room // 2))
        works = list(islice(self._works(rows, width - 3 >= _NARROW), max(0, most)))
        return [head, *works, *states[: room - len(works)]]

    def beat(self) -> str:
        """Return the line that stands for the display where there is none."""
        self._tally.update()
        rows = at_hand()
        now = perf_counter()
        busy = [text for text in map(doing, rows) if text and not text.startswith("downloading")]
        return ", ".join([self._summary(now, rows, _WIDE, since=self._progress.started), *busy[:2]])

    def _summary(self, now: float, rows: list[WorkAtHand], width: int, *, since: float = -1.0) -> str:
        """Return what the command is doing, how far it is, and the time that this takes, in so many columns."""
        name, began = open_phase()
        progress, tally = self._progress, self._tally
        packages, total = tally.packages
        working = packages < total and name != "start executor"
        name = "" if working else name
        started = since if since >= 0 else now - (time() - began) if name else progress.started
        more: list[Part] = []
        if progress.states:
            environments = counted(len(progress.states), "environment")
            more.append((_ENVIRONMENTS, f", {len(progress.done)} of {environments} done"))
        if working:
            first = f"Preparing {packages} of {counted(total)}"
            done = tally.done + tally.partly(rows, time())
            if width >= _NARROW and since < 0 and tally.expected:
                more.insert(0, (_BARS, f" {self._bar(done / tally.expected)}"))
            more += self._download(now, rows, done)
        else:
            first = stage_doing(name) if name else _COMMANDS.get(progress.command, "Working")
            more += [(_SOUGHT, f", {part}") for part in sought(rows, name)]
        return as_wide_as([(0, first), *more, (0, f" ({clock(now - started)})")], width)

    def _download(self, now: float, rows: list[WorkAtHand], done: float) -> "list[Part]":
        """Return the bytes and rate of downloads, and the time that the rest of all work takes if so much is *done*."""
        board, tally = meter.board(), self._tally
        arrived = board.counts()[1] if board else tally.fetched
        rate = self._rate.at(now, arrived)
        loading = [row for row in rows if row.kind == "fetch"]
        got = min(max(arrived, tally.fetched + sum(row.arrived for row in loading)), tally.to_fetch)
        parts: list[Part] = []
        if tally.to_fetch and (got < _ALMOST * tally.to_fetch or (loading and got < tally.to_fetch)):
            parts.append((_BYTES, f", {size(got)} of {size(tally.to_fetch)}"))
            if rate:
                parts.append((_RATE, f", {size(rate)}/s"))
        elapsed, done = now - self._progress.started, max(done, got)
        if elapsed > _SURE and done and (tally.expected - done) > 0:
            parts.append((_LEFT, f", {clock(elapsed * (tally.expected - done) / done)} left"))
        return parts

    def _works(self, rows: list[WorkAtHand], bars: bool) -> Iterator[str]:
        """Yield a line for each piece of work: what takes long, then the largest downloads."""
        for row in rows:
            if row.kind != "fetch" and (text := doing(row)):
                yield f"  {self._style(text, 'dim')}"
        for row in sorted(rows, key=lambda row: -row.total):
            if row.kind == "fetch" and (row.total >= _LARGE or time() - row.started > _OLD):
                bar = f" {self._bar(row.arrived / row.total)}" if bars and row.total > 0 else ""
                name = plain_label(row.name).ljust(28) if bars else plain_label(row.name)
                whole = f" of {size(row.total)}" if row.total > 0 else ""
                yield f"  {self._style(name, 'dim')}{bar} {size(row.arrived)}{whole}"

    def _states(self, now: float, rows: list[WorkAtHand]) -> list[str]:
        """Return a line for each environment, those that are done last."""
        progress, lines = self._progress, []
        width = max(map(len, progress.states), default=0)
        for name in sorted(progress.states, key=lambda name: name in progress.done):
            text, since = progress.states[name]
            if name in progress.done:
                text = self._style(progress.done[name], _STYLES.get(progress.done[name], "dim"))
            else:
                shared = open_phase()[0] if text == "waiting" else ""
                text = f"waits for all: {lowered(stage_doing(shared))}" if shared else text
                text = f"{text}{self._waits(name, rows)} ({clock(now - since)})"
            lines.append(f"  {name.ljust(width)}  {text}")
        return lines

    def _waits(self, name: str, rows: list[WorkAtHand]) -> str:
        """Return what an environment waits for, of the work at hand the oldest piece."""
        waiting = self._tally.waiting.get(name)
        if not waiting:
            return ""
        found = min((row for row in rows if row.name in waiting), key=lambda row: row.started, default=None)
        text = (
            f"{package_doing(found.kind) or found.kind} {plain_label(found.name)}"
            if found
            else plain_label(next(iter(waiting)))
        )
        return f", waits for {counted(len(waiting))}: {text}"

    def _bar(self, part: float) -> str:
        filled = min(_BAR, max(0, round(part * _BAR)))
        full, empty = ("#", "-") if self._plain else ("━", "─")
        return full * filled + self._style(empty * (_BAR - filled), "dim")


def as_wide_as(parts: "Sequence[Part]", width: int) -> str:
    """Return the texts of *parts* as a line of so many columns: those of high ranks are left out first."""
    kept = list(parts)
    while sum(_columns(text) for _, text in kept) > width and any(rank for rank, _ in kept):
        most = max(rank for rank, _ in kept)
        del kept[max(at for at, (rank, _) in enumerate(kept) if rank == most)]
    return "".join([text for _, text in kept])


def _columns(text: str) -> int:
    """Return how wide *text* is; escape sequences take no columns."""
    return sum(
        len(piece.partition("m")[2]) if number else len(piece)
        for number, piece in enumerate(text.split("\x1b"))
    )


def at_hand() -> list[WorkAtHand]:
    """Return the work at hand of all processes, the oldest first."""
    board = meter.board()
    return sorted(board.rows(), key=lambda row: row.started) if board else []


def doing(row: WorkAtHand) -> str:
    """Return what a piece of work does and since when, ``""`` for one that has just begun or that others sum up."""
    since = time() - row.started
    verb = package_doing(row.kind)
    return f"{verb} {plain_label(row.name)} ({clock(since)})" if verb and since >= _OLD else ""


def sought(rows: list[WorkAtHand], phase: str) -> list[str]:
    """Return how far a phase is, usually by what was read of indexes, and the packages that are asked for now."""
    board = meter.board()
    if board is None:
        return []
    counts, _ = board.counts()
    parts = []
    for kind, noun in _COUNTED.get(phase, _USUAL):
        most, done = meter.expected(kind), counts[kind]
        parts += [f"{done} of {counted(most, noun)}"] if most else [counted(done, noun)] if done else []
    if phase in _COUNTED:
        return parts
    names = dict.fromkeys([plain_label(row.name) for row in reversed(rows) if row.kind in ("page", "metadata")])
    return parts + list(names)[:2]


def plain_label(label: str) -> str:
    """Return the label of a task for people: ``numpy 1.2`` for ``numpy==1.2``."""
    return printable(label.replace("==", " "))


def lowered(text: str) -> str:
    """Return *text* with a small first letter."""
    return text[:1].lower() + text[1:]


def fitted(line: str, width: int) -> str:
    """Return *line* cut to so many columns; escape sequences take none."""
    if len(line) <= width and _SINGLE.issuperset(line):
        return line
    out, column, escaped = [], 0, False
    for character in line:
        if character == "\x1b":
            escaped = True
        if escaped:
            out.append(character)
            escaped = not character.isalpha()
            continue
        column += 2 if east_asian_width(character) in "WF" else 1
        if column <= width:
            out.append(character)
    return "".join(out)
