"""The environments of a workspace as values, with their sources and locks."""

import os

from puffin import depends
from puffin.names import normalise
from puffin.pipeline.workspace.document import read_content
from puffin.stages.resolve.metadata.toml import InvalidProject, decode_text, parse_toml
from puffin.stages.resolve.projects.values import SHARED_LOCK
from puffin.stages.resolve.requirements.values import SourceRequest
from puffin.value import frozen


@frozen
class EnvSpec:
    """One configured environment. ``path`` and all files are absolute.

    ``base`` is the name that the entries of a matrix share. ``python`` is a request as for ``--python``, empty for any.
    ``compile_bytecode`` is None where nothing is said of it. ``editable`` is about the project itself.
    ``members`` are the files of further projects that share the environment, ``tree`` the directories of those that
    get each other's working copies. ``uv_lock`` is the lock file of uv, and ``packages`` the projects in it that are
    meant, none for those that uv means.
    Exactly one of ``requirements``, ``pylock`` and ``project`` (a ``pyproject.toml``) is set. ``origin`` is
    ``file:line`` of its configuration, or the file that it stands beside.
    """

    name: str
    path: str
    base: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    pylock: str = ""
    project: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    link_mode: str = ""
    compile_bytecode: bool | None = None
    editable: bool = True
    members: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()
    uv_lock: str = ""
    packages: tuple[str, ...] = ()
    origin: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        named = (*self.requirements, self.pylock, self.project, *self.members, *self.constraints)
        return tuple([each for each in named if each])


@frozen
class GlobSpec:
    """Environments for all files that ``match``, relative to the workspace, with what they share in ``spec``.

    ``spec.path`` is a template; ``pythons`` is empty for any one Python.
    """

    match: str
    spec: EnvSpec
    pythons: tuple[str, ...] = ()


@frozen
class Workspace:
    """The environments of a configuration file; ``root`` is its directory, ``file`` the file.

    ``defaults`` are set if the file says something about all environments and names none.
    """

    root: str
    file: str
    specs: tuple[EnvSpec, ...] = ()
    globs: tuple[GlobSpec, ...] = ()
    defaults: GlobSpec | None = None


def is_source(path: str) -> bool:
    """Tell whether a requirements file is one that pins are compiled from, by its name."""
    return path.endswith(".in")


def needs_lock(spec: EnvSpec) -> bool:
    """Tell whether an environment is made from something that is never pinned by itself."""
    return bool(spec.project) or any(is_source(path) for path in spec.requirements)


def lock_of(spec: EnvSpec) -> str:
    """Return the lock file of an environment, nothing where it has none.

    That of ``NAME.in`` is ``NAME.txt`` beside it, that of a project ``pylock.toml`` beside its ``pyproject.toml``.
    Where several environments are made from one source, their names tell the locks apart.
    """
    if not needs_lock(spec):
        return ""
    if spec.project:
        own = spec.extras or spec.groups or spec.name != spec.base
        name = f"pylock.{_slug(spec.name)}.toml" if own else "pylock.toml"
        return os.path.join(os.path.dirname(spec.project), name)
    source = next(path for path in spec.requirements if is_source(path))
    suffix = f"-{spec.python}" if spec.name != spec.base else ""
    return f"{source.removesuffix('.in')}{suffix}.txt"


def known_lock(spec: EnvSpec) -> str:
    """Return the lock whose pins are preferred: that of :func:`lock_of`, or where it does not exist a shared one."""
    lock = lock_of(spec)
    if not spec.project or depends.is_file(lock):
        return lock
    shared = shared_lock(spec)
    if shared != lock and _is_shared(shared):
        return shared
    return spec.uv_lock or lock


def shared_lock(spec: EnvSpec) -> str:
    """Return the lock of a project for all environments, which select extras and groups from it."""
    return os.path.join(os.path.dirname(spec.project), "pylock.toml")


def _is_shared(lock: str) -> bool:
    """Tell whether a lock file is for all environments of its project: it has a record of that.

    Older ones have no record, but extras or groups that environments can select.
    """
    data = read_content(lock) or b""
    head = data.partition(b"\n[[packages]]")[0]
    told = None
    if SHARED_LOCK.encode() in data:
        try:
            behind = b"\n[tool" in data[len(head) :]  # somebody moved the table behind the packages
            document = parse_toml(decode_text(data if behind else head, lock), lock)
            told = document.table("tool").table("puffin").values.get(SHARED_LOCK)
        except InvalidProject:
            return False
    older = b"\nextras = [" in head or b"\ndependency-groups = [" in head
    return older if told is None else told is True


def groups_of(spec: EnvSpec) -> tuple[str, ...]:
    """Return the names (normalised) of the groups of an environment, wherever these are."""
    return tuple(dict.fromkeys(normalise(group.rpartition(":")[2]) for group in spec.groups))


def _slug(name: str) -> str:
    return "-".join("".join(each if each.isalnum() else " " for each in name).split()) or "env"


def sources_of(spec: EnvSpec, constraints: tuple[str, ...] = ()) -> "SourceRequest":
    """Return the request for an environment's sources; *constraints* apply to all environments without a lock file."""
    groups = [group if ":" in group else f"{spec.project}:{group}" for group in spec.groups]
    return SourceRequest(
        files=spec.requirements or (spec.project or spec.pylock, *spec.members),
        constraints=() if spec.pylock else (*spec.constraints, *constraints),
        extras=spec.extras,
        groups=spec.groups if spec.pylock else tuple(groups),
        itself=bool(spec.project),
        editable=spec.editable,
        tree=spec.tree,
    )
