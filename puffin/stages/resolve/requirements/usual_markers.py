"""Environment markers (PEP 508) in the usual form, read without packaging.

The usual form compares a variable with a quoted text, and joins such comparisons by ``and``, ``or`` and parentheses.
:func:`usual_marker`, :func:`canonical_text` and :func:`marker_holds` return None for everything else: packaging knows
what it means, or which error it is. ``test_usual_markers`` holds the answers equal to packaging's.
"""

from collections.abc import Mapping

from puffin import patterns
from puffin.names import normalise
from puffin.stages.resolve.requirements.releases import is_plain_clause, release_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    Comparison = tuple[str, str, str]
    Marker = list["Comparison | str | Marker"]

_VERSIONS = frozenset(("implementation_version", "platform_release", "python_full_version", "python_version"))
_TEXTS = frozenset(
    (
        "implementation_name",
        "os_name",
        "platform_machine",
        "platform_python_implementation",
        "platform_system",
        "platform_version",
        "sys_platform",
    )
)
_DEEPEST = 20
_TOKEN = (
    r"""[ \t]*(?:([()])|(and|or)\b|([a-z_]+)[ \t]*(===?|~=|!=|<=|>=|<|>|\bin\b|\bnot[ \t]+in\b)[ \t]*"""
    r"""(?:"([ !#-&(-\[\]-~]*)"|'([ !#-&(-\[\]-~]*)'))[ \t]*"""
)


def usual_marker(text: str) -> "Marker | None":
    """Return the comparisons of a marker, nested as its parentheses are."""
    token = patterns.compile(_TOKEN).match
    levels: list[Marker] = [[]]
    at = 0
    while at < len(text):
        found = token(text, at)
        if found is None or len(levels) > _DEEPEST:
            return None
        at = found.end()
        bracket, joint, variable, operator, *values = found.groups()
        expects_joint = len(levels[-1]) % 2 == 1
        if (bracket == ")" or joint is not None) != expects_joint or (bracket == ")" and len(levels) < 2):
            return None
        if bracket == "(":
            levels.append([])
        elif bracket:
            inner = levels.pop()
            levels[-1].append(inner)
        elif joint:
            levels[-1].append(joint)
        else:
            value = values[1] if values[0] is None else values[0]
            comparison = _comparison(variable, " ".join(operator.split()), value)
            if comparison is None:
                return None
            levels[-1].append(comparison)
    return levels[0] if len(levels) == 1 and len(levels[0]) % 2 else None


def _comparison(variable: str, operator: str, value: str) -> "Comparison | None":
    if variable == "extra" and operator in ("==", "!="):
        return variable, operator, normalise(value)
    if variable in _VERSIONS and (operator in ("in", "not in") or is_plain_clause(operator, value)):
        return variable, operator, value
    return (
        (variable, operator, value) if variable in _TEXTS and operator in ("==", "!=", "in", "not in") else None
    )


def canonical_text(marker: "Marker | None", *, outermost: bool = True) -> str | None:
    """Return a marker as packaging writes it."""
    if marker is None:
        return None
    if len(marker) == 1 and isinstance(marker[0], list):
        return canonical_text(marker[0], outermost=outermost)
    parts = []
    for part in marker:
        if isinstance(part, tuple):
            part = f'{part[0]} {part[1]} "{part[2]}"'
        parts.append(part if isinstance(part, str) else canonical_text(part, outermost=False) or "")
    text = " ".join(parts)
    return text if outermost or len(parts) == 1 else f"({text})"


def marker_holds(marker: "Marker | None", variables: Mapping[str, str]) -> bool | None:
    """Tell whether a marker holds; *variables* has ``extra`` too."""
    if marker is None:
        return None
    groups = [True]
    for part in marker:
        if part == "or":
            groups.append(True)
        elif part != "and":
            found = marker_holds(part, variables) if isinstance(part, list) else _compared(part, variables)  # type: ignore[arg-type]
            if found is None:
                return None
            groups[-1] = groups[-1] and found
    return any(groups)


def _compared(comparison: "Comparison", variables: Mapping[str, str]) -> bool | None:
    variable, operator, value = comparison
    own = variables[variable]
    if operator in ("in", "not in"):
        return (own in value) == (operator == "in")
    if variable in _VERSIONS:
        return release_matches(operator, value, own)
    return ((normalise(own) if variable == "extra" else own) == value) == (operator == "==")
