"""The environments of projects where nothing is configured: of a workspace, of one project, of a tree of projects."""

import os

from puffin import depends
from puffin.pipeline.workspace.document import PROJECT_FILE
from puffin.pipeline.workspace.select import fill
from puffin.pipeline.workspace.specs import EnvSpec, GlobSpec, Workspace
from puffin.stages.resolve.projects.members import LocalProjects, Monorepo
from puffin.stages.resolve.projects.patterns import expand
from puffin.stages.resolve.projects.tables import SHARED, ProjectTables
from puffin.stages.resolve.projects.uvlock import UV_LOCK
from puffin.stages.resolve.requirements.file import read_file
from puffin.types import Iterable
from puffin.value import replace


def implied_workspace(cwd: str, defaults: GlobSpec | None = None) -> Workspace | None:
    """Return the environments of the nearest project in *cwd* and above, and of all members of its workspace.

    If there is no such project, the environments are those of all projects below *cwd*. *defaults* are for all of them.
    Raises ``InvalidProject`` for invalid members.
    """
    found = _implied(cwd)
    if found is None or defaults is None:
        return found
    return replace(
        found, specs=tuple([each for spec in found.specs for each in _with(defaults, spec, found.root)])
    )


def _with(defaults: GlobSpec, spec: EnvSpec, root: str) -> list[EnvSpec]:
    """Return an environment with what holds for all: one for each Python."""
    own, file = defaults.spec, os.path.relpath(spec.project, root)
    return [
        replace(
            spec,
            name=f"{spec.name}-{python}" if len(defaults.pythons) > 1 else spec.name,
            path=os.path.normpath(os.path.join(root, fill(own.path, file, spec.name, python))),
            python=python,
            extras=own.extras,
            groups=own.groups or spec.groups,
            constraints=own.constraints,
            link_mode=own.link_mode,
            compile_bytecode=own.compile_bytecode,
            editable=own.editable,
        )
        for python in defaults.pythons or ("",)
    ]


def _implied(cwd: str) -> Workspace | None:
    projects = LocalProjects(read_file)
    nearest = _nearest(cwd, projects)
    if nearest is None:
        return _tree(cwd, projects)
    workspace = projects.workspace_of(nearest.directory)
    root = workspace.root if workspace else nearest
    return _workspace(root, _members(workspace, projects) if workspace else (nearest,))


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
    members = _members(projects.tree(tree), projects) if tables else ()
    root = ProjectTables(path="", directory=cwd, shown=".")
    return _workspace(root, members, tree) if members else None


def _members(workspace: Monorepo, projects: LocalProjects) -> tuple[ProjectTables, ...]:
    found = [projects.tables(each.directory) for each in workspace.members.values()]
    return tuple([each for each in found if each is not None])


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
