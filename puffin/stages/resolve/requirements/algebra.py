"""Markers (PEP 508) as conditions that can be joined, inverted and compared. The algebra is dep-logic's.

Only universal resolutions import this module. Before dep-logic gets a marker, each comparison is brought into one of
few forms, so that different spellings of one condition are the same: ``python_version`` and ``python_full_version``
become bounds of the full version, ``platform_system == "Windows"`` becomes ``sys_platform == "win32"``. A comparison
that has no such form, for example ``"arm" in platform_machine``, counts as a variable of its own.
"""

import re
from _operator import and_, or_
from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from itertools import groupby, product
from typing import Any

from dep_logic.markers import AnyMarker, EmptyMarker, MarkerExpression, MarkerUnion, MultiMarker
from dep_logic.markers.base import BaseMarker
from dep_logic.markers.single import EqualityMarkerUnion, InequalityMultiMarker
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import Version

from puffin.names import normalise
from puffin.stages.resolve.requirements.texts import marker_of, version_of

ALWAYS: BaseMarker = AnyMarker()
NEVER: BaseMarker = EmptyMarker()
PYTHON = "python_full_version"

_NEWEST_MINOR = 60  # Python 3.60 and newer do not count
_MOST_POINTS = 1 << 16
_SAME = {
    ("platform_system", "Linux"): ("sys_platform", "linux"),
    ("platform_system", "Darwin"): ("sys_platform", "darwin"),
    ("platform_system", "Windows"): ("sys_platform", "win32"),
    ("platform_python_implementation", "CPython"): ("implementation_name", "cpython"),
    ("platform_python_implementation", "PyPy"): ("implementation_name", "pypy"),
}
_MINOR = re.compile(r"(3)\.(\d+)", re.ASCII).fullmatch
_USUAL = ("<", "<=", "==", "!=", ">=", ">")
_STRINGS = frozenset(
    ("os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_system",
     "implementation_name")
)  # fmt: skip
# what cannot hold together: no system has both
_SYSTEM_OF_NAME = {
    "nt": ("win32",),
    "posix": ("linux", "darwin", "cygwin", "aix", "android", "ios", "emscripten"),
}
_REFLECTED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INVERTED = {
    "==": "!=", "!=": "==", "in": "not in", "not in": "in", "<": ">=", ">=": "<", ">": "<=", "<=": ">"
}  # fmt: skip

Atom = tuple[str, str, str]
"""A variable, ``==``, ``!=``, ``>=`` or ``<``, and a value. The variable of an odd comparison is its text."""
Term = frozenset[Atom]


@lru_cache(maxsize=20_000)
def condition(marker: str) -> BaseMarker:
    """Return the condition of a marker, that of an empty one holds always. Raises ``ValueError``."""
    return _built(marker_of(marker)._markers) if marker else ALWAYS


@lru_cache(maxsize=20_000)
def both(*conditions: BaseMarker) -> BaseMarker:
    """Return the condition that holds where all of *conditions* hold."""
    found: list[Term] = [frozenset()]
    for own in conditions:
        joined = {one | other for one in found for other in terms(own)}
        found = [term for each in _sorted(joined) for term in terms(_of_term(each)) if not _impossible(term)]
        found = _fewest(found)
    return _of_terms(found)


@lru_cache(maxsize=20_000)
def either(*conditions: BaseMarker) -> BaseMarker:
    """Return the condition that holds where one of *conditions* holds."""
    return _of_terms(_fewest([term for own in conditions for term in terms(own)]))


@lru_cache(maxsize=20_000)
def opposite(own: BaseMarker) -> BaseMarker:
    """Return the condition that holds where *own* does not."""
    return both(*[either(*[~MarkerExpression(*atom) for atom in sorted(term)]) for term in terms(own)])


def holds_somewhere(own: BaseMarker) -> bool:
    """Tell whether there is an environment in which the condition holds."""
    return not own.is_empty()


@lru_cache(maxsize=20_000)
def for_extras(own: BaseMarker, extras: frozenset[str]) -> BaseMarker:
    """Return the condition without its clauses on ``extra``: these hold for *extras*, and for no other."""
    if isinstance(own, MultiMarker):
        return reduce(
            lambda one, other: one & other, [for_extras(each, extras) for each in own.markers], ALWAYS
        )
    if isinstance(own, MarkerUnion):
        return either(*[for_extras(each, extras) for each in own.markers])
    if getattr(own, "name", "") != "extra":
        return own
    values = [own.value] if isinstance(own, MarkerExpression) else own.values  # type: ignore[attr-defined]
    asked = any(each in extras for each in values)
    positive = isinstance(own, EqualityMarkerUnion) or (isinstance(own, MarkerExpression) and own.op == "==")
    return ALWAYS if asked is positive else NEVER


def terms(own: BaseMarker) -> list[Term]:
    """Return the condition as alternatives, each of which is a set of comparisons; none for what never holds."""
    if own.is_empty():
        return []
    if isinstance(own, MarkerUnion):
        return [term for each in own.markers for term in terms(each)]
    if isinstance(own, MultiMarker):
        found: list[Term] = [frozenset()]
        for each in own.markers:
            found = [one | other for one in found for other in terms(each)]
        return found
    if isinstance(own, EqualityMarkerUnion):
        return [frozenset(((own.name, "==", value),)) for value in own.values]
    if isinstance(own, InequalityMultiMarker):
        return [frozenset((own.name, "!=", value) for value in own.values)]
    if isinstance(own, MarkerExpression):
        return _ranges(own) if own.name == PYTHON else [frozenset(((own.name, own.op, own.value),))]
    return [frozenset()]


def _ranges(own: MarkerExpression) -> list[Term]:
    specifier: Any = own.specifier
    found = []
    for each in getattr(specifier, "ranges", (specifier,)):
        lower = [(PYTHON, ">=", str(each.min))] if each.min is not None else []
        upper = [(PYTHON, "<", str(each.max))] if each.max is not None else []
        found.append(frozenset((*lower, *upper)))
    return found


def _of_term(term: Term) -> BaseMarker:
    return reduce(lambda one, other: one & other, [MarkerExpression(*atom) for atom in sorted(term)], ALWAYS)


def _of_terms(alternatives: list[Term]) -> BaseMarker:
    """Return the condition of alternatives: `MarkerUnion.of` would take exponential time to shorten many of them."""
    if not alternatives or frozenset() in alternatives:
        return ALWAYS if alternatives else NEVER
    found = [_of_term(term) for term in alternatives]
    return found[0] if len(found) == 1 else MarkerUnion(*found)


def _sorted(alternatives: Iterable[Term]) -> list[Term]:
    return sorted(set(alternatives), key=lambda term: (len(term), sorted(term)))


def _impossible(term: Term) -> bool:
    equal = {name: value for name, operator, value in term if operator == "=="}
    name, system = equal.get("os_name"), equal.get("sys_platform")
    others = [each for each, systems in _SYSTEM_OF_NAME.items() if system in systems]
    return name in _SYSTEM_OF_NAME and bool(others) and name not in others


# From the comparisons of a marker to those above


def _built(parsed: Any) -> BaseMarker:
    if isinstance(parsed, tuple):
        left, operator, right = (getattr(part, "value", str(part)) for part in parsed)
        return _compared(left, operator, right, swapped=type(parsed[0]).__name__ != "Variable")
    groups: list[list[BaseMarker]] = [[]]
    for each in parsed:
        if each == "or":
            groups.append([])
        elif each != "and":
            groups[-1].append(_built(each))
    return either(*[both(*group) for group in groups])


def _compared(left: str, operator: str, right: str, *, swapped: bool) -> BaseMarker:
    name, value = (right, left) if swapped else (left, right)
    if not (swapped and operator in ("in", "not in")):
        plain = _REFLECTED.get(operator, operator) if swapped else operator
        if name in ("python_version", PYTHON):
            return _python(name, plain, value)
        if name == "extra" and plain in ("==", "!="):
            return MarkerExpression(name, plain, normalise(value))
        if name in _STRINGS and plain in ("==", "!="):
            same, known = _SAME.get((name, value), (name, value))
            return MarkerExpression(same, plain, known)
        if name in _STRINGS and plain in ("in", "not in"):
            found = either(*[_compared(name, "==", each, swapped=False) for each in _listed(value)])
            return found if plain == "in" else opposite(found)
    return _odd(left, operator, right, swapped=swapped)


def _listed(value: str) -> list[str]:
    return value.replace(",", " ").replace(";", " ").replace("|", " ").split()


def _odd(left: str, operator: str, right: str, *, swapped: bool) -> BaseMarker:
    """Return a comparison as a variable of its own, the same one for a comparison and its opposite."""
    text, other = (_written(left, each, right, swapped) for each in (operator, _INVERTED.get(operator, "")))
    first = other == "" or operator in ("==", "in", ">=", "<=")
    return MarkerExpression(text if first else other, "==" if first else "!=", "true")


def _written(left: str, operator: str, right: str, swapped: bool) -> str:
    if not operator:
        return ""
    return f"{_quoted(left)} {operator} {right}" if swapped else f"{left} {operator} {_quoted(right)}"


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _python(name: str, operator: str, value: str) -> BaseMarker:
    """Return a comparison of the Python version as bounds of the full version."""
    if name == PYTHON and operator == "~=":
        return both(_python(name, ">=", value), _python(name, "==", f"{value.rpartition('.')[0]}.*"))
    if name == "python_version" and (minor := _MINOR(value)) and operator in _USUAL:
        return _bounded(operator, f"{value}.0", f"{minor[1]}.{int(minor[2]) + 1}.0")
    if name == "python_version" or value.endswith(".*"):
        return _stretches([_holds(f"3.{minor}", operator, value) for minor in range(_NEWEST_MINOR)])
    try:
        version = version_of(value)
    except ValueError:
        return _odd(name, operator, value, swapped=False)
    release = (*version.release, 0, 0)[:3]
    exact = ".".join(map(str, release)) + "".join(map(str, version.pre or ()))
    after = f"{release[0]}.{release[1]}.{release[2] + (not version.is_prerelease)}"
    return _bounded(operator, exact, after)


def _bounded(operator: str, exact: str, after: str) -> BaseMarker:
    """Return the versions that compare by *operator* with those from *exact* to *after*, which is the next one."""
    below, beyond = MarkerExpression(PYTHON, "<", exact), MarkerExpression(PYTHON, ">=", after)
    if operator == "!=":
        return either(below, beyond)
    known = {"<": below, ">=": ~below, ">": beyond, "<=": ~beyond}
    return known[operator] if operator in known else ~below & ~beyond


@lru_cache(maxsize=4096)
def _holds(version: str, operator: str, value: str) -> bool:
    if operator in ("in", "not in"):
        return (version in _listed(value)) is (operator == "in")
    try:
        return Specifier(f"{operator}{value}").contains(version, prereleases=True)
    except InvalidSpecifier:
        raise ValueError(f"`{operator} {value}` cannot be compared with a version of Python") from None


def _stretches(holding: list[bool]) -> BaseMarker:
    """Return the minor versions of Python 3 that are *holding*, as bounds."""
    found: list[BaseMarker] = []
    for inside, group in groupby(range(_NEWEST_MINOR), holding.__getitem__):
        minors = list(group)
        lower = MarkerExpression(PYTHON, ">=", f"3.{minors[0]}.0") if minors[0] else ALWAYS
        upper = MarkerExpression(PYTHON, "<", f"3.{minors[-1] + 1}.0")
        if inside:
            found.append(lower & upper if minors[-1] < _NEWEST_MINOR - 1 else lower)
    return either(*found)


# What a condition says, in few words


class Table:
    """All environments that some conditions can tell apart, as bits: decides what dep-logic leaves open.

    Raises :class:`OverflowError` if there are more than *most*.
    """

    def __init__(
        self, alternatives: Iterable[Term], given: Sequence[Term] = (frozenset(),), most: int = _MOST_POINTS
    ) -> None:
        atoms = {atom for term in (*alternatives, *given) for atom in term}
        self._masks: dict[Atom, int] = {}
        values = {name: _values(name, atoms) for name in sorted({name for name, _, _ in atoms})}
        points = 1
        for own in values.values():
            points *= len(own)
        if points > most:
            raise OverflowError
        self.full = (1 << points) - 1
        step = 1
        for name, own in values.items():
            self._fill(name, own, step, points)
            step *= len(own)
        self.full = self.mask(given)
        for pair in _impossible_pairs(values):
            self.full &= ~self.term(frozenset(pair))
        self._atoms = [atom for atom in sorted(self._masks, key=_importance) if atom[2]]

    def _fill(self, name: str, values: list[str], step: int, points: int) -> None:
        period = step * len(values)
        whole = ((1 << points) - 1) // ((1 << period) - 1)  # a bit for each repetition of all values
        operators = (">=", "<") if name == PYTHON else ("==", "!=")
        for operator, wanted in product(operators, values):
            held = [place for place, value in enumerate(values) if _is_met((name, operator, wanted), value)]
            mask = sum(((1 << step) - 1) << place * step for place in held) * whole
            self._masks[name, operator, wanted] = mask

    def term(self, term: Term) -> int:
        return reduce(and_, [self._masks[atom] for atom in term], self.full)

    def mask(self, alternatives: Iterable[Term]) -> int:
        return reduce(or_, map(self.term, alternatives), 0)

    def alternatives(self, mask: int) -> list[Term]:
        """Return few alternatives, of few comparisons, that hold for the environments in *mask* and no others."""
        found: list[Term] = []
        left = mask
        while left:
            point = left & -left
            known = [atom for atom in self._atoms if self._masks[atom] & point]
            equal_first = sorted(known, key=lambda atom: atom[1] != "==")
            tried = [_shortest(order, self, mask) for order in (known, equal_first)]
            best = max(tried, key=lambda term: ((self.term(term) & left).bit_count(), -len(term)))
            found.append(best)
            left &= ~self.term(best)
        return _needed(found, self)


def _values(name: str, atoms: set[Atom]) -> list[str]:
    told = {value for own, _, value in atoms if own == name}
    return [*sorted(told, key=version_of if name == PYTHON else None), ""]


def _is_met(atom: Atom, value: str) -> bool:
    """Tell whether a value meets a comparison; an empty one stands for all others: an older Python, for example."""
    _, operator, wanted = atom
    if operator in ("==", "!="):
        return (value == wanted) is (operator == "==")
    newer = bool(value) and bool(wanted) and version_of(value) >= version_of(wanted)
    return newer is (operator == ">=")


def _impossible_pairs(values: dict[str, list[str]]) -> list[tuple[Atom, Atom]]:
    pairs = [
        (("os_name", "==", name), ("sys_platform", "==", system))
        for name in values.get("os_name", ())
        for system in values.get("sys_platform", ())
    ]
    return [pair for pair in pairs if _impossible(frozenset(pair))]


def without_odd(alternatives: Iterable[Term]) -> list[Term]:
    """Return alternatives without comparisons that are variables of their own: they hold in more environments."""
    return [frozenset(atom for atom in term if " " not in atom[0]) for term in alternatives]


def simplified(own: BaseMarker, given: BaseMarker = ALWAYS) -> list[Term]:
    """Return few alternatives, of few comparisons, that are the same as *own* where *given* holds."""
    return _fewest(terms(own), terms(given))


def _fewest(alternatives: list[Term], given: Sequence[Term] = (frozenset(),)) -> list[Term]:
    found = _sorted(alternatives)
    try:
        table = Table(found, given)
    except OverflowError:
        return [term for term in found if not any(other < term for other in found)]
    wanted = table.mask(found)
    shorter = [_shortest(sorted(term, key=_importance), table, wanted) for term in found if table.term(term)]
    return _needed(shorter, table)


def _needed(alternatives: list[Term], table: Table) -> list[Term]:
    """Return those alternatives that say something that the others do not."""
    found = _sorted(alternatives)
    for term in reversed(found):
        others = [each for each in found if each != term]
        if not table.term(term) & ~table.mask(others):
            found = others
    return found


def _shortest(atoms: Sequence[Atom], table: Table, wanted: int) -> Term:
    """Return comparisons of which none can be left out, for those environments to stay the *wanted* ones."""
    found = frozenset(atoms)
    for atom in atoms:
        if not table.term(found - {atom}) & ~wanted:
            found -= {atom}
    return found


def _importance(atom: Atom) -> tuple[bool, bool, Atom]:
    """Return the sort key of a comparison: what is left out first if one of two will do."""
    return atom[0] == "sys_platform", atom[1] != "!=", atom


def as_marker(alternatives: Iterable[Term]) -> str:
    """Return alternatives as a marker, empty for one without comparisons. Raises ``ValueError`` if there are none."""
    ordered = sorted([_comparisons(term) for term in alternatives])
    if not ordered:
        raise ValueError("a condition that never holds has no marker")
    if any(not each for each in ordered):
        return ""
    texts = [" and ".join(each) for each in ordered]
    if len(texts) == 1:
        return texts[0]
    return " or ".join(f"({each})" if " and " in each else each for each in texts)


def _comparisons(term: Term) -> list[str]:
    """Return the comparisons of an alternative as texts; a lower and an upper bound may be one minor version."""
    bounds = {operator: version_of(value) for name, operator, value in term if name == PYTHON}
    lower, upper = bounds.get(">="), bounds.get("<")
    if lower is None or upper is None or not (_is_minor(lower) and _is_minor(upper)):
        return sorted(map(_worded, term), key=_lower_bound_first)
    if (lower.major, lower.minor + 1) != (upper.major, upper.minor):
        return sorted(map(_worded, term), key=_lower_bound_first)
    exact = f"python_version == '{lower.major}.{lower.minor}'"
    return sorted([exact, *[_worded(atom) for atom in term if atom[0] != PYTHON]])


def _lower_bound_first(comparison: str) -> str:
    return comparison.replace(" >= ", " ! ")


def _is_minor(version: Version) -> bool:
    return version.release[2:] in ((), (0,)) and not version.is_prerelease


def _worded(atom: Atom) -> str:
    name, operator, value = atom
    if name == PYTHON:
        version = version_of(value)
        name, value = (
            ("python_version", f"{version.major}.{version.minor}") if _is_minor(version) else (name, value)
        )
    if " " not in name:
        return f"{name} {operator} {_quoted(value)}"
    return name if operator == "==" else _odd_opposite(name)


def _odd_opposite(text: str) -> str:
    operator = next(each for each in (" not in ", *[f" {each} " for each in _INVERTED]) if each in text)
    return text.replace(operator, f" {_INVERTED[operator.strip()]} ", 1)
