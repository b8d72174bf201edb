"""The environments of projects where nothing is configured: of a workspace, of one project, of a tree of projects."""

import os

from puffin import depends
from puffin.pipeline.workspace.document import PROJECT_FILE
from puffin.pipeline.workspace.specs import EnvSpec, Workspace
from puffin.stages.resolve.projects.members import LocalProjects
from puffin.stages.resolve.projects.patterns import expand
from puffin.stages.resolve.projects.tables import SHARED, ProjectTables
from puffin.stages.resolve.projects.uvlock import UV_LOCK
from puffin.stages.resolve.requirements.file import read_file
from puffin.types import Iterable


def implied_workspace(cwd: str) -> Workspace | None:
    """Return the environments of the nearest project in *cwd* and above, and of all members of its workspace.

    If there is no such project, the environments are those of all projects below *cwd*. Raises ``InvalidProject``
    for invalid members.
    """
    projects = LocalProjects(read_file)
    nearest = _nearest(cwd, projects)
    if nearest is None:
        return _tree(cwd, projects)
    workspace = projects.workspace_of(nearest.directory)
    root = workspace.root if workspace else nearest
    members = tuple(workspace.members.values()) if workspace else (nearest,)
    return _workspace(root, members)


def _nearest(directory: str, projects: LocalProjects) -> ProjectTables | None:
    """Return the nearest project, or root of a workspace."""
    while True:
        tables = projects.tables(directory)
        if tables is not None and (tables.name or tables.members is not None):
            return tables
        if os.path.dirname(directory) == directory:
            return None
        directory = os.path.dirname(directory)


def _tree(cwd: str, projects: LocalProjects) -> Workspace | None:
    """Return the environments of all projects below; those that depend on each other get each other's copies."""
    found = [os.path.dirname(os.path.join(cwd, path)) for path in expand(f"**/{PROJECT_FILE}", cwd)]
    tables = [each for each in map(projects.tables, found) if each is not None and each.name]
    tree = tuple([each.directory for each in tables])
    members = tuple(projects.tree(tree).members.values()) if tables else ()
    root = ProjectTables(path="", directory=cwd, shown=".")
    return _workspace(root, members, tree) if members else None


def _workspace(root: ProjectTables, members: Iterable[ProjectTables], tree: tuple[str, ...] = ()) -> Workspace:
    lock = os.path.join(root.directory, UV_LOCK)
    known = lock if depends.is_file(lock) else ""
    if root.layout == SHARED:
        specs = [_shared(root, [each for each in members if each.directory != root.directory], known)]
    else:
        specs = [_spec(root, each, known, tree) for each in members]
    return Workspace(root=root.directory, file=root.shown, specs=tuple(specs))


def _spec(root: ProjectTables, member: ProjectTables, lock: str, tree: tuple[str, ...]) -> EnvSpec:
    name = os.path.relpath(member.directory, root.directory)
    return EnvSpec(
        name=name,
        base=name,
        path=os.path.join(member.directory, ".venv"),
        project=member.path,
        groups=member.default_groups,
        uv_lock=lock,
        packages=(member.name,),
        tree=tree,
        origin=member.line,
    )


def _shared(root: ProjectTables, members: "list[ProjectTables]", lock: str) -> EnvSpec:
    groups = [f"{each.path}:{group}" for each in (root, *members) for group in each.default_groups]
    return EnvSpec(
        name=".",
        base=".",
        path=os.path.join(root.directory, ".venv"),
        project=root.path,
        members=tuple([each.path for each in members]),
        groups=tuple(groups),
        uv_lock=lock,
        packages=(root.name, *[each.name for each in members]) if root.name else (),
        origin=root.line,
    )
