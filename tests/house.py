"""Measure how the code is laid out: ``python tests/house.py [CHECKOUT]``; the standard library is enough.

It prints a table of modules, import circles, imports inside functions, and names defined twice. ``--list KIND`` names
what a number counts. ``--check`` fails where a limit is passed or an import goes against the layers; both stand under
``[tool.house]`` in ``pyproject.toml``. Files that hold nothing but a docstring are no modules.

An import counts wherever it stands: at the top of a module, inside a function, for types only, or as a string of
the form ``"package.module:name"``.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

SHORT = 50  # a module of so many lines or fewer is short
MAX_LINES = 500
_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):[A-Za-z_][\w.]*")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, order=True)
class Edge:
    """An import of *target* in *source*, with its line; *kind* is module, function, types or string."""

    source: str
    target: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line} -> {self.target} ({self.kind})"


@dataclass
class Module:
    """What one module holds: its number of lines, its imports, and its public names."""

    name: str
    lines: int
    edges: list[Edge] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    classes: list[tuple[str, int]] = field(default_factory=list)
    functions: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Rules:
    """The limits of ``--check``, and the layers from bottom to top, each a list of packages.

    ``shared`` are the names of functions that a protocol asks for, so that several modules have them.
    """

    layers: tuple[tuple[str, ...], ...] = ()
    max_lines: int = MAX_LINES
    shared: tuple[str, ...] = ()
    limits: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(cls, path: Path) -> Rules:
        """Read ``[tool.house]`` of a TOML file; without one there are no layers, and the strict limits hold."""
        table: dict[str, Any] = {}
        if path.exists():
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("house", {})
        layers = tuple(tuple(layer) for layer in table.get("layers", ()))
        shared = tuple(table.get("shared-functions", ()))
        return cls(layers, table.get("max-lines", MAX_LINES), shared, tuple(table.get("limits", {}).items()))


class House:
    """All modules of a package, as a graph of imports."""

    def __init__(self, package: Path) -> None:
        self.package = package.name
        self.names = {_module_name(path, package): path for path in sorted(package.rglob("*.py"))}
        self.packages = {name for name, path in self.names.items() if path.name == "__init__.py"}
        read = (self._read(name, path) for name, path in self.names.items())
        self.modules = {module.name: module for module in read if module is not None}

    def _read(self, name: str, path: Path) -> Module | None:
        """Return what a module holds, or None if that is nothing but a docstring."""
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
        if len(tree.body) == bool(ast.get_docstring(tree)):
            return None
        module = Module(name, len(text.splitlines()))
        _Reader(self, module).visit(tree)
        return module

    def room(self, name: str) -> str:
        """Return the package that a module is in; a module at the top is a room of its own."""
        package = name if name in self.packages else name.rpartition(".")[0]
        return name if package == self.package else package

    @property
    def edges(self) -> list[Edge]:
        """Return the imports of one module in another."""
        return sorted({edge for module in self.modules.values() for edge in module.edges})

    def circles(self) -> list[list[str]]:
        """Return the groups of modules each of which leads to all others of its group by imports."""
        return _circles((edge.source, edge.target) for edge in self.edges)

    def room_circles(self) -> list[list[str]]:
        """Return the groups of packages each of which leads to all others of its group by imports."""
        return _circles((self.room(edge.source), self.room(edge.target)) for edge in self.edges)

    def within(self, circle: Iterable[str], *, rooms: bool = False) -> list[Edge]:
        """Return the imports that make a circle one."""
        inside = set(circle)
        place = self.room if rooms else str
        ends = [(edge, place(edge.source), place(edge.target)) for edge in self.edges]
        return [edge for edge, a, b in ends if a != b and a in inside and b in inside]

    def twice(self, kind: str) -> dict[str, list[str]]:
        """Return ``{name: places}`` of the public *kind* (``classes``, ``functions``) with several definitions."""
        found: dict[str, list[str]] = defaultdict(list)
        for module in self.modules.values():
            for name, line in getattr(module, kind):
                found[name].append(f"{module.name}:{line}")
        return {name: places for name, places in sorted(found.items()) if len(places) > 1}

    def breaches(self, layers: tuple[tuple[str, ...], ...]) -> list[str]:
        """Return what goes against *layers*: imports from below of what is above, and modules without a layer."""
        if not layers:
            return []
        heights = {package: height for height, layer in enumerate(layers) for package in layer}
        found = {name: self._height(name, heights) for name in self.modules if name != self.package}
        homeless = [f"{name} is in no layer" for name, height in found.items() if height is None]
        upward = [
            f"{edge} goes up"
            for edge in self.edges
            if (low := found.get(edge.source)) is not None
            and (high := found.get(edge.target)) is not None
            and low < high
        ]
        return homeless + upward

    def _height(self, name: str, heights: dict[str, int]) -> int | None:
        rest = name.removeprefix(self.package + ".")
        while rest:
            if rest in heights:
                return heights[rest]
            rest = rest.rpartition(".")[0]
        return None


class _Reader(ast.NodeVisitor):
    def __init__(self, house: House, module: Module) -> None:
        self._house = house
        self._module = module
        self._kind = "module"
        self._depth = 0  # of classes and functions

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            self._module.types.append(node.lineno)
            self._as("types", node.body)
            self._as(self._kind, node.orelse)
        elif isinstance(node, _FUNCTIONS):
            self._name(node)
            self._depth += 1
            self._as("function" if self._kind == "module" else self._kind, ast.iter_child_nodes(node))
            self._depth -= 1
        elif isinstance(node, ast.ClassDef):
            self._name(node)
            self._depth += 1
            self.generic_visit(node)
            self._depth -= 1
        else:
            super().visit(node)

    def _as(self, kind: str, nodes: Iterable[ast.AST]) -> None:
        before, self._kind = self._kind, kind
        for node in nodes:
            self.visit(node)
        self._kind = before

    def _name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef) -> None:
        name = getattr(node, "name", "_")
        if not self._depth and not name.startswith("_"):
            kind = self._module.classes if isinstance(node, ast.ClassDef) else self._module.functions
            kind.append((name, node.lineno))

    def visit_Import(self, node: ast.Import) -> None:
        self._import(node, [alias.name for alias in node.names])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            own = self._module.name.split(".")
            kept = len(own) - node.level + (self._module.name in self._house.packages)
            base = ".".join([*own[:kept], *([base] if base else [])])
        known = self._house.names
        names = [f"{base}.{alias.name}" for alias in node.names]
        self._import(node, [name if name in known else base for name in names])

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (found := _REFERENCE.fullmatch(node.value)):
            self._edge(found[1], node.lineno, "string")

    def _import(self, node: ast.stmt, targets: Iterable[str]) -> None:
        if self._kind == "function":
            self._module.late.append(node.lineno)
        for target in targets:
            self._edge(target, node.lineno, self._kind)

    def _edge(self, target: str, line: int, kind: str) -> None:
        if target in self._house.names and target != self._module.name:
            self._module.edges.append(Edge(self._module.name, target, line, kind))


def _module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _circles(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the strongly connected components of two members or more (Tarjan's algorithm, without recursion)."""
    graph: dict[str, set[str]] = defaultdict(set)
    for source, target in pairs:
        if source != target:
            graph[source].add(target)
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for root in sorted(graph):
        work: list[tuple[str, Iterator[str]]] = []
        if root not in order:
            _enter(root, graph, order, low, stack, work)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in order:
                    _enter(target, graph, order, low, stack, work)
                    break
                if target in stack:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    at = stack.index(node)
                    found.append(sorted(stack[at:]))
                    del stack[at:]
    return sorted(circle for circle in found if len(circle) > 1)


def _enter(
    node: str,
    graph: dict[str, set[str]],
    order: dict[str, int],
    low: dict[str, int],
    stack: list[str],
    work: list[tuple[str, Iterator[str]]],
) -> None:
    order[node] = low[node] = len(order)
    stack.append(node)
    work.append((node, iter(sorted(graph.get(node, ())))))


def listing(house: House, rules: Rules, kind: str) -> list[str]:
    """Return what the number *kind* counts, a line for each; the edges of a circle are indented beneath it."""
    modules = sorted(house.modules.values(), key=lambda module: (-module.lines, module.name))
    if kind in ("circles", "room-circles"):
        rooms = kind == "room-circles"
        lines = []
        for circle in house.room_circles() if rooms else house.circles():
            lines.append(f"{len(circle)}: {', '.join(circle)}")
            lines += [f"    {edge}" for edge in house.within(circle, rooms=rooms)]
        return lines
    if kind in ("classes", "functions"):
        shared = rules.shared if kind == "functions" else ()
        found = house.twice(kind).items()
        return [f"{name}: {', '.join(places)}" for name, places in found if name not in shared]
    if kind in ("late", "types"):
        found = [(module.name, getattr(module, kind)) for module in house.modules.values()]
        return [f"{len(at)} {name}: {', '.join(map(str, at))}" for name, at in sorted(found, key=_most) if at]
    if kind == "layers":
        return house.breaches(rules.layers)
    if kind == "short":
        return [f"{module.lines} {module.name}" for module in modules if module.lines <= SHORT]
    if kind == "long":
        return [f"{module.lines} {module.name}" for module in modules if module.lines > rules.max_lines]
    return [f"{module.lines} {module.name}" for module in modules]


def _most(item: tuple[str, list[int]]) -> tuple[int, str]:
    return -len(item[1]), item[0]


KINDS = {
    "modules": "modules",
    "long": "modules over the limit of lines",
    "short": f"modules of {SHORT} lines or fewer",
    "circles": "import circles (in functions, for types and by string counted)",
    "room-circles": "import circles between rooms",
    "layers": "breaches of layers",
    "late": "imports inside functions",
    "types": "blocks of imports for types",
    "classes": "public class names defined twice or more",
    "functions": "public functions defined twice or more",
}
CHECKED = ("long", "circles", "room-circles", "layers", "classes", "functions")


def count(house: House, rules: Rules, kind: str) -> int:
    """Return the number *kind* of the table."""
    if kind in ("late", "types"):
        return sum(len(getattr(module, kind)) for module in house.modules.values())
    return len([line for line in listing(house, rules, kind) if not line.startswith(" ")])


def table(house: House, rules: Rules) -> list[str]:
    """Return the table, a line for each number."""
    lines = [module.lines for module in house.modules.values()]
    sizes = {
        "lines of the product": sum(lines),
        "median lines of a module": round(median(lines)),
        "max lines of a module": max(lines),
    }
    rows = [("modules", len(lines)), *sizes.items()]
    rows += [(text, count(house, rules, kind)) for kind, text in KINDS.items() if kind != "modules"]
    circles = Counter(edge.kind for circle in house.circles() for edge in house.within(circle))
    rows += [(f"  imports of those circles: {kind}", number) for kind, number in sorted(circles.items())]
    rows.sort(key=lambda row: row[0].startswith(" "))
    return [f"{text:<66}{number:>8,}" for text, number in rows]


def check(house: House, rules: Rules) -> list[str]:
    """Return the numbers that pass their limit, each with what it counts; a limit that is not set is 0."""
    limits = dict(rules.limits)
    wrong = [
        f"[tool.house.limits] has `{kind}`, which is not checked" for kind in limits if kind not in CHECKED
    ]
    for kind in CHECKED:
        found, limit = count(house, rules, kind), limits.get(kind, 0)
        if found > limit:
            wrong.append(f"{KINDS[kind]}: {found}, and the limit is {limit}")
            wrong += [f"    {line}" for line in listing(house, rules, kind)]
    return wrong


def main(words: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 where ``--check`` finds something."""
    parser = argparse.ArgumentParser(description="Measure how the code is laid out.")
    parser.add_argument("checkout", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--package", default="puffin", help="the package to look at (default: puffin)")
    parser.add_argument("--config", type=Path, help="the file with [tool.house] (default: its pyproject.toml)")
    parser.add_argument("--check", action="store_true", help="fail where a limit is passed")
    parser.add_argument(
        "--list", choices=KINDS, metavar="KIND", help=f"name what is counted: {', '.join(KINDS)}"
    )
    options = parser.parse_args(words)
    house = House(options.checkout.resolve() / options.package)
    rules = Rules.read(options.config or options.checkout / "pyproject.toml")
    if options.list:
        print(*listing(house, rules, options.list), sep="\n")
        return 0
    print(*table(house, rules), sep="\n")
    wrong = check(house, rules) if options.check else []
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
