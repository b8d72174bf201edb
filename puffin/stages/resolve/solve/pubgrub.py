"""The search that learns from conflicts, for resolutions that the greedy pass does not end.

Each conflict is traced back to the decisions that led to it, and what follows is kept as a new statement of what
cannot be together; the same dead end is never entered twice, and when no decision is left to blame, the
statements used are the proof that there is no solution. The method is known as conflict-driven clause learning,
for packages as PubGrub (Natalie Weizenbaum, 2018). Sets of versions are integers here, a bit for each.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice

from puffin.stages.resolve.solve.eligible import Rejection
from puffin.stages.resolve.solve.given import Divided
from puffin.stages.resolve.solve.incompatibility import (
    Constrained,
    Depends,
    Incompatibility,
    Required,
    RuledOut,
    SameVersion,
    Slot,
    resolvent,
)
from puffin.stages.resolve.solve.package import Candidate, Package
from puffin.stages.resolve.solve.requirement import Need
from puffin.stages.resolve.solve.world import World

NONE = 1 << 63
"""The choice of not having the package at all; a bit that no version has."""


class Assignment:
    """One slot's choices became fewer: by a decision (no ``cause``), or because ``cause`` left no others."""

    __slots__ = ("after", "before", "cause", "level", "slot")

    def __init__(self, slot: Slot, before: int, after: int, cause: Incompatibility | None, level: int) -> None:
        self.slot = slot
        self.before = before
        self.after = after
        self.cause = cause
        self.level = level


class _Left(dict[Slot, int]):
    """The choices left for each slot: all there are, until something is known of it."""

    def __init__(self, everything: "Callable[[Slot], int]") -> None:
        super().__init__()
        self._everything = everything

    def __missing__(self, slot: Slot) -> int:
        known = self[slot] = self._everything(slot)
        return known


class PartialSolution:
    """The choices left for each slot; ``level`` counts the decisions.

    ``open`` are the slots that must have a version and are not decided.
    """

    def __init__(self, everything: "Callable[[Slot], int]") -> None:
        self.left = _Left(everything)
        self._steps: list[Assignment] = []
        self._places: dict[Slot, list[int]] = {}
        self.decided: dict[Slot, int] = {}
        self.open: set[Slot] = set()
        self.level = 0

    def conclude(self, slot: Slot, after: int, cause: Incompatibility) -> None:
        """Narrow a slot's choices, because of *cause*."""
        self._push(slot, after, cause)

    def decide(self, slot: Slot, index: int) -> None:
        self.level += 1
        self.decided[slot] = index
        self._push(slot, 1 << index, None)
        self.open.discard(slot)

    def _push(self, slot: Slot, after: int, cause: Incompatibility | None) -> None:
        before = self.left[slot]
        self._places.setdefault(slot, []).append(len(self._steps))
        self._steps.append(Assignment(slot, before, after, cause, self.level))
        self.left[slot] = after
        if before & NONE and not after & NONE:
            self.open.add(slot)

    def return_to(self, level: int) -> None:
        """Take back all steps of higher levels."""
        while self._steps and self._steps[-1].level > level:
            step = self._steps.pop()
            self._places[step.slot].pop()
            self.left[step.slot] = step.before
            if step.cause is None:
                del self.decided[step.slot]
                self.open.add(step.slot)
            if step.before & NONE:
                self.open.discard(step.slot)
        self.level = level

    def level_of(self, slot: Slot) -> int:
        """Return the level of the decision for a slot."""
        return self._steps[self._places[slot][-1]].level

    def from_the_start(self, slot: Slot) -> int:
        """Return the choices that no decision has taken from a slot."""
        steps, places = self._steps, self._places.get(slot, ())
        first = bisect_left(places, 1, key=lambda at: steps[at].level)
        return steps[places[first]].before if first < len(places) else self.left[slot]

    def since(self, slot: Slot, mask: int) -> int:
        """Return the place of the step that first left a slot only choices in *mask*; -1 if it always was so."""
        steps, places = self._steps, self._places.get(slot, ())
        beyond = ~mask
        # Choices only become fewer, so the steps are in order.
        later = bisect_left(places, True, key=lambda at: not steps[at].before & beyond)
        return places[later - 1] if later else -1

    def step(self, place: int) -> Assignment:
        return self._steps[place]

    def level_at(self, place: int) -> int:
        """Return the level of a step by its place; 0 before the first."""
        return self._steps[place].level if place >= 0 else 0


_CONFLICT: Slot = ("", "")
_HEAVY = 5  # conflicts until the order of decisions changes
_PINNED, _EARLY, _LATE, _USUAL = range(4)
_AHEAD = 100  # versions of a package that are announced at once, at most


class Unsolvable(Exception):
    """There is no solution; ``proof`` is the conclusion that needs no decision."""

    def __init__(self, proof: Incompatibility) -> None:
        super().__init__()
        self.proof = proof


class Exhausted(Exception):
    """The search took more than the allowed number of rounds; ``heavy`` are the packages that conflict most."""

    def __init__(self, heavy: tuple[str, ...]) -> None:
        super().__init__()
        self.heavy = heavy


class PubGrub:
    """Finds one version for each package that is needed, or a proof that there is none."""

    def __init__(self, world: World, max_rounds: int) -> None:
        self._world = world
        self._max_rounds = max_rounds
        self._solution = PartialSolution(self._everything)
        self._about: dict[Slot, dict[Incompatibility, None]] = defaultdict(dict)
        self._dependencies: dict[tuple[Slot, Need, Slot], Depends] = {}
        self._ruled_out: dict[tuple[Slot, Rejection], RuledOut] = {}
        self._noted: dict[Slot, int] = defaultdict(int)
        self._inert: dict[int, list[Incompatibility]] = defaultdict(list)
        self._victims: dict[str, int] = defaultdict(int)
        self._culprits: dict[str, int] = defaultdict(int)
        self._turns: dict[str, int] = {}
        self._postponed: list[str] = []
        self._pinned: set[str] = set()
        self._ahead: dict[Slot, int] = defaultdict(int)
        self._foreseen: dict[Slot, int] = defaultdict(int)
        self._order: dict[str, int] = {}
        self.rounds = 0

    def run(self) -> dict[str, Candidate]:
        """Return the candidates by package. Raises :class:`Unsolvable` and :class:`Exhausted`."""
        changed: list[Slot] = []
        for own in self._world.given.roots:
            for slot in slots_of(own):
                self._add(Required(slot, own, {slot: self._beyond(slot, own)}))
                self._meet(slot, own)
                changed.append(slot)
        while True:
            self._count()
            self._propagate(changed)
            self._reorder()
            following = self._next()
            if following is None:
                return self._chosen()
            changed = self._decide(following)

    def _count(self) -> None:
        self.rounds += 1
        if self.rounds > self._max_rounds:
            raise Exhausted(tuple(sorted(self._victims, key=self._victims.__getitem__, reverse=True)[:3]))

    # Sets of choices

    def _package(self, slot: Slot) -> Package:
        return self._world.package(slot[0])

    def _everything(self, slot: Slot) -> int:
        package = self._package(slot)
        self._order.setdefault(slot[0], len(self._order))
        return package.known | NONE

    def _beyond(self, slot: Slot, own: Need) -> int:
        """Return the choices that a need leaves out, none at all included."""
        return self._everything(slot) & ~self._package(slot).mask(own)

    # Statements

    def _add(self, statement: Incompatibility) -> None:
        for slot in statement.terms:
            self._about[slot][statement] = None

    def _extend(self, statement: Depends | RuledOut, slot: Slot, index: int) -> None:
        """Let a statement be about one more version, so that it counts again."""
        statement.versions |= 1 << index
        statement.terms[slot] |= 1 << index
        statement.inert = False
        self._add(statement)

    def _needs(self, slot: Slot, index: int, own: Need) -> "Iterator[Incompatibility]":
        """State that a version needs something: for the package, and for each extra of it."""
        for target in slots_of(own):
            known = self._dependencies.get((slot, own, target))
            if known is None:
                terms = {slot: 0, target: self._beyond(target, own)}
                known = self._dependencies[slot, own, target] = Depends(slot, target, own, terms)
                self._meet(target, own)
            self._extend(known, slot, index)
            yield known

    def _meet(self, slot: Slot, own: Need) -> None:
        """Take note of a need of a slot, and state the user's constraints on it, once."""
        if own.exact:
            self._pinned.add(own.name)
        if self._noted[slot] & NONE:
            return
        self._noted[slot] |= NONE
        for own in self._world.given.constraining(slot[0]):
            barred = self._beyond(slot, own) & ~NONE
            if barred:
                self._add(Constrained(slot, own, {slot: barred}))

    def _rule_out(self, slot: Slot, index: int) -> None:
        """State why a version cannot be used."""
        reason = self._package(slot).dead[index]
        known = self._ruled_out.get((slot, reason))
        if known is None:
            known = self._ruled_out[slot, reason] = RuledOut(slot, reason)
        self._extend(known, slot, index)

    # Conclusions

    def _propagate(self, changed: list[Slot]) -> None:
        """Draw all conclusions from slots that changed, learning from conflicts on the way."""
        pending = dict.fromkeys(changed)
        while pending:
            slot, _ = pending.popitem()
            for statement in list(reversed(self._about[slot])):
                narrowed = None if statement.inert else self._apply(statement)
                if narrowed is _CONFLICT:
                    self._count()
                    learned = self._learn(statement)
                    pending = dict.fromkeys(own for own in (self._apply(learned),) if own)
                    break
                if narrowed is not None:
                    pending[narrowed] = None

    def _apply(self, statement: Incompatibility) -> Slot | None:
        """Narrow the one slot that a statement leaves open, and return it; ``_CONFLICT`` if all its terms hold."""
        open_slot: Slot | None = None
        lefts = self._solution.left
        for slot, mask in statement.terms.items():
            left = lefts[slot]
            if left & ~mask:
                if not left & mask:
                    self._rest(statement)
                    return None
                if open_slot is not None:
                    return None
                open_slot = slot
        if open_slot is None:
            return _CONFLICT
        self._solution.conclude(open_slot, lefts[open_slot] & ~statement.terms[open_slot], statement)
        self._rest(statement)
        return open_slot

    def _rest(self, statement: Incompatibility) -> None:
        """Pass a statement over until this level is left, or drop it if that never is: one of its terms cannot hold."""
        statement.inert = True
        if self._solution.level:
            self._inert[self._solution.level].append(statement)
            return
        for slot in statement.terms:
            del self._about[slot][statement]

    def _return_to(self, level: int) -> None:
        for left in range(level + 1, self._solution.level + 1):
            for statement in self._inert.pop(left, ()):
                statement.inert = False
        self._solution.return_to(level)

    def _learn(self, conflict: Incompatibility) -> Incompatibility:
        """Return what a conflict teaches, having gone back to where it can be applied. Raises :class:`Unsolvable`."""
        solution = self._solution
        known = conflict
        while True:
            if not known.terms:
                raise Unsolvable(known)
            since = {slot: solution.since(slot, mask) for slot, mask in known.terms.items()}
            last = max(since, key=since.__getitem__)
            if since[last] < 0:  # the terms hold from the start: nothing can be blamed
                raise Unsolvable(known)
            step = solution.step(since[last])
            previous = max((solution.level_at(at) for slot, at in since.items() if slot != last), default=0)
            if step.cause is not None:
                union = known.terms[last] | step.cause.terms[last]
                if self._everything(last) & ~union:
                    previous = max(previous, solution.level_at(solution.since(last, union)))
            if step.cause is None or previous < step.level:
                self._return_to(previous)
                if known is not conflict:
                    self._add(known)
                self._blame(last, known)
                return known
            known = resolvent(known, step.cause, last, self._everything(last))
            self._blame(last, known)

    def _blame(self, slot: Slot, statement: Incompatibility) -> None:
        """Count a conflict of a package with others."""
        name = slot[0]
        others = {other for other, _ in statement.terms if other != name}
        self._victims[name] += bool(others)
        if others and self._victims[name] == _HEAVY:
            self._turns[name] = _EARLY
            self._postponed.append(name)
        for other in others:
            self._culprits[other] += 1
            if self._culprits[other] == _HEAVY:
                self._turns[other] = _LATE
                self._postponed.append(other)

    def _reorder(self) -> None:
        """Take back the decisions for packages whose turn changes, and those after them.

        Of two packages that conflict often, the victim is decided first from now on, and the culprit has to fit it.
        """
        for name in self._postponed:
            levels = [self._solution.level_of(slot) for slot in self._solution.decided if slot[0] == name]
            if levels:
                self._return_to(min(levels) - 1)
        self._postponed.clear()

    # Decisions

    def _next(self) -> Slot | None:
        """Return the slot to decide next: what must be there and is open; None if all are decided."""
        return min(self._solution.open, key=self._priority, default=None)

    def _priority(self, slot: Slot) -> tuple[int, int, str]:
        """Return a sort key: pins first, then what conflicts often, then what came up first.

        A pin that conflicts often is none: it may be that of a version which was given up.
        """
        name = slot[0]
        usual = _PINNED if name in self._pinned else _USUAL
        return self._turns.get(name, usual), self._order[name], slot[1]

    def _decide(self, slot: Slot) -> list[Slot]:
        """Choose the best version, unless what it needs forbids it; return the slots to look at."""
        package = self._package(slot)
        index = self._best(slot)
        if index is None:
            return self._at_odds(slot)
        self._look_ahead(slot, index)
        needs = self._world.requires(package, index, frozenset([slot[1]] if slot[1] else []))
        if needs is None:
            self._rule_out(slot, index)
            return [slot]
        stated = self._state(slot, index, [own for own, _ in needs])
        violated = next((each for each in stated if self._forbids(each, slot)), None)
        if violated is None:
            self._solution.decide(slot, index)
        else:
            self._blame(slot, violated)
        return [slot]

    def _best(self, slot: Slot) -> int | None:
        """Return the best version left; statements about those ruled out are made on the way. None if there is none."""
        package = self._package(slot)
        left = self._solution.left[slot]
        if slot[1]:
            left &= self._solution.left[slot[0], ""]
        for index in package.ordered(left):
            if package.admitted(index, left):
                return index
            self._rule_out(slot, index)
        return None

    def _look_ahead(self, slot: Slot, index: int) -> None:
        """Announce the next versions of a package if *index* was not announced, or half of the announced were read.

        The number doubles each time, because most versions of a package that is tried often will be read. Nothing is
        announced after the first version.
        """
        if self._package(slot).read(index):
            return
        ahead, unread = self._ahead[slot], ~NONE & ~self._noted[slot] & ~(1 << index)
        waiting = 0
        if self._foreseen[slot] >> index & 1:
            waiting = (self._foreseen[slot] & unread & self._solution.from_the_start(slot)).bit_count()
            if 2 * waiting >= ahead:
                return
        self._ahead[slot] = min(max(2 * ahead, 1), _AHEAD)
        if ahead:
            following = list(islice(self._following(slot, unread), self._ahead[slot] - waiting))
            self._foreseen[slot] |= sum(1 << each for each in following)
            self._world.likely(self._package(slot), following)

    def _following(self, slot: Slot, unread: int) -> Iterator[int]:
        """Yield versions with a wheel that may be read next: those that are left, then all that no decision took."""
        package, solution = self._package(slot), self._solution
        new = unread & ~self._foreseen[slot]
        now = solution.left[slot] & new
        for mask in (now, solution.from_the_start(slot) & new & ~now):
            for index in package.ordered(mask):
                if package.has_wheel(index) and _is_admitted(package, index):
                    yield index

    def _at_odds(self, slot: Slot) -> list[Slot]:
        """State that an extra is of its package's version, where no version is left for both."""
        base = (slot[0], "")
        if slot[1] and not self._solution.left[slot] & self._solution.left[base]:
            mask = self._solution.left[slot]
            self._add(SameVersion({slot: mask, base: self._everything(base) & ~mask}))
        return [slot]

    def _state(self, slot: Slot, index: int, needs: list[Need]) -> list[Incompatibility]:
        """State what a version needs, once; return what is new."""
        if self._noted[slot] >> index & 1:
            return []
        self._noted[slot] |= 1 << index
        self._world.announce(needs)
        stated = [each for own in needs for each in self._needs(slot, index, own)]
        for own in needs:
            self._expect_best((own.name, ""))
        if slot[1]:
            base = (slot[0], "")
            bit = 1 << index
            stated.append(SameVersion({slot: bit, base: self._everything(base) & ~bit}))
            self._add(stated[-1])
        return stated

    def _expect_best(self, slot: Slot) -> None:
        """Announce the version that will probably be chosen."""
        package = self._package(slot)
        if slot not in self._solution.decided:
            left = self._solution.left[slot] & ~NONE
            best = (index for index in package.ordered(left) if _is_admitted(package, index))
            self._world.likely(package, islice(best, 1))

    def _forbids(self, statement: Incompatibility, slot: Slot) -> bool:
        """Tell whether a statement about a version rules it out by what is left of other packages."""
        left = self._solution.left
        return not any(left[other] & ~mask for other, mask in statement.terms.items() if other != slot)

    def _chosen(self) -> dict[str, Candidate]:
        extras: dict[str, set[str]] = defaultdict(set)
        for name, extra in self._solution.decided:
            extras[name].update([extra] if extra else [])
        decided = self._solution.decided
        return {
            name: self._world.package(name).candidate(index, frozenset(extras[name]))
            for (name, extra), index in decided.items()
            if not extra
        }


def slots_of(own: Need) -> list[Slot]:
    """Return the slots that a need is about: the package itself, then each of its extras."""
    return [(own.name, ""), *((own.name, extra) for extra in sorted(own.extras))]


def _is_admitted(package: Package, index: int) -> bool:
    """Tell whether a version may be tried in the whole region: the search may never come to one that divides it."""
    try:
        return package.admitted(index)
    except Divided:
        return False
