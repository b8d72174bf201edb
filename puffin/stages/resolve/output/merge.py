"""From the answers for several regions to one list of packages, each with the marker of the environments that need it.

Pure. A package is needed where one of its parents is needed and the parent's requirement applies; of a package with
several versions, each is needed only in the regions that have it. Declared targets are regions too, of one
environment each, so that one planner merges both.
"""

from _operator import or_
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import product

from dep_logic.markers.base import BaseMarker

from puffin.errors import PuffinError
from puffin.stages.resolve.requirements.algebra import (
    Table,
    Term,
    as_marker,
    condition,
    for_extras,
    terms,
    without_odd,
)
from puffin.stages.resolve.solve.regions import Answer
from puffin.stages.resolve.solve.request import Parent, Resolved
from puffin.value import frozen, replace

Key = tuple[str, str, str]
Node = tuple[Key, str]
Edge = tuple[Key, Parent]
_MOST_POINTS = 1 << 22
Masks = dict[str, int]
"""Where something is needed: by everybody (under an empty key), and by those who select an extra or group."""


class TooManyEnvironments(PuffinError):
    """The markers of the packages tell more environments apart than can be looked at."""

    sentence = (
        "Failed to merge the answers for several environments: their markers distinguish too many environments"
    )
    hints: tuple[str, ...] = ("declare fewer `targets`, or resolve for each platform with `--python-platform`",)


@frozen
class Merged:
    """A package of the merged answer: its parents and extras are those of all regions. ``marker`` may be empty."""

    package: Resolved
    marker: str


def merge_answers(answers: "Sequence[Answer]") -> tuple[Merged, ...]:
    """Return the packages of all answers, sorted by name and then as the answers have them.

    What no environment needs is left out: a region may have an answer for more than any of its environments.
    """
    plan = _Plan(answers)
    needed = plan.needed()
    found = []
    for key, packages in sorted(plan.packages.items(), key=lambda item: item[0][0]):
        if masks := needed.get((key, "")):
            extras = tuple([each for each in _extras(packages) if (key, each) in needed])
            marker = as_marker(_alternatives(plan.table, masks))
            found.append(Merged(package=_united(packages, extras), marker=marker))
    return tuple(found)


def _alternatives(table: Table, masks: "Masks") -> list[Term]:
    """Return where a package is needed by everybody, and for each extra or group of the lock where it is besides."""
    always = masks.get("", 0)
    found = table.alternatives(always)
    for within, mask in sorted(masks.items()):
        if mask & ~always:
            found += [term | {(within, "==", "true")} for term in table.alternatives(mask | always)]
    return found


def _key(package: Resolved) -> Key:
    place = package.url or package.index
    return package.name, package.version, f"-e {place}" if package.editable else place


def _extras(packages: "Iterable[Resolved]") -> list[str]:
    return sorted({extra for each in packages for extra in each.extras})


def _united(packages: "Sequence[Resolved]", extras: tuple[str, ...]) -> Resolved:
    via = dict.fromkeys(parent for each in packages for parent in each.via if parent.name != each.name)
    return replace(
        packages[0],
        extras=extras,
        via=tuple(via),
        direct=any(each.direct for each in packages),
        hashes=tuple(dict.fromkeys(digest for each in packages for digest in each.hashes)),
        requires=tuple(sorted({name for each in packages for name in each.requires})),
    )


class _Plan:
    """The graph of all answers: which package needs which one, and in which environments.

    Sets of environments are bits of a :class:`Table`.
    """

    def __init__(self, answers: "Sequence[Answer]") -> None:
        self.packages: dict[Key, list[Resolved]] = {}
        self._chosen: list[dict[str, Key]] = []
        self._places: dict[Key, list[int]] = {}
        self._masks: dict[tuple[str, str], int] = {}
        self._edges: dict[Edge, list[int]] = {}
        self._asked: dict[str, set[str]] = defaultdict(set)
        for place, answer in enumerate(answers):
            self._take(place, answer.resolution.packages)
        regions = [condition(each.region) for each in answers]
        known = [*self._alternatives(), *[term for each in regions for term in terms(each)]]
        try:
            self.table, self._read = Table(known, most=_MOST_POINTS), terms
        except OverflowError:  # then odd comparisons count as met: a package too many is better than none
            self.table, self._read = _coarse_table(known), _coarse
        self._regions = [self.table.mask(self._read(each)) for each in regions]
        if sum(mask.bit_count() for mask in self._regions) > reduce(or_, self._regions, 0).bit_count():
            raise TooManyEnvironments  # no longer told apart
        self.table.full &= reduce(or_, self._regions, 0)
        self._versions = Counter(name for name, _, _ in self.packages)

    def _take(self, place: int, packages: "Sequence[Resolved]") -> None:
        keys = {each.name: _key(each) for each in packages}
        self._chosen.append(keys)
        for each in packages:
            self.packages.setdefault(keys[each.name], []).append(each)
            self._places.setdefault(keys[each.name], []).append(place)
            for parent in each.via:
                self._edges.setdefault((keys[each.name], parent), []).append(place)
                self._asked[each.name].update(parent.extras)

    def _alternatives(self) -> "Iterable[Term]":
        for _, parent in self._edges:
            for extra in self._ways(parent):
                yield from terms(_applying(parent.marker, extra))

    def _ways(self, parent: Parent) -> "Sequence[str]":
        """Return the extras of a parent by which it may need something; the empty one stands for the parent itself."""
        if "extra" not in parent.marker:
            return ("",)
        return ("", *sorted(self._asked[parent.name]))

    def needed(self) -> "Mapping[Node, Masks]":
        """Return where each package, and each extra of one, is needed; what is needed nowhere is left out."""
        edges = [
            (child, parent, self._where(child, parent, places))
            for (child, parent), places in self._edges.items()
        ]
        found: dict[Node, Masks] = {}
        changed = True
        while changed:
            changed = False
            for child, parent, where in edges:
                for within, reached in self._reached(child, parent, found).items():
                    for node in _targets(child, parent):
                        changed = _add(found, node, within, reached & where) or changed
        return found

    def _reached(self, child: Key, parent: Parent, found: "Mapping[Node, Masks]") -> Masks:
        """Return where a parent needs a package, as far as it is known where the parent itself is needed."""
        if not parent.name:
            return {parent.within: self._applies(parent.marker, "")}
        keys = dict.fromkeys(self._chosen[place].get(parent.name) for place in self._places[child])
        reached: Masks = {}
        for key, extra in product(keys, self._ways(parent)):
            if key is not None and key[1] == parent.version:
                for within, mask in found.get((key, extra), {}).items():
                    reached[within] = reached.get(within, 0) | mask & self._applies(parent.marker, extra)
        return reached

    def _applies(self, marker: str, extra: str) -> int:
        known = self._masks.get((marker, extra))
        if known is None:
            known = self._masks[marker, extra] = self.table.mask(self._read(_applying(marker, extra)))
        return known

    def _where(self, child: Key, parent: Parent, places: list[int]) -> int:
        """Return where an edge counts: everywhere, unless the regions that have it are not those where it holds.

        It counts only where the child has this version, and where a parent of one version has this requirement.
        """
        if self._versions[child[0]] == 1 and set(places) == set(self._expected(parent)):
            return self.table.full
        return reduce(or_, [self._regions[place] for place in places], 0)

    def _expected(self, parent: Parent) -> "Iterable[int]":
        applies = reduce(or_, [self._applies(parent.marker, extra) for extra in self._ways(parent)], 0)
        for place, region in enumerate(self._regions):
            key = self._chosen[place].get(parent.name)
            if (not parent.name or (key is not None and key[1] == parent.version)) and applies & region:
                yield place


def _add(found: dict[Node, Masks], node: Node, within: str, mask: int) -> bool:
    """Note that something is needed, and tell whether that is new."""
    known = found.get(node, {})
    if not mask & ~known.get(within, 0):
        return False
    found[node] = {**known, within: known.get(within, 0) | mask}
    return True


def _coarse_table(known: list[Term]) -> Table:
    try:
        return Table(without_odd(known), most=_MOST_POINTS)
    except OverflowError:
        raise TooManyEnvironments from None


def _coarse(own: BaseMarker) -> list[Term]:
    return without_odd(terms(own))


def _applying(marker: str, extra: str) -> BaseMarker:
    return for_extras(condition(marker), frozenset([extra] if extra else []))


def _targets(child: Key, parent: Parent) -> list[Node]:
    return [(child, ""), *[(child, extra) for extra in parent.extras]]
