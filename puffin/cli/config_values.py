"""Settings as configuration files and variables say them: each with the place that says it."""

from puffin.errors import USAGE, PuffinError
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRUE = ("y", "yes", "t", "true", "on", "1")
_FALSE = ("n", "no", "f", "false", "off", "0")


@frozen
class Said:
    """One setting: ``name`` as in the option table; ``value`` a text, a switch or a tuple of texts.

    ``place`` is the variable, or ``file:line``.
    """

    name: str
    value: "Any"
    place: str


class ConfigurationInvalid(PuffinError):
    """A configuration file, or a variable of pip's, cannot be used; ``place`` is ``file:line``, or the variable."""

    exit_code = USAGE
    place: str
    problem: str

    def summary(self) -> str:
        """Name the place and what is wrong there."""
        return f"Failed to read the configuration at `{self.place}`: {self.problem}"


def switch(text: str, place: str, name: str) -> bool:
    """Return the truth value of a text, in the words that pip takes. Raises :class:`ConfigurationInvalid`."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ConfigurationInvalid(
        place=place,
        problem=f"`{name}` is `{text}`, which is neither true nor false",
        hints=("use `true` or `false`",),
    )
