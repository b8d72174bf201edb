"""Times that options and settings name: moments, and ages, which are counted from now on."""

from puffin import depends
from puffin.errors import UsageError
from puffin.names import is_name, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_moment(text: str) -> str:
    """Return *text*, a date or an RFC 3339 timestamp, or the time that lies an age like ``7 days`` or ``P7D`` back.

    Raises :class:`UsageError` for any other text.
    """
    if not text:
        return text
    from datetime import UTC, datetime, timedelta

    seconds = age(text)
    if seconds is not None:
        depends.unsure("an age is counted from now on")
        return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    whole = len(text) == len("2026-01-31") or moment.tzinfo is not None
    if moment is datetime.min or not whole:
        raise UsageError(
            text=f"`{text}` is neither a date nor a time that `--exclude-newer` understands",
            hints=(
                "write `2026-01-31` (the whole day counts), `2026-01-31T12:00:00Z`, or an age: `7 days`, `P7D`",
            ),
        )
    return text


def moments(every: str, packages: "Sequence[str]") -> str:
    """Return what ``--exclude-newer`` and ``--exclude-newer-package`` say, as ``exclude_newer_for`` reads it."""
    own = []
    for text in packages:
        name, equals, value = text.partition("=")
        if not equals or not is_name(name.strip()):
            raise UsageError(
                text=f"`{text}` is no value of `--exclude-newer-package`",
                hints=("write a name and a date, as in `--exclude-newer-package name=2026-01-31`",),
            )
        told = "false" if value.strip().lower() == "false" else parse_moment(value.strip())
        own.append(f"{normalise(name.strip())}={told}")
    return " ".join([parse_moment(every).replace(" ", "T"), *[each.replace(" ", "T") for each in own]])


def age(text: str) -> float | None:
    """Return an age such as ``7 days``, ``36h``, ``P7D`` or ``PT12H`` (ISO 8601) in seconds; None for anything else."""
    import re

    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
    formal = re.fullmatch(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text.strip())
    if formal is not None and any(formal.groups()):
        counts = zip(formal.groups(), "wdhms", strict=True)
        return sum([int(count) * units[unit] for count, unit in counts if count])
    spoken = r"(\d{1,6})\s*(w|weeks?|d|days?|h|hours?|min|minutes?|s|secs?|seconds?)(?:\s+ago)?"
    found = re.fullmatch(spoken, text.strip(), re.IGNORECASE)
    return int(found[1]) * units[found[2][0].lower()] if found else None
