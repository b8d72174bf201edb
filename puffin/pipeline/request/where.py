"""The target and the interpreter of a command: an environment, a directory or a prefix, perhaps elsewhere."""

import os
import sys

from puffin import depends, meter
from puffin.errors import UsageError
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Where
from puffin.stages.link.environment.environment import (
    BrokenVenv,
    Environment,
    NoEnvironment,
    environment_at,
    find_environment,
)
from puffin.stages.link.interpreter.interpreter import InspectFailed, Interpreter
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.workspace.specs import EnvSpec


def find_where(where: Where, session: "Session") -> "Environment":
    """Return the environment to work on. Raises what ``find_environment`` does, and :class:`UsageError`."""
    if where.target or where.prefix:
        return _elsewhere(where, session)
    if where.python_version:
        hints = ("say where to install with `--target DIR`",)
        raise UsageError(text="`--python-version` is for a directory, not for an environment", hints=hints)
    found = find_environment(
        where.python or None, session.environ, os.getcwd(), session.cache, system=where.system
    )
    if meter.notes(meter.DECISIONS):
        origin = f", by {found.origin}" if found.origin else ""
        meter.note(f"Environment `{found.root}` with Python {found.interpreter.version_text}{origin}")
    return replace(found, interpreter=_as_wished(found.interpreter, where))


def base_interpreter(where: Where, session: "Session", *, required: bool = True) -> "Interpreter":
    """Return the interpreter to install for where no environment is meant.

    The one asked for, the active environment's, that of ``.python-version``, the first on ``PATH`` or puffin's own,
    if ``requires-python`` of the project allows it, else another that it allows. If there is none, that is an error
    where one is *required*.
    """
    from puffin.stages.link.interpreter.find import (
        InterpreterNotFound,
        find_requested,
        find_required,
        requested_version,
    )

    environ, cache, cwd = session.environ, session.cache, os.getcwd()
    try:
        return find_environment(where.python or None, environ, cwd, cache, system=where.system).interpreter
    except NoEnvironment:
        pass
    except (BrokenVenv, InspectFailed):
        if where.python or where.system:
            raise
    wish = requested_version(cwd)
    if wish:
        return inspect_interpreter(find_requested(wish, environ), cache, origin=".python-version")
    try:
        usual = find_environment(None, environ, cwd, cache, system=True).interpreter
    except (BrokenVenv, InterpreterNotFound):
        usual = inspect_interpreter(sys.executable, cache)
    try:
        other = find_required(cwd, usual, environ)
    except InterpreterNotFound:
        if required:
            raise
        other = ""  # whoever reads the project warns
    return inspect_interpreter(other, cache, origin="requires-python") if other else usual


def target_interpreter(asked: str, session: "Session") -> "Interpreter":
    """Return the interpreter that a resolution is for: the one *asked* for, or that of the working directory."""
    return base_interpreter(Where(python=asked), session, required=False)


def _elsewhere(where: Where, session: "Session") -> "Environment":
    if where.target and where.prefix:
        raise UsageError(text="`--target` cannot be used with `--prefix`", hints=("leave out one of them",))
    if where.prefix and where.python_version:
        hints = ("use `--target DIR` instead of `--prefix`",)
        raise UsageError(text="A prefix is for the interpreter that installs into it", hints=hints)
    from puffin.stages.link.environment.target_directory import in_directory, in_prefix

    interpreter = base_interpreter(where, session)
    if where.prefix:
        found = in_prefix(interpreter, os.path.abspath(os.path.expanduser(where.prefix)))
        return replace(found, interpreter=_as_wished(interpreter, where))
    return in_directory(_as_wished(interpreter, where), os.path.abspath(os.path.expanduser(where.target)))


def _as_wished(interpreter: "Interpreter", where: Where) -> "Interpreter":
    """Return *interpreter* with the version and platform that were asked for in the place of its own."""
    if not (where.python_version or where.python_platform):
        return interpreter
    from puffin.stages.resolve.locate.platforms import target_for

    found = target_for(interpreter, python_version=where.python_version, python_platform=where.python_platform)
    numbers = dict(found.markers)["python_full_version"].split(".")
    version = (int(numbers[0]), int(numbers[1]), int("".join(c for c in numbers[2] if c.isdigit()) or 0))
    own = version[:2] == interpreter.version[:2]
    return replace(
        interpreter,
        version=version,
        tags=found.tags,
        markers=found.markers,
        cache_tag=interpreter.cache_tag if own else "",  # nothing here compiles for another version
    )


class Interpreters:
    """Finds the interpreter for a request; an empty one means the Python that runs puffin."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._known: dict[str, Interpreter] = {}

    def __call__(self, request: str) -> "Interpreter":
        """Return the interpreter; raises what finding and asking it raise."""
        if request not in self._known:
            from puffin.stages.link.interpreter.find import find_interpreter

            path = find_interpreter(request, self._session.environ) if request else sys.executable
            self._known[request] = inspect_interpreter(path, self._session.cache)
        return self._known[request]

    def of(self, spec: "EnvSpec") -> "Interpreter":
        """Return the interpreter of an environment: the one that it has, unless another is asked for."""
        if spec.python or not depends.is_file(f"{spec.path}/pyvenv.cfg"):
            return self(spec.python)
        return environment_at(spec.path, self._session.cache, origin=spec.origin).interpreter
