"""Finding an interpreter for a request: a version, a name, a specifier, or a path.

The search itself is the python-discovery library's: the Python that runs puffin, ``PATH`` (shims of version
managers seen through), the Windows registry and uv's installations. Pyenv's other versions come after it.
A ``.python-version`` file says which Python a directory and those beneath it want.
"""

import os
import sys

from puffin import depends
from puffin.cache.atomic import read
from puffin.cache.layout import home_directory
from puffin.cache.reading import names_in
from puffin.errors import USAGE, Cause, PuffinError
from puffin.names import shell_quoted
from puffin.stages.link.interpreter.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from python_discovery import PythonInfo, PythonSpec


NAME = ".python-version"


class InterpreterNotFound(PuffinError):
    """No interpreter fits the request; ``looked`` are the places in the order they were searched."""

    exit_code = USAGE
    sentence = "No interpreter found for Python `{request}`"
    request: str
    looked: tuple[str, ...]

    def details(self) -> tuple[str, ...]:
        return tuple(f"looked in {place}" for place in self.looked)


class InvalidPythonRequest(PuffinError):
    """What was asked for is no version, name, specifier or path."""

    exit_code = USAGE
    sentence = "Invalid Python request `{request}`"
    request: str
    hints: tuple[str, ...] = ("use `3.12`, `3.12.1`, `python3.12`, `>=3.10`, or a path",)


_IMPLEMENTATIONS = {"cp": "cpython", "pp": "pypy"}


def is_path(request: str) -> bool:
    """Tell whether *request* names a place on the disk and not a version; ``.venv`` is one before it exists, too."""
    named = os.sep in request or bool(os.altsep and os.altsep in request) or request[:1] == "."
    return named or depends.is_directory(request)


def executable_in(directory: str) -> str:
    """Return the interpreter of the environment or installation at *directory*; nothing if it has none."""
    places = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python", "bin/python3")
    for place in places:
        path = os.path.join(directory, *place.split("/"))
        if depends.lexists(path):
            return path
    return ""


def find_interpreter(request: str, environ: "Mapping[str, str]") -> str:
    """Return the absolute path of an interpreter that *request* names or describes.

    Raises :class:`InterpreterNotFound`, or :class:`InvalidPythonRequest` for what cannot be understood.
    """
    if is_path(request):
        return _by_path(request)
    spec = _spec(request)
    path = _search(plain_request(request), spec, environ)
    if not path:
        hint = f"install it, or use another one, for example `puffin venv --python {_running()}`"
        if not any(letter.isdigit() for letter in request):
            hint = f"give the path of an environment, for example `.venv`, or a version, for example `{_running()}`"
        raise InterpreterNotFound(request=request, looked=_looked(environ), hints=(hint,))
    return os.path.abspath(path)


def _search(request: str, spec: "PythonSpec", environ: "Mapping[str, str]") -> str:
    """Look in ``PATH``, with all versions that pyenv has in the place of its shims.

    A shim is a shell script that takes half a second to say that its version is not the active one.
    """
    import python_discovery

    depends.unsure("a Python is searched for")
    path = environ.get("PATH", "").split(os.pathsep)
    shims = os.path.join(os.path.dirname(_pyenv_versions(environ)), "shims")
    at = path.index(shims) if shims in path else len(path)
    for part in (path[:at], None, path[at + 1 :]):
        if part is None:
            executable = _in_pyenv(environ, spec)
        else:
            given = {**environ, "PATH": os.pathsep.join(part)}
            found = python_discovery.get_interpreter(request, env=given)
            executable = _outside_puffin(found) if found is not None else ""
        if executable:
            return executable
    return ""


def _outside_puffin(found: "PythonInfo") -> str:
    """Return the executable found; for the environment that puffin itself lives in, the one behind it."""
    executable = found.executable or ""
    if sys.prefix != sys.base_prefix and executable.startswith(sys.prefix + os.sep):
        return found.system_executable or executable
    return executable


def python_satisfies(request: str, interpreter: Interpreter) -> bool:
    """Tell whether *interpreter* is what *request* (not a path) asks for."""
    spec = _spec(request)
    if spec.path is not None:
        return os.path.basename(interpreter.executable) == request
    if spec.implementation not in (None, "python", interpreter.implementation):
        return False
    if spec.free_threaded is not None and spec.free_threaded != interpreter.gil_disabled:
        return False
    if spec.version_specifier is not None:
        from packaging.specifiers import SpecifierSet

        wanted = SpecifierSet(str(spec.version_specifier))
        return wanted.contains(interpreter.version_text, prereleases=True)
    asked = (spec.major, spec.minor, spec.micro)
    return all(part is None or part == own for part, own in zip(asked, interpreter.version, strict=True))


def _by_path(request: str) -> str:
    path = os.path.abspath(os.path.expanduser(request))
    if depends.is_directory(path):
        inside = executable_in(path)
        if inside:
            return inside
        cause = Cause(text="the directory holds no `bin/python`")
    elif depends.exists(path):
        return path
    else:
        cause = Cause(text="there is no such file or directory")
    hints = (f"make a virtual environment there with `puffin venv {shell_quoted(request)}`",)
    raise InterpreterNotFound(request=request, looked=(f"`{path}`",), causes=(cause,), hints=hints)


def plain_request(request: str) -> str:
    """Return a request without uv's forms.

    ``cpython@3.12`` is ``cpython3.12``, and so are ``cp312``, ``cpython-3.12`` and ``cpython-3.12-linux-x86_64-gnu``.
    """
    name, at, version = request.strip().partition("@")
    if at and name.isalpha() and version[:1] in "0123456789<>=!~":
        return f"{_IMPLEMENTATIONS.get(name.lower(), name.lower())}{version}"
    parts = request.lower().split("-")
    if parts[0] in ("cpython", "pypy") and parts[1:] and parts[1][:1].isdigit():
        return "".join(parts[:2])
    implementation = _IMPLEMENTATIONS.get(request[:2].lower(), "")
    digits = request[2:]
    if implementation and digits.isascii() and digits.isdigit():
        return f"{implementation}{digits[:1]}{'.' if digits[1:] else ''}{digits[1:]}"
    return request


def _spec(request: str) -> "PythonSpec":
    from python_discovery import KNOWN_ARCHITECTURES, PythonSpec

    try:
        spec = PythonSpec.from_string_spec(plain_request(request))
    except ValueError as error:
        raise InvalidPythonRequest(request=request, causes=(Cause(text=str(error)),)) from error
    nonsense = spec.path is not None and request[:1].isdigit()  # a name, but it began like a version
    if not request.strip() or nonsense or (spec.machine and spec.machine not in KNOWN_ARCHITECTURES):
        raise InvalidPythonRequest(request=request)
    return spec


def _pyenv_versions(environ: "Mapping[str, str]") -> str:
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME") or home_directory(), ".pyenv")
    return os.path.join(root, "versions")


def _in_pyenv(environ: "Mapping[str, str]", spec: "PythonSpec") -> str:
    """Return pyenv's active or newest interpreter whose version's name fits *spec*, or nothing."""
    from packaging.version import InvalidVersion, Version
    from python_discovery import PythonSpec

    if spec.path is not None:
        return ""  # a name without a version, which the library takes for any version
    directory = _pyenv_versions(environ)
    active = environ.get("PYENV_VERSION", "").split(":")
    fitting = []
    for name in names_in(directory):
        try:
            version = Version(name)
        except InvalidVersion:
            continue
        executable = executable_in(os.path.join(directory, name))
        if executable and PythonSpec.from_string_spec(f"cpython{version.base_version}").satisfies(spec):
            fitting.append((name in active, version, executable))
    return max(fitting)[-1] if fitting else ""


def _looked(environ: "Mapping[str, str]") -> tuple[str, ...]:
    directories = [each for each in environ.get("PATH", "").split(os.pathsep) if each]
    shown = ", ".join(f"`{each}`" for each in dict.fromkeys(directories)) or "an empty `PATH`"
    return (f"the Python that runs puffin ({_running()})", f"`PATH`: {shown}", f"`{_pyenv_versions(environ)}`")


def _running() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def requested_version(directory: str) -> str:
    """Return the request of the nearest ``.python-version`` in *directory* or above it, ``""`` for none.

    Its first line counts that is neither empty nor a comment. Names that only pyenv could resolve (of its
    environments, or ``system``) ask for nothing.
    """
    while True:
        depends.text(os.path.join(directory, NAME))
        data = read(os.path.join(directory, NAME))
        if data is not None:
            return _first(data.decode("utf-8", "replace"))
        above = os.path.dirname(directory)
        if above == directory:
            return ""
        directory = above


def find_requested(wish: str, environ: "Mapping[str, str]") -> str:
    """Return the path of the interpreter that the file asks for; raises what :func:`find_interpreter` does, and why."""
    try:
        return find_interpreter(wish, environ)
    except PuffinError as error:
        error.hints = (*error.hints, f"`{NAME}` asks for it; `--python` overrides the file")
        raise


def required_python(directory: str) -> str:
    """Return ``requires-python`` of the nearest ``pyproject.toml`` in *directory* or above it, ``""`` for none.

    One that cannot be read says nothing here: whoever reads the project itself says what is wrong with it.
    """
    while True:
        path = os.path.join(directory, "pyproject.toml")
        depends.text(path)
        if os.path.exists(path):
            return _bounds(directory)
        above = os.path.dirname(directory)
        if above == directory:
            return ""
        directory = above


def _bounds(directory: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from puffin.artifact.tree import pyproject_of

    project = pyproject_of(directory).get("project")
    found = project.get("requires-python") if isinstance(project, dict) else None
    try:
        return str(SpecifierSet(found)) if isinstance(found, str) else ""
    except InvalidSpecifier:
        return ""


def allows(bounds: str, interpreter: Interpreter) -> bool:
    """Tell whether *bounds*, a ``requires-python``, allow *interpreter*."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds).contains(interpreter.version_text.rstrip("+"), prereleases=True)


def find_required(directory: str, usual: Interpreter, environ: "Mapping[str, str]") -> str:
    """Return an interpreter for the project in *directory* where *usual* is not allowed, else ``""``.

    Raises what :func:`find_interpreter` does.
    """
    bounds = required_python(directory)
    if not bounds or allows(bounds, usual):
        return ""
    try:
        return find_interpreter(bounds, environ)
    except PuffinError as error:
        error.hints = (*error.hints, "`pyproject.toml` requires it; `--python` overrides the file")
        raise


def _first(text: str) -> str:
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    wish = next((line for line in lines if line and not line.startswith("#")), "")
    parts = wish.lower().replace("@", "-").split("-")
    if parts[0] in ("cpython", "pypy", "python"):  # as in cpython-3.12.1-linux-x86_64-gnu
        parts[:2] = ["".join(parts[:2])]
    version = parts[0].lstrip("abcdefghijklmnopqrstuvwxyz")
    return parts[0] if version[:1].isdigit() and "/" not in wish else ""
