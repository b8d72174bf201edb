"""Which version texts of a page are the pinned version: compared as text first, parsed only if that fails."""

from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

_SHOWN = 5


def same_text(texts: "Iterable[str]", version: str, *, exact: bool) -> list[str]:
    """Return the texts that are *version* or, unless *exact* (``===``), that with a local part (PEP 440)."""
    if exact:
        return [text for text in texts if text.lower() == version.lower()]
    local = version + "+"
    return [text for text in texts if text == version or text.startswith(local)]


def equal(texts: "Iterable[str]", version: str) -> list[str]:
    """Return the texts that satisfy ``==version``; malformed ones never do."""
    wanted = parsed(version)
    if wanted is None:
        return [text for text in texts if text == version]
    if wanted.local is None:  # then the local part of a candidate does not count
        return [text for text in texts if parsed(text.partition("+")[0]) == wanted and parsed(text) is not None]
    return [text for text in texts if parsed(text) == wanted]


def parsed(text: str) -> "Version | None":
    """Return a version text parsed, None if it is malformed."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def nearby(texts: "Iterable[str]", version: str) -> tuple[tuple[str, ...], int]:
    """Return up to five versions around *version*, in their order, and how many there are in all."""
    known = sorted({own for own in map(parsed, texts) if own is not None})
    wanted = parsed(version)
    at = len(known) if wanted is None else bisect_left(known, wanted)
    begin = max(0, min(at - _SHOWN // 2, len(known) - _SHOWN))
    return tuple(str(own) for own in known[begin : begin + _SHOWN]), len(known)
