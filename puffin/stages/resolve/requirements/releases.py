"""Usual versions (``1.2.0``, ``2.0rc1``, ``2.9.0.post0``): they are compared by their numbers, without packaging.

What has anything else in it, such as an epoch or a local part, is left to packaging (``requirements.texts``).
``test_texts`` holds both equal.
"""

from puffin import patterns
from puffin.names import Key, final_release, version_key

Clause = tuple[str, str]
# Patterns are compiled when a text is not remembered.
_NUMBER = r"\d+(?:\.\d+)*"
_VERSION = rf"{_NUMBER}(?:\.?(?:a|b|rc)\.?\d+)?(?:\.?post\.?\d+)?(?:\.?dev\.?\d+)?"
_CLAUSE = rf"(?:(?:[=!]=|[<>]=?)\s*{_VERSION}|[=!]=\s*{_NUMBER}\.\*|~=\s*{_NUMBER}\.\d+)"
_CLAUSES = rf"{_CLAUSE}(?:\s*,\s*{_CLAUSE})*"
_PLAIN_CLAUSES = rf"(?a)\s*{_CLAUSES}\s*"
_PLAIN_CLAUSE = rf"(?a){_CLAUSE}"
_SINGLE = r"(?a)([=!<>~]+)\s*([^\s,]+)"


def plain_clauses(text: str) -> tuple[Clause, ...]:
    """Return the comparisons in version specifiers as pairs (operator, version); nothing unless all are plain."""
    return tuple(patterns.findall(_SINGLE, text)) if patterns.fullmatch(_PLAIN_CLAUSES, text) else ()


def is_plain_clause(operator: str, version: str) -> bool:
    """Tell whether a comparison is with a usual version, or has a ``*`` at the end where that may be."""
    return patterns.fullmatch(_PLAIN_CLAUSE, operator + version) is not None


def release_matches(operator: str, wanted: str, version: str) -> bool | None:
    """Tell whether a comparison matches *version*, pre-releases included; None where numbers do not tell that."""
    own = None if operator == "===" else version_key(version)
    if own is None:
        return None
    if wanted[-2:] == ".*":
        return _begins(own[0], wanted[:-2]) == (operator == "==") if final_release(wanted[:-2]) else None
    if operator == "~=" and not final_release(wanted):
        return None
    other = version_key(wanted)
    return None if other is None else _compared(operator, own, other, wanted)


def _compared(operator: str, own: "Key", other: "Key", wanted: str) -> bool | None:
    if operator == "~=":
        return own >= other and _begins(own[0], wanted.rpartition(".")[0])
    if operator in ("==", "!="):
        return (own == other) == (operator == "==")
    if own == other:
        return operator in ("<=", ">=")
    if own[0] == other[0] and operator in ("<", ">"):
        return None  # ``>1.0`` does not mean 1.0.post1, nor ``<1.0`` 1.0a1
    return (own > other) == (operator[0] == ">")


def _begins(release: tuple[int, ...], wanted: str) -> bool:
    """Tell whether a release, with as many zeros at its end as it takes, begins with the numbers in *wanted*."""
    numbers = tuple(map(int, wanted.split(".")))
    return (*release, *[0] * len(numbers))[: len(numbers)] == numbers


def plain_pin(specifier: str) -> str:
    """Return the version of a specifier ``==1.2.3`` without anything but digits, nothing for any other."""
    wanted = specifier[2:] if specifier[:2] == "==" else ""
    return wanted if is_plain_release(wanted) else ""


def is_same_release(wanted: str, version: str) -> bool:
    """Tell whether a version in normal form is the one of :func:`plain_pin`; any local part of it is passed over."""
    public = version.partition("+")[0]
    return public == wanted or (is_plain_release(public) and trimmed_release(public) == trimmed_release(wanted))


def is_plain_release(version: str) -> bool:
    """Tell whether a version is numbers in normal form and nothing else."""
    return version.isascii() and all(
        part.isdigit() and (part[0] != "0" or part == "0") for part in version.split(".")
    )


def trimmed_release(release: str) -> str:
    """Return a release without zeros at its end; all texts of the same release begin with it."""
    while release.endswith(".0"):
        release = release[:-2]
    return release
