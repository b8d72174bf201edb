"""Texts of requirements, versions and markers, as packaging reads them: the only door to it for a resolution.

packaging takes longer to import than a small resolution takes. So it is imported for the first text that needs it, and
what was found out about a text in one run can be kept for the next one (:func:`remembered`). The forms in which most
requirements are written are read without it; ``test_texts`` holds that equal to packaging.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps

from puffin import patterns
from puffin.names import final_release, is_name, normalise, release_numbers, version_key
from puffin.stages.resolve.requirements.releases import Clause, plain_clauses, release_matches
from puffin.stages.resolve.requirements.usual_markers import canonical_text, usual_marker
from puffin.types import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from packaging.markers import Marker
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    F = TypeVar("F", bound=Callable[..., Any])

Parts = tuple[str, tuple[str, ...], str, str, str]

_memory: "dict[str, dict[Any, Any]]" = {}
_MOST = 30_000

_OPERATORS = frozenset(("==", "===", "!=", "<", "<=", ">", ">=", "~="))
_BLANK = " \t\n\r\f\v"
_TWO_VALUES = r'"[^"]*" (?:[<>=!~]{1,3}|(?:not )?in) "[^"]*"'


def remembered(function: "F") -> "F":
    """Have the answers of *function* remembered: in this run, and by :func:`remind` in later ones.

    It is a pure one about texts. Answers are builtins; errors are not remembered. A change of what it answers needs
    another ``_FORMAT`` of ``universe.kept``: former answers are in its files.
    """
    known = _memory.setdefault(f"{function.__module__}.{function.__name__}", {})

    @wraps(function)
    def recalled(*question: "Any") -> "Any":
        try:
            return known[question]
        except KeyError:
            found = known[question] = function(*question)
            return found

    return recalled  # type: ignore[return-value]


def memory() -> "dict[str, dict[Any, Any]]":
    """Return what is remembered, for :func:`remind`; nothing once it has grown too large."""
    return _memory if sum(map(len, _memory.values())) < _MOST else {}


def remind(former: "dict[str, dict[Any, Any]]") -> None:
    """Take over what another run remembered."""
    for name, known in former.items():
        _memory.setdefault(name, {}).update(known)


@lru_cache(maxsize=20_000)
def version_of(text: str) -> "Version":
    """Return a version (PEP 440); raises ValueError."""
    from packaging.version import Version

    return Version(text)


@lru_cache(maxsize=20_000)
def specifiers_of(text: str) -> "SpecifierSet":
    """Return version specifiers (PEP 440); raises ValueError."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(text)


@lru_cache(maxsize=20_000)
def clauses_of(text: str) -> tuple[Clause, ...]:
    """Return the single comparisons of version specifiers as pairs (operator, version); raises ValueError."""
    return plain_clauses(text) or tuple(
        [(each.operator, each.version) for each in specifiers_of(text)] if text else ()
    )


def clause_matches(operator: str, wanted: str, version: str) -> bool:
    """Tell whether a comparison matches *version*, pre-releases included; raises ValueError."""
    found = release_matches(operator, wanted, version)
    if found is None:
        return specifiers_of(operator + wanted).contains(version_of(version), prereleases=True)
    return found


def marker_of(text: str) -> "Marker":
    """Return a marker (PEP 508); raises ValueError and RecursionError."""
    from packaging.markers import Marker

    return _comparing(Marker(text))


def requirement_of(text: str) -> "Requirement":
    """Return a requirement (PEP 508); raises ValueError and RecursionError."""
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    if requirement.marker:
        _comparing(requirement.marker)
    return requirement


def _comparing(marker: "Marker") -> "Marker":
    """Return a marker that compares variables; packaging reads one of two values too, and cannot evaluate it."""
    found = patterns.search(_TWO_VALUES, str(marker))
    if found:
        raise ValueError(f"The marker compares two values, and no variable: `{found[0]}`")
    return marker


def requirement_parts(text: str) -> Parts:
    """Return the normalised name of a requirement, its extras, specifier, marker and URL; raises as above."""
    return _parts(text) if "@" in text else _known_parts(text)  # a URL may hold credentials


def is_plain_requirement(text: str) -> bool:
    """Tell whether a requirement without marker is in a usual form, which needs no packaging."""
    return _usual(text) is not None


def _usual(text: str) -> "tuple[str, list[str], list[str]] | None":
    """Return name, extras and comparisons of a requirement without marker in a usual form, None for any other."""
    text = text.strip(_BLANK)
    end = next((at for at, letter in enumerate(text) if letter in "[(=!<>~"), len(text))
    name, rest, extras = text[:end].rstrip(_BLANK), text[end:], []
    if rest.startswith("["):
        inside, bracket, rest = rest[1:].partition("]")
        extras = [each.strip(_BLANK) for each in inside.split(",")] if inside.strip(_BLANK) else []
        if not bracket or not all(map(is_name, extras)):
            return None
        rest = rest.lstrip(_BLANK)
    if rest.startswith("("):
        rest = rest[1:-1] if rest.endswith(")") else rest
    elif not rest:
        return (name, extras, []) if is_name(name) else None
    clauses = [each.strip(_BLANK) for each in rest.split(",")]
    return (name, extras, clauses) if is_name(name) and all(map(_is_usual, clauses)) else None


def _is_usual(clause: str) -> bool:
    """Tell whether a comparison is in a usual form."""
    version = clause.lstrip("=!<>~")
    operator, version = clause[: len(clause) - len(version)], version.lstrip(_BLANK)
    if operator in ("==", "!=") and version.endswith(".*"):
        return bool(release_numbers(version[:-2]))
    if operator == "~=":
        first, _, version = version.partition(".")
        if not release_numbers(first):
            return False
    return operator in _OPERATORS and version_key(version) is not None


def _parts(text: str) -> Parts:
    head, semicolon, tail = text.partition(";")
    found = _usual(head)
    marker = canonical_text(usual_marker(tail)) if found and semicolon else ""
    clauses = {"".join(each.split()) for each in found[2]} if found else set()
    if found and marker is not None and _are_distinct(clauses):
        return normalise(found[0]), _names(found[1]), ",".join(sorted(clauses)), marker, ""
    read = requirement_of(text)
    return (
        normalise(read.name),
        _names(read.extras),
        str(read.specifier),
        str(read.marker or ""),
        read.url or "",
    )


_known_parts = remembered(_parts)


def _are_distinct(clauses: set[str]) -> bool:
    """Tell whether it is sure that no two comparisons are the same, of which packaging keeps one."""
    keys: set[Any] = set()
    for each in clauses:
        version = each.lstrip("=!<>~")
        keys.add((each[: -len(version)], version if version[-1] == "*" else final_release(version)))
    return len(keys) == len(clauses)


@remembered
def written_marker(text: str) -> str:
    """Return a marker as packaging writes it; raises ValueError and RecursionError."""
    return canonical_text(usual_marker(text)) or str(marker_of(text))


def _names(texts: "Iterable[str]") -> tuple[str, ...]:
    return tuple(sorted({normalise(each) for each in texts}))
