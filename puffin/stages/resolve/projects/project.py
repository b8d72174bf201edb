"""A project's own requirements, which of them its extras select, and what METADATA of a build says of them. Pure.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence

from puffin import depends
from puffin.errors import USAGE, PuffinError
from puffin.names import normalise
from puffin.stages.resolve.metadata.parse import parse_metadata
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.requirements.entry import Piece, parse_entry
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.resolve.requirements.lines import LogicalLine
from puffin.stages.resolve.requirements.markers import without_extra
from puffin.stages.resolve.requirements.texts import requirement_parts
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen, replace


class ExtraNotFound(PuffinError):
    """No project among the sources has an extra. ``known`` are those that there are."""

    exit_code = USAGE
    extra: str
    files: tuple[str, ...]
    known: tuple[str, ...]

    def summary(self) -> str:
        return f"Failed to find the extra `{self.extra}` in {_listed(self.files)}"

    def details(self) -> tuple[str, ...]:
        return (there_are(self.known),)


def there_are(names: Sequence[str]) -> str:
    """Return the line of an error that says which names there are."""
    if not names:
        return "  there are none"
    return f"  there {'is' if len(names) == 1 else 'are'} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


@frozen
class SourceFile:
    """A file that was read: its absolute ``path``, its name as the user gave it, and its text."""

    path: str
    shown: str
    text: str
    exists: Callable[[str], bool] = depends.exists

    @property
    def directory(self) -> str:
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
        requirement_parts(text)
    except ValueError:
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


@frozen
class Project:
    """The static metadata of a project.

    ``name`` is normalised, empty where there is none; ``file`` is as the user names it. ``extras`` are
    pairs of normalised names and requirements. ``requires_python`` is a specifier, or empty.
    """

    name: str
    file: str
    dependencies: tuple[Entry, ...] = ()
    extras: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
    requires_python: str = ""

    @property
    def label(self) -> str:
        """How the project is called as a parent of its requirements."""
        return f"{self.name} ({self.file})" if self.name else self.file


def check_project_extras(projects: Sequence[Project], extras: Iterable[str]) -> None:
    """Raise :class:`ExtraNotFound` for an extra (normalised) that none of the projects has."""
    known = sorted({name for project in projects for name, _ in project.extras})
    for extra in extras:
        if extra not in known:
            files = tuple([project.file for project in projects])
            raise ExtraNotFound(extra=extra, files=files, known=tuple(known))


Place = Callable[[tuple[Entry, ...], str], tuple[Entry, ...]]


def requirements_of(
    project: Project, extras: Iterable[str], *, all_extras: bool, place: Place = lambda entries, _extra: entries
) -> tuple[Entry, ...]:
    """Return the project's dependencies and those of *extras* (normalised).

    A requirement of the project itself stands for its extras, with the marker of that requirement. *place* gives the
    requirements under an extra, or none, the places that the project says they come from.
    """
    known = dict(project.extras)
    wanted = [*known] if all_extras else [extra for extra in extras if extra in known]

    def under(extra: str, marker: str, inside: frozenset[str]) -> list[Entry]:
        found: list[Entry] = []
        for entry in place(known.get(extra, ()) if extra else project.dependencies, extra):
            both = both_markers(marker, entry.marker)
            if entry.name != project.name or not project.name or entry.url:
                found.append(replace(entry, marker=both))
                continue
            for own in entry.extras:
                if own not in inside:
                    found += under(own, both, inside | {own})
        return found

    entries = under("", "", frozenset())
    for extra in dict.fromkeys(wanted):
        entries += under(extra, "", frozenset((extra,)))
    return tuple(dict.fromkeys(entries))


def both_markers(one: str, other: str) -> str:
    """Return the marker that holds where both do; empty texts hold everywhere."""
    if one and other and one != other:
        return f"({one}) and ({other})"
    return one or other


def built_project(file: SourceFile, data: bytes) -> Project:
    """Return the project of *file* (a ``pyproject.toml``, ``setup.cfg`` or ``setup.py``) from its METADATA.

    Raises :class:`InvalidProject` for metadata that cannot be used, ``InvalidRequirementLine`` for a requirement.
    """
    try:
        metadata = parse_metadata(data)
    except Malformed as error:
        raise InvalidProject(file=file.shown, problem=f"after a build, {error}") from None
    entries = entries_of(metadata.requires_dist, replace(file, text=""))
    return Project(
        name=metadata.name,
        file=file.shown,
        dependencies=tuple([each for each in entries if not extras_of(each)]),
        extras=tuple([(extra, _under(extra, entries)) for extra in metadata.provides_extras]),
        requires_python=metadata.requires_python,
    )


def extras_of(entry: Entry) -> tuple[str, ...]:
    """Return the extras (normalised) that the marker of a requirement of METADATA names."""
    names = re.findall(r"""extra\s*==\s*["']([^"']*)["']""", entry.marker)
    return tuple([normalise(name) for name in names])


def _under(extra: str, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    found = [each for each in entries if extra in extras_of(each)]
    return tuple([replace(each, marker=without_extra(each.marker)) for each in found])
