"""The tree of one distribution in one staging area: linked files, and files written for this environment.

``<stage>`` will be renamed into site-packages, entry by entry, ``<stage>+scripts``, ``+data`` and ``+headers``
into their places.
What is the same in every environment is linked from the archive; scripts, REQUESTED, direct_url.json and
RECORD are written here and never shared with the cache.
"""

import errno
import os

from puffin.cache.atomic import remove_tree, write_all
from puffin.stages.link.files import Placer
from puffin.stages.link.scripts import launcher, rewrite_shebang, shebang, versioned, windows_launcher
from puffin.stages.unzip.manifest import DIST_INFO, ENTRY_POINTS, NAME, SCRIPTS
from puffin.stages.unzip.ready import Census
from puffin.stages.unzip.record import NOTHING, quoted, row
from puffin.types import Any, Iterable, Sequence
from puffin.value import frozen

Tree = Iterable[tuple[str, Sequence[str]]]

DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
PARTS = ("", "+scripts", "+data", "+headers")  # what may follow the name of a staged distribution
_FEW = 8  # names in a directory, from which on it pays to open it


@frozen
class LinkTarget:
    """What a link task knows of an environment. Paths in RECORD are relative to site-packages.

    ``executable`` goes into scripts; ``scripts``, ``data`` and ``headers`` lead from site-packages to
    those directories (``headers`` without the distribution's name). ``lib64`` tells whether that name in ``data``
    is a link to ``lib``.
    """

    executable: str
    version: tuple[int, int]
    relocatable: bool
    scripts: str
    data: str
    headers: str
    lib64: bool = False


@frozen
class LinkPlace:
    """Where a link task puts a distribution; its wire form is ``astuple`` of it.

    ``target`` is a :class:`LinkTarget` in its wire form, ``mode`` a link mode, and ``bytecode`` the kind of bytecode
    that comes along, empty for none. With *checked* the content of the archive is compared first.
    """

    stage: str
    target: "tuple[Any, ...]"
    requested: bool
    direct_url: str
    mode: str
    bytecode: str = ""
    checked: bool = False


class Staging:
    """The work on one distribution in one place. ``error`` is what stopped it there."""

    def __init__(
        self,
        stage: str,
        header: "tuple[Any, ...]",
        target: LinkTarget,
        *,
        requested: bool,
        direct_url: str,
        mode: str,
    ) -> None:
        self.stage = stage
        self._header = header
        self.target = target
        self._requested = requested
        self._direct_url = direct_url
        self._rows: list[str] = []
        self._root = -1
        self.placer = Placer(mode)
        self.files = 0
        self.error: OSError | None = None

    def open(self) -> None:
        """Begin the tree, on the ruins of a process that died over it if need be."""
        try:
            os.mkdir(self.stage)
        except FileExistsError:
            clear_stage(self.stage)
            os.mkdir(self.stage)
        self._root = os.open(self.stage, DIRECTORY)

    def enter(self, part: str, inner: str) -> None:
        """Go on in *inner* of what goes to another place than site-packages: ``data`` or ``headers``."""
        place = f"{self.stage}+{part}"
        os.mkdir(place)
        if inner:
            place = f"{place}/{inner}"
            os.mkdir(place)
        self.close()
        self._root = os.open(place, DIRECTORY)

    def merge_lib64(self) -> None:
        """Put files staged for ``lib64`` into ``lib``, to which that is a link (``OSError`` if both have a name)."""
        _merge(f"{self.stage}+data/lib64", f"{self.stage}+data/lib")

    def close(self) -> None:
        """Let go of the open directory."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def fill(self, directory: str, names: "Sequence[str]", source: int, *, make: bool, inside: bool) -> None:
        """Bring in the files of one directory, which is to be *made* first.

        *names* are relative to the open directory *source*: that of the files when *inside*, else the root.
        All paths are relative to open directories, because short paths are cheap to walk.
        """
        there = self._root
        if make:
            os.mkdir(directory, dir_fd=there)
        self.files += len(names)
        if not inside or not directory:
            self.placer.place_all(names, source, there)
            return
        target = os.open(directory, DIRECTORY, dir_fd=there)
        try:
            self.placer.place_all(names, source, target)
        finally:
            os.close(target)

    def link(self, directories: "Sequence[str]", root: str) -> None:
        """Take *directories* of the sealed tree at *root* by a symlink each."""
        for directory in directories:
            os.symlink(f"{root}/{directory}", directory, target_is_directory=True, dir_fd=self._root)
        self.files += len(directories)

    def add_rows(self, rows: str) -> None:
        """Have *rows* stand in RECORD too."""
        self._rows.append(rows)

    def finish(self, source: str, record: bytes) -> None:
        """Add what is this environment's own: scripts of the archive at *source*, and metadata.

        *record* is the archive's RECORD. Raises ``OSError``.
        """
        self._scripts(source)
        self._metadata(record)

    def _scripts(self, source: str) -> None:
        target = self.target
        points = versioned(self._header[NAME], self._header[ENTRY_POINTS], target.version)
        launchers = [point[0] for point in points]
        # An entry point takes the place of a script with its name, as in pip and uv.
        brought = [name for name in self._header[SCRIPTS] if name not in launchers]
        if not points and not brought:
            return
        os.mkdir(f"{self.stage}+scripts")
        first = shebang(target.executable, relocatable=target.relocatable)
        for point in points:
            if os.name == "nt":
                name, data = windows_launcher(point, target.executable)
            else:
                name, data = point[0], launcher(point, first)
            self._script(name, data)
        for directory in directories_of(brought):
            os.mkdir(f"{self.stage}+scripts/{directory}")
        for name in brought:
            with open(f"{source}/.data/scripts/{name}", "rb") as file:
                self._script(name, rewrite_shebang(file.read(), first))

    def _script(self, name: str, data: bytes) -> None:
        self._write(f"{self.stage}+scripts/{name}", data, 0o777)
        self._rows.append(row(f"{self.target.scripts}/{name}", data))

    def _metadata(self, record: bytes) -> None:
        info = self._header[DIST_INFO]
        home = f"{self.stage}/{info}"
        if self._requested:
            self._write(f"{home}/REQUESTED", b"")
            self._rows.append(f"{quoted(f'{info}/REQUESTED')},{NOTHING},0\n")
        if self._direct_url:
            data = self._direct_url.encode()
            self._write(f"{home}/direct_url.json", data)
            self._rows.append(row(f"{info}/direct_url.json", data))
        self._rows.append(f"{quoted(f'{info}/RECORD')},,\n")
        self._write(f"{home}/RECORD", record + "".join(self._rows).encode("utf-8", "surrogateescape"))

    def _write(self, path: str, data: bytes, mode: int = 0o666) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
        self.files += 1


def in_lib(directory: str) -> str:
    """Return where a directory of ``data`` lies in an environment whose ``lib64`` is a link to ``lib``."""
    return f"lib{directory[5:]}" if f"{directory}/".startswith("lib64/") else directory


def _merge(source: str, target: str) -> None:
    """Move the tree *source*, where there is one, into *target*; a file that is there is not replaced."""
    if not os.path.isdir(target):
        if os.path.isdir(source):
            os.rename(source, target)
        return
    for name in os.listdir(source) if os.path.isdir(source) else ():
        if os.path.isdir(f"{source}/{name}"):
            _merge(f"{source}/{name}", f"{target}/{name}")
        elif os.path.lexists(f"{target}/{name}"):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{target}/{name}")
        else:
            os.rename(f"{source}/{name}", f"{target}/{name}")
    remove_tree(source)


def directories_of(paths: "Iterable[str]") -> "list[str]":
    """Return all directories above *paths*, relative ones, parents first."""
    found = {path[:at] for path in paths for at, letter in enumerate(path) if letter == "/"}
    return sorted(found)


def spread(
    tree: "Tree",
    source: str,
    stagings: "Sequence[Staging]",
    known: "frozenset[str]",
    census: "Census | None" = None,
) -> None:
    """Bring the files of *tree*, which lies at *source*, into all *stagings*; *known* directories are there already.

    *census* counts them.

    It goes directory by directory and not place by place: what the system has to look up of the source is then
    still at hand for every place but the first. A place that cannot be written to is left behind with its error;
    ``OSError`` is raised for the source alone.
    """
    here = os.open(source, DIRECTORY)
    try:
        for directory, names in tree:
            inside = len(names) >= _FEW or not directory
            if not inside:
                names = [f"{directory}/{name}" for name in names]
            opened = os.open(directory, DIRECTORY, dir_fd=here) if inside and directory else here
            try:
                if census is not None:
                    census.count(names, opened)
                _spread_one(directory, names, opened, stagings, make=directory not in known, inside=inside)
            finally:
                if opened != here:
                    os.close(opened)
    finally:
        os.close(here)


def _spread_one(
    directory: str,
    names: "Sequence[str]",
    source: int,
    stagings: "Sequence[Staging]",
    *,
    make: bool,
    inside: bool,
) -> None:
    for staging in stagings:
        if staging.error is None:
            try:
                staging.fill(directory, names, source, make=make, inside=inside)
            except OSError as error:
                staging.error = error


def clear_stage(stage: str) -> None:
    """Remove what there is of a staged distribution."""
    for part in PARTS:
        remove_tree(f"{stage}{part}")
