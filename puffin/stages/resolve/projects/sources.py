"""The sources of a compilation, whatever their kind, as one set of requirements."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from puffin import depends
from puffin.artifact.urls import file_url, mask
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.stages.resolve.index.config import NamedIndex
from puffin.stages.resolve.metadata.toml import InvalidProject, decode_text, parse_toml
from puffin.stages.resolve.projects.lowering import DEFAULT_POLICY, Asker, Lowering, SourcePolicy
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
    has_project,
    ignored_entries,
    read_group,
    read_pyproject,
    read_setup_cfg,
    read_setup_py,
    states_project,
)
from puffin.stages.resolve.projects.tables import ProjectTables, read_tables
from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound, RequirementsFileUnreadable
from puffin.stages.resolve.requirements.file import STDIN, absolute_path, read_requirements
from puffin.stages.resolve.requirements.plain import is_lock, is_script
from puffin.stages.resolve.requirements.texts import specifiers_of
from puffin.stages.resolve.requirements.values import Entry, Requirements, SourceRequest
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Read = Callable[[str], bytes]
Exists = Callable[[str], bool]
Build = Callable[..., bytes]  # of directory, shown name, settings; name and whether it is to be editable
PYPROJECT, SETUP_CFG, SETUP_PY, SCRIPT, PLAIN = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "script",
    "requirements",
)


@frozen
class Sources:
    """All that the sources say.

    ``labels`` tell, for the origin and the name of an entry, how annotations call it (several if it stands
    for several), such as ``-r requirements.in`` or ``name (pyproject.toml)``; standard input and scripts
    have none.
    ``pythons`` are pairs of file and the Python specifier that it states. ``reached`` limit what local projects ask
    for to where these say that it comes from; of ``virtual`` packages only the dependencies are installed.
    """

    requirements: Requirements
    overrides: tuple[Entry, ...] = ()
    labels: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()
    pythons: tuple[tuple[str, str], ...] = ()
    reached: tuple[Entry, ...] = ()
    virtual: tuple[str, ...] = ()


def kind_of(path: str) -> str:
    """Return which kind of source a path names. Raises :class:`UsageError` for what is none."""
    name = os.path.basename(path)
    if name in (PYPROJECT, SETUP_CFG, SETUP_PY):
        return name
    if name.endswith(".toml") or is_lock(name):
        what = (
            "is a lock file, the result of a compilation"
            if is_lock(name)
            else "is not a source of requirements"
        )
        raise UsageError(
            text=f"`{path}` {what}", hints=("compile a `pyproject.toml`, a `requirements.in` or a script",)
        )
    return SCRIPT if is_script(path) else PLAIN


def read_sources(
    request: SourceRequest,
    *,
    read: Read,
    environ: Mapping[str, str],
    exists: Exists = depends.exists,
    build: Build | None = None,
    policy: SourcePolicy = DEFAULT_POLICY,
) -> Sources:
    """Read everything that *request* names; a directory stands for the project in it.

    *read* and *environ* are as for :func:`~puffin.stages.resolve.requirements.file.read_requirements`, whose errors
    are raised, and those of ``inputs_errors``; :class:`UsageError` for extras without a project. *build*
    returns METADATA of a directory, which the user calls by the second argument, with the settings of the
    requirements files; without it, a project that only a build can tell of is an error. *policy* is about the sources
    that projects name.
    """
    files = [project_file(path, read=read, exists=exists) for path in request.files]
    request = replace(request, files=tuple(files))
    kinds = [(path, kind_of(path)) for path in request.files]
    plain = [path for path, kind in kinds if kind == PLAIN]
    written = read_requirements(
        plain, read=read, environ=environ, constraints=request.constraints, exists=exists
    )
    lowering = Lowering(read, exists, policy)
    lowering.projects.tree(request.tree)
    reader = _Reader(request, read, exists, partial(_built, build, written), lowering)
    for path, kind in kinds:
        if kind != PLAIN:
            reader.project(path, kind)
    reader.take_extras()
    for group in dict.fromkeys(request.groups):
        reader.group(group)
    overrides = read_requirements(request.overrides, read=read, environ=environ, exists=exists)
    reader.label_plain(written.entries, "-r")
    reader.label_plain(written.constraints, "-c")
    reader.label_plain(overrides.entries, "--override")
    warnings = (
        *written.warnings,
        *reader.warnings,
        *overrides.warnings,
        *_ignored(overrides, request.overrides),
    )
    entries = (*reader.entries, *written.entries)
    reached = lowering.reached((*entries, *written.constraints, *overrides.entries))
    return Sources(
        requirements=replace(
            written,
            entries=entries,
            warnings=warnings,
            pinned=tuple(lowering.pins.items()),
            **_indexes(written, reader.indexes.values()),
        ),
        reached=reached,
        virtual=tuple(lowering.virtual),
        overrides=overrides.entries,
        labels=tuple([(key, tuple(labels)) for key, labels in reader.labels.items()]),
        pythons=tuple(dict.fromkeys(reader.pythons)),
    )


def _indexes(written: Requirements, known: Iterable[NamedIndex]) -> "dict[str, Any]":
    """Return the indexes of requirements files, then those that projects declare for all packages."""
    free = [each for each in known if not (each.explicit or each.packages)]
    default = next((each.url for each in free if each.default), None)
    return {
        "index_url": written.index_url or default,
        "extra_index_urls": (*written.extra_index_urls, *[each.url for each in free if not each.default]),
    }


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


class _Reader:
    """Reads project after project and collects what they ask for."""

    def __init__(
        self,
        request: SourceRequest,
        read: Read,
        exists: Exists,
        built: Callable[..., Project],
        lowering: Lowering,
    ) -> None:
        self._request = request
        self._extras = tuple([normalise(extra) for extra in request.extras])
        self._grouped = {absolute_path(split_group(group)[0]) for group in request.groups}
        self._read = read
        self._exists = exists
        self._built = built
        self._lowering = lowering
        self._projects: list[tuple[Project, ProjectTables]] = []
        self.indexes: dict[str, NamedIndex] = {}
        self.entries: list[Entry] = []
        self.labels: dict[tuple[str, str], dict[str, None]] = {}
        self.pythons: list[tuple[str, str]] = []
        self.warnings: dict[str, None] = {}

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
            self.warnings.update(dict.fromkeys(ignored_entries(parse_toml(file.text, file.shown).values, file)))
        if project.requires_python:
            self.pythons.append((project.file, project.requires_python))

    def _stated(self, file: SourceFile, kind: str) -> Project:
        extras = bool(self._extras) or self._request.all_extras
        if kind == PYPROJECT:
            return read_pyproject(file, extras=extras)
        if kind == SETUP_CFG:
            return read_setup_cfg(file, read=self._read)
        return read_setup_py(file, extras=extras, read=self._read)

    def _script(self, file: SourceFile) -> None:
        project, block = read_script(file)
        self.warnings.update(dict.fromkeys(ignored_entries(parse_toml(block.text, block.shown).values, block)))
        asker = Asker(tables=read_tables(block))
        self._take(self._placed(project.dependencies, asker), "")
        if project.requires_python:
            self.pythons.append((project.file, project.requires_python))

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
                hints=("in a requirements file, write the extra with its package, as in `name[extra]`",),
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

    def group(self, text: str) -> None:
        path, name = split_group(text)
        if kind_of(path) != PYPROJECT:
            raise UsageError(
                text=f"`--group {text}` names no `pyproject.toml`",
                hints=("write `--group PATH/pyproject.toml:NAME`",),
            )
        file = self._file(path)
        project, entries = read_group(file, normalise(name))
        self.warnings.update(dict.fromkeys(ignored_entries(parse_toml(file.text, file.shown).values, file)))
        project = replace(project, file=relative(project.file))
        entries = self._placed(
            entries, self._lowering.asker(self._tables(file.directory), group=normalise(name))
        )
        self._take(entries, project.label if project.name else f"({project.file})")

    def label_plain(self, entries: Iterable[Entry], option: str) -> None:
        for entry in entries:
            if entry.file != STDIN:
                self._label(entry, f"{option} {relative(entry.file)}")

    def _take(self, entries: Iterable[Entry], label: str) -> None:
        for entry in entries:
            self.entries.append(entry)
            if label:
                self._label(entry, label)

    def _label(self, entry: Entry, label: str) -> None:
        self.labels.setdefault((entry.origin, entry.name), {})[label] = None

    def _file(self, path: str) -> SourceFile:
        try:
            return read_source(path, mask(path), self._read, self._exists)
        except RequirementsFileNotFound as error:
            hints = ("name the file that has it, as in `--group PATH/pyproject.toml:NAME`",)
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


def relative(path: str) -> str:
    """Return an absolute path beneath the working directory relative to it, so that outputs can be shared."""
    here = os.path.join(os.getcwd(), "")
    return path[len(here) :] if path.startswith(here) else path


def split_group(text: str) -> tuple[str, str]:
    """Return path and name of what ``--group`` was given; the path is ``pyproject.toml`` if there is none."""
    path, colon, name = text.rpartition(":")
    return (path, name) if colon and path else (PYPROJECT, name)


def _ignored(overrides: Requirements, files: Sequence[str]) -> tuple[str, ...]:
    if not (overrides.index_url or overrides.extra_index_urls or overrides.find_links or overrides.no_index):
        return ()
    names = ", ".join(f"`{mask(path)}`" for path in files)
    return (f"Options about indexes have no effect in {names}, which only overrides.",)


def check_python(sources: Sources, version: str) -> tuple[str, ...]:
    """Return warnings about sources whose Python specifier does not admit the target's *version*."""
    return tuple(
        f"`{file}` requires Python {specifier}, but the resolution is for Python {version}"
        for file, specifier in sources.pythons
        if not specifiers_of(specifier).contains(version, prereleases=True)
    )


def project_file(path: str, *, read: Read, exists: Exists) -> str:
    """Return the path of the file that describes the project in a directory, any other path unchanged.

    What states the dependencies goes before what only a build can read. Raises :class:`UsageError` for a
    directory without a project, and the errors of reading its files.
    """
    if path == "-" or "://" in path or not depends.is_directory(path):
        return path
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
        raise UsageError(text=text, hints=("name a file, such as a `requirements.in`",))
    return found


def _beside(path: str, read: Read) -> SourceFile:
    return SourceFile(path=absolute_path(path), shown=path, text=decode_text(read(absolute_path(path)), path))


# The regular expression that the specification gives, with "script" in the place of any type.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_EXAMPLE = '# /// script\n# dependencies = ["name>=1"]\n# ///'


def read_script(file: SourceFile) -> tuple[Project, SourceFile]:
    """Return what a script asks for, as a project without name, and the TOML of its block with the script's lines.

    Raises :class:`InvalidProject` if there is no block, or more than one, and ``InvalidRequirementLine``.
    """
    text = file.text.replace("\r\n", "\n")
    blocks = [*_BLOCK.finditer(text)]
    if len(blocks) != 1:
        problem = f"it has {len(blocks)} `# /// script` blocks" if blocks else "it has no `# /// script` block"
        hint = f"state what it needs in a comment (PEP 723), such as:\n{_EXAMPLE}"
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
