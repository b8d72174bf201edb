"""The environment that a command works on, and how it is found. HOT: every warm sync runs this."""

import os

from puffin import depends
from puffin.cache.atomic import read
from puffin.cache.layout import Cache
from puffin.errors import USAGE, Cause, PuffinError, os_cause
from puffin.stages.link.interpreter.interpreter import Interpreter, venv_root, within
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


ELSEWHERE = (
    "--target",
    "--prefix",
)  # origins of what is no environment, see puffin.stages.link.environment.target_directory
BY_VERSION = "--python VERSION"  # the origin of what was searched for
_CONDA_BASE = ("base", "root")
_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX")
_PLACES = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python", "bin/python3")
_DEFAULT = "It is managed by another package manager, which does not say how to add packages to it."


@frozen
class Environment:
    """A virtual environment, or an installation of Python, that distributions are installed into.

    Paths are absolute; ``headers`` is without the distribution's name. ``executable`` goes into scripts.
    ``relocatable`` is what pyvenv.cfg says; ``seed`` tells whether pip, setuptools and wheel belong to it: puffin made
    it so, or did not make it. ``origin`` is what named it, such as ``VIRTUAL_ENV``.
    """

    root: str
    executable: str
    version: tuple[int, int, int]
    purelib: str
    platlib: str
    scripts: str
    data: str
    headers: str
    is_venv: bool
    relocatable: bool
    seed: bool
    system_site_packages: bool
    interpreter: Interpreter
    origin: str = ""


class NoEnvironment(PuffinError):
    """Nothing names an environment, and none is near."""

    exit_code = USAGE
    stage = "link"

    def summary(self) -> str:
        """Return the first line."""
        return "No virtual environment found; run `puffin venv` to make one, or name one by `--python`"


class BrokenVenv(PuffinError):
    """What is called ``.venv`` leads to no environment; one of a directory above is then not meant."""

    exit_code = USAGE
    stage = "link"
    path: str
    reason: str
    hints: tuple[str, ...] = (
        "remove it, make it again with `puffin venv`, or name an environment by `--python`",
    )

    def summary(self) -> str:
        """Return the first line."""
        return f"`{self.path}` {self.reason}"


class NotAnEnvironment(PuffinError):
    """A version was asked for, and what has it is an installation of Python and not a virtual environment."""

    exit_code = USAGE
    stage = "link"
    path: str

    def summary(self) -> str:
        """Return the first line."""
        return f"The Python that was asked for by its version, `{self.path}`, is not a virtual environment"


class ExternallyManaged(PuffinError):
    """The installation belongs to another package manager (PEP 668); ``text`` is what its marker says."""

    exit_code = USAGE
    stage = "link"
    path: str
    text: str
    hints: tuple[str, ...] = (
        "make a virtual environment with `puffin venv` and install there",
        "or pass `--break-system-packages` to change this installation all the same",
    )

    def summary(self) -> str:
        """Return the first line."""
        return f"The interpreter at `{self.path}` is externally managed"

    def details(self) -> tuple[str, ...]:
        """Return the lines beneath it."""
        return tuple(line.rstrip() for line in self.text.splitlines())


class SiteNotWritable(PuffinError):
    """Files cannot be made in the environment's site-packages."""

    exit_code = USAGE
    stage = "link"
    path: str
    hints: tuple[str, ...] = ("change its permissions or its owner, or use another environment",)

    def summary(self) -> str:
        """Return the first line."""
        return f"Cannot write to `{self.path}`"


def find_environment(
    python_option: str | None, environ: "Mapping[str, str]", cwd: str, cache: Cache, *, system: bool = False
) -> Environment:
    """Return the environment to work on.

    In this order: *python_option* (a path, or a version, which the active environment may have),
    with *system* the first Python on ``PATH``, ``VIRTUAL_ENV``, ``CONDA_PREFIX``, and ``.venv`` in *cwd* or
    the directories above it. Raises :class:`NoEnvironment`, :class:`BrokenVenv`, ``InterpreterNotFound`` or
    ``InspectFailed``.
    """
    if python_option:
        return _asked_for(python_option, environ, cwd, cache, "--system" if system else BY_VERSION)
    if system:
        return environment_of(inspect_interpreter(_on_path(environ), cache, origin="--system"), "--system")
    found = _active(environ, cwd, cache)
    if found is None:
        raise NoEnvironment()
    return found


def environment_at(root: str, cache: Cache, *, origin: str = "") -> Environment:
    """Return the environment whose root directory is *root*. Raises ``InspectFailed``."""
    return environment_of(inspect_interpreter(_executable(root), cache, origin=origin), origin)


def environment_of(interpreter: Interpreter, origin: str = "") -> Environment:
    """Return the environment that *interpreter* installs into."""
    config = read_config(interpreter.prefix) if interpreter.is_venv else {}
    scheme = interpreter.scheme
    return Environment(
        root=interpreter.prefix,
        executable=interpreter.executable,
        version=interpreter.version,
        purelib=scheme.purelib,
        platlib=scheme.platlib,
        scripts=scheme.scripts,
        data=scheme.data,
        headers=scheme.headers,
        is_venv=interpreter.is_venv,
        relocatable=config.get("relocatable", "").lower() == "true",
        seed="puffin" not in config or config.get("seed", "").lower() == "true",
        system_site_packages=config.get("include-system-site-packages", "").lower() == "true"
        or (
            not interpreter.is_venv and os.path.basename(scheme.purelib) == "dist-packages"
        ),  # Debian has another
        interpreter=interpreter,
        origin=origin,
    )


def environment_for(interpreter: Interpreter, root: str) -> Environment:
    """Return the virtual environment at *root* that was made from *interpreter*, without asking it."""
    name = _PLACES[0].rpartition("/")[2]
    executable = os.path.join(root, interpreter.venv_scheme.scripts, name)
    return environment_of(within(interpreter, root, executable))


def read_config(root: str) -> dict[str, str]:
    """Return pyvenv.cfg of the environment at *root* (PEP 405), keys in lower case; empty if absent."""
    path = os.path.join(root, "pyvenv.cfg")
    depends.file(path)
    data = read(path) or b""
    config = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            config[key.strip().lower()] = value.strip()
    return config


def check_target(environment: Environment, *, break_system_packages: bool = False) -> None:
    """Raise an error if nothing may or can be installed there.

    Those are :class:`NotAnEnvironment`, :class:`ExternallyManaged` and :class:`SiteNotWritable`.
    """
    if environment.origin == BY_VERSION and not environment.is_venv and not break_system_packages:
        hints = (
            "make a virtual environment with `puffin venv`, and name its directory",
            "or pass `--system` to change this installation",
        )
        raise NotAnEnvironment(path=environment.executable, hints=hints)
    if not environment.is_venv and not break_system_packages and environment.origin not in ELSEWHERE:
        marker = environment.interpreter.managed_marker
        if depends.exists(marker):
            raise ExternallyManaged(path=environment.executable, text=marker_text(marker))
    for directory in dict.fromkeys((environment.purelib, environment.platlib)):
        _check_writable(directory)


def _check_writable(directory: str) -> None:
    nearest = directory
    while not os.path.lexists(nearest) and os.path.dirname(nearest) != nearest:
        nearest = os.path.dirname(nearest)
    if os.access(nearest, os.W_OK | os.X_OK):
        return
    try:  # the call whose answer people know, for its reason: read-only file system, or permission denied
        os.close(os.open(os.path.join(nearest, f".puffin-{os.getpid()}"), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.unlink(os.path.join(nearest, f".puffin-{os.getpid()}"))
    except OSError as error:
        reason = os_cause(error) if not error.filename else Cause(text=error.strerror or str(error))
        raise SiteNotWritable(path=directory, causes=(reason,)) from error


def _asked_for(option: str, environ: "Mapping[str, str]", cwd: str, cache: Cache, origin: str) -> Environment:
    from puffin.stages.link.interpreter.find import find_interpreter, is_path, python_satisfies

    if is_path(option):
        executable = find_interpreter(os.path.join(cwd, os.path.expanduser(option)), environ)
        return environment_of(inspect_interpreter(executable, cache, origin="--python"), "--python")
    active = _active_if_whole(environ, cwd, cache)
    if active is not None and python_satisfies(option, active.interpreter):
        return active
    executable = find_interpreter(option, environ)
    return environment_of(inspect_interpreter(executable, cache, origin="--python"), origin)


def _on_path(environ: "Mapping[str, str]") -> str:
    """Return the first Python on ``PATH`` that is not a virtual environment's."""
    names = ("python.exe",) if os.name == "nt" else ("python3", "python")
    directories = [each for each in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(each)]
    for directory in directories:
        for name in names:
            path = os.path.join(directory, name)
            depends.file(path, content=False)
            if os.access(path, os.X_OK) and not venv_root(path):
                return path
    from puffin.stages.link.interpreter.find import InterpreterNotFound

    raise InterpreterNotFound(request="--system", looked=tuple(f"`{each}`" for each in directories))


def _active_if_whole(environ: "Mapping[str, str]", cwd: str, cache: Cache) -> "Environment | None":
    from puffin.stages.link.interpreter.ask import InspectFailed, UnsupportedPython

    try:
        return _active(environ, cwd, cache)
    except (InspectFailed, UnsupportedPython):
        return None


def _active(environ: "Mapping[str, str]", cwd: str, cache: Cache) -> "Environment | None":
    for variable in _VARIABLES:
        root = environ.get(variable)
        if variable == "CONDA_PREFIX" and environ.get("CONDA_DEFAULT_ENV") in _CONDA_BASE:
            continue  # conda itself lives there
        if root:
            return environment_at(os.path.join(cwd, root), cache, origin=variable)
    root = nearest_venv(cwd)
    return environment_at(root, cache, origin=".venv") if root else None


def nearest_venv(directory: str) -> str:
    """Return the environment ``.venv`` of *directory* or of the nearest above it, ``""`` for none.

    A file of that name holds the path of an environment. Raises :class:`BrokenVenv` for one that leads nowhere.
    """
    while True:
        root = os.path.join(directory, ".venv")
        if depends.is_file(os.path.join(root, "pyvenv.cfg")):
            return root
        if depends.lexists(root) and not os.path.isdir(root):
            return _named_by(root)
        if os.path.dirname(directory) == directory:
            return ""
        directory = os.path.dirname(directory)


def _named_by(path: str) -> str:
    """Return the environment that the link or the file *path* leads to."""
    depends.file(path)
    if not os.path.exists(path):
        raise BrokenVenv(path=path, reason=f"is a link to `{os.readlink(path)}`, which does not exist")
    words = (read(path) or b"").decode("utf-8", "replace").strip()
    root = os.path.join(os.path.dirname(path), os.path.expanduser(words))
    if not words or "\n" in words or not depends.is_file(os.path.join(root, "pyvenv.cfg")):
        raise BrokenVenv(path=path, reason="is a file that does not name a virtual environment")
    return os.path.normpath(root)


def _executable(root: str) -> str:
    """Return the interpreter of the environment at *root*, or where it should be."""
    paths = [os.path.join(root, *place.split("/")) for place in _PLACES]
    return next((path for path in paths if depends.lexists(path)), paths[0])


def marker_text(path: str) -> str:
    """Return the message for the user in the marker at *path*, in the language of the locale if it has that."""
    import configparser
    import locale

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        section = parser["externally-managed"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        return _DEFAULT
    language = locale.getlocale(getattr(locale, "LC_MESSAGES", locale.LC_CTYPE))[0] or ""
    keys = (f"Error-{language}", f"Error-{language.partition('_')[0]}", "Error")
    return next((section[key] for key in keys if section.get(key)), _DEFAULT)
