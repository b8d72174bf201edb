"""``pyproject.toml``: the dependencies of ``[project]`` (PEP 621) and the dependency groups (PEP 735)."""

import os
from collections.abc import Callable, Iterator, Mapping

from puffin.names import is_name, normalise
from puffin.stages.resolve.projects.places import nearest, places_of
from puffin.stages.resolve.projects.project import Project, SourceFile, entries_of
from puffin.stages.resolve.projects.toml import (
    GroupCycle,
    GroupNotFound,
    InvalidProject,
    NeedsBuild,
    check_specifier,
    decode_text,
    parse_toml,
    table_of,
    text_of,
    texts_of,
)
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import RawConfigParser

_WHERE = "project."
_DECISIVE = (  # of what is chosen
    "override-dependencies", "constraint-dependencies", "exclude-dependencies", "exclude-newer", "dev-dependencies",
    "index-url", "extra-index-url", "find-links", "no-index", "index-strategy", "resolution", "prerelease",
)  # fmt: skip


def read_pyproject(file: SourceFile, *, extras: bool) -> Project:
    """Return the project that a ``pyproject.toml`` describes; *extras* tells whether any are asked for.

    Raises :class:`NeedsBuild` for what is dynamic, :class:`InvalidProject`, and ``InvalidRequirementLine``.
    """
    document = parse_toml(file.text, file.shown)
    if "project" not in document:
        raise NeedsBuild(file=file.shown, reason="it has no `[project]` table", hints=_hints(document))
    table = table_of(document, "project", file.shown)
    name = text_of(table, "name", file.shown, where=_WHERE)
    if not name:
        raise InvalidProject(file=file.shown, problem="`project.name` is missing")
    if not is_name(name):
        raise InvalidProject(
            file=file.shown, problem=f"`project.name` is `{name}`, which is no name of a project"
        )
    _check_static(table, document, file.shown, extras=extras)
    specifier = text_of(table, "requires-python", file.shown, where=_WHERE)
    return Project(
        name=normalise(name),
        file=file.shown,
        dependencies=entries_of(texts_of(table, "dependencies", file.shown, where=_WHERE), file),
        extras=_extras(table, file),
        requires_python=check_specifier(specifier, file.shown, "project.requires-python"),
    )


def ignored_entries(document: Mapping[str, object], file: SourceFile) -> tuple[str, ...]:
    """Return a warning for each entry of ``[tool.uv]`` that would change what is installed, and is not read here.

    *document* is the parsed TOML of *file*, or of the block in it.
    """
    tool = document.get("tool")
    table = tool.get("uv") if isinstance(tool, Mapping) else None
    keys = [key for key in _DECISIVE if table.get(key)] if isinstance(table, Mapping) else []
    lines = places_of(file.text) if keys else []
    return tuple(
        f"`{key}` in `[tool.uv]` has no effect in puffin ({file.shown}:{nearest(lines, ('tool', 'uv', key))})"
        for key in keys
    )


def has_project(file: SourceFile) -> bool:
    """Tell whether a ``pyproject.toml`` describes a project, and not only tools and groups."""
    document = parse_toml(file.text, file.shown)
    return "project" in document or "build-system" in document


def states_project(file: SourceFile) -> bool:
    """Tell whether a ``pyproject.toml`` has the ``[project]`` table."""
    return "project" in parse_toml(file.text, file.shown)


def is_static(file: SourceFile) -> bool:
    """Tell whether a ``pyproject.toml`` lists the dependencies, so that no build is needed."""
    table = table_of(parse_toml(file.text, file.shown), "project", file.shown)
    return bool(table) and "dependencies" not in texts_of(table, "dynamic", file.shown, where=_WHERE)


def read_group(file: SourceFile, group: str) -> tuple[Project, tuple[Entry, ...]]:
    """Return a group's requirements, and the project, which may have no name, for its label."""
    document = parse_toml(file.text, file.shown)
    texts = group_requirements(document.get("dependency-groups", {}), group, file.shown)
    name = text_of(table_of(document, "project", file.shown), "name", file.shown, where=_WHERE)
    return Project(name=normalise(name), file=f"{file.shown}:{group}"), entries_of(texts, file)


def _extras(table: Mapping[str, object], file: SourceFile) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    optional = table_of(table, "optional-dependencies", file.shown, where=_WHERE)
    found: dict[str, tuple[Entry, ...]] = {}
    for extra in optional:
        name = normalise(extra)
        if name in found:
            raise InvalidProject(file=file.shown, problem=f"the extra `{name}` is there twice")
        where = f"{_WHERE}optional-dependencies."
        found[name] = entries_of(texts_of(optional, extra, file.shown, where=where), file)
    return tuple(found.items())


def _check_static(
    table: Mapping[str, object], document: Mapping[str, object], file: str, *, extras: bool
) -> None:
    dynamic = texts_of(table, "dynamic", file, where=_WHERE)
    needed = ("dependencies", "optional-dependencies") if extras else ("dependencies",)
    missing = [key for key in needed if key in dynamic]
    if not missing:
        return
    names = " and ".join(f"`{key}`" for key in missing)
    backend = (
        text_of(table_of(document, "build-system", file), "build-backend", file) or "setuptools.build_meta"
    )
    verb = "is" if len(missing) == 1 else "are"
    reason = f"{names} {verb} dynamic, so that only a build with `{backend}` tells"
    raise NeedsBuild(file=file, reason=reason)


def _hints(document: Mapping[str, object]) -> tuple[str, ...]:
    tools = document.get("tool")
    if isinstance(tools, Mapping) and "poetry" in tools:
        return ("move the dependencies from `[tool.poetry]` to `[project]`, the standard table (PEP 621)",)
    if "dependency-groups" in document:
        return ("to compile a dependency group alone, write `puffin pip compile --group NAME`",)
    return NeedsBuild.hints


def group_requirements(table: object, group: str, file: str) -> tuple[str, ...]:
    """Return the requirement texts of *group* (normalised) and of all groups that it includes.

    *table* is ``[dependency-groups]`` as it was read from *file*. Raises :class:`GroupNotFound`,
    :class:`GroupCycle` and :class:`InvalidProject`. A requirement that comes twice is returned once.
    """
    groups = _normalised(table, file)
    return tuple(dict.fromkeys(_walk(groups, group, (), file)))


def _normalised(table: object, file: str) -> dict[str, tuple[str, object]]:
    if not isinstance(table, Mapping):
        raise InvalidProject(file=file, problem="`dependency-groups` is not a table")
    groups: dict[str, tuple[str, object]] = {}
    for name, members in table.items():
        former = groups.setdefault(normalise(name), (name, members))
        if former[0] != name:
            problem = f"the dependency groups `{former[0]}` and `{name}` are the same name"
            raise InvalidProject(file=file, problem=problem)
    return groups


def _walk(
    groups: Mapping[str, tuple[str, object]], group: str, path: tuple[str, ...], file: str
) -> Iterator[str]:
    if group in path:
        raise GroupCycle(cycle=(*path[path.index(group) :], group), file=file)
    if group not in groups:
        raise GroupNotFound(
            group=group, file=file, known=tuple(sorted(groups)), included_by=path[-1] if path else ""
        )
    for member in _members(groups[group], file):
        if isinstance(member, str):
            yield member
        else:
            yield from _walk(groups, normalise(_included(member, group, file)), (*path, group), file)


def _members(group: tuple[str, object], file: str) -> list[object]:
    name, members = group
    if not isinstance(members, list):
        raise InvalidProject(file=file, problem=f"the dependency group `{name}` is not a list")
    return members


def _included(member: object, group: str, file: str) -> str:
    if isinstance(member, Mapping) and list(member) == ["include-group"]:
        included = member["include-group"]
        if isinstance(included, str):
            return included
    problem = f"the dependency group `{group}` has a member that is neither a requirement nor an include"
    hint = 'a member is written `"name>=1"` or `{ include-group = "name" }`'
    raise InvalidProject(file=file, problem=problem, hints=(hint,))


_FILE = "file:"


def read_setup_py(file: SourceFile, *, extras: bool, read: Callable[[str], bytes]) -> Project:
    """Return the project of a ``setup.py`` from the static ``pyproject.toml`` beside it.

    Raises :class:`NeedsBuild` if there is none.
    """
    beside = _beside(file, "pyproject.toml", read)
    if beside is not None and is_static(beside):
        return replace(read_pyproject(beside, extras=extras), file=file.shown)
    raise NeedsBuild(file=file.shown, reason="a `setup.py` is a program, so that only a build tells")


def read_setup_cfg(file: SourceFile, *, read: Callable[[str], bytes]) -> Project:
    """Return the project that a ``setup.cfg`` describes.

    Raises :class:`NeedsBuild` where a ``setup.py`` beside it may know more, :class:`InvalidProject`, and
    ``InvalidRequirementLine``.
    """
    parser = _parsed(file)
    name = parser.get("metadata", "name", fallback="")
    if not parser.has_option("options", "install_requires") and file.exists(_path(file, "setup.py")):
        reason = "it has no `install_requires`, so that `setup.py` may have it, and only a build tells"
        raise NeedsBuild(file=file.shown, reason=reason)
    value = parser.get("options", "install_requires", fallback="")
    python = " ".join(parser.get("options", "python_requires", fallback="").split())
    return Project(
        name=normalise(name) if name else "",
        file=file.shown,
        dependencies=_entries(value, file, read),
        extras=_cfg_extras(parser, file, read),
        requires_python=check_specifier(python, file.shown, "python_requires"),
    )


def describes_project(file: SourceFile) -> bool:
    """Tell whether a ``setup.cfg`` describes a project, and does not only set up tools."""
    parser = _parsed(file)
    return parser.has_section("metadata") or parser.has_section("options")


def _parsed(file: SourceFile) -> "RawConfigParser":
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        parser.read_string(file.text, file.shown)
    except Error as error:
        problem = str(error).split("\n", 1)[0].rstrip(":")
        raise InvalidProject(file=file.shown, problem=problem[:1].lower() + problem[1:]) from None
    return parser


def _cfg_extras(
    parser: "RawConfigParser", file: SourceFile, read: Callable[[str], bytes]
) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    section = "options.extras_require"
    if not parser.has_section(section):
        return ()
    return tuple([(normalise(name), _entries(value, file, read)) for name, value in parser.items(section)])


def _entries(value: str, file: SourceFile, read: Callable[[str], bytes]) -> tuple[Entry, ...]:
    """Return the requirements of a value: lines, or texts with semicolons, or the lines of other files."""
    if not value.strip().startswith(_FILE):
        return entries_of(_lines(value), file)
    found: list[Entry] = []
    for name in value.strip()[len(_FILE) :].replace("\n", ",").split(","):
        if name.strip():
            found += _entries_of_file(name.strip(), file, read)
    return tuple(found)


def _entries_of_file(name: str, file: SourceFile, read: Callable[[str], bytes]) -> tuple[Entry, ...]:
    other = _beside(file, name, read)
    if other is None:
        raise InvalidProject(file=file.shown, problem=f"it refers to `{name}`, which is not there")
    return entries_of(_lines(other.text if "\n" in other.text else f"{other.text}\n"), other)


def _lines(value: str) -> list[str]:
    lines = value.splitlines() if "\n" in value else value.split(";")
    stripped = [line.strip() for line in lines]
    return [line.partition(" #")[0].rstrip() for line in stripped if line and not line.startswith("#")]


def _beside(file: SourceFile, name: str, read: Callable[[str], bytes]) -> SourceFile | None:
    path = _path(file, name)
    if not file.exists(path):
        return None
    shown = os.path.join(os.path.dirname(file.shown), name)
    return SourceFile(path=path, shown=shown, text=decode_text(read(path), shown), exists=file.exists)


def _path(file: SourceFile, name: str) -> str:
    return os.path.normpath(os.path.join(file.directory, name))
