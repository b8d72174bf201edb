"""Requirements and specifiers of old uploads: well-known mistakes are corrected, others are refused.

pip long accepted what PEP 440 and PEP 508 do not allow: ``>=2.7.*``, a missing comma, quotes around a version. Such
uploads are still in use, so puffin reads what they clearly mean.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from puffin.names import printable
from puffin.stages.resolve.requirements.texts import (
    clauses_of,
    is_plain_requirement,
    marker_of,
    remembered,
    requirement_of,
)
from puffin.stages.resolve.requirements.usual_markers import usual_marker


class Malformed(Exception):
    """The metadata of a distribution is not valid. Callers of the resolver get an ``Unusable``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# Patterns are compiled when they are needed.
_HEAD = r"(?a)\s*([A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?)\s*(\(?)([^;@()]*)(\)?)\s*(;.*)?"
_CORRECTIONS = (
    (r"['\"]", ""),  # >='3.7'
    (r"=>", ">="),
    (r"=<", "<="),
    (r"!=\s*~\s*(\d[\w.]*?)(?:\.\*)?(?=\s*(?:,|$))", r"!=\1.*"),  # !=~5.0
    (r"(~=|<=|>=|<|>)(\s*[\dv][\w.]*?)\.\*", r"\1\2"),  # >=2.7.*
    (r"(\d)\.(?=\s*(?:,|$|[<>=!~]))", r"\1"),  # >=2.7.
    (r"~=(\s*\d+)(?=\s*(?:,|$))", r">=\1"),  # ~=3, which PEP 440 leaves without a meaning
    (r"([\w*])\s*(?=~=|===?|!=|<=|>=|<|>)", r"\1,"),  # >=1.0<2.0
    (r",(?:\s*,)+", ","),
    (r"^\s*,|,\s*$", ""),
)


def requirement(text: str) -> str:
    """Return a requirement (PEP 508) that packaging reads: *text* itself wherever possible.

    Raises :class:`Malformed` if the meaning is not clear.
    """
    text = text.strip()
    if _is_sure(text) or _can_be_read(requirement_of, text):
        return text
    found = re.fullmatch(_HEAD, text)
    if found:
        name, _open, clauses, _close, marker = found.groups()
        fixed = f"{name}{_corrected(clauses)}{marker or ''}"
        if _can_be_read(requirement_of, fixed):
            return fixed
    raise Malformed(f"its metadata has a requirement that cannot be read, `{printable(text, 120)}`")


@remembered
def specifier(text: str) -> str:
    """Return the version specifiers (PEP 440) in *text* as packaging reads them.

    If they cannot be read, the result is empty and admits every version, as in pip for ``Requires-Python``.
    """
    text = text.strip()
    if _can_be_read(clauses_of, text):
        return text
    corrected = _corrected(text)
    return corrected if _can_be_read(clauses_of, corrected) else ""


def _is_sure(text: str) -> bool:
    """Tell, for the usual forms, that packaging can read *text*; a pattern takes a tenth of its 30 µs."""
    head, semicolon, marker = text.partition(";")
    return is_plain_requirement(head) and (not semicolon or _is_marker(marker.strip()))


@lru_cache(maxsize=10_000)
def _is_marker(text: str) -> bool:
    return usual_marker(text) is not None or _can_be_read(marker_of, text)


def _can_be_read(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except (ValueError, RecursionError):
        return False
    return True


def _corrected(clauses: str) -> str:
    for pattern, replacement in _CORRECTIONS:
        clauses = re.sub(pattern, replacement, clauses)
    return clauses.strip()
