"""How much of what others send is taken in: bytes, and the rate at which they come.

The user can change each limit by a variable (docs/CONFIGURATION.md has the table).
"""

import os

from puffin.errors import PuffinError, UsageError
from puffin.types import Mapping

MOST_PAGE = "PUFFIN_MAX_PAGE_BYTES"
MOST_UNTOLD = "PUFFIN_MAX_UNTOLD_BYTES"
MOST_UNPACKED = "PUFFIN_MAX_UNPACKED_BYTES"
LEAST_RATE = "PUFFIN_MIN_RATE"
HEAD = 1 << 17  # bytes of the head of an answer, and of what stands between the pieces of its body
TAG = 8192  # characters of a tag of a page
NESTING = 500  # elements of a page within each other
RATE_WINDOW = 10.0  # seconds, in which an answer has to come at the least rate

_DEFAULTS = {MOST_PAGE: 128 << 20, MOST_UNTOLD: 256 << 20, MOST_UNPACKED: 0, LEAST_RATE: 64}
_MOST_UNPACKED = 16 << 30
_HARMLESS_BYTES = 256 << 20  # up to which nobody asks how well they were compressed
_MOST_INFLATION = 250  # text shrinks to a fifth, rarely to a fiftieth


class AnswerTooLarge(PuffinError):
    """A server sends more than is taken in; ``url`` is masked, ``most`` in bytes."""

    stage = "fetch"
    sentence = "Refused `{url}`: the answer has more than {most} bytes"
    url: str
    most: int


class TooLarge(Exception):
    """The same, where the URL is not known."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable)
        self.variable = variable

    def named(self, url: str) -> AnswerTooLarge:
        """Return the error for the answer of the masked *url*."""
        hint = f"set `{self.variable}` (bytes) if it is as large as that"
        return AnswerTooLarge(url=url, most=limit(self.variable), hints=(hint,))


def limit(variable: str) -> int:
    """Return a limit: what its *variable* says, if that is a number, else the default."""
    text = os.environ.get(variable, "")
    return int(text) if text.isascii() and text.isdigit() else _DEFAULTS[variable]


def positive(environ: "Mapping[str, str]", variable: str, default: float, unit: str = "seconds") -> float:
    """Return the number in a variable, *default* if it is not set. Raises :class:`UsageError` unless it is above 0."""
    text = environ.get(variable, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = 0.0
    if not 0 < number < 1e15:
        raise UsageError(text=f"`{variable}={text}` is not a number of {unit} above 0")
    return number


def inflated(packed: int, unpacked: int) -> str:
    """Return why *packed* bytes may not become *unpacked* ones, ``""`` where they may."""
    asked = limit(MOST_UNPACKED)
    most = asked or _MOST_UNPACKED
    if unpacked > most:
        return f"it holds more than {most} bytes (`{MOST_UNPACKED}` changes that)"
    if not asked and unpacked > _HARMLESS_BYTES and unpacked > packed * _MOST_INFLATION:
        told = f"its {packed >> 10} KiB hold more than {unpacked >> 20} MiB, as only an archive bomb does"
        return f"{told} (`{MOST_UNPACKED}` allows it)"
    return ""
