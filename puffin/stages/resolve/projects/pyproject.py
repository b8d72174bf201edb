"""``pyproject.toml``: the dependencies of ``[project]`` (PEP 621) and the dependency groups (PEP 735)."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from puffin.errors import USAGE, PuffinError
from puffin.names import normalise
from puffin.stages.resolve.metadata.project import Dynamic, project_table
from puffin.stages.resolve.metadata.toml import InvalidProject, TomlTable, decode_text, parse_toml
from puffin.stages.resolve.projects.places import nearest, places_of
from puffin.stages.resolve.projects.project import Project, SourceFile, entries_of, there_are
from puffin.stages.resolve.requirements.texts import specifiers_of
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import RawConfigParser


class NeedsBuild(PuffinError):
    """The dependencies of a project are known only to its build backend. ``reason`` is a clause."""

    sentence = "Failed to read the dependencies of `{file}`: {reason}"
    file: str
    reason: str
    hints: tuple[str, ...] = (
        "write the dependencies under `[project]` in `pyproject.toml`,"
        " or give the requirements file that they come from",
    )


class GroupNotFound(PuffinError):
    """A dependency group does not exist. ``included_by`` is the group that includes it, if one does."""

    exit_code = USAGE
    group: str
    file: str
    known: tuple[str, ...]
    included_by: str = ""

    def summary(self) -> str:
        by = f" (included by `{self.included_by}`)" if self.included_by else ""
        return f"Failed to find the dependency group `{self.group}`{by} in `{self.file}`"

    def details(self) -> tuple[str, ...]:
        return (there_are(self.known),)


class GroupCycle(PuffinError):
    """Dependency groups include one another in a circle (PEP 735). ``cycle`` ends where it begins."""

    exit_code = USAGE
    cycle: tuple[str, ...]
    file: str

    def summary(self) -> str:
        return f"Failed to read the dependency groups of `{self.file}`: {' → '.join(self.cycle)} is a cycle"


def read_pyproject(file: SourceFile, *, extras: bool) -> Project:
    """Return the project that a ``pyproject.toml`` describes; *extras* tells whether any are asked for.

    Raises :class:`NeedsBuild` for what is dynamic, :class:`InvalidProject`, and ``InvalidRequirementLine``.
    """
    document = parse_toml(file.text, file.shown)
    try:
        table = project_table(document, "dependencies", *(("optional-dependencies",) if extras else ()))
    except Dynamic as dynamic:
        raise NeedsBuild(file=file.shown, reason=dynamic.reason, hints=_hints(document)) from None
    return Project(
        name=table.name,
        file=file.shown,
        dependencies=entries_of(table.dependencies, file),
        extras=tuple([(extra, entries_of(texts, file)) for extra, texts in table.extras]),
        requires_python=check_specifier(table.requires_python, file.shown, "project.requires-python"),
    )


def check_specifier(text: str, file: str, what: str) -> str:
    """Return *text* if it is a version specifier (PEP 440); raises :class:`InvalidProject` naming *what*."""
    try:
        specifiers_of(text)
    except ValueError:
        problem = f"`{what}` is `{text}`, which is not a version specifier"
        raise InvalidProject(file=file, problem=problem) from None
    return text


def ignored_entries(document: Mapping[str, object], file: SourceFile, keys: Iterable[str]) -> tuple[str, ...]:
    """Return a warning for each of these *keys* of ``[tool.uv]`` that a file has.

    *document* is the parsed TOML of *file*, or of the block in it.
    """
    tool = document.get("tool")
    table = tool.get("uv") if isinstance(tool, Mapping) else None
    there = [key for key in keys if table.get(key)] if isinstance(table, Mapping) else []
    lines = places_of(file.text) if there else []
    return tuple(
        f"`{key}` in `[tool.uv]` has no effect in puffin ({file.shown}:{nearest(lines, ('tool', 'uv', key))})"
        for key in there
    )


def has_project(file: SourceFile) -> bool:
    """Tell whether a ``pyproject.toml`` describes a project, and not only tools and groups."""
    document = parse_toml(file.text, file.shown).values
    return "project" in document or "build-system" in document


def states_project(file: SourceFile) -> bool:
    """Tell whether a ``pyproject.toml`` has the ``[project]`` table."""
    return "project" in parse_toml(file.text, file.shown).values


def read_group(file: SourceFile, group: str) -> tuple[Project, tuple[Entry, ...]]:
    """Return a group's requirements, and the project, which may have no name, for its label."""
    document = parse_toml(file.text, file.shown)
    texts = group_requirements(_groups(document), group, file.shown)
    name = document.table("project").text("name")
    return Project(name=normalise(name), file=f"{file.shown}:{group}"), entries_of(texts, file)


def group_names(file: SourceFile) -> tuple[str, ...]:
    """Return the names (normalised) of all dependency groups of a ``pyproject.toml``."""
    return tuple(_normalised(_groups(parse_toml(file.text, file.shown)), file.shown))


def _groups(document: TomlTable) -> object:
    """Return the dependency groups; ``dev-dependencies`` of uv, which is older, are of the group ``dev``."""
    groups = document.values.get("dependency-groups", {})
    older = document.table("tool").table("uv").values.get("dev-dependencies")
    if not older or not isinstance(groups, Mapping) or not isinstance(older, list):
        return groups
    known = groups.get("dev", [])
    return {**groups, "dev": [*known, *older]} if isinstance(known, list) else groups


def _hints(document: TomlTable) -> tuple[str, ...]:
    if "poetry" in document.table("tool").values:
        return ("move the dependencies from `[tool.poetry]` to `[project]`, the standard table (PEP 621)",)
    if "dependency-groups" in document.values and "project" not in document.values:
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
    if beside is not None and states_project(beside):
        with suppress(NeedsBuild):
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
