"""Give the requirements of projects the places that their tables name: a URL, a path or an index.

:func:`chosen_source` decides about one requirement, and reads nothing. :class:`Lowering` applies it to all requirements
of a command, and to those of the local projects among them, as uv does. Packages from an index have no tables.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from puffin import depends
from puffin.artifact.urls import file_path, file_url, is_file_url, percent_encoded, with_subdirectory
from puffin.stages.fetch.git.url import subdirectory
from puffin.stages.resolve.index.config import NamedIndex, with_credentials
from puffin.stages.resolve.metadata.toml import InvalidProject
from puffin.stages.resolve.projects.members import LocalProjects, Monorepo
from puffin.stages.resolve.projects.tables import GIT, INDEX, PATH, WORKSPACE, PackageSource, ProjectTables
from puffin.stages.resolve.projects.values import SourcePolicy
from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.place import (
    PathBase,
    UnusableLocation,
    locate_reference,
    looks_like_archive,
    same_place,
)
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen, replace

LocalNode = tuple[str, tuple[str, ...]]  # the directory of a project, and the extras that are wanted of it


@frozen
class Asker:
    """Who asks for a package: the project with these ``tables``, under an extra or a group, within a ``workspace``."""

    tables: ProjectTables
    workspace: Monorepo | None = None
    extras: tuple[str, ...] = ()
    group: str = ""


def declared_sources(name: str, asker: Asker) -> tuple[PackageSource, ...]:
    """Return the sources that a project has for a package: its own, or those of the root of its workspace."""
    above = asker.workspace.root.sources.get(name, ()) if asker.workspace else ()
    return tuple(asker.tables.sources.get(name) or above)


def _applying(name: str, asker: Asker) -> list[PackageSource]:
    """Return the sources that a project has for a package under its extra or group, whatever their markers."""
    return [
        each
        for each in declared_sources(name, asker)
        if (not each.extra or each.extra in asker.extras) and (not each.group or each.group == asker.group)
    ]


def _at_once(name: str, found: Sequence[PackageSource]) -> InvalidProject:
    problem = f"`{name}` has {len(found)} sources that apply at once"
    return InvalidProject(
        file=found[0].place, problem=problem, hints=("give them markers that exclude each other",)
    )


def chosen_source(entry: Entry, asker: Asker, holds: Callable[[str], bool]) -> PackageSource | None:
    """Return the source of a requirement of *asker*, None if that is its own URL, or the indexes.

    The sources of the project take precedence over those of the root of its workspace, even if none of them applies.
    Raises :class:`InvalidProject` if two apply.
    """
    name, workspace = entry.name, asker.workspace
    found = [each for each in _applying(name, asker) if not each.marker or holds(each.marker)]
    if len(found) > 1:
        raise _at_once(name, found)
    if not (entry.url or declared_sources(name, asker)) and workspace and name in workspace.members:
        root = workspace.root  # a member is never looked for on an index
        return PackageSource(
            kind=WORKSPACE, target="", file=root.shown, place=root.workspace, directory=root.directory
        )
    return found[0] if found else None


class Lowering:
    """Places the requirements of a command.

    ``pins`` are the indexes of packages by name and by the marker of the environments where they count. Of ``virtual``
    packages only the dependencies are installed.
    ``needs`` are pairs of local projects, of which the first needs the second.
    """

    def __init__(
        self, read: Callable[[str], bytes], exists: Callable[[str], bool], policy: SourcePolicy
    ) -> None:
        self.projects = policy.projects or LocalProjects(read, exists)
        self.pins: dict[tuple[str, str], str] = {}
        self.virtual: dict[str, None] = {}
        self.needs: list[tuple[LocalNode, LocalNode]] = []
        self._exists = exists
        self._policy = policy
        self._conditions: Conditions | None = None
        self._pinned_at: dict[tuple[str, str], str] = {}
        self._workspaces: dict[str, Monorepo] = {}

    def asker(self, tables: ProjectTables, *, extras: tuple[str, ...] = (), group: str = "") -> Asker:
        workspace = None if self._policy.skipped is True else self.projects.workspace_of(tables.directory)
        if workspace is not None:
            self._workspaces[workspace.root.directory] = workspace
        return Asker(tables=tables, workspace=workspace, extras=extras, group=group)

    def indexes(self, asker: Asker) -> tuple[NamedIndex, ...]:
        """Return the indexes that a project declares, and those of its workspace."""
        known = (*asker.tables.indexes, *(asker.workspace.root.indexes if asker.workspace else ()))
        environ = self._policy.environ
        return tuple([replace(each, url=with_credentials(each.name, each.url, environ)) for each in known])

    def placed(self, entries: Iterable[Entry], asker: Asker) -> tuple[Entry, ...]:
        """Return requirements of a project, those with a source with its place.

        In a resolution for several environments, a requirement is one for each of its sources, with their markers.
        """
        return tuple([each for entry in entries for each in self._placed(entry, asker)])

    def _placed(self, entry: Entry, asker: Asker) -> list[Entry]:
        if not entry.name or self._policy.skips(entry.name):
            return [entry]
        if entry.name == asker.tables.name:  # among dependencies, it stands for an extra
            return [self._itself(entry, asker.tables) if asker.group and not entry.url else entry]
        return [self._sourced(part, source, asker) for part, source in self._parts(entry, asker)]

    def _parts(self, entry: Entry, asker: Asker) -> list[tuple[Entry, PackageSource | None]]:
        """Return a requirement with its source: in a resolution for several environments, its parts."""
        several = self._policy.several
        found = _applying(entry.name, asker) if several else []
        if several is None or not any(each.marker for each in found):
            return [(entry, chosen_source(entry, asker, self.holds))]
        for pair in combinations(found, 2):
            if several.meet(entry.marker, *[each.marker for each in pair]):
                raise _at_once(entry.name, pair)
        parts = several.shares([each.marker for each in found], entry.marker)
        return [
            (replace(entry, marker=part), source)
            for part, source in zip(parts, (*found, None), strict=True)
            if part is not None
        ]

    def _sourced(self, entry: Entry, source: PackageSource | None, asker: Asker) -> Entry:
        if source is None:
            return entry
        if entry.url:
            problem = f"`{entry.name}` has a source and a URL, at {entry.origin}: remove one of them"
            raise InvalidProject(file=source.place, problem=problem)
        if source.kind == INDEX:
            self._pin(entry.name, source, (*self.indexes(asker), *self._policy.indexes))
            return entry
        if source.kind == WORKSPACE:
            return self._member(entry, source, asker)
        if source.kind == PATH:
            return self._path(entry, source)
        prefix = "" if source.kind != GIT or source.target.startswith("git+") else "git+"
        location = f"{prefix}{source.target}" + (f"@{percent_encoded(source.ref)}" if source.ref else "")
        return self._at(entry, source, location)

    def holds(self, marker: str) -> bool:
        """Tell whether a marker holds for the target; every one does if there is none."""
        if self._conditions is None:
            if self._policy.markers is None or self._policy.several is not None:
                return True
            self._conditions = Conditions(self._policy.markers())
        return self._conditions.hold_at(marker, "a source")

    def _pin(self, name: str, source: PackageSource, known: tuple[NamedIndex, ...]) -> None:
        found = next((each for each in known if each.name == source.target), None)
        if found is None:
            names = ", ".join(f"`{each.name}`" for each in known if each.name)
            hints = (f"the indexes are {names}",) if names else ("declare it in a `[[tool.uv.index]]` table",)
            problem = f"the source of `{name}` is the index `{source.target}`, which is not declared"
            raise InvalidProject(file=source.place, problem=problem, hints=hints)
        several = self._policy.several
        marker = source.marker if several else ""
        for (other, where), url in self.pins.items():
            if other == name and url != found.url and (several is None or several.meet(where, marker)):
                problem = f"`{name}` has another index at {self._pinned_at[name, where]}"
                raise InvalidProject(file=source.place, problem=problem)
        self.pins.setdefault((name, marker), found.url)
        self._pinned_at.setdefault((name, marker), source.place)

    def _member(self, entry: Entry, source: PackageSource, asker: Asker) -> Entry:
        workspace = asker.workspace
        if source.target:
            directory = os.path.normpath(os.path.join(source.directory, source.target))
            tables = self.projects.tables(directory)
            workspace = self.projects.workspace(tables) if tables and tables.members is not None else None
        member = workspace.members.get(entry.name) if workspace else None
        if member is None:
            what = f"it is not a member of `{workspace.root.shown}`" if workspace else "there is none here"
            problem = f"the source of `{entry.name}` is the workspace, but {what}"
            names = ", ".join(f"`{name}`" for name in workspace.members) if workspace else ""
            hints = (f"the members are {names}",) if names else ()
            raise InvalidProject(file=source.place, problem=problem, hints=hints)
        return self._directory(entry, source, member.directory, editable=source.editable is not False)

    def _itself(self, entry: Entry, tables: ProjectTables) -> Entry:
        source = PackageSource(
            kind=PATH, target=".", file=tables.shown, place=entry.origin, directory=tables.directory
        )
        return self._directory(entry, source, tables.directory, editable=True)

    def _path(self, entry: Entry, source: PackageSource) -> Entry:
        path = os.path.normpath(os.path.join(source.directory, os.path.expanduser(source.target)))
        if depends.is_directory(path):
            return self._directory(entry, source, path, editable=source.editable is True)
        if not self._exists(path) or not looks_like_archive(path):
            what = "is neither a directory nor an archive" if self._exists(path) else "does not exist"
            problem = f"the source of `{entry.name}` is `{source.target}`, which {what}"
            raise InvalidProject(file=source.place, problem=problem)
        if source.editable:
            problem = f"the source of `{entry.name}` is an archive, which cannot be editable"
            raise InvalidProject(file=source.place, problem=problem)
        return self._at(entry, source, file_url(path), source.target)

    def _directory(self, entry: Entry, source: PackageSource, path: str, *, editable: bool) -> Entry:
        inner = os.path.join(path, source.subdirectory) if source.subdirectory else path
        tables = self.projects.tables(inner)
        if tables is None and not self._exists(os.path.join(inner, "setup.py")):
            problem = f"the source of `{entry.name}` is `{source.target}`, which contains no project"
            raise InvalidProject(file=source.place, problem=problem)
        told = source.installed if source.installed is not None else tables.installed if tables else None
        if told is False:
            self.virtual[entry.name] = None
        written = source.target if source.kind == PATH else _beside(path, source.directory)
        return self._at(entry, source, file_url(path), written, editable=editable and told is not False)

    def _at(
        self, entry: Entry, source: PackageSource, location: str, written: str = "", *, editable: bool = False
    ) -> Entry:
        location = with_subdirectory(location, source.subdirectory)
        base = PathBase(cwd=source.directory, base=source.directory, exists=self._exists)
        try:
            if "://" not in location:
                raise UnusableLocation(problem=f"`{source.target}` is not a URL.")
            told = locate_reference(location, base)
            if told.name and told.name != entry.name:
                raise UnusableLocation(problem=f"It is a distribution of `{told.name}`.")
        except UnusableLocation as error:
            problem = f"the source of `{entry.name}` cannot be used: {error.problem}"
            raise InvalidProject(file=source.place, problem=problem, hints=error.hints) from None
        extras = f"[{','.join(entry.extras)}]" if entry.extras else ""
        text = f"{'-e ' if editable else ''}{entry.name}{extras} @ {written or location}"
        file = source.place if entry.constraint else entry.file
        return replace(
            entry, text=text, url=told.url, hashes=told.hashes, specifier="", editable=editable, file=file
        )

    def reached(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Return constraints with the sources of local projects among *entries*, and of those that these depend on.

        All members of their workspaces are among them: a package from an index may require one. Raises
        :class:`InvalidProject` for a package with two places. Of two requirements for one place the editable one wins.
        """
        found: dict[tuple[str, str], Entry] = {}
        left = [entry for entry in entries if entry.url]
        places: dict[str, list[Entry]] = {}
        for entry in left:
            places.setdefault(entry.name, []).append(entry)
        seen: set[tuple[str, tuple[str, ...]]] = set()
        while left:
            above = left.pop()
            directory = local_directory(above.url)
            if not directory or (directory, above.extras) in seen:
                continue
            seen.add((directory, above.extras))
            tables = self.projects.tables(directory)
            asker = self.asker(tables, extras=above.extras) if tables else None
            for entry, needed in self._limits(asker) if asker else ():
                for former in places.get(entry.name, ()):
                    if same_place(former.url) != same_place(entry.url) and self._meet(former, entry):
                        problem = f"`{entry.name}` has another source at {former.origin}: `{former.text}`"
                        raise InvalidProject(file=entry.file, problem=problem)
                places.setdefault(entry.name, []).append(entry)
                left.append(entry)
                if needed:
                    self.needs.append(((directory, above.extras), (local_directory(entry.url), entry.extras)))
                known = found.get((entry.name, entry.marker))
                found[entry.name, entry.marker] = known if known and known.editable else entry
        first = sorted(found.values(), key=lambda each: not each.editable)  # of one URL the first counts
        return (*first, *self._members(places))

    def _meet(self, one: Entry, other: Entry) -> bool:
        """Tell whether two requirements may apply at once."""
        if self._policy.several is None:
            return all(not each.marker or self.holds(each.marker) for each in (one, other))
        return self._policy.several.meet(one.marker, other.marker)

    def _rest(self, entries: Sequence[Entry]) -> str | None:
        """Return the marker of the environments where none of *entries* applies, None if there are none."""
        if self._policy.several is None or not entries:
            return None if entries else ""
        return self._policy.several.shares([each.marker for each in entries])[-1]

    def _members(self, places: Mapping[str, Sequence[Entry]]) -> "list[Entry]":
        """Return constraints for the members, in the environments where they have no place so far."""
        free = {
            name: replace(
                _member_entry(
                    name,
                    member.directory,
                    workspace.root.directory,
                    workspace.root.workspace,
                    member.installed is not False,
                ),
                marker=rest,
            )
            for workspace in self._workspaces.values()
            for name, member in workspace.members.items()
            if not self._policy.skips(name) and (rest := self._rest(places.get(name, ()))) is not None
        }
        return [*free.values()]

    def _limits(self, asker: Asker) -> "list[tuple[Entry, bool]]":
        """Return the requirements of a project that have places, and whether it needs each with the asked extras."""
        tables = asker.tables
        declared = tables.declared
        if declared is None:
            above = asker.workspace.root.sources if asker.workspace else ()
            names = (*tables.sources, *above, *(asker.workspace.members if asker.workspace else ()))
            declared = frozenset((name, (), "", "") for name in names)
        taken = {"", *asker.extras}
        while more := {own for name, found, _, extra in declared if name == tables.name and extra in taken
                       for own in found} - taken:  # fmt: skip
            taken |= more
        wanted = [
            (Entry(name=name, text=name, extras=own, file=tables.shown, constraint=True), extra in taken)
            for name, own, marker, extra in sorted(declared)
            if name != tables.name and (not marker or self.holds(marker))
        ]
        return [
            (placed, needed)
            for entry, needed in wanted
            for placed in self.placed((entry,), asker)
            if placed.url
        ]


def _beside(path: str, base: str) -> str:
    """Return a path relative to *base*, or to the working directory, in a form that is no name of a package."""
    relative = os.path.relpath(path, base or None)
    return relative if relative.startswith(".") else f".{os.sep}{relative}"


@lru_cache(maxsize=10_000)  # each environment of a workspace asks for all its members
def _member_entry(name: str, directory: str, root: str, place: str, editable: bool) -> Entry:
    """Return a member of the workspace at *root*, which *place* declares, as a constraint."""
    return Entry(
        name=name,
        text=f"{name} @ {_beside(directory, root)}",
        url=file_url(directory),
        editable=editable,
        file=place,
        constraint=True,
    )


def local_directory(url: str) -> str:
    """Return the directory of the project that a URL names on this disk; empty for all other URLs."""
    path = project_path(url)
    return path if path and depends.is_directory(path) else ""


@lru_cache(maxsize=10_000)  # each environment of a workspace asks for all its members
def project_path(url: str) -> str:
    """Return the path that a URL names on this disk, with its subdirectory; empty for all other URLs."""
    address, _, fragment = url.partition("#")
    if not is_file_url(address):
        return ""
    try:
        return os.path.join(file_path(address), subdirectory(fragment)).rstrip(os.sep)
    except ValueError:
        return ""
