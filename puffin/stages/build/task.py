"""The tasks of a build: a source is fetched and read, built in an environment, and its wheel stored.

Each makes sure of something in this machine's cache and answers in builtins. What a build still lacks is an
answer too: the planner then adds it and has the build run again.
"""

import math
import os
import pickle
import shutil
from collections.abc import Callable
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from puffin import meter
from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, Artifact, expected_sha256
from puffin.artifact.urls import digest, file_path, is_file_url
from puffin.cache.atomic import publish_file, remove_tree
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import Lock, WorkLock, lock_timeout
from puffin.errors import PuffinError, os_cause, room_hints
from puffin.stages.build import kept
from puffin.stages.build.failures import InvalidBuildSystem
from puffin.stages.build.hooks import check_built_wheel, metadata_of, not_installable, run_hooks
from puffin.stages.build.job import (
    EDITABLE,
    KEPT,
    LACKS,
    METADATA,
    WHEEL,
    BuildOrder,
    HookAnswer,
    HookJob,
    variables_here,
)
from puffin.stages.build.unpack import unpack
from puffin.stages.fetch.fetch import fetch
from puffin.stages.fetch.git.checkout import checkout
from puffin.stages.fetch.network import network_from_wire
from puffin.stages.link.environment.venv import executable_name
from puffin.stages.resolve.metadata.sdist import project_files
from puffin.stages.resolve.metadata.toml import InvalidProject, TomlTable, decode_text, parse_toml
from puffin.stages.resolve.metadata.wanted import unusable
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.unzip.errors import BadArchive
from puffin.stages.unzip.store import store
from puffin.value import astuple, from_tuple, frozen

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0",)


@frozen
class BuildSystem:
    """The ``[build-system]`` of a source tree.

    ``backend`` is ``module:object``, ``backend_path`` the directories of an in-tree backend, relative to the tree.
    """

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()


LEGACY = BuildSystem(requires=LEGACY_REQUIRES, backend=LEGACY_BACKEND)


def read_build_system(tree: str, package: str) -> BuildSystem:
    """Return the build system of the source tree in the directory *tree*; *package* is named in errors.

    A tree without ``[build-system]`` has that of :data:`LEGACY`. Raises :class:`InvalidBuildSystem` for tables
    that break the specification, and for a directory that is not a source tree.
    """
    path = os.path.join(tree, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if not os.path.isfile(os.path.join(tree, "setup.py")):
            problem = "the directory has neither a `pyproject.toml` nor a `setup.py`"
            raise InvalidBuildSystem(package=package, file=tree, problem=problem) from None
        return LEGACY
    except OSError as error:
        raise InvalidBuildSystem(package=package, file=path, problem=error.strerror or str(error)) from error
    try:
        return _build_system(parse_toml(decode_text(data, path), path), tree)
    except InvalidProject as error:
        raise InvalidBuildSystem(package=package, file=path, problem=error.problem) from None


def _build_system(document: TomlTable, tree: str) -> BuildSystem:
    if "build-system" not in document.values:
        return LEGACY
    table = document.table("build-system")
    if "requires" not in table.values:
        raise table.invalid("`[build-system]` has no `requires`, which is mandatory")
    return BuildSystem(
        requires=_requires(table), backend=_backend(table), backend_path=_backend_path(table, tree)
    )


def _requires(table: TomlTable) -> "tuple[str, ...]":
    texts = table.texts("requires")
    for text in texts:
        try:
            Requirement(text)
        except InvalidRequirement:
            raise table.invalid(f"`{text}` in `requires` is not a requirement (PEP 508)") from None
    return texts


def _backend(table: TomlTable) -> str:
    if "build-backend" not in table.values:
        return LEGACY_BACKEND
    value = table.text("build-backend")
    module, colon, attributes = value.partition(":")
    parts = [*module.split("."), *(attributes.split(".") if colon else ())]
    if not all(part.isidentifier() for part in parts):
        raise table.invalid(f"`build-backend` is `{value}`, and not a module or `module:object`")
    return value


def _backend_path(table: TomlTable, tree: str) -> "tuple[str, ...]":
    paths = table.texts("backend-path")
    if paths and "build-backend" not in table.values:
        raise table.invalid("there is a `backend-path`, but no `build-backend` to be found there")
    root = os.path.realpath(tree)
    for path in paths:
        real = os.path.realpath(os.path.join(root, path))
        if os.path.isabs(path) or (real != root and not real.startswith(root + os.sep)):
            raise table.invalid(f"`{path}` in `backend-path` leads out of the source tree")
    return paths


Get = Callable[..., tuple[str, int, memoryview]]  # fetches a file, as `fetch` does
_FENCE = (".gitignore", ".hgignore")
_LONG = 600.0  # seconds; a big file over a slow line
_PATIENCE = 24 * 3600.0  # seconds for another process's build of the same wheel


class BuildRoomFailed(PuffinError):
    """The directory of a build could not be made, or its result could not be kept."""

    sentence = "Failed to prepare the build of `{package}` in `{path}`"
    path: str


def fetch_source(
    *,
    artifact: "tuple[Any, ...]",
    package: str,
    cache_root: str,
    network: "tuple[Any, ...]",
    since: float = math.inf,
    get: "Get" = fetch,
) -> "tuple[str, str, tuple[Any, ...]]":
    """Make sure that a source is on this machine and read how it is built.

    An archive without a hash that was fetched after *since*, in seconds since the epoch, is not fetched again; *get*
    fetches it.
    Returns its path (an archive or a directory), the SHA-256 of an archive, and its build system in wire form.
    """
    source, cache = from_tuple(Artifact, artifact), Cache(cache_root)
    sha256 = ""
    if source.kind == GIT:
        path = _checked_out(source, cache, network)
    elif source.kind == DIRECTORY:
        path = file_path(source.url)
    else:
        path, sha256 = source_archive(source, cache, network, since, get)
    return path, sha256, astuple(_system(source, path, package, cache))


def source_archive(
    source: Artifact, cache: Cache, network: "tuple[Any, ...]", since: float = math.inf, get: "Get" = fetch
) -> "tuple[str, str]":
    """Make sure that a source archive is on this machine; return its path and SHA-256. Raises what a fetch raises."""
    path = file_path(source.url) if is_file_url(source.url) else archive_place(source, cache)
    revision = expected_sha256(source)
    if revision and os.path.exists(path) and kept.hash_of(path) == revision:
        return path, revision
    if is_file_url(source.url):
        return path, _fetched(source, network, get)[0]
    if not source.hashes and os.path.exists(path) and kept.is_since(path, since):
        return path, kept.hash_of(path)
    cache.initialise()
    with _download_lock(source, cache):
        known = kept.hash_of(path) if revision and os.path.exists(path) else ""
        if known and known == revision:  # another process was quicker
            return path, revision
        sha256, data = _fetched(source, network, get)
        publish_file(cache, path, bytes(data))
    return path, sha256


def _download_lock(source: Artifact, cache: Cache) -> WorkLock:
    path = cache.path(Bucket.LOCKS, f"fetch-{digest(source.url)}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return WorkLock(path, what=f"the download of `{source.filename}`", timeout=lock_timeout(os.environ, _LONG))


def _fetched(source: Artifact, network: "tuple[Any, ...]", get: "Get") -> "tuple[str, memoryview]":
    groups = (source.hashes,) if source.hashes else ()
    sha256, _, data = get(
        url=source.url, filename=source.filename, hashes=groups, size=source.size, network=network
    )
    return sha256, data


def archive_place(source: Artifact, cache: Cache) -> str:
    """Return where the cache has a source archive that is fetched."""
    identity = expected_sha256(source)[:32] or digest(source.url)
    return cache.path(Bucket.SDISTS, source.name, identity, source.filename)


def _checked_out(source: Artifact, cache: Cache, network: "tuple[Any, ...]") -> str:
    offline = network_from_wire(network).offline
    checked = checkout(source.url, cache=cache, offline=offline, environ=dict(os.environ), package=source.label)
    return str(checked.path)


def _system(source: Artifact, path: str, package: str, cache: Cache) -> "BuildSystem":
    if source.kind != SDIST:
        return read_build_system(os.path.join(path, source.subdirectory), package)
    try:
        files = project_files(path, source.filename, source.subdirectory)
    except Malformed as problem:
        raise unusable(package, problem.reason) from None
    cache.initialise()
    directory = cache.temporary("-project")
    os.mkdir(directory)
    try:
        for name, data in files.items():
            with open(f"{directory}/{name}", "wb") as file:
                file.write(data)
        return read_build_system(directory, package)
    except InvalidBuildSystem as error:  # the directory is gone when it is read
        inner = os.path.relpath(error.file, directory)
        place = source.filename if inner == os.curdir else inner
        raise InvalidBuildSystem(package=package, file=place, problem=error.problem) from None
    finally:
        remove_tree(directory)


def build(
    *,
    order: "tuple[Any, ...]",
    source: "tuple[str, str, tuple[Any, ...]]",
    cache_root: str,
    environment: str = "",
    requires: tuple[str, ...] = (),
) -> "tuple[Any, ...]":
    """Build a source in *environment*, unless what comes of it is kept already.

    *source* is what :func:`fetch_source` returned. Answers ``(LACKS, requirements)`` where the environment lacks
    something, ``(METADATA, path)`` with the path of METADATA, or ``(WHEEL, path, file name, sha256)``, with ``KEPT``
    in the first place where another had built it. Raises the errors of ``puffin.stages.build.hooks`` and ``check``,
    and :class:`BuildRoomFailed`.
    """
    return Build(from_tuple(BuildOrder, order), source, Cache(cache_root), environment, requires).answer()


class Build:
    """One build on its way, with what is kept of earlier ones in front."""

    def __init__(
        self,
        order: BuildOrder,
        source: "tuple[str, str, tuple[Any, ...]]",
        cache: Cache,
        environment: str,
        requires: tuple[str, ...],
    ) -> None:
        self._order = order
        self._artifact = from_tuple(Artifact, order.artifact)
        self._path, sha256, self._system = source
        self._cache = cache
        self._environment = environment
        self._requires = requires
        revision = kept.revision_of(self._artifact, sha256)
        self._home = kept.place(cache, revision, order.settings)
        self._entry = f"{self._home}/{order.interpreter}-{os.path.basename(environment) or 'shared'}"

    def answer(self) -> "tuple[Any, ...]":
        try:
            self._cache.initialise()
            os.makedirs(self._cache.path(Bucket.LOCKS), exist_ok=True)
            os.makedirs(self._home, exist_ok=True)
            with self._lock():
                return self._kept() or self._built()
        except OSError as error:
            raise BuildRoomFailed(
                package=self._order.package,
                path=self._cache.root,
                causes=(os_cause(error),),
                hints=room_hints(error, "choose another place with `--cache-dir` and `TMPDIR`"),
            ) from error

    def _lock(self) -> Lock:
        """Return the lock of this build: of the directory itself where it is built in place.

        Elsewhere it only saves work: each build has a tree of its own, and what it makes appears by a rename.
        """
        what = self._path if self._artifact.kind == DIRECTORY else self._entry
        path = self._cache.path(Bucket.LOCKS, f"build-{digest(what)}")
        kind = Lock if self._artifact.kind == DIRECTORY else WorkLock
        what = f"the build of `{self._order.package}`"
        return kind(path, what=what, timeout=lock_timeout(os.environ, _PATIENCE))

    def _kept(self) -> "tuple[Any, ...] | None":
        wheel = kept.read_entry(self._entry + kept.WHEEL)
        since = self._order.since
        if (
            wheel is not None
            and kept.is_of(wheel, self._artifact)
            and kept.is_since(f"{self._entry}{kept.WHEEL}/entry", since)
            and kept.is_sound(wheel)
        ):
            meter.found(meter.HIT)
            if meter.notes(meter.DECISIONS):
                meter.note(f"Wheel of `{self._order.package}`: built before from the same source and settings")
            return self._told(wheel, KEPT)
        path = f"{self._entry}{kept.METADATA}/METADATA"
        known = self._order.goal.endswith(METADATA) and os.path.exists(path) and kept.is_since(path, since)
        return (METADATA, path) if known else None

    def _told(self, wheel: kept.KeptWheel, how: str = WHEEL) -> "tuple[Any, ...]":
        if self._order.goal.endswith(METADATA):
            return METADATA, os.path.join(os.path.dirname(wheel.path), "METADATA")
        return how, wheel.path, wheel.filename, wheel.sha256

    def _built(self) -> "tuple[Any, ...]":
        room = self._cache.temporary("-build")
        os.mkdir(room)
        try:
            output = f"{room}/out"
            os.mkdir(output)
            meter.found(meter.MISS)
            meter.logged(f"{self._entry}.log")
            answer = self._run(self._tree(room), output)
            if answer.requires:
                return LACKS, tuple(answer.requires)
            return self._keep(answer)
        finally:
            remove_tree(room)

    def _tree(self, room: str) -> str:
        """Return the directory to build in: a private copy, but for the user's own directory.

        Above the copy lie the cache's own ``.gitignore``, which ignores everything, and perhaps somebody's repository.
        Backends that look for such a file upwards find an empty one first.
        """
        inner = self._artifact.subdirectory
        if self._artifact.kind == DIRECTORY:
            return os.path.join(self._path, inner) if inner else self._path
        for name in _FENCE:
            open(f"{room}/{name}", "wb").close()
        if self._artifact.kind == GIT:
            top = f"{room}/source"
            shutil.copytree(self._path, top, symlinks=True)
        else:
            os.mkdir(f"{room}/source")
            top = unpack(self._path, self._artifact.filename, f"{room}/source", package=self._order.package)
        return os.path.join(top, inner) if inner else top

    def _run(self, tree: str, output: str) -> "HookAnswer":
        order = self._order
        system = from_tuple(BuildSystem, self._system)
        return run_hooks(
            HookJob(
                package=order.package,
                tree=tree,
                python=order.python or self._python(),
                backend=system.backend,
                backend_path=system.backend_path,
                goal=order.goal,
                config_settings=self._artifact.config_settings,
                output=output,
                log=f"{self._entry}.log",
                requires=(*system.requires, *self._requires),
                scripts=os.path.join(self._environment, order.scripts) if self._environment else order.scripts,
                share=os.path.basename(self._environment),
                isolated=order.isolated,
                name=self._artifact.name,
                version=self._artifact.version,
                timeout=order.seconds,
                ceiling=os.path.realpath(self._cache.path(Bucket.TEMPORARY)),
            )
        )

    def _python(self) -> str:
        return os.path.join(self._environment, self._order.scripts, executable_name())

    def _keep(self, answer: "HookAnswer") -> "tuple[Any, ...]":
        if not answer.wheel:
            entry = self._entry + kept.METADATA
            kept.publish_metadata(self._cache, entry, read_bytes(answer.metadata), since=self._order.since)
            return METADATA, f"{entry}/METADATA"
        self._check(answer.wheel)
        metadata = metadata_of(answer.wheel)
        entry = self._entry + kept.WHEEL
        return self._told(
            kept.publish_wheel(
                self._cache,
                entry,
                answer.wheel,
                metadata,
                since=self._order.since,
                platform=self._platform(os.path.basename(answer.wheel)),
            )
        )

    def _platform(self, filename: str) -> str:
        """Return for which machines a wheel is, ``""`` for this one alone: its key does not tell all inputs."""
        order = self._order
        here = not order.isolated or self._artifact.editable or order.goal.startswith(EDITABLE) or order.since
        here = here or order.alone or order.variables != variables_here()  # a worker has variables of its own
        return "" if here else kept.usable_on(order.tags, filename)

    def _check(self, wheel: str) -> None:
        artifact, order = self._artifact, self._order
        try:
            check_built_wheel(
                wheel, package=order.package, name=artifact.name, version=artifact.version, tags=order.tags
            )
        except BadArchive as error:
            raise not_installable(order.package, error) from None


def read_bytes(path: str) -> bytes:
    """Return the content of a file. Raises OSError."""
    with open(path, "rb") as file:
        return file.read()


def recalled(
    *, built: "tuple[str, str, str, str]", source: "tuple[str, str, tuple[Any, ...]]"
) -> "tuple[str, str, str, str]":
    """Return *built*, a kept wheel that was found when its *source* became known."""
    meter.found(meter.HIT)
    return built


def refused(*, error: bytes, source: "tuple[str, str, tuple[Any, ...]]") -> "tuple[Any, ...]":
    """Raise the pickled *error* that prevents this build from starting."""
    raise pickle.loads(error)


def store_built(*, built: "tuple[str, str, str, str]", name: str, cache_root: str) -> str:
    """Unzip a built wheel, ``(…, path, file name, sha256)``, into the cache; return its archive's id.

    Raises what ``puffin.stages.unzip.unzip.unzip`` raises.
    """
    _, path, filename, sha256 = built
    data = memoryview(read_bytes(path))
    source = f"built/{sha256[:16]}"
    return store(
        fetched=(sha256, len(data), data), filename=filename, name=name, source=source, cache_root=cache_root
    )
