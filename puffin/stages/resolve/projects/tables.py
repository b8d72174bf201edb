"""``[tool.uv]`` and ``[tool.puffin]`` of a project: where its dependencies come from, and the members of its workspace.

https://docs.astral.sh/uv/concepts/projects/dependencies/ describes the tables. A name in ``[tool.puffin.sources]``
takes precedence over the same one in ``[tool.uv.sources]``. Each value has its place for errors.
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache

from puffin.names import is_name, normalise
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.metadata.toml import InvalidProject, parse_toml
from puffin.stages.resolve.projects.places import nearest, places_of
from puffin.stages.resolve.projects.project import SourceFile, entries_of
from puffin.stages.resolve.requirements.texts import requirement_parts, written_marker
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Declared = tuple[str, tuple[str, ...], str, str]

WORKSPACE, PATH, GIT, URL, INDEX = "workspace", "path", "git", "url", "index"
SHARED, SEPARATE = "shared", "separate"
_COMMON = frozenset(("marker", "extra", "group"))
_KEYS = {
    WORKSPACE: frozenset(("editable", "package")),
    PATH: frozenset(("editable", "package", "subdirectory")),
    GIT: frozenset(("rev", "tag", "branch", "subdirectory")),
    URL: frozenset(("subdirectory",)),
    INDEX: frozenset(),
}
_INDEX_KEYS = frozenset(  # those of uv, and `packages`
    (
        "name", "url", "explicit", "default", "format", "packages", "publish-url", "authenticate",
        "ignore-error-codes", "cache-control", "hash-algorithm", "exclude-newer", "exclude-newer-package",
    )
)  # fmt: skip
_REFS = ("rev", "tag", "branch")
_TOOLS = ("puffin", "uv")
_FLAGS = ("editable", "package")
_SELECTING = re.compile(
    r"""(?:[^"']|"[^"]*"|'[^']*')*?\b(?:extras?|dependency_groups)\b"""
).match  # not in a string
_NEVER = "python_version < '0'"


@frozen
class PackageSource:
    """Where a package comes from: ``kind`` is the key of the place, ``target`` its value.

    Paths are relative to ``directory``. ``editable`` and ``installed`` (the key ``package``) are None if they are not
    set. The source applies under its ``marker``, to requirements of its ``extra`` or ``group``, if these are set.
    """

    kind: str
    target: str
    file: str
    place: str
    directory: str
    ref: str = ""
    subdirectory: str = ""
    editable: bool | None = None
    installed: bool | None = None
    marker: str = ""
    extra: str = ""
    group: str = ""


@frozen
class ProjectTables:
    """What the tables of one ``pyproject.toml`` say; ``path`` and ``directory`` are absolute, ``name`` normalised.

    ``members`` is None where there is no workspace table, whose line is ``workspace``. ``installed`` tells
    whether the project is to be installed, None if that is not set; ``builds`` whether it has a build system.
    ``layout`` tells whether the members of a workspace share one environment. ``default_groups`` are the dependency
    groups that uv installs by default. ``declared`` are the packages that it depends on, with or without its extras:
    name, extras and marker of each, and the extra that it belongs to; None if only a build can tell them.
    ``constraints`` and ``overrides`` are those of ``[tool.uv]``, which count at the root of a workspace; an excluded
    dependency is an override that never holds. ``environments`` and ``required`` are pairs of a marker and its place:
    what a resolution for several environments is limited to, and what wheels must be there for.
    """

    path: str
    directory: str
    shown: str
    name: str = ""
    line: str = ""
    sources: "Mapping[str, tuple[PackageSource, ...]]" = {}
    indexes: tuple[NamedIndex, ...] = ()
    members: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    workspace: str = ""
    installed: bool | None = None
    builds: bool = False
    layout: str = ""
    default_groups: tuple[str, ...] = ()
    declared: "frozenset[Declared] | None" = frozenset()
    constraints: tuple[Entry, ...] = ()
    overrides: tuple[Entry, ...] = ()
    environments: tuple[tuple[str, str], ...] = ()
    required: tuple[tuple[str, str], ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether the project itself is to be installed where nobody depends on it, as for uv."""
        return self.builds if self.installed is None else self.installed


@lru_cache(maxsize=10_000)  # each environment of a workspace reads all its members
def read_tables(file: SourceFile) -> ProjectTables:
    """Return the tables of a ``pyproject.toml``. Raises :class:`InvalidProject` with file and line."""
    return _Tables(file).read()


class _Tables:
    """Reads one file; every error names its line."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        document = parse_toml(file.text, file.shown)
        self._document = document.values
        found = [(("tool", name), document.table("tool").table(name).values) for name in _TOOLS]
        self._tools = [each for each in found if each[1]]
        self._lines: list[tuple[int, tuple[str, ...]]] | None = None

    def read(self) -> ProjectTables:
        file, document = self._file, self._document
        project = document.get("project")
        project = project if isinstance(project, dict) else {}
        name = project.get("name", "")
        flags = [self._flag(tool.get("package"), (*where, "package")) for where, tool in self._tools]
        return ProjectTables(
            path=file.path,
            directory=file.directory,
            shown=file.shown,
            name=normalise(name) if isinstance(name, str) else "",
            line=self._place("project", "name"),
            sources=self._sources(),
            indexes=tuple([each for where, tool in self._tools for each in self._indexes(where, tool)]),
            installed=next((each for each in flags if each is not None), None),
            builds="build-system" in document,
            default_groups=self._default_groups(),
            layout=self._layout(),
            declared=_declared(project),
            constraints=tuple(
                [replace(each, constraint=True) for each in self._entries("constraint-dependencies")]
            ),
            overrides=(*self._entries("override-dependencies"), *self._excluded()),
            environments=self._environments("environments"),
            required=self._environments("required-environments"),
            **self._workspace(),
        )

    def _entries(self, key: str) -> tuple[Entry, ...]:
        return entries_of(self._texts(key), self._file)

    def _excluded(self) -> list[Entry]:
        return [replace(each, marker=_NEVER) for each in self._entries("exclude-dependencies")]

    def _environments(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the markers of a list, which may be one alone, with their place."""
        at = ("tool", "uv", key)
        found = dict(self._tools).get(("tool", "uv"), {}).get(key, [])
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(each, str) and each for each in listed):
            raise self._wrong(at, f"`{key}` is neither a marker nor a list of markers")
        markers = {each: self._marker(at, each) for each in listed}
        if wrong := next((each for each, marker in markers.items() if _SELECTING(marker)), None):
            raise self._wrong(at, f"`{wrong}` in `{key}` is about extras or groups, not about environments")
        return tuple([(marker, self._place(*at)) for marker in markers.values()])

    def _texts(self, key: str) -> list[str]:
        found: list[str] = dict(self._tools).get(("tool", "uv"), {}).get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self._wrong(("tool", "uv", key), f"`{key}` is not a list of strings")
        return found

    def _layout(self) -> str:
        layout = dict(self._tools).get(("tool", "puffin"), {}).get("layout", "")
        if layout not in ("", SHARED, SEPARATE):
            raise self._wrong(("tool", "puffin", "layout"), f'`layout` must be "{SHARED}" or "{SEPARATE}"')
        return str(layout)

    def _default_groups(self) -> tuple[str, ...]:
        groups = self._document.get("dependency-groups", {})
        known = [normalise(name) for name in groups] if isinstance(groups, dict) else []
        known += ["dev"] if self._texts("dev-dependencies") and "dev" not in known else []
        for where, tool in self._tools:
            told = tool.get("default-groups")
            if told == "all":
                return tuple(known)
            if isinstance(told, list) and all(isinstance(each, str) for each in told):
                return tuple([name for each in told if (name := normalise(each)) in known])
            if told is not None:
                at = (*where, "default-groups")
                raise self._wrong(at, '`default-groups` is neither "all" nor a list of strings')
        return ("dev",) if "dev" in known else ()

    def _workspace(self) -> "dict[str, Any]":
        for where, tool in self._tools:
            if "workspace" not in tool:
                continue
            at, table = (*where, "workspace"), tool["workspace"]
            if not isinstance(table, dict):
                raise self._wrong(at, f"`{'.'.join(at)}` is not a table")
            for key, value in table.items():
                if key not in ("members", "exclude"):
                    raise self._wrong(
                        (*at, key), f"`{key}` is not a key here; there are `members` and `exclude`"
                    )
                if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
                    raise self._wrong((*at, key), f"`{key}` is not a list of strings")
            members, exclude = (tuple(table.get(key, ())) for key in ("members", "exclude"))
            return {"members": members, "exclude": exclude, "workspace": self._place(*at, "members")}
        return {}

    def _indexes(self, where: tuple[str, ...], tool: "Mapping[str, Any]") -> "list[NamedIndex]":
        tables = tool.get("index", [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self._wrong((*where, "index"), f"indexes are written as `[[{'.'.join(where)}.index]]` tables")
        return [self._index((*where, "index", str(number)), table) for number, table in enumerate(tables)]

    def _index(self, at: tuple[str, ...], table: "Mapping[str, Any]") -> NamedIndex:
        for key in table:
            if key not in _INDEX_KEYS:
                raise self._wrong((*at, key), f"`{key}` is not a key of an index")
        packages = table.get("packages", [])
        if not isinstance(packages, list) or not all(isinstance(each, str) for each in packages):
            raise self._wrong((*at, "packages"), "`packages` is not a list of strings")
        name, url = table.get("name", ""), table.get("url", "")
        if not isinstance(name, str) or not isinstance(url, str) or not url:
            raise self._wrong(at, "an index needs a `url`, and may have a `name`: both are strings")
        if table.get("format", "simple") != "simple":
            raise self._wrong((*at, "format"), "a flat index cannot be used here; use `find-links`")
        if "://" not in url:
            url = os.path.normpath(os.path.join(self._file.directory, os.path.expanduser(url)))
        flags = {key: self._flag(table.get(key, False), (*at, key)) is True for key in ("explicit", "default")}
        return NamedIndex(name=name, url=url, packages=tuple(packages), **flags)

    def _sources(self) -> "dict[str, tuple[PackageSource, ...]]":
        found: dict[str, tuple[PackageSource, ...]] = {}
        for where, tool in self._tools:
            at, table = (*where, "sources"), tool.get("sources", {})
            if not isinstance(table, dict):
                raise self._wrong(at, f"`{'.'.join(at)}` is not a table")
            for name, value in table.items():
                if not is_name(name):
                    raise self._wrong((*at, name), f"`{name}` is not the name of a package")
                listed = value if isinstance(value, list) else [value]
                told = tuple([self._source((*at, name), each) for each in listed])
                if not told:
                    raise self._wrong((*at, name), f"the list of sources of `{name}` is empty")
                found.setdefault(normalise(name), told)
        return found

    def _source(self, at: tuple[str, ...], table: "Any") -> PackageSource:
        name = at[-1]
        if not isinstance(table, dict):
            raise self._wrong(at, f"the source of `{name}` is not a table, such as `{{ workspace = true }}`")
        kinds = [kind for kind in _KEYS if kind in table]
        if len(kinds) != 1:
            given = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
            needed = ", ".join(f"`{kind}`" for kind in _KEYS)
            raise self._wrong(at, f"the source of `{name}` needs one of {needed}, and has {given}")
        kind = kinds[0]
        for key, value in table.items():
            if key != kind and key not in _KEYS[kind] | _COMMON:
                raise self._wrong(at, f"`{key}` does not go with `{kind}` in the source of `{name}`")
            if key in _FLAGS:
                self._flag(value, (*at, key))
            elif not isinstance(value, str) and (key, value) != (WORKSPACE, True):
                raise self._wrong(at, f"`{key}` in the source of `{name}` is not a string{_unless(key)}")
        refs = [key for key in _REFS if key in table]
        if len(refs) > 1 or ("extra" in table and "group" in table):
            both = refs if len(refs) > 1 else ["extra", "group"]
            raise self._wrong(
                at, f"the source of `{name}` has {' and '.join(f'`{key}`' for key in both)}: keep one"
            )
        return PackageSource(
            kind=kind,
            target="" if table[kind] is True else table[kind],
            file=self._file.shown,
            place=self._place(*at),
            directory=self._file.directory,
            ref=table[refs[0]] if refs else "",
            subdirectory=table.get("subdirectory", ""),
            editable=table.get("editable"),
            installed=table.get("package"),
            marker=self._marker(at, table.get("marker", "")),
            extra=normalise(table.get("extra", "")),
            group=normalise(table.get("group", "")),
        )

    def _marker(self, at: tuple[str, ...], text: str) -> str:
        try:
            return written_marker(text) if text else ""
        except (ValueError, RecursionError):
            raise self._wrong(at, f"`{text}` is not a marker") from None

    def _flag(self, value: "Any", at: tuple[str, ...]) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(at, f"`{at[-1]}` is neither true nor false")

    def _place(self, *keys: str) -> str:
        if self._lines is None:
            self._lines = places_of(self._file.text)
        line = nearest(self._lines, keys)
        return f"{self._file.shown}:{line}" if line else self._file.shown

    def _wrong(self, at: tuple[str, ...], problem: str) -> InvalidProject:
        return InvalidProject(file=self._place(*at), problem=problem)


def without_places(tables: ProjectTables) -> ProjectTables:
    """Return tables without files and lines: those that say the same are equal."""
    return replace(
        tables,
        line="",
        workspace="",
        sources={
            name: tuple([replace(each, file="", place="") for each in told])
            for name, told in tables.sources.items()
        },
        constraints=tuple([replace(each, file="", line=0) for each in tables.constraints]),
        overrides=tuple([replace(each, file="", line=0) for each in tables.overrides]),
        environments=tuple([(marker, "") for marker, _ in tables.environments]),
        required=tuple([(marker, "") for marker, _ in tables.required]),
    )


def _unless(key: str) -> str:
    return ": write `true`, or the path of another workspace" if key == WORKSPACE else ""


def _declared(project: "Mapping[str, Any]") -> "frozenset[Declared] | None":
    """Return the packages that a project names, None where only a build tells all. Wrong values are passed over."""
    dynamic = project.get("dynamic", [])
    if not project or "dependencies" in dynamic or "optional-dependencies" in dynamic:
        return None
    extras = project.get("optional-dependencies", {})
    lists = [("", project.get("dependencies", [])), *(extras.items() if isinstance(extras, dict) else ())]
    texts = [
        (extra, text)
        for extra, each in lists
        if isinstance(each, list)
        for text in each
        if isinstance(text, str)
    ]
    return frozenset([found for extra, text in texts for found in _named_in(text, normalise(extra))])


def _named_in(text: str, extra: str) -> "list[Declared]":
    try:
        name, extras, _, marker, url = requirement_parts(text)
    except ValueError:
        return []
    return [] if url else [(name, extras, marker, extra)]
