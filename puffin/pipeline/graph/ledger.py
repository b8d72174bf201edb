"""The graph and the ledger of a run: events in (outcomes), instructions out (units that can start)."""

import time

from puffin.errors import BUG, PuffinError
from puffin.pipeline.graph.task import CANCELLED, DONE, FAILED, Key, Outcome, Task
from puffin.types import Any, Callable, Iterable

Grow = Callable[[Task, Outcome], Iterable[Task]]
Attempted = Callable[[Task, Outcome], None]


Unit = tuple[Task, ...]


class BrokenGraph(PuffinError):
    """Tasks wait for each other, or for a task that is not there."""

    exit_code = BUG
    labels: tuple[str, ...]

    def summary(self) -> str:
        return f"The task graph cannot be run: {', '.join(f'`{label}`' for label in self.labels)} wait for each other"


class DependencyFailed(PuffinError):
    """A task was not run because one that it needs failed."""

    sentence = "`{label}` was not run because something it needs failed"
    label: str


def no_growth(_task: Task, _outcome: Outcome) -> "tuple[Task, ...]":
    """Grow nothing: the graph is complete as it stands."""
    return ()


def nobody_told(_task: Task, _outcome: Outcome) -> None:
    """Tell nobody of an attempt after which its task runs again."""


class Ledger:
    """What of a graph is waiting, running and done.

    Feed it with :meth:`record`, ask it with :meth:`take_ready`. A task with a key that is known already is
    the same work and is not added twice. ``grow`` sees each outcome and may answer with more tasks. After one that is
    done, one of them may have the key of a task that ``grows`` and waits, or has just run: it takes its place, and what
    depended on the former depends on it.
    ``attempted`` is told of attempts that are not the last of their task: their process died, or they asked for more;
    ``grown`` is when tasks joined that were not there from the start.
    """

    def __init__(
        self, tasks: "Iterable[Task]", grow: "Grow" = no_growth, attempted: "Attempted" = nobody_told
    ) -> None:
        self.tasks: dict[Key, Task] = {}
        self.outcomes: dict[Key, Outcome] = {}
        self._waiting: dict[Key, Task] = {}
        self._dependents: dict[Key, list[Key]] = {}
        self._running: set[Key] = set()
        self._grow = grow
        self.attempted = attempted
        self.grown: dict[Key, float] = {}
        self._add(tasks)

    def _add(self, tasks: "Iterable[Task]") -> "list[Outcome]":
        """Take *tasks* in; return the outcomes of those that need something which has failed already."""
        cancelled: list[Outcome] = []
        for task in tasks:
            if task.key in self.tasks and not self._is_open(task.key):
                continue
            self.tasks[task.key] = self._waiting[task.key] = task
            for key in task.dependencies:
                self._dependents.setdefault(key, []).append(task.key)
            if any(key in self.outcomes and self.outcomes[key].status != DONE for key in task.dependencies):
                cancelled += self._cancel_task(task.key)
        return cancelled

    def _is_open(self, key: "Key") -> bool:
        return self.tasks[key].grows and key not in self.outcomes and key not in self._running

    def take_ready(self) -> "list[Unit]":
        """Return the units that can start now, heaviest first; they count as running from here on.

        A unit is a task with all that depends on nothing else, so it runs in one process without handing
        anything over.
        """
        units = fuse_units(self._waiting, self.outcomes)
        for unit in units:
            for task in unit:
                del self._waiting[task.key]
                self._running.add(task.key)
        if not units and self._waiting and not self._running:
            raise BrokenGraph(labels=tuple(task.label for task in self._waiting.values()))
        return sorted(units, key=_order, reverse=True)

    def inputs_of(self, unit: "Unit") -> "dict[Key, Any]":
        """Return the results that *unit* needs from tasks outside it."""
        wanted = [key for task in unit for _, key in task.inputs]
        return {key: self.outcomes[key].result for key in wanted if key in self.outcomes}

    def record(self, outcome: Outcome) -> "list[Outcome]":
        """Take note of an outcome; return it with the outcomes that follow from it (cancelled dependents)."""
        if outcome.key in self.outcomes:
            return []
        self._settle(outcome)
        if outcome.status != DONE:
            return self._followed([outcome, *self._cancel(outcome)])
        try:
            former = self.tasks[outcome.key]
            grown = tuple(self._grow(former, outcome))
        except PuffinError as error:
            failed = Outcome(key=outcome.key, status=FAILED, error=error, worker=outcome.worker)
            self.outcomes[outcome.key] = failed
            return [failed, *self._followed(self._cancel(failed))]
        self._note_grown(grown)
        if any(task.key == outcome.key for task in grown):
            self.attempted(former, outcome)
            del self.outcomes[outcome.key]  # it asked for more, and runs again
            return self._followed(self._add(grown))
        return self._followed([outcome, *self._add(grown)])

    def _followed(self, said: "list[Outcome]") -> "list[Outcome]":
        """Return *said* with what follows from what grows where something was not done."""
        for each in said:  # grows meanwhile
            if each.status != DONE:
                grown = tuple(self._grow(self.tasks[each.key], each))
                self._note_grown(grown)
                said += self._add(grown)
        return said

    def _note_grown(self, grown: "tuple[Task, ...]") -> None:
        if grown:
            self.grown.update(dict.fromkeys([task.key for task in grown], time.time()))

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.key] = outcome
        self._waiting.pop(outcome.key, None)
        self._running.discard(outcome.key)

    def _cancel(self, cause: Outcome) -> "list[Outcome]":
        return [each for key in self._dependents.get(cause.key, ()) for each in self._cancel_task(key)]

    def _cancel_task(self, first: "Key") -> "list[Outcome]":
        cancelled = []
        stack = [first]
        while stack:
            key = stack.pop()
            if key in self.outcomes:
                continue
            error = DependencyFailed(label=self.tasks[key].label)
            outcome = Outcome(key=key, status=CANCELLED, error=error)
            self._settle(outcome)
            cancelled.append(outcome)
            stack.extend(self._dependents.get(key, ()))
        return cancelled

    @property
    def finished(self) -> bool:
        """Whether nothing is waiting or running."""
        return not self._waiting and not self._running

    def failures(self) -> "list[Outcome]":
        """Return the outcomes that failed themselves (not those cancelled in consequence)."""
        return [outcome for outcome in self.outcomes.values() if outcome.status == FAILED]


def fuse_units(waiting: "dict[Key, Task]", done: "dict[Key, Outcome]") -> "list[Unit]":
    """Partition the tasks that can start into units: a task with all tasks that need nothing outside the unit."""
    owner: dict[Key, int | None] = {}
    units: list[list[Task]] = []

    def place(task: Task) -> "int | None":
        homes = {home_of(key) for key in task.dependencies if key not in done}
        if not homes:
            units.append([])
            return len(units) - 1
        home = homes.pop()
        return None if homes or task.grows else home

    def home_of(key: "Key") -> "int | None":
        return owner[key] if key in waiting and not waiting[key].grows else None

    for task in in_order(waiting):
        home = owner[task.key] = place(task)
        if home is not None:
            units[home].append(task)
    return [tuple(unit) for unit in units]


def in_order(tasks: "dict[Key, Task]") -> "list[Task]":
    """Return *tasks* so that each follows those among them it depends on (:class:`BrokenGraph` on a cycle)."""
    ordered: list[Task] = []
    state: dict[Key, bool] = {}
    for root in tasks.values():
        stack = [root]
        while stack:
            task = stack[-1]
            if state.get(task.key) is None:
                state[task.key] = False
                pending = [
                    tasks[key] for key in task.dependencies if key in tasks and state.get(key) is not True
                ]
                if any(state.get(each.key) is False for each in pending):
                    raise BrokenGraph(labels=tuple(each.label for each in (*pending, task)))
                stack.extend(pending)
                continue
            stack.pop()
            if not state[task.key]:
                state[task.key] = True
                ordered.append(task)
    return ordered


def _order(unit: "Unit") -> "tuple[int, Key]":
    """Heavy units first; those of one weight by their hashes, so that no order of names puts a long one last."""
    return unit_weight(unit), unit[0].key


def unit_weight(unit: "Unit") -> int:
    """Return the work expected of a unit, in bytes."""
    return sum(task.weight for task in unit)
