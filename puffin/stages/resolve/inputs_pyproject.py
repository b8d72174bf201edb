"""``pyproject.toml``: the dependencies of ``[project]`` (PEP 621) and the dependency groups (PEP 735)."""

from collections.abc import Mapping

from puffin.names import normalise
from puffin.stages.resolve.inputs_entries import SourceFile, entries_of
from puffin.stages.resolve.inputs_errors import InvalidProject, NeedsBuild
from puffin.stages.resolve.inputs_groups import group_requirements
from puffin.stages.resolve.inputs_project import Project
from puffin.stages.resolve.inputs_toml import check_specifier, parse_toml, table_of, text_of, texts_of
from puffin.stages.resolve.reqvalues import Entry

_WHERE = "project."


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
    _check_static(table, document, file.shown, extras=extras)
    specifier = text_of(table, "requires-python", file.shown, where=_WHERE)
    return Project(
        name=normalise(name),
        file=file.shown,
        dependencies=entries_of(texts_of(table, "dependencies", file.shown, where=_WHERE), file),
        extras=_extras(table, file),
        requires_python=check_specifier(specifier, file.shown, "project.requires-python"),
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
