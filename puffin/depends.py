"""The dependencies of an answer: code that reads or looks for something notes it here, at the lowest level.

Nothing is noted unless :func:`begin` was called, and a note costs about two microseconds. A file is noted *before* it
is read: one that changes in between then has another stamp than the noted one, and the answer is not repeated.
"""

import os
import stat
from time import time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    Stamp = tuple[int, ...]

    class View(Protocol):
        """The files of another state of the disk, by absolute paths: those of a commit. It notes what is looked at.

        ``commit`` is the commit, and ``variables`` are the environment variables that were looked at.
        """

        commit: str
        variables: dict[str, str | None]

        def mode(self, path: str) -> int:
            """Return the mode of what is there, behind links, 0 for nothing."""

        def stat(self, path: str) -> os.stat_result:
            """Return the facts of what is there, behind links. Raises OSError."""

        def link(self, path: str) -> str:
            """Return what a link leads to, empty for anything else."""

        def names(self, path: str) -> list[str]:
            """Return the names in a directory. Raises OSError."""

        def real(self, path: str) -> str:
            """Return the path of what is there, all links resolved."""

        def read(self, path: str) -> bytes:
            """Return what a file holds. Raises OSError."""


YOUNG = 2_000_000_000  # ns; the coarsest clock of a file system that is in use
_SMALL = 1 << 18  # bytes of a young file that is compared by its content
_MOST = 1 << 20  # bytes that are compared of all of them
_FOREVER = float("inf")
# What compilers and backends go by: a wheel that was built with other values is another wheel.
BACKEND_PREFIXES = (
    "CARGO_", "CMAKE_", "CYTHON", "DISTUTILS_", "FLIT_", "HATCH_", "MATURIN_", "MESON", "NPY_", "PBR_", "PDM_",
    "PKG_CONFIG", "POETRY_", "PYO3_", "RUST", "SETUPTOOLS_", "SKBUILD_", "SOURCE_DATE_", "VCS_VERSIONING_",
    "VERSIONEER_",
)  # fmt: skip
BACKEND_VARIABLES = frozenset(
    (
        "AR", "ARCHFLAGS", "CC", "CFLAGS", "CPATH", "CPP", "CPPFLAGS", "CPLUS_INCLUDE_PATH", "CXX", "CXXFLAGS",
        "C_INCLUDE_PATH", "F77", "F90", "FC", "FCFLAGS", "FFLAGS", "INCLUDE", "LD", "LDFLAGS", "LDSHARED", "LIB",
        "LIBPATH", "LIBRARY_PATH", "LIBS", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "_PYTHON_HOST_PLATFORM",
    )
)  # fmt: skip


def backend_variables(environ: "Mapping[str, str]") -> "tuple[tuple[str, str], ...]":
    """Return those of the user's variables that a wheel may depend on, sorted."""
    return tuple(
        sorted(
            (name, value)
            for name, value in environ.items()
            if name in BACKEND_VARIABLES or name.startswith(BACKEND_PREFIXES)
        )
    )


class Dependencies:
    """What one run looked at, as builtins.

    ``files`` maps paths to stamps (of what is absent: an empty one), ``kinds`` paths to the type of what is there,
    ``directories`` paths to stamps; ``texts`` has the sealed bytes of files of which only the content counts: each
    checkout rewrites them. ``contents`` has the sealed bytes of files, and the names in directories, that changed
    so shortly before the run that another change may leave the stamp as it is. ``variables`` maps names to sealed
    values: values and files may hold credentials. ``said`` is what the run told:
    ``(number of the stream, text, text behind a duration or None)``.
    """

    def __init__(self) -> None:
        self.began = time_ns()
        self.files: dict[str, Stamp] = {}
        self.kinds: dict[str, int] = {}
        self.directories: dict[str, Stamp] = {}
        self.texts: dict[str, bytes] = {}
        self.contents: dict[str, Any] = {}
        self.kept = 0
        self.variables: dict[str, bytes | None] = {}
        self.environments: dict[str, tuple[Any, ...]] = {}
        self.since = 0.0
        self.until = _FOREVER
        self.said: list[tuple[int, str, str | None]] = []
        self.doubts: list[str] = []
        self.settled = False


_noted: "Dependencies | None" = None
_view: "View | None" = None


def begin() -> Dependencies:
    """Begin to note what this process looks at, and return where it is noted."""
    global _noted
    _noted = Dependencies()
    return _noted


def end() -> None:
    """Note nothing any more."""
    global _noted
    _noted = None


def mark() -> "Dependencies | None":
    """Return a copy of what is noted so far; None if no answer will be kept."""
    if _noted is None or _noted.doubts:
        return None
    copy = Dependencies()
    copy.__dict__.update(
        {
            name: value.copy() if isinstance(value, (dict, list)) else value
            for name, value in vars(_noted).items()
        }
    )
    return copy


def back(to: Dependencies) -> None:
    """Forget what was noted since *to* was marked: the next run will find something else there."""
    assert _noted is not None
    _noted.__dict__.update(to.__dict__)


def swap(other: Dependencies) -> Dependencies:
    """Note to *other* from now on, and return where it was noted before."""
    global _noted
    assert _noted is not None
    former, _noted = _noted, other
    return former


def stamp(path: str) -> "Stamp":
    """Return the stamp of a file, an empty one if it does not exist."""
    try:
        return stamp_of(os.stat(path))
    except (OSError, ValueError):
        return ()


def stamp_of(facts: os.stat_result) -> "Stamp":
    """Return the stamp of a file: times in ns, size, number and device.

    The change time of a file with several names is left out: whoever gives it another name changes it.
    """
    changed = facts.st_ctime_ns if facts.st_nlink == 1 else 0
    return facts.st_mtime_ns, changed, facts.st_size, facts.st_ino, facts.st_dev


def kind(path: str) -> int:
    """Return the type of what is at *path*, 0 for nothing."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except (OSError, ValueError):
        return 0


def file(path: str, *, content: bool = True) -> None:
    """Note a file that is going to be read, or is not there. Without *content*, its stamp is all that counts."""
    if _noted is None:
        return
    if path in _noted.files:
        _noted.texts.pop(path, None)
        return
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        _noted.files[path] = ()
        return
    _noted.files[path] = found = stamp_of(facts)
    if not stat.S_ISREG(facts.st_mode):
        unsure(f"`{path}` cannot be read twice")
    elif content and _is_young(found):
        _keep(path)


def stat_of(path: str) -> "os.stat_result | None":
    """Return the facts of a file, None for nothing, and note it; its stamp is all that counts."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        facts = None
    if _noted is not None:
        _noted.files.setdefault(path, stamp_of(facts) if facts else ())
    return facts


def text(path: str) -> None:
    """Note a file that is going to be read, or is not there, and of which only the content counts."""
    if _noted is None or path in _noted.files:
        return
    file(path)
    if not _noted.files[path]:
        return
    if path in _noted.contents:
        _noted.texts[path] = _noted.contents[path]
    elif (data := _small(path)) is not None:
        _noted.texts[path] = seal(data)


def looked_for(path: str) -> None:
    """Note that only the presence and the type of something count."""
    if _noted is not None and path not in _noted.kinds:
        _noted.kinds[path] = kind(path)


def exists(path: str) -> bool:
    """Tell whether something is there, as ``os.path.exists``, and note it."""
    if _view is not None:
        return bool(_view.mode(path))
    looked_for(path)
    return os.path.exists(path)


def is_file(path: str) -> bool:
    """Tell whether a file is there, as ``os.path.isfile``, and note it."""
    if _view is not None:
        return stat.S_ISREG(_view.mode(path))
    looked_for(path)
    return os.path.isfile(path)


def is_directory(path: str) -> bool:
    """Tell whether a directory is there, as ``os.path.isdir``, and note it."""
    if _view is not None:
        return stat.S_ISDIR(_view.mode(path))
    looked_for(path)
    return os.path.isdir(path)


def lexists(path: str) -> bool:
    """Tell whether something is there, be it a link to nothing, and note what it leads to."""
    if _view is not None:
        return bool(_view.mode(path) or _view.link(path))
    looked_for(path)
    return os.path.lexists(path)


def status(path: str) -> os.stat_result:
    """Return the facts of a file, as ``os.stat``; the caller notes it. Raises OSError."""
    return os.stat(path) if _view is None else _view.stat(path)


def link_target(path: str) -> str:
    """Return what a link leads to, empty for anything else; the caller notes it. Raises OSError."""
    if _view is not None:
        return _view.link(path)
    return os.readlink(path) if os.path.islink(path) else ""


def real_path(path: str) -> str:
    """Return the path of what is there, all links resolved, as ``os.path.realpath``; the caller notes it."""
    return os.path.realpath(path) if _view is None else _view.real(path)


def names_at(path: str) -> "list[str]":
    """Return the names in a directory, as ``os.listdir``; the caller notes it. Raises OSError."""
    return os.listdir(path) if _view is None else _view.names(path)


def data(path: str) -> bytes:
    """Return what a file holds; the caller notes it. Raises OSError, and ValueError for what no path can be."""
    if _view is not None:
        return _view.read(path)
    with open(path, "rb", buffering=0) as file:
        return file.read()


def commit() -> str:
    """Return the commit whose files are looked at, empty where that is not the matter."""
    return "" if _view is None else _view.commit


def look_through(view: "View | None") -> "View | None":
    """Look at the files of *view* from now on, of the disk for None; return what was looked through before."""
    global _view
    former, _view = _view, view
    return former


def directory(path: str) -> None:
    """Note a directory whose names are going to be read."""
    if _noted is None or path in _noted.directories:
        return
    _noted.directories[path] = found = stamp(path)
    if found and _is_young(found):
        _noted.contents[path] = names(path)


def variable(name: str, value: "str | None") -> None:
    """Note an environment variable, of those that are not always part of the question."""
    if _view is not None:
        _view.variables[name] = value
    if _noted is not None:
        _noted.variables[name] = sealed(value)


def environment(root: str, facts: "tuple[Any, ...] | None") -> None:
    """Note an environment by what its state says (see ``commit.stamps``), the last time it was looked at."""
    if _noted is None:
        return
    if facts is None:
        unsure(f"`{root}` is not as any state says")
    else:
        _noted.environments[root] = facts


def fresh(since: float, until: float) -> None:
    """Note between which moments (seconds since the epoch) a part of the answer holds."""
    if _noted is not None:
        _noted.since = max(_noted.since, since)
        _noted.until = min(_noted.until, until)


def unsure(why: str) -> None:
    """Note that the answer may differ the next time, even if nothing that is noted has changed."""
    if _noted is not None:
        _noted.doubts.append(why)


def settled() -> None:
    """Note that there was nothing to do: the same question has the same answer."""
    if _noted is not None:
        _noted.settled = True


def said(stream: int, text: str, behind: "str | None" = None) -> None:
    """Note what was written to a stream, 1 or 2; with *behind* the duration of the run stands between the two."""
    if _noted is not None:
        _noted.said.append((stream, text, behind))


def seal(data: bytes, size: int = 32) -> bytes:
    """Return *size* bytes of BLAKE2b that stand for *data*, which may be secret, in what is kept."""
    try:
        from _blake2 import blake2b  # what hashlib would hand out, without hashlib's import
    except ImportError:
        from hashlib import blake2b
    return blake2b(data, digest_size=size).digest()


def sealed(text: "str | None") -> "bytes | None":
    """Return what stands for *text*, such as the value of a variable, in what is kept."""
    return None if text is None else seal(text.encode("utf-8", "surrogateescape"))


def names(path: str) -> "tuple[str, ...]":
    """Return the names in a directory, sorted; nothing where they cannot be read."""
    try:
        return tuple(sorted(os.listdir(path)))
    except OSError:
        return ()


def content(path: str) -> "bytes | None":
    """Return the bytes of a file, None where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        return os.read(descriptor, _SMALL + 1)
    finally:
        os.close(descriptor)


def _is_young(found: "Stamp") -> bool:
    return _noted is not None and max(found[0], found[1]) > _noted.began - YOUNG


def _keep(path: str) -> None:
    assert _noted is not None
    data = _small(path)
    if data is None:
        unsure(f"`{path}` has just been written, and is large")
    else:
        _noted.contents[path] = seal(data)


def _small(path: str) -> "bytes | None":
    """Return the bytes of a regular file. Return None for anything else, and if it or all kept bytes are too large."""
    assert _noted is not None
    data = content(path) if os.path.isfile(path) else None
    if data is None or len(data) > _SMALL or _noted.kept + len(data) > _MOST:
        return None
    _noted.kept += len(data)
    return data
