"""Texts of requirements, versions and markers, as packaging reads them: the only door to it for a resolution.

packaging takes longer to import than a small resolution takes. So it is imported for the first text that needs it, and
what was found out about a text in one run can be kept for the next one (:func:`remembered`). The forms in which most
requirements are written are read by a pattern; ``test_texts`` holds that equal to packaging.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps

from puffin.names import final_release, normalise
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

# Patterns are compiled when a text is not remembered.
_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
_VERSION = r"\d+(?:\.\d+)*(?:\.?(?:a|b|rc)\.?\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
_CLAUSE = rf"(?:(?:===?|!=|[<>]=?)\s*{_VERSION}|[=!]=\s*\d+(?:\.\d+)*\.\*|~=\s*\d+\.{_VERSION})"
_PLAIN = (
    rf"(?a)\s*({_NAME})\s*(?:\[((?:\s*{_NAME}\s*,)*\s*{_NAME}\s*)?\])?\s*"
    rf"(?:(\()?\s*({_CLAUSE}(?:\s*,\s*{_CLAUSE})*)\s*(?(3)\)))?\s*"
)
_TWO_VALUES = r'"[^"]*" (?:[<>=!~]{1,3}|(?:not )?in) "[^"]*"'


def remembered(function: "F") -> "F":
    """Have the answers of *function* remembered: in this run, and by :func:`remind` in later ones.

    It is a pure one about texts. Answers are builtins; errors are not remembered.
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
    found = re.search(_TWO_VALUES, str(marker))
    if found:
        raise ValueError(f"The marker compares two values, and no variable: `{found[0]}`")
    return marker


def requirement_parts(text: str) -> Parts:
    """Return the normalised name of a requirement, its extras, specifier, marker and URL; raises as above."""
    return _parts(text) if "@" in text else _known_parts(text)  # a URL may hold credentials


def is_plain_requirement(text: str) -> bool:
    """Tell whether a requirement without marker is in a usual form, which needs no packaging."""
    return re.fullmatch(_PLAIN, text) is not None


def _parts(text: str) -> Parts:
    head, semicolon, tail = text.partition(";")
    found = re.fullmatch(_PLAIN, head)
    marker = canonical_text(usual_marker(tail)) if found and semicolon else ""
    clauses = {"".join(each.split()) for each in found[4].split(",")} if found and found[4] else set()
    if found and marker is not None and _are_distinct(clauses):
        extras = [each.strip() for each in found[2].split(",")] if found[2] else []
        return normalise(found[1]), _names(extras), ",".join(sorted(clauses)), marker, ""
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
