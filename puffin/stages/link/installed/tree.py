"""The dependency tree of the installed distributions, as lines. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from puffin.stages.link.installed.demands import demands, fits
from puffin.stages.link.installed.requires import Requires
from puffin.value import frozen

DEPTH = 255
_SHOWN = "(*) Package tree already displayed"
_CYCLE = "(*) Package tree is a cycle and cannot be shown"


@frozen
class Edge:
    """That one distribution wants another; ``to`` is the one the tree goes on with, by its index.

    ``name`` is the package that is wanted, with ``extras`` and a ``specifier`` of the versions.
    """

    to: int
    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""


def tree_lines(
    installed: "Sequence[Requires]",
    markers: "Mapping[str, str]",
    *,
    invert: bool = False,
    depth: int = DEPTH,
    packages: "Collection[str]" = (),
    prune: "Collection[str]" = (),
    dedupe: bool = True,
    specifiers: bool = False,
    latest: "Mapping[str, str] | None" = None,
) -> list[str]:
    """Return the tree of who requires what, or with *invert* of who is required by what.

    Roots are what nobody (else) requires, one for each circle; with *packages*, those of them that are not in
    the tree of another. *prune* leaves packages out as if they were not there. What was shown is marked
    ``(*)`` and not shown again, except without *dedupe*, where only circles are cut. Names are normalised. *latest*
    are the newest versions of those that are not.
    """
    rows = sorted(installed, key=lambda each: (each.name, each.version, each.path))
    pruned = {at for at, each in enumerate(rows) if each.name in prune}
    graph = _without(edges(rows, markers), pruned)
    if invert:
        graph = _inverted(graph)
    chosen = [
        at for at, each in enumerate(rows) if at not in pruned and (not packages or each.name in packages)
    ]
    drawing = _Drawing(rows, graph, invert=invert, depth=depth, dedupe=dedupe, specifiers=specifiers)
    drawing.latest = latest or {}
    lines = [line for root in roots(graph, chosen) for line in drawing.draw(root)]
    if drawing.marked:
        lines.append(_SHOWN if dedupe else _CYCLE)
    return lines


def edges(installed: "Sequence[Requires]", markers: "Mapping[str, str]") -> list[list[Edge]]:
    """Return the requirements of each distribution on the others, sorted by name.

    A package that is there twice is wanted in the versions that fit; where none does, in all of them.
    """
    places: dict[str, list[int]] = {}
    for at, each in enumerate(installed):
        places.setdefault(each.name, []).append(at)
    found: list[dict[int, Edge]] = [{} for _ in installed]
    for demand in demands(installed, markers):
        there = places.get(demand.name, [])
        fitting = [at for at in there if fits(demand.specifier, installed[at].version)]
        for at in fitting or there:
            if installed[demand.source].name != demand.name:
                edge = Edge(to=at, name=demand.name, extras=demand.extras, specifier=demand.specifier)
                found[demand.source][at] = _merged(found[demand.source].get(at), edge)
    return [[row[at] for at in sorted(row)] for row in found]


def roots(graph: "Sequence[Sequence[Edge]]", chosen: "Sequence[int]") -> list[int]:
    """Return those of *chosen* that none of the others leads to; of a circle, its first."""
    wanted = {edge.to for row in graph for edge in row}
    found = [at for at in chosen if at not in wanted]
    covered: set[int] = set()
    for at in found:
        _reach(graph, at, covered)
    left = [at for at in chosen if at not in covered]
    reach = {at: _reach(graph, at, set()) for at in left}
    for at in left:
        if at not in covered and all(other in reach[at] for other in left if at in reach[other]):
            found.append(at)
            covered |= reach[at]
    return sorted(found)


def _reach(graph: "Sequence[Sequence[Edge]]", start: int, seen: set[int]) -> set[int]:
    ahead = [start]
    while ahead:
        at = ahead.pop()
        if at not in seen:
            seen.add(at)
            ahead += [edge.to for edge in graph[at]]
    return seen


def _merged(one: Edge | None, other: Edge) -> Edge:
    if one is None:
        return other
    clauses = sorted({part for text in (one.specifier, other.specifier) for part in text.split(",") if part})
    extras = tuple(sorted({*one.extras, *other.extras}))
    return Edge(to=other.to, name=other.name, extras=extras, specifier=",".join(clauses))


def _without(graph: list[list[Edge]], gone: set[int]) -> list[list[Edge]]:
    return [
        [] if source in gone else [edge for edge in row if edge.to not in gone]
        for source, row in enumerate(graph)
    ]


def _inverted(graph: list[list[Edge]]) -> list[list[Edge]]:
    found: list[list[Edge]] = [[] for _ in graph]
    for source, row in enumerate(graph):
        for edge in row:
            back = Edge(to=source, name=edge.name, extras=edge.extras, specifier=edge.specifier)
            found[edge.to].append(back)
    return found


@frozen
class _Step:
    """A line to be drawn: where, what leads there, and what stands before it and its children."""

    at: int
    edge: Edge | None
    path: tuple[int, ...]
    lead: str
    indent: str


class _Drawing:
    def __init__(
        self,
        installed: "Sequence[Requires]",
        graph: list[list[Edge]],
        *,
        invert: bool,
        depth: int,
        dedupe: bool,
        specifiers: bool,
    ) -> None:
        self._installed = installed
        self._graph = graph
        self._invert = invert
        self._depth = depth
        self._dedupe = dedupe
        self._specifiers = specifiers
        self._seen: set[int] = set()
        self.marked = False
        self.latest: Mapping[str, str] = {}

    def draw(self, root: int) -> "Iterator[str]":
        """Yield the lines of the tree beneath *root*."""
        steps = [_Step(at=root, edge=None, path=(), lead="", indent="")]
        while steps:
            step = steps.pop()
            cut = bool(self._graph[step.at]) and step.at in (self._seen if self._dedupe else step.path)
            self.marked = self.marked or cut
            yield f"{step.lead}{self._label(step)}{' (*)' if cut else ''}"
            self._seen.add(step.at)
            if not cut and len(step.path) < self._depth:
                steps += reversed(self._children(step))

    def _children(self, step: _Step) -> list[_Step]:
        row = self._graph[step.at]
        path = (*step.path, step.at)
        return [
            _Step(
                at=edge.to,
                edge=edge,
                path=path,
                lead=step.indent + ("└── " if edge is row[-1] else "├── "),
                indent=step.indent + ("    " if edge is row[-1] else "│   "),
            )
            for edge in row
        ]

    def _label(self, step: _Step) -> str:
        newer = self.latest.get(self._installed[step.at].name, "")
        return f"{self._plain_label(step)}{newer and f' (latest: v{newer})'}"

    def _plain_label(self, step: _Step) -> str:
        each = self._installed[step.at]
        version = f" v{each.version}" if each.version else ""
        if step.edge is None:
            return f"{each.name}{version}"
        extras = f"[{','.join(step.edge.extras)}]" if step.edge.extras else ""
        limit = step.edge.specifier or "*"
        if self._invert:
            told = f" [requires: {step.edge.name}{extras} {limit}]" if self._specifiers else ""
            return f"{each.name}{version}{told}"
        return f"{each.name}{extras}{version}" + (f" [required: {limit}]" if self._specifiers else "")
