"""Requirements in other files than requirements files, as entries with their places."""

import os
from collections.abc import Callable, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from puffin import depends
from puffin.stages.resolve.requirements.entry import Piece, parse_entry
from puffin.stages.resolve.requirements.lines import LogicalLine
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen, replace


@frozen
class SourceFile:
    """A file that was read: its absolute ``path``, its name as the user gave it, and its text."""

    path: str
    shown: str
    text: str
    exists: Callable[[str], bool] = depends.exists

    @property
    def directory(self) -> str:
        """The directory of the file."""
        return os.path.dirname(self.path)


def entries_of(requirements: Sequence[str], file: SourceFile) -> tuple[Entry, ...]:
    """Return the entries for PEP 508 texts of a file; raises ``InvalidRequirementLine`` with their place.

    What is no PEP 508 text but understood in requirements files, a bare path or URL, is an error here.
    """
    return tuple([_entry(text, file) for text in requirements])


def _entry(text: str, file: SourceFile) -> Entry:
    line = _line(text, file)
    piece = Piece(line=line, text=text, start=0)
    entry = parse_entry(piece, cwd=file.directory, base=file.directory, exists=file.exists)
    if entry.url and not _is_named(text):
        raise piece.error(0, "A dependency of a project begins with its name.", f"write `name @ {entry.text}`")
    return replace(entry, file=file.shown, line=line.number)


def _is_named(text: str) -> bool:

    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _line(text: str, file: SourceFile) -> LogicalLine:
    source = tuple(file.text.splitlines())
    place = _find(text, source)
    if place is None:  # written with escapes, or over several lines
        source, place = (" ".join(text.split()),), (0, 0)
    joints = ((0, *place),)
    return LogicalLine(file=file.shown, text=text, raw=text, joints=joints, expanded=(), source=source)


def _find(text: str, source: Sequence[str]) -> tuple[int, int] | None:
    """Return index of line and column of the first line that has *text* in quotes, alone, or at all."""
    if "\n" in text or not text:
        return None
    for number, line in enumerate(source):
        column = max(line.find(f'"{text}"'), line.find(f"'{text}'"))
        if column >= 0:
            return number, column + 1
    for number, line in enumerate(source):
        if line.strip() == text:
            return number, line.index(text)
    for number, line in enumerate(source):
        if text in line:
            return number, line.index(text)
    return None
