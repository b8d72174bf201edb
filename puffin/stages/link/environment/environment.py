"""The environment that a command works on, and how it is found. HOT: every warm sync runs this."""

import os

from puffin import depends
from puffin.cache.atomic import read
from puffin.cache.layout import Cache
from puffin.errors import USAGE, Cause, PuffinError, os_cause
from puffin.stages.link.interpreter.interpreter import (
    InspectFailed,
    Interpreter,
    UnsupportedPython,
    venv_root,
    within,
)
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.types import Mapping
from puffin.value import frozen

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
    sentence = "No virtual environment found; run `puffin venv` to make one, or point to one with `--python`"


class BrokenVenv(PuffinError):
    """What was asked for, or is called ``.venv``, is no environment; another one is then not meant."""

    exit_code = USAGE
    sentence = "`{path}` {reason}"
    path: str
    reason: str
    hints: tuple[str, ...] = (
        "remove it, make it again with `puffin venv`, or point to an environment with `--python`",
    )


class NotAnEnvironment(PuffinError):
    """A version was asked for, and what has it is an installation of Python and not a virtual environment."""

    exit_code = USAGE
    sentence = "The Python that was asked for by its version, `{path}`, is not a virtual environment"
    path: str


class ExternallyManaged(PuffinError):
    """The installation belongs to another package manager (PEP 668); ``text`` is what its marker says."""

    exit_code = USAGE
    sentence = "The interpreter at `{path}` is externally managed"
    path: str
    text: str
    hints: tuple[str, ...] = (
        "make a virtual environment with `puffin venv` and install there",
        "or pass `--break-system-packages` to change this installation all the same",
    )

    def details(self) -> tuple[str, ...]:
        """Return the lines beneath it."""
        return tuple(line.rstrip() for line in self.text.splitlines())


class SiteNotWritable(PuffinError):
    """Files cannot be made in the environment's site-packages."""

    exit_code = USAGE
    sentence = "Cannot write to `{path}`"
    path: str
    hints: tuple[str, ...] = ("change its permissions or its owner, or use another environment",)


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
        return _found(_on_path(environ), cache, "--system")
    found = _active(environ, cwd, cache)
    if found is None:
        raise NoEnvironment()
    return found


def environment_at(root: str, cache: Cache, *, origin: str = "") -> Environment:
    """Return the environment whose root directory is *root*. Raises ``InspectFailed`` and :class:`BrokenVenv`."""
    return _found(_executable(root), cache, origin, root=os.path.abspath(root))


def environment_of(interpreter: Interpreter, origin: str = "") -> Environment:
    """Return the environment that *interpreter* installs into."""
    return _configured(interpreter, read_config(interpreter.prefix) if interpreter.is_venv else {}, origin)


def _found(
    executable: str, cache: Cache, origin: str, *, root: str = "", named: str | None = None
) -> Environment:
    """Return the environment of the interpreter that was found, which must be that of *root* if this is given.

    *named* is the origin of the result if it is not *origin*.
    """
    interpreter = inspect_interpreter(executable, cache, origin=origin)
    place = root or os.path.dirname(os.path.dirname(os.path.abspath(executable)))
    if interpreter.prefix != place:
        _check_place(interpreter, place, asked=bool(root))
    config = read_config(interpreter.prefix) if interpreter.is_venv else {}
    if interpreter.is_venv:
        _check_config(interpreter, config)
    return _configured(interpreter, config, origin if named is None else named)


def _check_place(interpreter: Interpreter, place: str, *, asked: bool) -> None:
    """Raise :class:`BrokenVenv` if *interpreter*, found in *place*, works on another place.

    Without pyvenv.cfg the Python of a virtual environment takes the installation behind it for its own. *place* may
    also be a directory with links to installations; it must not be if it was *asked* for.
    """
    real, site = os.path.realpath(place), os.path.realpath(interpreter.scheme.purelib)
    prefix = os.path.realpath(interpreter.prefix)
    if prefix == real:
        return
    own = os.path.join(real, interpreter.venv_scheme.purelib)
    activate = os.path.join(real, interpreter.venv_scheme.scripts, "activate")
    if not (depends.exists(activate) or (depends.is_directory(own) and os.path.realpath(own) != site)):
        beneath = f"{real.rstrip(os.sep)}{os.sep}"
        if not asked or prefix.startswith(beneath) or site.startswith(beneath):
            return
    lack = "is not a file" if os.path.lexists(os.path.join(place, "pyvenv.cfg")) else "is missing"
    reason = f"is not a virtual environment: its `pyvenv.cfg` {lack}, and its Python works on `{prefix}`"
    raise BrokenVenv(path=place, reason=reason, hints=_repairs(interpreter, place))


def _check_config(interpreter: Interpreter, config: dict[str, str]) -> None:
    """Raise :class:`BrokenVenv` if pyvenv.cfg does not say which installation is behind the environment."""
    home = config.get("home", "")
    if home and (not os.path.isabs(home) or depends.is_directory(home)):
        return
    reason = f"has a `home` that does not exist: `{home}`" if home else "cannot be read, or has no `home`"
    path = os.path.join(interpreter.prefix, "pyvenv.cfg")
    raise BrokenVenv(path=path, reason=reason, hints=_repairs(interpreter, interpreter.prefix))


def _repairs(interpreter: Interpreter, place: str) -> tuple[str, ...]:
    make = f"puffin venv --allow-existing --python {interpreter.base_executable} {place}"
    return (f"write it again with `{make}`", "or point to another environment with `--python`")


def _configured(interpreter: Interpreter, config: dict[str, str], origin: str) -> Environment:
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
    check_allowed(environment, break_system_packages=break_system_packages)
    check_writable(environment)


def check_allowed(environment: Environment, *, break_system_packages: bool = False) -> None:
    """Raise :class:`NotAnEnvironment` or :class:`ExternallyManaged` if nothing may be installed there."""
    if environment.origin == BY_VERSION and not environment.is_venv and not break_system_packages:
        hints = (
            "make a virtual environment with `puffin venv`, and give its directory",
            "or pass `--system` to change this installation",
        )
        raise NotAnEnvironment(path=environment.executable, hints=hints)
    if not environment.is_venv and not break_system_packages and environment.origin not in ELSEWHERE:
        marker = environment.interpreter.managed_marker
        if depends.exists(marker):
            raise ExternallyManaged(path=environment.executable, text=marker_text(marker))


def check_writable(environment: Environment) -> None:
    """Raise :class:`SiteNotWritable` if nothing can be installed there."""
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
        path = os.path.join(cwd, os.path.expanduser(option))
        root = os.path.abspath(path) if os.path.isdir(path) else ""
        return _found(find_interpreter(path, environ), cache, "--python", root=root)
    active = _active_if_whole(environ, cwd, cache)
    if active is not None and python_satisfies(option, active.interpreter):
        return active
    return _found(find_interpreter(option, environ), cache, "--python", named=origin)


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
        if depends.lexists(root):
            if not os.path.isdir(root):
                return _named_by(root)
            depends.directory(root)
            if os.listdir(root):  # an empty one may be a mount point
                raise BrokenVenv(path=root, reason="is a directory without the file `pyvenv.cfg`")
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
        raise BrokenVenv(path=path, reason="is a file that does not point to a virtual environment")
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
