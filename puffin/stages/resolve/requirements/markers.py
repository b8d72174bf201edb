"""Environment markers (PEP 508): evaluation for a target environment by packaging, and the clauses on ``extra``."""

from collections.abc import Mapping

from puffin import patterns
from puffin.errors import PuffinError
from puffin.names import normalise
from puffin.stages.resolve.requirements.texts import marker_of, remembered
from puffin.stages.resolve.requirements.usual_markers import marker_holds, usual_marker

NAMES = (
    "implementation_name",
    "implementation_version",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_full_version",
    "python_version",
    "sys_platform",
)

_NO_EXTRAS: frozenset[str] = frozenset()
_PROBLEMS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_FOR_EXTRA = r"""(?ai)(?:(.+?) and )?extra ?== ?(["'])([a-z][\w.-]*)\2"""
_ALTERNATIVE = r"\b(?:or|extra)\b"
_ENDING = r"""(?:(?P<rest>.+?)\s+and\s+)?extra\s*==\s*["'][^"']*["']$"""
_BEGINNING = r"""extra\s*==\s*["'][^"']*["']\s+and\s+(?P<rest>.+)$"""


@remembered
def for_extra(marker: str) -> tuple[str, str] | None:
    """Return the rest of a marker of the form ``… and extra == "x"``, and the extra, normalised.

    None for all other forms. Most markers have this form.
    """
    found = patterns.fullmatch(_FOR_EXTRA, marker)
    if found is None:
        return None
    rest = found[1] or ""
    enclosed = rest[:1] == "(" and rest[-1:] == ")" and rest.count("(") == 1
    return (
        None
        if patterns.search(_ALTERNATIVE, rest) and not (enclosed and "extra" not in rest)
        else (rest, normalise(found[3]))
    )


def without_extra(marker: str) -> str:
    """Return a marker without the clause on ``extra`` that it ends or begins with.

    If the clause is elsewhere, the result is empty: the package is then needed everywhere.
    """
    if "extra" not in marker:
        return marker
    found = patterns.match(_ENDING, marker) or patterns.match(_BEGINNING, marker)
    rest = (found["rest"] or "") if found else ""
    return "" if "extra" in rest or (" or " in rest and not _is_one(rest)) else rest


def _is_one(text: str) -> bool:
    """Tell whether the text is one pair of parentheses."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return text.startswith("(") and at == len(text) - 1
    return False


class MarkerNotEvaluable(PuffinError):
    """A marker compares what cannot be compared, or names what only lock files have."""

    sentence = "Failed to evaluate the marker `{marker}` at {origin}"
    marker: str
    origin: str


_known: dict[tuple[tuple[str, str], ...], dict[tuple[str, str | frozenset[str]], bool]] = {}


class Conditions:
    """Evaluates markers for one target *environment*; each distinct marker is evaluated once in a process.

    The environment has to have all of PEP 508's variables but ``extra``: what is missing would silently be taken from
    the interpreter that runs puffin. Raises :class:`ValueError` then.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        missing = [name for name in NAMES if name not in environment]
        if missing:
            raise ValueError(f"the marker environment lacks {', '.join(missing)}")
        self._variables = tuple(sorted(environment.items()))
        self._known = _known.setdefault(self._variables, {})

    def hold(self, marker: str, extras: frozenset[str] = _NO_EXTRAS) -> bool:
        """Tell whether *marker* holds with one of *extras*, or with none. Raises ``ValueError``."""
        known = self._known.get((marker, extras))
        if known is None:
            known = self._known[marker, extras] = self._held(marker, extras)
        return known

    def meet(self, *markers: str) -> bool:
        """Tell whether all *markers* hold together somewhere."""
        return all(map(self.hold, markers))

    def halves(self, marker: str, extras: frozenset[str] = _NO_EXTRAS) -> tuple[str, str] | None:
        """Return the parts of the environments that a marker divides: None, for this is about one environment."""
        return None

    def newer(self, requires_python: str) -> tuple[str, str] | None:
        """Return the part with newer Pythons, and the rest: None, for this is about one environment."""
        return None

    def hold_at(self, marker: str, origin: str) -> bool:
        """Tell whether *marker* holds without extras; raises :class:`MarkerNotEvaluable` naming *origin*."""
        try:
            return self.hold(marker)
        except ValueError:
            raise MarkerNotEvaluable(marker=marker, origin=origin) from None

    def _held(self, marker: str, extras: frozenset[str]) -> bool:
        if "extra" not in marker:
            return not marker or self._holds(marker, "")
        usual = for_extra(marker)
        if usual is not None:
            return usual[1] in extras and self.hold(usual[0])
        return self._holds(marker, "") or any(self._holds(marker, extra) for extra in extras)

    def _holds(self, marker: str, extra: str) -> bool:
        known = self._known.get((marker, extra))
        if known is None:
            known = self._known[marker, extra] = _evaluated(self._variables, marker, extra)
        return known


@remembered
def _evaluated(variables: tuple[tuple[str, str], ...], marker: str, extra: str) -> bool:
    environment = {**dict(variables), "extra": extra}
    usual = marker_holds(usual_marker(marker), environment)
    if usual is not None:
        return usual
    try:
        return marker_of(marker).evaluate(environment)
    except _PROBLEMS:
        raise ValueError(f"the marker `{marker}` cannot be evaluated") from None
