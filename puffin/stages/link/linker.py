"""The link stage: one distribution's final tree, built in the staging area of a transaction.

``<stage>`` will be renamed into site-packages, entry by entry, ``<stage>+scripts``, ``+data`` and ``+headers``
into their places.
What is the same in every environment is linked from the archive; scripts, REQUESTED, direct_url.json and
RECORD are written here and never shared with the cache.
"""

import os

from puffin import meter
from puffin.cache.atomic import remove_tree
from puffin.cache.layout import Cache
from puffin.errors import PuffinError, os_cause
from puffin.stages.bytecode.layer import layer_path, manifest_path, read_layer
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.files import Placer
from puffin.stages.link.scripts import launcher, rewrite_shebang, shebang, versioned, windows_launcher
from puffin.stages.unzip.manifest import (
    BYTES,
    DIST_INFO,
    ENTRY_POINTS,
    NAME,
    OUTSIDE,
    RAW_NAME,
    SCRIPTS,
    read_names,
)
from puffin.value import from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.stages.bytecode.layer import Layer

_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
PARTS = ("", "+scripts", "+data", "+headers")  # what may follow the name of a staged distribution
_FEW = 8  # names in a directory, from which on it pays to open it


class ArchiveGone(PuffinError):
    """An archive that the plan counts on is not in the cache, or not whole."""

    stage = "link"
    archive: str
    hints: tuple[str, ...] = ("run the command again: what is missing will be fetched again",)

    def summary(self) -> str:
        return f"The cached archive of `{self.package or self.archive[:12]}` is damaged"


class LinkFailed(PuffinError):
    """The staged tree of a distribution could not be built."""

    stage = "link"
    path: str

    def summary(self) -> str:
        return f"Failed to stage `{self.package}` in `{self.path}`"


@frozen
class Target:
    """What a link task knows of an environment. Paths in RECORD are relative to site-packages.

    ``executable`` goes into scripts; ``scripts``, ``data`` and ``headers`` lead from site-packages to
    those directories (``headers`` without the distribution's name).
    """

    executable: str
    version: tuple[int, int]
    relocatable: bool
    scripts: str
    data: str
    headers: str


def link(
    *,
    archive: str,
    cache_root: str,
    stage: str,
    target: "tuple[Any, ...]",
    requested: bool,
    direct_url: str,
    mode: str,
    stamp: int,
    bytecode: str = "",
    source: "tuple[Any, ...] | None" = None,
) -> "tuple[str, str, int]":
    """Build the tree of an archive below *stage*; return ``(archive, link mode used, files)``.

    *stamp*, in nanoseconds since the epoch, becomes the modification time of every directory, so that a
    later change in one shows by one ``stat``. *bytecode* is the kind of bytecode that comes along, where
    the cache has it. *source* is the answer of the task that fetched what this was built from.
    Raises :class:`ArchiveGone` or :class:`LinkFailed`.
    """
    cache = Cache(cache_root)
    found = read_names(cache.manifest(archive))
    if found is None:
        raise ArchiveGone(archive=archive)
    layer = read_layer(manifest_path(cache, bytecode, archive)) if bytecode else None
    used, files = link_found(
        found,
        cache.archive(archive),
        stage,
        from_tuple(Target, target),
        requested=requested,
        direct_url=with_source(with_hash(direct_url, archive), source),
        mode=mode,
        stamp=stamp,
        layer=(layer, layer_path(cache, bytecode, archive)) if layer else None,
    )
    meter.count(taken=found[0][BYTES], given=found[0][BYTES])
    return archive, used, files


def link_found(
    found: "tuple[tuple[Any, ...], tuple[tuple[str, tuple[str, ...]], ...]]",
    source: str,
    stage: str,
    target: Target,
    *,
    requested: bool,
    direct_url: str,
    mode: str,
    stamp: int,
    layer: "tuple[Layer, str] | None" = None,
) -> "tuple[str, int]":
    """Build the tree of the archive at *source*, of which *found* was read; return link mode used and files.

    *layer* is its bytecode, and where that lies. The rest is as in :func:`link`.
    """
    header, tree = found
    staging = _Staging(source, stage, header, tree, mode)
    if layer is not None:
        staging.bring(*layer)
    try:
        staging.build(target, requested=requested, direct_url=direct_url, stamp=stamp)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not staging.source_is_whole():
            raise ArchiveGone(archive=os.path.basename(source), package=header[NAME]) from error
        raise LinkFailed(path=stage, package=header[NAME], causes=(os_cause(error),)) from error
    return staging.placer.mode, staging.files


def clear_stage(stage: str) -> None:
    """Remove what there is of a staged distribution."""
    for part in PARTS:
        remove_tree(f"{stage}{part}")


class _Staging:
    """The work on one distribution: counters and paths that its steps share."""

    def __init__(
        self,
        source: str,
        stage: str,
        header: "tuple[Any, ...]",
        tree: "tuple[tuple[str, tuple[str, ...]], ...]",
        mode: str,
    ) -> None:
        self._source = source
        self._stage = stage
        self._header = header
        self._tree = tree
        self._rows: list[str] = []
        self._made: list[str] = []
        self._layer: tuple[Layer, str] | None = None
        self.placer = Placer(mode)
        self.files = 0

    def bring(self, layer: "Layer", path: str) -> None:
        """Let the bytecode that lies at *path* come along."""
        self._layer = (layer, path)

    def source_is_whole(self) -> bool:
        """Tell whether every file of the archive is there."""
        outside = [(f".data/{key}/{directory}", names) for key, directory, names, *_ in self._header[OUTSIDE]]
        return all(
            os.path.lexists(f"{self._source}/{directory}/{name}")
            for directory, names in (*self._tree, *outside)
            for name in names
        )

    def build(self, target: Target, *, requested: bool, direct_url: str, stamp: int) -> None:
        """Make the whole tree."""
        try:
            os.mkdir(self._stage)
        except FileExistsError:  # of a process that died over it
            clear_stage(self._stage)
            os.mkdir(self._stage)
        root = os.open(self._stage, _DIRECTORY)
        try:
            self._link_tree(root)
            self._link_layer(root)
            self._data(target)
            self._scripts(target)
            self._metadata(requested=requested, direct_url=direct_url)
            for directory, _ in self._tree:
                os.utime(directory or ".", ns=(stamp, stamp), dir_fd=root)
        finally:
            os.close(root)
        for directory in self._made:
            os.utime(directory, ns=(stamp, stamp))

    def _mkdir(self, path: str) -> None:
        os.mkdir(path)
        self._made.append(path)

    def _link_tree(self, there: int) -> None:
        """Link the root tree. All paths are relative to its two open roots: short paths are cheap to walk."""
        info = self._header[DIST_INFO]
        here = os.open(self._source, _DIRECTORY)
        try:
            for directory, names in self._tree:
                if directory:
                    os.mkdir(directory, dir_fd=there)
                if directory == info:
                    names = names[:-1]  # RECORD, of which this environment gets its own
                self._link_names(directory, names, here, there)
        finally:
            os.close(here)

    def _link_layer(self, there: int) -> None:
        if self._layer is None or not self._layer[0].tree:
            return
        layer, path = self._layer
        known = frozenset([directory for directory, _ in self._tree])
        here = os.open(path, _DIRECTORY)
        try:
            for directory, names in layer.tree:
                if directory not in known:
                    os.mkdir(directory, dir_fd=there)
                self._link_names(directory, names, here, there)
        finally:
            os.close(here)
        self._rows.append(layer.rows)

    def _link_names(self, directory: str, names: "tuple[str, ...]", here: int, there: int) -> None:
        self.files += len(names)
        if len(names) < _FEW:
            prefix = f"{directory}/" if directory else ""
            self.placer.place_all([prefix + name for name in names], here, there)
            return
        source, target = _opened(directory, here), _opened(directory, there)
        try:
            self.placer.place_all(names, source, target)
        finally:
            os.close(source)
            os.close(target)

    def _place(self, source: str, target: str, names: "tuple[str, ...]") -> None:
        here, there = os.open(source, _DIRECTORY), os.open(target, _DIRECTORY)
        try:
            self._link_names("", names, here, there)
        finally:
            os.close(here)
            os.close(there)

    def _data(self, target: Target) -> None:
        """Link what goes to the environment's root and its headers, with a row in RECORD for each file."""
        headers = self._header[RAW_NAME]
        homes = {"data": target.data, "headers": f"{target.headers}/{headers}"}
        for key, directory, names, sizes, _, hashes in self._header[OUTSIDE]:
            if key not in homes:
                continue
            below = f"/{directory}" if directory else ""
            staged = (
                f"{self._stage}+headers/{headers}{below}" if key == "headers" else f"{self._stage}+data{below}"
            )
            if key == "headers" and not directory:
                self._mkdir(f"{self._stage}+headers")
            self._mkdir(staged)
            self._place(f"{self._source}/.data/{key}{below}", staged, names)
            home = f"{homes[key]}{below}/".removeprefix("./")
            rows = zip(names, hashes, sizes, strict=True)
            self._rows.extend([f"{_quoted(f'{home}{name}')},{digest},{size}\n" for name, digest, size in rows])

    def _scripts(self, target: Target) -> None:
        brought = self._header[SCRIPTS]
        points = versioned(self._header[NAME], self._header[ENTRY_POINTS], target.version)
        if not points and not brought:
            return
        self._mkdir(f"{self._stage}+scripts")
        first = shebang(target.executable, relocatable=target.relocatable)
        for point in points:
            if os.name == "nt":
                name, data = windows_launcher(point, target.executable)
            else:
                name, data = point[0], launcher(point, first)
            self._script(target, name, data)
        for name in brought:
            with open(f"{self._source}/.data/scripts/{name}", "rb") as file:
                self._script(target, name, rewrite_shebang(file.read(), first))

    def _script(self, target: Target, name: str, data: bytes) -> None:
        self._write(f"{self._stage}+scripts/{name}", data, 0o777)
        self._rows.append(_row(f"{target.scripts}/{name}", data))

    def _metadata(self, *, requested: bool, direct_url: str) -> None:
        info = self._header[DIST_INFO]
        home = f"{self._stage}/{info}"
        if requested:
            self._write(f"{home}/REQUESTED", b"")
            self._rows.append(_row(f"{info}/REQUESTED", b""))
        if direct_url:
            data = direct_url.encode()
            self._write(f"{home}/direct_url.json", data)
            self._rows.append(_row(f"{info}/direct_url.json", data))
        with open(f"{self._source}/{info}/RECORD", "rb") as file:
            record = file.read()
        if not record:
            raise ArchiveGone(archive=os.path.basename(self._source), package=self._header[NAME])
        self._rows.append(f"{_quoted(f'{info}/RECORD')},,\n")
        self._write(f"{home}/RECORD", record + "".join(self._rows).encode("utf-8", "surrogateescape"))

    def _write(self, path: str, data: bytes, mode: int = 0o666) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        self.files += 1


def _opened(directory: str, root: int) -> int:
    return os.open(directory or ".", _DIRECTORY, dir_fd=root)


def _quoted(path: str) -> str:
    if '"' in path or "," in path or "\n" in path:
        return '"' + path.replace('"', '""') + '"'
    return path


def _row(path: str, data: bytes) -> str:
    from binascii import b2a_base64

    digest = (
        b2a_base64(_sha256()(data).digest(), newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")
    )
    return f"{_quoted(path)},sha256={digest},{len(data)}\n"


_known_sha256: "Any" = None


def _sha256() -> "Any":
    """Return CPython's own sha256: for a few scripts, hashlib would first load OpenSSL (4 to 11 ms)."""
    global _known_sha256
    if _known_sha256 is None:  # an import that fails is looked for each time anew (70 µs)
        _known_sha256 = _import_sha256()
    return _known_sha256


def _import_sha256() -> "Any":
    try:
        from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            from hashlib import sha256
    return sha256


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
