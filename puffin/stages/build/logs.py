"""The log of a build: its last lines, fit to be shown."""

import re

from puffin.stages.urls import mask_text

LINES = 40
_TAIL = 1 << 16  # bytes
_LONGEST = 500  # characters of a line
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def log_tail(path: str, lines: int = LINES) -> tuple[str, ...]:
    """Return the last *lines* of the log at *path*, credentials in URLs masked, terminal codes left out.

    A log that cannot be read has none.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            data = file.read()
    except OSError:
        return ()
    text = mask_text(_ESCAPES.sub("", data.decode("utf-8", "replace")))
    shown = [_plain(line) for line in text.replace("\r\n", "\n").split("\n")]
    if size > _TAIL:
        del shown[0]  # it is cut off
    while shown and not shown[-1]:
        shown.pop()
    return tuple(shown[-lines:])


def _plain(line: str) -> str:
    last = line.rstrip().rpartition("\r")[2].expandtabs()  # what a progress bar left behind
    last = "".join(character if character.isprintable() else "�" for character in last)
    return last if len(last) <= _LONGEST else f"{last[:_LONGEST]}…"
