"""Where a command works: an environment, or a directory or prefix in its place, perhaps of another platform."""

import os
import sys

from puffin.errors import UsageError
from puffin.value import frozen, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.stages.link.environment.environment import Environment
    from puffin.stages.link.interpreter.interpreter import Interpreter


@frozen
class Where:
    """What the options say of where to work. Empty texts mean "not given"."""

    python: str = ""
    system: bool = False
    target: str = ""
    prefix: str = ""
    python_version: str = ""
    python_platform: str = ""


def find_where(where: Where, environ: "Mapping[str, str]", cache: "Cache") -> "Environment":
    """Return the environment to work on. Raises what ``find_environment`` does, and :class:`UsageError`."""
    from puffin.stages.link.environment.environment import find_environment

    if where.target or where.prefix:
        return _elsewhere(where, environ, cache)
    if where.python_version or where.python_platform:
        option = "--python-version" if where.python_version else "--python-platform"
        hints = ("say where to install with `--target DIR`",)
        raise UsageError(text=f"`{option}` is for a directory, not for an environment", hints=hints)
    return find_environment(where.python or None, environ, os.getcwd(), cache, system=where.system)


def base_interpreter(where: Where, environ: "Mapping[str, str]", cache: "Cache") -> "Interpreter":
    """Return the interpreter to install for where no environment is meant.

    The one asked for, the active environment's, that of ``.python-version``, the first on ``PATH``, or puffin's own.
    """
    from puffin.stages.link.environment.environment import NoEnvironment, find_environment
    from puffin.stages.link.interpreter.find import InterpreterNotFound, find_requested, requested_version
    from puffin.stages.link.interpreter.known import inspect_interpreter

    cwd = os.getcwd()
    try:
        return find_environment(where.python or None, environ, cwd, cache, system=where.system).interpreter
    except NoEnvironment:
        pass
    wish = requested_version(cwd)
    if wish:
        return inspect_interpreter(find_requested(wish, environ), cache, origin=".python-version")
    try:
        return find_environment(None, environ, cwd, cache, system=True).interpreter
    except InterpreterNotFound:
        return inspect_interpreter(sys.executable, cache)


def target_interpreter(asked: str, environ: "Mapping[str, str]", cache: "Cache") -> "Interpreter":
    """Return the interpreter *asked* for, or that of the place where the command is run."""
    return base_interpreter(Where(python=asked), environ, cache)


def _elsewhere(where: Where, environ: "Mapping[str, str]", cache: "Cache") -> "Environment":
    if where.target and where.prefix:
        raise UsageError(text="`--target` cannot be used with `--prefix`", hints=("leave out one of them",))
    if where.prefix and (where.python_version or where.python_platform):
        hints = ("use `--target DIR` instead of `--prefix`",)
        raise UsageError(text="A prefix is for the interpreter that installs into it", hints=hints)
    from puffin.stages.link.environment.target_directory import in_directory, in_prefix

    interpreter = base_interpreter(where, environ, cache)
    if where.prefix:
        return in_prefix(interpreter, os.path.abspath(os.path.expanduser(where.prefix)))
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
