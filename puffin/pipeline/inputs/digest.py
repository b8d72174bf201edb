"""The digest of an environment: everything that decides what is installed in it, as one frozen value.

Of requirements, constraints and tables of projects, the meaning counts. Of locks and of local projects
(:mod:`puffin.artifact.tree`), the content counts.
"""

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from puffin import depends
from puffin.artifact.tree import tree_state
from puffin.artifact.urls import digest, file_path, is_file_url, mask
from puffin.errors import PuffinError
from puffin.names import normalise
from puffin.pipeline.inputs.inputs import Reading
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import DigestSettings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.commits import WorkTree, is_value
from puffin.pipeline.workspace.specs import EnvSpec, groups_of, known_lock, sources_of
from puffin.stages.link.interpreter.interpreter import interpreter_key
from puffin.stages.resolve.metadata.toml import decode_text, parse_toml
from puffin.stages.resolve.projects.lowering import local_directory, project_path
from puffin.stages.resolve.projects.members import LocalProjects, Monorepo
from puffin.stages.resolve.projects.sources import Sources
from puffin.stages.resolve.projects.tables import ProjectTables, without_places
from puffin.stages.resolve.projects.uvlock import UV_LOCK, UvLock, UvLockProblem, written_packages
from puffin.stages.resolve.requirements.errors import RequirementsFileNotFound
from puffin.stages.resolve.requirements.file import read_requirements
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import astuple, frozen, replace

# kinds of inputs
REQUIREMENT, PROJECT, LOCK, FILE, SETTING, INTERPRETER, UNKNOWN = (
    "requirement", "project", "lock", "file", "setting", "interpreter", "unknown",
)  # fmt: skip
_OF_SPEC = ("python", "extras", "groups", "link_mode", "compile_bytecode", "editable")
TREE, WORKSPACE, ABOVE, LOCKED = "tree", "workspace", "above", "locked"  # kinds of values that are looked at
_METADATA = b"Metadata-Version: 2.1\nName: %s\nVersion: 0\n"


@frozen
class DigestInput:
    """One input of an environment. ``kind`` and ``name`` say which, ``digest`` stands for its content.

    ``files`` are those that it is from, as absolute paths; ``via`` are the directories of the local projects between it
    and the environment, the nearest one first. ``note`` says why more may count than what is decisive, if so.
    """

    kind: str
    name: str
    digest: str
    files: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    note: str = ""


@frozen
class EnvironmentDigest:
    """The inputs of an environment, sorted. Two are equal in content if :attr:`digest` is equal."""

    name: str
    path: str
    inputs: tuple[DigestInput, ...]

    @property
    def digest(self) -> str:
        return digest(repr([(each.kind, each.name, each.digest) for each in self.inputs]))


class Digester:
    """Makes the digests of the environments of one state of the disk, *tree*, through which it is read meanwhile."""

    def __init__(
        self, tree: WorkTree, settings: DigestSettings, session: Session, pythons: Interpreters
    ) -> None:
        self._tree = tree
        self._settings = settings
        self._session = session
        self._pythons = pythons
        self._projects: dict[tuple[str, str, bool], tuple[str, tuple[str, ...]]] = {}
        self._known = _NotedProjects(tree, session)
        self._common: list[DigestInput] | None = None
        self._common_looks: set[str] = set()
        self._locks: dict[str, _WrittenLock] = {}
        self._built: list[str] = []

    def of(self, spec: EnvSpec) -> EnvironmentDigest:
        """Return the digest of an environment. What cannot be read is an input of the kind ``unknown``."""
        self._built = []
        try:
            inputs = [*self._of_spec(spec), *self._shared(), *self._of_sources(spec), *self._of_lock(spec)]
        except (PuffinError, UvLockProblem, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
            text = (str(error).splitlines() or [type(error).__name__])[0]
            inputs = [DigestInput(kind=UNKNOWN, name=spec.name, digest="", note=text)]
        known = {(each.kind, each.name, each.digest): each for each in reversed(inputs)}
        return EnvironmentDigest(
            name=spec.name, path=spec.path, inputs=tuple([known[key] for key in sorted(known)])
        )

    def _of_spec(self, spec: EnvSpec) -> "Iterable[DigestInput]":
        place = os.path.abspath(spec.origin.rpartition(":")[0] or spec.origin)
        for name in _OF_SPEC:
            yield DigestInput(kind=SETTING, name=name, digest=repr(getattr(spec, name)), files=(place,))
        usual = self._pythons("")  # what another request means is the same for both commits, and takes a search
        told = digest(repr((interpreter_key(usual), usual.tags)))
        yield DigestInput(kind=INTERPRETER, name=spec.python, digest=told)

    def _shared(self) -> "list[DigestInput]":
        """Return what all environments have: settings, and the files that these name. All look at these."""
        if self._common is None:
            with self._tree.apart() as self._common_looks:
                self._common = self._of_settings()
        self._tree.looked |= self._common_looks
        return self._common

    def _of_settings(self) -> "list[DigestInput]":
        run = self._settings.run
        found = [
            DigestInput(kind=SETTING, name=name, digest=digest(value)) for name, value in self._settings.given
        ]
        written = read_requirements(
            run.build_constraint, read=self._session.read, environ=self._session.environ
        )
        places = (*run.find_links, *run.configured.find_links)
        return [
            *found,
            *_by_name(written.entries, "build constraint "),
            *[each for place in places for each in self._of_place(place)],
        ]

    def _of_sources(self, spec: EnvSpec) -> "Iterable[DigestInput]":
        if spec.pylock:
            return
        reading = Reading(
            sources_of(spec, self._settings.run.constraint),
            self._settings.run,
            self._session,
            build=self._no_build,
            markers=lambda: self._markers(spec),
            projects=self._known,
        )
        sources = reading.sources()
        written = sources.requirements
        yield from _by_name((*written.entries, *written.constraints))
        yield from _by_name(sources.overrides, "override ")
        options = {
            "index_url": written.index_url, "extra_index_url": written.extra_index_urls,
            "find_links": written.find_links, "no_index": written.no_index, "no_binary": written.no_binary,
            "only_binary": written.only_binary, "pre": written.pre, "require_hashes": written.require_hashes,
            "index": written.pinned, "package": sources.virtual,
        }  # fmt: skip
        for name, value in options.items():
            if value:
                yield DigestInput(kind=SETTING, name=name, digest=digest(repr(value)), files=spec.files)
        for place in written.find_links:
            yield from self._of_place(place)
        yield from self._of_projects(spec, sources)

    def _markers(self, spec: EnvSpec) -> "dict[str, str]":
        """Return the markers of an environment, or of the usual Python if this machine lacks the one asked for."""
        try:
            return dict(self._pythons(spec.python).markers)
        except PuffinError:
            return dict(self._pythons("").markers)

    def _no_build(
        self, directory: str, _shown: str, _written: object, *, name: str = "", **_how: object
    ) -> bytes:
        """Return metadata in the place of those that only a build can tell."""
        self._built.append(os.path.normpath(directory))
        return _METADATA % (name or "unknown").encode()

    def _of_projects(self, spec: EnvSpec, sources: Sources) -> "Iterable[DigestInput]":
        """Return the local projects and archives that an environment needs, each with the way that leads to it."""
        requirements = sources.requirements.entries
        editable = {project_path(each.url) for each in (*requirements, *sources.reached) if each.editable}
        needs: dict[Any, list[Any]] = {}
        for above, below in sources.needs:
            needs.setdefault(above, []).append(below)
        home = os.path.dirname(spec.project) if spec.project else ""
        left: list[tuple[Any, tuple[str, ...]]] = []
        for entry in requirements:
            if entry.url and (directory := local_directory(entry.url)):
                left.append(((directory, entry.extras), ()))
            elif entry.url and is_file_url(entry.url):
                yield self._of_archive(entry)
        virtual = {
            project_path(each.url) for each in (*requirements, *sources.reached) if each.name in sources.virtual
        }
        seen = set()
        for node, via in left:  # grows, so that the shortest way comes first
            directory, _ = node
            if node in seen:
                continue
            seen.add(node)
            path = via if directory == home else (*via, directory)
            if directory not in virtual:
                yield self._of_project(directory, path, editable=directory in editable)
            left += [(below, path) for below in sorted(needs.get(node, ()))]
        for directory in self._built:
            yield self._of_project(directory, () if directory == home else (directory,), editable=False)

    def _of_project(self, directory: str, via: tuple[str, ...], *, editable: bool) -> DigestInput:
        note = self._note(directory)
        whole = not editable or bool(note and not note.startswith("its version"))
        key = (directory, "", not whole)
        if key not in self._projects:
            with self._tree.apart() as looks:
                state = tree_state(directory, editable=not whole)
            self._projects[key] = (state, tuple(looks))
        state, looked = self._projects[key]
        self._tree.looked.update(looked)
        return DigestInput(
            kind=PROJECT, name=self._relative(directory), digest=state, files=looked, via=via, note=note
        )

    def _note(self, directory: str) -> str:
        """Return why more of a project may count than is decisive, if so."""
        tables = self._known.tables(directory)
        if tables is None or depends.exists(os.path.join(directory, "setup.py")):
            return "it has a `setup.py`, so that any change in it counts"
        if tables.declared is None:
            return "its dependencies are dynamic, so that any change in it counts"
        text = decode_text(self._session.read(tables.path), tables.shown)
        project = parse_toml(text, tables.shown).values.get("project", {})
        if isinstance(project, dict) and "version" not in project:
            return "its version is dynamic, so that each commit counts"
        return ""

    def _of_archive(self, entry: Entry) -> DigestInput:
        path = file_path(entry.url.partition("#")[0])
        try:
            state = digest(repr(self._session.read(path)))
        except RequirementsFileNotFound:
            state = ""
        return DigestInput(kind=FILE, name=self._relative(path), digest=state, files=(path,))

    def _of_place(self, place: str) -> "Iterable[DigestInput]":
        path = os.path.abspath(file_path(place) if is_file_url(place) else place)
        if depends.is_directory(path):
            with self._tree.apart() as looks:
                state = tree_state(path)
            self._tree.looked |= looks
            yield DigestInput(kind=FILE, name=self._relative(path), digest=state, files=tuple(looks))

    def _of_lock(self, spec: EnvSpec) -> "Iterable[DigestInput]":
        lock = spec.pylock or known_lock(spec)
        if not lock:
            return
        if os.path.basename(lock) == UV_LOCK:
            told: object = self._part(lock, spec)
        else:
            told = self._lock(lock).data
            self._tree.looked |= self._lock(lock).looked
        yield DigestInput(kind=LOCK, name=self._relative(lock), digest=digest(repr(told)), files=(lock,))
        if spec.pylock:
            self._tree.looked |= self._lock(lock).looked
            yield from self._of_locked(lock, spec)

    def _lock(self, path: str) -> "_WrittenLock":
        if path not in self._locks:
            self._locks[path] = _WrittenLock(path, self._tree, self._session)
        return self._locks[path]

    def _part(self, path: str, spec: EnvSpec) -> object:
        """Return the part of a ``uv.lock`` that an environment is made from, for all platforms.

        Where it is known which packages are meant, the environment looks at these packages only.
        """
        lock = self._lock(path)
        whole = lock.looked
        try:
            if not lock.data:
                return b""
            packages = lock.reached(spec)
            if spec.packages:
                whole = lock.looked_at(packages)
            return sorted(map(lock.repr_of, packages))
        finally:
            self._tree.looked |= whole

    def value(self, name: str) -> object:
        """Return what a value is that an environment looks at. Raises what reading it raises."""
        _, kind, subject = name.split("\0", 2)
        if kind != LOCKED:
            return self._known.value(kind, subject)
        path, _, package = subject.rpartition("\0")
        return self._lock(path).written(package)

    def _of_locked(self, path: str, spec: EnvSpec) -> "Iterable[DigestInput]":
        """Return the local projects that a lock names."""
        lock = self._lock(path)
        if not lock.data:
            return
        if os.path.basename(path) == UV_LOCK:
            found, groups = lock.uv_lock(spec)
            document = found.pylock(tuple(map(normalise, spec.extras)), groups)
        else:
            document = lock.document
        for package in document.get("packages", ()):
            table = package.get("directory") if isinstance(package, dict) else None
            if isinstance(table, dict) and isinstance(table.get("path"), str):
                inner = os.path.join(table["path"], table.get("subdirectory", ""))
                directory = os.path.normpath(os.path.join(os.path.dirname(path), inner))
                if depends.is_directory(directory):
                    yield self._of_project(directory, (directory,), editable=table.get("editable") is True)

    def _relative(self, path: str) -> str:
        return os.path.relpath(path)


class _NotedProjects(LocalProjects):
    """Projects that are read once for all environments, each of which looks at their files.

    A workspace is a value of its own (:attr:`WorkTree.values`): no more of the files of its members counts.
    """

    def __init__(self, tree: WorkTree, session: Session) -> None:
        super().__init__(session.read)
        self._tree = tree
        self._looks: dict[str, set[str]] = {}
        self._found: dict[str, Monorepo | None] = {}

    def tables(self, directory: str, *, mentioning: str = "") -> ProjectTables | None:
        """Return the tables of the project in a directory."""
        known = self._looks.get(directory)
        if known is None:
            with self._tree.apart() as known:
                found = super().tables(directory, mentioning=mentioning)
            if directory in self._tables:
                self._looks[directory] = known
        else:
            found = self._tables[directory]
        self._tree.looked |= known
        return found

    def tree(self, directories: tuple[str, ...]) -> Monorepo:
        """Return the projects in these directories as a workspace."""
        if not directories:
            return super().tree(directories)
        found = self._value(TREE, "\0".join(directories), lambda: super(_NotedProjects, self).tree(directories))
        assert found is not None
        return found

    def workspace(self, root: ProjectTables) -> Monorepo:
        """Return the workspace of a root."""

        def make() -> Monorepo:
            self.tables(root.directory)
            return super(_NotedProjects, self).workspace(root)

        found = self._value(WORKSPACE, root.directory, make)
        assert found is not None
        return found

    def workspace_of(self, directory: str) -> Monorepo | None:
        """Return the workspace that the project in a directory is a member of."""
        return self._value(ABOVE, directory, lambda: super(_NotedProjects, self).workspace_of(directory))

    def value(self, kind: str, subject: str) -> object:
        """Return what counts of a value: two are the same for all environments that look at them if they are equal."""
        if kind == TREE:
            return _meaning(self.tree(tuple(subject.split("\0"))))
        if kind == ABOVE:
            found = self.workspace_of(subject)
            return found and found.root.directory
        tables = self.tables(subject)
        return tables and tables.members is not None and _meaning(self.workspace(tables))

    def _value(self, kind: str, subject: str, make: "Callable[[], Monorepo | None]") -> Monorepo | None:
        key = value_name(kind, subject)
        try:
            if key not in self._found:
                with self._tree.apart() as looked:
                    self._tree.values[key] = looked
                    self._found[key] = make()
        finally:
            self._tree.looked.add(key)
            self._tree.looked.update([each for each in self._tree.values[key] if is_value(each)])
        return self._found[key]


def value_name(kind: str, subject: str) -> str:
    """Return the name of a value among the paths that are looked at."""
    return f"\0{kind}\0{subject}"


def _meaning(workspace: Monorepo) -> Monorepo:
    """Return a workspace without the lines at which it is written."""
    return replace(workspace, root=without_places(workspace.root))


class _WrittenLock:
    """A lock file, read once. ``data`` is empty where there is none; ``looked`` is what is looked at for it."""

    def __init__(self, path: str, tree: WorkTree, session: Session) -> None:
        self._path = path
        self._tree = tree
        with tree.apart() as self.looked:
            try:
                self.data = session.read(path)
            except RequirementsFileNotFound:
                self.data = b""
        self._written: dict[str, tuple[str, ...]] | None = None
        self._uv_lock: UvLock | None = None
        self._reprs: dict[int, str] = {}

    @cached_property
    def document(self) -> "dict[str, Any]":
        return parse_toml(decode_text(self.data, self._path), self._path).values

    def uv_lock(self, spec: EnvSpec) -> "tuple[UvLock, list[str]]":
        """Return a ``uv.lock`` for all platforms, and the groups that an environment has of it.

        These are all groups where it names none.
        """
        if self._uv_lock is None:
            self._uv_lock = UvLock(self.document, lambda _marker: True)
        found = self._uv_lock.of(spec.packages)
        groups = list(groups_of(spec))
        return found, groups if groups or spec.project else list(found.names("dev-dependencies"))

    def reached(self, spec: EnvSpec) -> "list[dict[str, Any]]":
        found, groups = self.uv_lock(spec)
        return found.reached(tuple(map(normalise, spec.extras)), groups)

    def repr_of(self, package: "dict[str, Any]") -> str:
        if id(package) not in self._reprs:
            self._reprs[id(package)] = repr(sorted(package.items(), key=str))
        return self._reprs[id(package)]

    def written(self, package: str) -> object:
        """Return the entries of a package as they are written; for an empty name, what comes before all of them."""
        if self._written is None:
            self._written = written_packages(decode_text(self.data, self._path))
        return self._written.get(package, ()) if self._written else self.data

    def looked_at(self, packages: "Iterable[dict[str, Any]]") -> set[str]:
        """Return the values that stand for these packages, each made from this file."""
        names = {"", *[each.get("name", "") for each in packages]}
        keys = {value_name(LOCKED, f"{self._path}\0{name}") for name in names}
        self._tree.values.update(dict.fromkeys(keys - self._tree.values.keys(), self.looked))
        return keys


def _by_name(entries: "Iterable[Entry]", kind: str = "") -> "list[DigestInput]":
    """Return an input for each package, with all that *entries* say of it; *kind* begins its name."""
    named: dict[str, list[Entry]] = {}
    for entry in entries:
        named.setdefault(entry.name or entry.text, []).append(entry)
    return [_of_entries(f"{kind}{name}", own) for name, own in named.items()]


def _of_entries(name: str, entries: "list[Entry]") -> DigestInput:
    """Return what requirements say of one package: where they stand and how they are written does not count."""
    told = sorted(
        {repr(astuple(replace(each, text="" if each.name else each.text, file="", line=0))) for each in entries}
    )
    files = tuple(dict.fromkeys([os.path.abspath(_file_of(each)) for each in entries if each.file]))
    return DigestInput(kind=REQUIREMENT, name=mask(name), digest=digest("\n".join(told)), files=files)


def _file_of(entry: Entry) -> str:
    file, _, line = entry.file.rpartition(":")
    return file if file and line.isdigit() else entry.file
