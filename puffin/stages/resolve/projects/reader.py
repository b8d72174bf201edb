"""What projects and scripts among the sources ask for, and where they say that it comes from."""

import os
import re
from collections.abc import Callable, Iterable
from functools import partial

from puffin import depends
from puffin.artifact.urls import file_url, mask
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.metadata.toml import InvalidProject, decode_text, parse_toml
from puffin.stages.resolve.projects.lowering import Asker, Lowering
from puffin.stages.resolve.projects.project import (
    Project,
    SourceFile,
    built_project,
    check_project_extras,
    entries_of,
    requirements_of,
)
from puffin.stages.resolve.projects.pyproject import (
    NeedsBuild,
    check_specifier,
    describes_project,
    group_names,
    has_project,
    ignored_entries,
    read_group,
    read_pyproject,
    read_setup_cfg,
    read_setup_py,
    states_project,
)
from puffin.stages.resolve.projects.tables import ProjectTables, read_tables
from puffin.stages.resolve.projects.values import (
    PLAIN,
    PYPROJECT,
    SCRIPT,
    SETUP_CFG,
    SETUP_PY,
    UV_DEPENDENCIES,
    UV_OTHERS,
    UV_SETTINGS,
    Build,
    Declared,
    Exists,
    Read,
    SourcePolicy,
    kind_of,
    relative,
)
from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound, RequirementsFileUnreadable
from puffin.stages.resolve.requirements.file import absolute_path
from puffin.stages.resolve.requirements.values import Entry, Requirements, SourceRequest
from puffin.value import replace

EXTRAS, GROUPS = "extras", "dependency_groups"  # the variables of PEP 751 that have them


def read_projects(
    request: SourceRequest,
    written: Requirements,
    given: Iterable[Entry],
    *,
    read: Read,
    exists: Exists,
    build: Build | None,
    policy: SourcePolicy,
) -> Declared:
    """Return what the projects of *request* say, and those that *given* requirements point to.

    For a build, *written* has the settings. Raises what ``read_sources`` does.
    """
    lowering = Lowering(read, exists, policy)
    lowering.projects.tree(request.tree)
    reader = _Reader(request, read, exists, partial(_built, build, written), lowering, policy.uv_file)
    for path in request.files:
        if (kind := kind_of(path)) != PLAIN:
            reader.project(path, kind)
    reader.take_extras()
    for group in dict.fromkeys(request.groups):
        reader.group(group)
    if request.selectable:
        reader.take_selectable()
    limits = [reader.limits(root) for root in reader.roots.values()]
    platforms = list(reader.roots.values())
    if policy.several is not None and policy.uv_file and not platforms:  # the project at hand, as for uv
        at_hand = lowering.projects.tables(os.path.dirname(policy.uv_file))
        platforms = [at_hand] if at_hand else []
    reached = lowering.reached((*reader.entries, *given))
    return Declared(
        entries=tuple(reader.entries),
        labels=reader.labels,
        pythons=tuple(dict.fromkeys(reader.pythons)),
        indexes=tuple(reader.indexes.values()),
        warnings=tuple(reader.warnings),
        pinned=tuple([(name, url, marker) for (name, marker), url in lowering.pins.items()]),
        reached=reached,
        needs=tuple(lowering.needs),
        virtual=tuple(lowering.virtual),
        extras=tuple(reader.selectable[EXTRAS]),
        groups=tuple(reader.selectable[GROUPS]),
        constraints=tuple([entry for constraints, _ in limits for entry in constraints]),
        overrides=tuple([entry for _, overrides in limits for entry in overrides]),
        environments=tuple([(root.shown, _once(root.environments)) for root in platforms]),
        required=_once(each for root in platforms for each in root.required),
    )


def _once(environments: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a marker and its place, each marker once."""
    found: dict[str, str] = {}
    for marker, place in environments:
        found.setdefault(marker, place)
    return tuple(found.items())


class _Reader:
    """Reads project after project and collects what they ask for."""

    def __init__(
        self,
        request: SourceRequest,
        read: Read,
        exists: Exists,
        built: Callable[..., Project],
        lowering: Lowering,
        uv_file: str,
    ) -> None:
        self._request = request
        self._extras = tuple([normalise(extra) for extra in request.extras])
        self._grouped = {absolute_path(split_group(group)[0]) for group in request.groups}
        self._read = read
        self._exists = exists
        self._built = built
        self._lowering = lowering
        self._uv_file = uv_file
        self.roots: dict[str, ProjectTables] = {}
        self._projects: list[tuple[Project, ProjectTables]] = []
        self.indexes: dict[str, NamedIndex] = {}
        self.entries: list[Entry] = []
        self.labels: dict[tuple[str, str], dict[str, None]] = {}
        self.pythons: list[tuple[str, str]] = []
        self.warnings: dict[str, None] = {}
        self.selectable: dict[str, dict[str, None]] = {EXTRAS: {}, GROUPS: {}}

    def project(self, path: str, kind: str) -> None:
        file = self._file(path)
        aside = file.path in self._grouped or self._request.itself  # the root of a workspace may be no project
        if kind == PYPROJECT and aside and not has_project(file):
            return
        if kind == SCRIPT:
            self._script(file)
            return
        tables = self._tables(file.directory)
        try:
            project = self._stated(file, kind)
        except NeedsBuild as error:
            editable = self._request.itself and self._request.editable and tables.is_package
            project = self._built(file, error, name=tables.name, editable=editable)
        self._projects.append((project, tables))
        if kind == PYPROJECT:
            self._note(file, tables)
        if project.requires_python:
            self.pythons.append((project.file, project.requires_python))

    def _stated(self, file: SourceFile, kind: str) -> Project:
        extras = bool(self._extras) or self._request.all_extras or self._request.selectable
        if kind == PYPROJECT:
            return read_pyproject(file, extras=extras)
        if kind == SETUP_CFG:
            return read_setup_cfg(file, read=self._read)
        return read_setup_py(file, extras=extras, read=self._read)

    def _script(self, file: SourceFile) -> None:
        project, block = read_script(file)
        asker = Asker(tables=read_tables(block))
        self._note(block, asker.tables)
        self._take(self._placed(project.dependencies, asker), "")
        if project.requires_python:
            self.pythons.append((project.file, project.requires_python))

    def _note(self, file: SourceFile, tables: ProjectTables) -> None:
        """Note whose constraints and overrides count, and what of ``[tool.uv]`` has no effect."""
        workspace = self._lowering.projects.workspace_of(file.directory) if tables.name else None
        root = workspace.root if workspace else tables
        self.roots.setdefault(root.path, root)
        ignored = () if root.path == tables.path else UV_DEPENDENCIES
        if file.path != self._uv_file:
            ignored = (*ignored, *UV_SETTINGS, *UV_OTHERS)
        found = ignored_entries(parse_toml(file.text, file.shown).values, file, ignored) if ignored else ()
        self.warnings.update(dict.fromkeys(found))

    def limits(self, root: ProjectTables) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """Return the constraints and the overrides of the root of a workspace, or of a project without one."""
        asker = self._lowering.asker(root) if root.constraints or root.overrides else Asker(tables=root)
        return self._lowering.placed(root.constraints, asker), self._lowering.placed(root.overrides, asker)

    def _tables(self, directory: str) -> ProjectTables:
        tables = self._lowering.projects.tables(directory)
        return tables or ProjectTables(path="", directory=directory, shown="")

    def _placed(self, entries: tuple[Entry, ...], asker: Asker) -> tuple[Entry, ...]:
        self.indexes.update({each.url: each for each in self._lowering.indexes(asker)})
        return self._lowering.placed(entries, asker)

    def take_extras(self) -> None:
        """Take what the projects need, with the extras that are asked for."""
        asked = self._extras or self._request.all_extras
        if asked and not self._projects:
            option = "--all-extras" if self._request.all_extras else "--extra"
            raise UsageError(
                text=f"`{option}` needs a `pyproject.toml`, `setup.cfg` or `setup.py` among the sources",
                hints=("in a requirements file, write the extra with its package, for example `name[extra]`",),
            )
        check_project_extras([project for project, _ in self._projects], self._extras)
        for project, tables in self._projects:
            entries = requirements_of(
                project,
                self._extras,
                all_extras=self._request.all_extras,
                place=partial(self._placed_under, tables),
            )
            self._take(entries, replace(project, file=relative(project.file)).label)
            if self._request.itself and tables.is_package:
                known = frozenset(self._extras) & {name for name, _ in project.extras}
                self.entries.append(self._itself(project, tables, known))

    def _itself(self, project: Project, tables: ProjectTables, extras: frozenset[str]) -> Entry:
        """Return the requirement of a project itself."""
        place, _, line = tables.line.rpartition(":")
        editable = self._request.editable
        return Entry(
            name=project.name,
            text=f"{'-e ' if editable else ''}{tables.directory}",
            url=file_url(tables.directory),
            extras=tuple(sorted(extras)),
            editable=editable,
            file=place or project.file,
            line=int(line) if line.isdigit() else 0,
        )

    def _placed_under(self, tables: ProjectTables, entries: tuple[Entry, ...], extra: str) -> tuple[Entry, ...]:
        return self._placed(entries, self._lowering.asker(tables, extras=(extra,) if extra else ()))

    def group(self, text: str, selected: tuple[str, str] = ("", "")) -> None:
        path, name = split_group(text)
        if kind_of(path) != PYPROJECT:
            raise UsageError(
                text=f"`--group {text}` names no `pyproject.toml`",
                hints=("write `--group PATH/pyproject.toml:NAME`",),
            )
        file = self._file(path)
        project, entries = read_group(file, normalise(name))
        self._note(file, self._tables(file.directory))
        project = replace(project, file=relative(project.file))
        entries = self._placed(
            entries, self._lowering.asker(self._tables(file.directory), group=normalise(name))
        )
        self._take(entries, project.label if project.name else f"({project.file})", selected)

    def take_selectable(self) -> None:
        """Take all extras and groups of the projects, each for those who select it."""
        for project, tables in self._projects:
            label = replace(project, file=relative(project.file)).label
            place = partial(self._placed_under, tables)
            base = requirements_of(project, (), all_extras=False, place=place)
            for extra, _ in project.extras:
                entries = requirements_of(project, (extra,), all_extras=False, place=place)
                self._take([each for each in entries if each not in base], label, (EXTRAS, extra))
                if self._request.itself and tables.is_package:
                    self._take((self._itself(project, tables, frozenset((extra,))),), "", (EXTRAS, extra))
        for path in self._request.files:
            if kind_of(path) == PYPROJECT:
                for group in group_names(self._file(path)):
                    self.group(f"{path}:{group}", (GROUPS, group))

    def _take(self, entries: Iterable[Entry], label: str, selected: tuple[str, str] = ("", "")) -> None:
        kind, name = selected
        if kind:
            self.selectable[kind][name] = None
            entries = [replace(entry, within=f"'{name}' in {kind}") for entry in entries]
        for entry in entries:
            self.entries.append(entry)
            if label:
                self._label(entry, label)

    def _label(self, entry: Entry, label: str) -> None:
        self.labels.setdefault((entry.origin, entry.name), {})[label] = None

    def _file(self, path: str) -> SourceFile:
        try:
            return read_source(path, mask(relative(path)), self._read, self._exists)
        except RequirementsFileNotFound as error:
            hints = ("give its file, for example `--group PATH/pyproject.toml:NAME`",)
            from_group = absolute_path(path) in self._grouped and path not in self._request.files
            raise RequirementsFileNotFound(path=error.path, hints=hints if from_group else ()) from None


def read_source(path: str, shown: str, read: Read, exists: Exists = depends.exists) -> SourceFile:
    """Return the file at *path*, which messages name as *shown*. Raises what *read* raises, and ``InvalidProject``."""
    whole = absolute_path(path)
    try:
        data = read(whole)
    except RequirementsFileNotFound as error:
        raise RequirementsFileNotFound(path=shown, hints=error.hints) from None
    except RequirementsFileUnreadable as error:
        raise RequirementsFileUnreadable(path=shown, causes=error.causes) from None
    return SourceFile(path=whole, shown=shown, text=decode_text(data, shown), exists=exists)


def split_group(text: str) -> tuple[str, str]:
    """Return path and name of what ``--group`` was given; the path is ``pyproject.toml`` if there is none."""
    path, colon, name = text.rpartition(":")
    return (path, name) if colon and path else (PYPROJECT, name)


def file_in(path: str, *, read: Read, exists: Exists) -> str:
    """Return the path of the file that describes the project in a directory.

    What states the dependencies goes before what only a build can read. Raises :class:`UsageError` for a
    directory without a project, and the errors of reading its files.
    """
    pyproject, setup_cfg, setup_py = [
        os.path.normpath(os.path.join(path, name)) for name in ("pyproject.toml", "setup.cfg", "setup.py")
    ]
    there = {each for each in (pyproject, setup_cfg, setup_py) if exists(absolute_path(each))}
    if pyproject in there and states_project(_beside(pyproject, read)):
        return pyproject
    if setup_cfg in there and describes_project(_beside(setup_cfg, read)):
        return setup_cfg
    found = next((each for each in (setup_py, pyproject) if each in there), "")
    if not found:
        text = f"`{path}` is a directory without a `pyproject.toml`, `setup.cfg` or `setup.py` of a project"
        raise UsageError(text=text, hints=("give a file, such as a `requirements.in`",))
    return found


def _beside(path: str, read: Read) -> SourceFile:
    return SourceFile(path=absolute_path(path), shown=path, text=decode_text(read(absolute_path(path)), path))


def _built(
    build: Build | None,
    written: Requirements,
    file: SourceFile,
    error: NeedsBuild,
    *,
    name: str,
    editable: bool,
) -> Project:
    """Return the project of *file* from a build, or raise *error* where there can be none."""
    beside = os.path.join(file.directory, SETUP_PY)
    if build is None or not (file.exists(beside) or has_project(file)):
        raise error
    return built_project(file, build(file.directory, file.shown, written, name=name, editable=editable))


# The regular expression that the specification gives, with "script" in the place of any type.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_EXAMPLE = '# /// script\n# dependencies = ["name>=1"]\n# ///'


def read_script(file: SourceFile) -> tuple[Project, SourceFile]:
    """Return what a script asks for, as a project without name, and the TOML of its block with the script's lines.

    Raises :class:`InvalidProject` unless there is exactly one block, and ``InvalidRequirementLine``.
    """
    text = file.text.replace("\r\n", "\n")
    blocks = [*_BLOCK.finditer(text)]
    if len(blocks) != 1:
        problem = f"it has {len(blocks)} `# /// script` blocks" if blocks else "it has no `# /// script` block"
        if not blocks and "# /// script" in text.splitlines():
            rule = "each line must be `#` or begin with `# `, and the last must be `# ///`"
            problem = f"its `# /// script` block is not closed: {rule}"
        hint = f"list its dependencies in a comment (PEP 723), for example:\n{_EXAMPLE}"
        raise InvalidProject(file=file.shown, problem=problem, hints=() if blocks else (hint,))
    lines = [line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines()]
    above = text.count("\n", 0, blocks[0].start("content"))  # so that errors name the lines of the script
    block = replace(file, text="\n" * above + "\n".join(lines))
    table = parse_toml(block.text, file.shown)
    project = Project(
        name="",
        file=file.shown,
        dependencies=entries_of(table.texts("dependencies"), file),
        requires_python=check_specifier(table.text("requires-python"), file.shown, "requires-python"),
    )
    return project, block
