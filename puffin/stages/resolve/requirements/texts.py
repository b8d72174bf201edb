"""Texts of requirements, versions and markers, as packaging reads them: the only door to it for a resolution.

packaging takes longer to import than a small resolution takes. So it is imported for the first text that needs it, and
what was found out about a text in one run can be kept for the next one (:func:`remembered`). The forms in which most
requirements are written are read by a pattern; ``test_texts`` holds that equal to packaging.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps

from puffin.names import normalise
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

_VERSION = r"\d+(?:\.\d+)*"
_PLAIN = re.compile(
    rf"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[([\w.,-]*)\])?\s*"
    rf"((?:==|>=|<=|!=|<|>)\s*{_VERSION}(?:\s*,\s*(?:==|>=|<=|!=|<|>)\s*{_VERSION})*)?\s*",
    re.ASCII,
).fullmatch
_NUMBERS = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*").fullmatch


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


def marker_of(text: str) -> "Marker":
    """Return a marker (PEP 508); raises ValueError and RecursionError."""
    from packaging.markers import Marker

    return Marker(text)


def requirement_of(text: str) -> "Requirement":
    """Return a requirement (PEP 508); raises ValueError and RecursionError."""
    from packaging.requirements import Requirement

    return Requirement(text)


def requirement_parts(text: str) -> Parts:
    """Return the normalised name of a requirement, its extras, specifier, marker and URL; raises as above."""
    return _parts(text) if "@" in text else _known_parts(text)  # a URL may hold credentials


def _parts(text: str) -> Parts:
    found = _PLAIN(text)
    extras = found[2].split(",") if found and found[2] else []
    if found and all(map(str.isalnum, extras)):
        clauses = {"".join(each.split()) for each in found[3].split(",")} if found[3] else ()
        return normalise(found[1]), _names(extras), ",".join(sorted(clauses)), "", ""
    read = requirement_of(text)
    marker = str(read.marker) if read.marker else ""
    return normalise(read.name), _names(read.extras), str(read.specifier), marker, read.url or ""


_known_parts = remembered(_parts)


def _names(texts: "Iterable[str]") -> tuple[str, ...]:
    return tuple(sorted({normalise(each) for each in texts}))


@remembered
def written_marker(text: str) -> str:
    """Return a marker as packaging writes it; raises ValueError and RecursionError."""
    return str(marker_of(text))


def plain_pin(specifier: str) -> str:
    """Return the version of a specifier ``==1.2.3`` without anything but digits, nothing for any other."""
    wanted = specifier[2:] if specifier[:2] == "==" else ""
    return wanted if is_plain_release(wanted) else ""


def is_same_release(wanted: str, version: str) -> bool:
    """Tell whether a version in normal form is the one of :func:`plain_pin`; any local part of it is passed over."""
    public = version.partition("+")[0]
    return public == wanted or (is_plain_release(public) and _trimmed(public) == _trimmed(wanted))


def is_plain_release(version: str) -> bool:
    """Tell whether a version is numbers in normal form and nothing else."""
    return _NUMBERS(version) is not None


def _trimmed(release: str) -> str:
    while release.endswith(".0"):
        release = release[:-2]
    return release
