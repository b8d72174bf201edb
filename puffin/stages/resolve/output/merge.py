"""From the answers for several regions to one list of packages, each with the marker of the environments that need it.

Pure. A package is needed where one of its parents is needed and the parent's requirement applies; of a package with
several versions, each is needed only in the regions that have it. Declared targets are regions too, of one
environment each, so that one planner merges both.
"""

from collections.abc import Iterable, Mapping, Sequence

from dep_logic.markers.base import BaseMarker

from puffin.stages.resolve.requirements.algebra import (
    ALWAYS,
    NEVER,
    as_marker,
    both,
    condition,
    either,
    for_extras,
    holds_somewhere,
    implies,
    simplified,
)
from puffin.stages.resolve.requirements.texts import requirement_parts
from puffin.stages.resolve.solve.regions import Answer
from puffin.stages.resolve.solve.request import Parent, Resolved
from puffin.value import frozen, replace

Key = tuple[str, str, str]
Node = tuple[Key, str]
Edge = tuple[Key, Parent]


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
    conditions = plan.conditions()
    found = []
    for key, packages in sorted(plan.packages.items(), key=lambda item: item[0][0]):
        alternatives = simplified(conditions.get((key, ""), NEVER), plan.whole)
        if alternatives:
            extras = tuple(
                [each for each in _extras(packages) if holds_somewhere(conditions.get((key, each), NEVER))]
            )
            found.append(Merged(package=_united(packages, extras), marker=as_marker(alternatives)))
    return tuple(found)


def _key(package: Resolved) -> Key:
    return package.name, package.version, package.url


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
    """The graph of all answers: which package needs which one, under which condition."""

    def __init__(self, answers: "Sequence[Answer]") -> None:
        self._regions = [condition(each.region) for each in answers]
        self.whole = either(*self._regions)
        self.packages: dict[Key, list[Resolved]] = {}
        self._chosen: list[dict[str, Key]] = []
        self._places: dict[Key, list[int]] = {}
        self._relative: dict[str, BaseMarker] = {}
        edges: dict[Edge, list[int]] = {}
        for place, answer in enumerate(answers):
            keys = {each.name: _key(each) for each in answer.resolution.packages}
            self._chosen.append(keys)
            for each in answer.resolution.packages:
                self.packages.setdefault(keys[each.name], []).append(each)
                self._places.setdefault(keys[each.name], []).append(place)
                for parent in each.via:
                    edges.setdefault((keys[each.name], parent), []).append(place)
        self._forked = {key for key in self.packages if sum(key[0] == other[0] for other in self.packages) > 1}
        self._edges = {edge: self._where(edge, places) for edge, places in edges.items()}

    def conditions(self) -> "Mapping[Node, BaseMarker]":
        """Return where each package, and each extra of one, is needed; those that are not reached are left out."""
        found: dict[Node, BaseMarker] = {}
        changed = True
        while changed:
            changed = False
            for (child, parent), where in self._edges.items():
                needed = self._needed(child, parent, where, found)
                for node in self._targets(child, parent):
                    known = found.get(node, NEVER)
                    if not implies(needed, known):
                        found[node] = self._short(either(known, needed))
                        changed = True
        return found

    def _targets(self, child: Key, parent: Parent) -> list[Node]:
        return [(child, ""), *[(child, extra) for extra in requirement_parts(parent.requirement)[1]]]

    def _needed(
        self, child: Key, parent: Parent, where: BaseMarker, found: "Mapping[Node, BaseMarker]"
    ) -> BaseMarker:
        """Return where a parent needs a package, as far as it is known where the parent itself is needed."""
        if not parent.name:
            return both(self._short(condition(parent.marker)), where)
        needed = NEVER
        for key in self._parents(child, parent):
            own = condition(parent.marker)
            for extra in ("", *self._asked(key)) if "extra" in parent.marker else ("",):
                applies = self._short(for_extras(own, frozenset([extra] if extra else [])))
                needed = either(needed, both(found.get((key, extra), NEVER), applies, where))
        return needed

    def _parents(self, child: Key, parent: Parent) -> list[Key]:
        """Return the keys of a parent: from an index, or from URLs."""
        keys = [self._chosen[place].get(parent.name) for place in self._places[child]]
        return list(dict.fromkeys(key for key in keys if key is not None and key[1] == parent.version))

    def _asked(self, key: Key) -> list[str]:
        return _extras(self.packages[key])

    def _where(self, edge: Edge, places: list[int]) -> BaseMarker:
        """Return where an edge counts: everywhere, unless the regions that have it are not those that it holds in.

        It counts only where the child has this version, and where a parent of one version has this requirement.
        """
        child, parent = edge
        if child not in self._forked and set(places) == set(self._expected(parent)):
            return ALWAYS
        return self._short(either(*[self._regions[place] for place in places]))

    def _expected(self, parent: Parent) -> "Iterable[int]":
        own = for_extras(condition(parent.marker), self._extras_of(parent.name)) if parent.marker else ALWAYS
        for place, region in enumerate(self._regions):
            key = self._chosen[place].get(parent.name) if parent.name else None
            if parent.name and (key is None or key[1] != parent.version):
                continue
            if holds_somewhere(both(region, own)):
                yield place

    def _extras_of(self, name: str) -> frozenset[str]:
        found = [
            each for key, packages in self.packages.items() if key[0] == name for each in _extras(packages)
        ]
        return frozenset(found)

    def _short(self, own: BaseMarker) -> BaseMarker:
        """Return a condition without what holds in all regions anyway."""
        if own.is_any() or own.is_empty():
            return own
        text = str(own)
        if text not in self._relative:
            alternatives = simplified(own, self.whole)
            self._relative[text] = condition(as_marker(alternatives)) if alternatives else NEVER
        return self._relative[text]
