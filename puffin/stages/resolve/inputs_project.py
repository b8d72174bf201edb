"""A project's own requirements, and which of them its extras select. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from puffin.stages.resolve.inputs_errors import ExtraNotFound
from puffin.stages.resolve.reqvalues import Entry
from puffin.value import frozen, replace


@frozen
class Project:
    """What a project says of itself without being built.

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


def check_extras(projects: Sequence[Project], extras: Iterable[str]) -> None:
    """Raise :class:`ExtraNotFound` for an extra (normalised) that none of the projects has."""
    known = sorted({name for project in projects for name, _ in project.extras})
    for extra in extras:
        if extra not in known:
            files = tuple([project.file for project in projects])
            raise ExtraNotFound(extra=extra, files=files, known=tuple(known))


def requirements_of(project: Project, extras: Iterable[str], *, all_extras: bool) -> tuple[Entry, ...]:
    """Return the project's dependencies and those of *extras* (normalised).

    A requirement of the project itself stands for its extras, with the marker of that requirement.
    """
    known = dict(project.extras)
    wanted = [*known] if all_extras else [extra for extra in extras if extra in known]
    found = _expanded(project.name, project.dependencies, known, "", frozenset())
    for extra in dict.fromkeys(wanted):
        found += _expanded(project.name, known[extra], known, "", frozenset((extra,)))
    return tuple(dict.fromkeys(found))


def _expanded(
    name: str,
    entries: Iterable[Entry],
    known: Mapping[str, tuple[Entry, ...]],
    marker: str,
    inside: frozenset[str],
) -> list[Entry]:
    found: list[Entry] = []
    for entry in entries:
        both = both_markers(marker, entry.marker)
        if entry.name != name or not name or entry.url:
            found.append(replace(entry, marker=both))
            continue
        for extra in entry.extras:
            if extra not in inside:
                found += _expanded(name, known.get(extra, ()), known, both, inside | {extra})
    return found


def both_markers(one: str, other: str) -> str:
    """Return the marker that holds where both do; empty texts hold everywhere."""
    if one and other and one != other:
        return f"({one}) and ({other})"
    return one or other
