"""What has been decided and concluded so far, in order, so that it can be taken back."""

from collections.abc import Callable

from puffin.stages.resolve.solve.incompatibility import Incompatibility, Slot


class Assignment:
    """One slot's choices became fewer: by a decision (no ``cause``), or because ``cause`` left no others."""

    __slots__ = ("after", "before", "cause", "level", "slot")

    def __init__(self, slot: Slot, before: int, after: int, cause: Incompatibility | None, level: int) -> None:
        self.slot = slot
        self.before = before
        self.after = after
        self.cause = cause
        self.level = level


class PartialSolution:
    """The choices left for each slot; ``level`` counts the decisions."""

    def __init__(self, everything: "Callable[[Slot], int]") -> None:
        self._everything = everything
        self._left: dict[Slot, int] = {}
        self._steps: list[Assignment] = []
        self._places: dict[Slot, list[int]] = {}
        self.decided: dict[Slot, int] = {}
        self.level = 0

    def left(self, slot: Slot) -> int:
        """Return the choices left for a slot."""
        known = self._left.get(slot)
        if known is None:
            known = self._left[slot] = self._everything(slot)
        return known

    def slots(self) -> "list[Slot]":
        """Return the slots that something is known of, in the order they came up."""
        return list(self._left)

    def conclude(self, slot: Slot, after: int, cause: Incompatibility) -> None:
        """Narrow a slot's choices, because of *cause*."""
        self._push(slot, after, cause)

    def decide(self, slot: Slot, index: int) -> None:
        """Choose one version for a slot."""
        self.level += 1
        self.decided[slot] = index
        self._push(slot, 1 << index, None)

    def _push(self, slot: Slot, after: int, cause: Incompatibility | None) -> None:
        before = self.left(slot)
        self._places.setdefault(slot, []).append(len(self._steps))
        self._steps.append(Assignment(slot, before, after, cause, self.level))
        self._left[slot] = after

    def return_to(self, level: int) -> None:
        """Take back all steps of higher levels."""
        while self._steps and self._steps[-1].level > level:
            step = self._steps.pop()
            self._places[step.slot].pop()
            self._left[step.slot] = step.before
            if step.cause is None:
                del self.decided[step.slot]
        self.level = level

    def since(self, slot: Slot, mask: int) -> int:
        """Return the place of the step that first left a slot only choices in *mask*; -1 if it always was so."""
        places = self._places.get(slot, [])
        for at in places:
            if not self._steps[at].before & ~mask:
                return -1 if at == places[0] else _previous(places, at)
        return places[-1] if places else -1

    def step(self, place: int) -> Assignment:
        """Return a step by its place."""
        return self._steps[place]

    def level_at(self, place: int) -> int:
        """Return the level of a step by its place; 0 before the first."""
        return self._steps[place].level if place >= 0 else 0


def _previous(places: list[int], at: int) -> int:
    return places[places.index(at) - 1]
