"""The projects on this disk that a source reaches: their tables, and the workspaces that they are members of."""

import os
from collections.abc import Callable, Iterable, Mapping

from puffin import depends
from puffin.errors import PuffinError
from puffin.stages.resolve.metadata.toml import InvalidProject, decode_text
from puffin.stages.resolve.projects.patterns import expand, is_pattern
from puffin.stages.resolve.projects.project import SourceFile
from puffin.stages.resolve.projects.tables import ProjectTables, read_tables
from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound
from puffin.value import frozen

_FILE = "pyproject.toml"


@frozen
class WorkspaceMember:
    """What a workspace knows of a member; ``installed`` is as in :class:`ProjectTables`. All else is in its file."""

    name: str
    directory: str
    installed: bool | None


@frozen
class Monorepo:
    """A workspace: its root, its members by name (the root's own project among them), and the directories of all."""

    root: ProjectTables
    members: Mapping[str, WorkspaceMember]
    directories: frozenset[str]


class LocalProjects:
    """Reads each ``pyproject.toml`` and each workspace once."""

    def __init__(self, read: Callable[[str], bytes], exists: Callable[[str], bool] = depends.exists) -> None:
        self._read = read
        self._exists = exists
        self._tables: dict[str, ProjectTables | None] = {}
        self._workspaces: dict[str, Monorepo] = {}
        self._trees: dict[str, Monorepo] = {}
        self._whole: dict[tuple[str, ...], Monorepo] = {}

    def tables(self, directory: str, *, mentioning: str = "") -> ProjectTables | None:
        """Return the tables of the project in a directory, None where it has no ``pyproject.toml``.

        None also if that file does not contain *mentioning*: errors in unrelated files do not matter.
        """
        if directory not in self._tables:
            file = self._file(directory)
            if file is not None and mentioning not in file.text:
                return None
            self._tables[directory] = None if file is None else read_tables(file)
        return self._tables[directory]

    def _file(self, directory: str) -> SourceFile | None:
        path = os.path.join(directory, _FILE)
        shown = os.path.relpath(path)
        shown = path if shown.startswith("..") else shown
        try:
            text = decode_text(self._read(path), shown)
        except RequirementsFileNotFound:
            return None
        return SourceFile(path=path, shown=shown, text=text, exists=self._exists)

    def workspace_of(self, directory: str) -> Monorepo | None:
        """Return the workspace that the project in a directory is a member of: the nearest one above that has it."""
        at = directory
        while True:
            tables = self.tables(at, mentioning="workspace")
            if tables is not None and tables.members is not None:
                found = self.workspace(tables)
                return found if directory in found.directories else None
            if os.path.dirname(at) == at:
                return self._trees.get(directory)
            at = os.path.dirname(at)

    def tree(self, directories: tuple[str, ...]) -> Monorepo:
        """Return the projects in these directories as a workspace, and remember them as one."""
        if directories not in self._whole:
            root = ProjectTables(path="", directory="", shown=".", workspace=".")
            found = self._whole[directories] = self._monorepo(root, directories)
            self._trees |= dict.fromkeys(directories, found)
        return self._whole[directories]

    def workspace(self, root: ProjectTables) -> Monorepo:
        """Return the workspace of a root. Raises :class:`InvalidProject` for invalid members."""
        if root.directory not in self._workspaces:
            self._workspaces[root.directory] = self._monorepo(root, _directories(root))
        return self._workspaces[root.directory]

    def _monorepo(self, root: ProjectTables, directories: Iterable[str]) -> Monorepo:
        members: dict[str, ProjectTables] = {root.name: root} if root.name else {}
        links: list[str] = []
        for directory in sorted(directories, key=_is_link):  # links to members are these members
            member = self._member(root, directory)
            former = member and members.setdefault(member.name, member)
            if member and former and former.directory != member.directory:
                if depends.real_path(former.directory) == depends.real_path(member.directory):
                    links.append(directory)
                    continue
                problem = f"the workspace has a second member called `{member.name}`, at {former.line}"
                raise InvalidProject(file=member.line, problem=problem)
        meant = frozenset((root.directory, *[each.directory for each in members.values()], *links))
        known = {
            name: WorkspaceMember(name=name, directory=each.directory, installed=each.installed)
            for name, each in members.items()
        }
        return Monorepo(root=root, members=known, directories=meant)

    def _member(self, root: ProjectTables, directory: str) -> ProjectTables | None:
        tables = self.tables(directory)
        if tables is None and _is_left_over(directory):
            return None
        if tables is None or not tables.name:
            shown = os.path.relpath(directory, root.directory)
            what = "no `pyproject.toml`" if tables is None else "no `project.name`"
            problem = f"the member `{shown}` of the workspace has {what}"
            hints = (f'add it to `exclude`: `exclude = ["{shown}"]`',)
            raise InvalidProject(file=root.workspace, problem=problem, hints=hints)
        return tables


def _directories(root: ProjectTables) -> list[str]:
    """Return the directories of the members of a workspace, without those that it excludes."""
    left_out = {path for pattern in root.exclude for path in _meant(pattern, root)}
    found: dict[str, None] = {}
    for pattern in root.members or ():
        meant = _meant(pattern, root)
        if not meant and not is_pattern(pattern):
            problem = f"the member `{pattern}` of the workspace does not exist"
            raise InvalidProject(file=root.workspace, problem=problem)
        anywhere = "**" in pattern  # then directories in between need not be projects
        found |= dict.fromkeys([each for each in meant if not anywhere or depends.is_file(f"{each}/{_FILE}")])
    return [path for path in found if path not in left_out and path != root.directory]


def is_within(directory: str, path: str, data: bytes) -> bool:
    """Tell whether a *directory* belongs to the workspace of the ``pyproject.toml`` at *path*, which holds *data*.

    It does not if that file is invalid: whoever needs the workspace says what is wrong.
    """
    try:
        root = LocalProjects(lambda _path: data).tables(os.path.dirname(path))
        if root is None or root.members is None:
            return False
        return directory == root.directory or directory in _directories(root)
    except PuffinError:
        return False


def _meant(pattern: str, root: ProjectTables) -> list[str]:
    return [
        os.path.normpath(os.path.join(root.directory, path))
        for path in expand(os.path.normpath(pattern), root.directory, depends.is_directory)
    ]


def _is_link(path: str) -> bool:
    depends.looked_for(path)
    return bool(depends.link_target(path))


def _is_left_over(directory: str) -> bool:
    """Tell whether a directory has no files of a project, for example after a switch to another branch."""
    depends.directory(directory)
    return all(name[0] == "." or name == "__pycache__" for name in depends.names_at(directory))
