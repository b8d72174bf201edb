"""Final releases (``1.2.0``): comparisons with them are made by their numbers, without packaging.

What has anything else in it, such as a pre-release, an epoch or a local part, is left to packaging
(``requirements.texts``). ``test_texts`` holds both equal.
"""

from puffin import patterns
from puffin.names import final_release

Clause = tuple[str, str]

# Patterns are compiled when a text is not remembered.
_VERSION = r"\d+(?:\.\d+)*"
_CLAUSE = rf"(?:(?:[=!]=|[<>]=?)\s*{_VERSION}|[=!]=\s*{_VERSION}\.\*|~=\s*{_VERSION}\.\d+)"
_CLAUSES = rf"{_CLAUSE}(?:\s*,\s*{_CLAUSE})*"
_PLAIN_CLAUSES = rf"(?a)\s*{_CLAUSES}\s*"
_PLAIN_CLAUSE = rf"(?a){_CLAUSE}"
_SINGLE = r"(?a)([=!<>~]+)\s*([\d.*]+)"


def plain_clauses(text: str) -> tuple[Clause, ...]:
    """Return the comparisons in version specifiers as pairs (operator, version); nothing unless all are plain."""
    return tuple(patterns.findall(_SINGLE, text)) if patterns.fullmatch(_PLAIN_CLAUSES, text) else ()


def is_plain_clause(operator: str, version: str) -> bool:
    """Tell whether a comparison has only digits, and a ``*`` at the end where that may be."""
    return patterns.fullmatch(_PLAIN_CLAUSE, operator + version) is not None


def release_matches(operator: str, wanted: str, version: str) -> bool | None:
    """Tell whether a comparison matches *version*; None where numbers do not tell that."""
    release = final_release(version)
    number = final_release(wanted.removesuffix(".*")) if release else ()
    if not number or operator == "===":
        return None
    if operator == "~=":
        return release >= number and _begins(release, wanted.rpartition(".")[0])
    if operator in ("==", "!="):
        same = _begins(release, wanted[:-2]) if wanted[-2:] == ".*" else release == number
        return same == (operator == "==")
    if release == number:
        return operator in ("<=", ">=")
    return (release > number) == (operator[0] == ">")


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
