"""``puffin venv``."""

import os
import sys

from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import VenvOptions
from puffin.cli.screen.console import Console
from puffin.errors import UsageError
from puffin.names import shell_quoted
from puffin.pipeline.commands.seed import seed
from puffin.stages.link.environment.venv import CLEAR, FORCE, KEEP, create_venv, seed_requirements
from puffin.stages.link.interpreter.find import (
    allows,
    find_interpreter,
    find_requested,
    find_required,
    requested_version,
    required_python,
)
from puffin.stages.link.interpreter.interpreter import Interpreter
from puffin.stages.link.interpreter.known import inspect_interpreter


def venv(call: Call) -> int:
    """Create a virtual environment."""
    options, console = call.options(VenvOptions), call.console
    occupied = _occupied(options)
    path = options.arguments[0] if options.arguments else ".venv"
    with CacheDirectory(call) as cache_dir:
        interpreter = _interpreter(options, Cache(cache_dir), console)
        kind = dict(interpreter.markers)["platform_python_implementation"]
        console.say(f"Using {kind} {interpreter.version_text} at {interpreter.base_executable}")
        seeds = seed_requirements(interpreter.version) if options.seed else ()
        environment = create_venv(
            path,
            interpreter=interpreter,
            seed=seeds,
            occupied=occupied,
            prompt=options.prompt or None,
            system_site_packages=options.system_site_packages,
            relocatable=options.relocatable and not options.no_relocatable,
        )
        console.say(f"Created the virtual environment `{path}`")
        if seeds:
            settings = call.settings(cache_dir)
            seed(environment, seeds, settings, call.session(settings))
    console.say(f"Activate it with: {_activation(path, environment.scripts)}")
    return 0


def _activation(path: str, scripts: str) -> str:
    if os.name == "nt":
        return os.path.join(path, os.path.basename(scripts), "activate")
    return f"source {shell_quoted(os.path.join(path, os.path.basename(scripts), 'activate'))}"


def _occupied(options: VenvOptions) -> str:
    """Return what to do with what is in the place, as ``create_venv`` takes it."""
    clear = options.clear and not options.no_clear
    if options.allow_existing:
        if clear:
            hints = ("leave out one of them",)
            raise UsageError(text="`--allow-existing` cannot be used with `--clear`", hints=hints)
        return KEEP
    return (FORCE if options.force else CLEAR) if clear else ""


def _interpreter(options: VenvOptions, cache: Cache, console: Console) -> Interpreter:
    """Return the interpreter that is asked for, by the option or by the files of the project."""
    cwd = os.getcwd()
    wish = options.python or requested_version(cwd)
    if wish:
        find = find_interpreter if options.python else find_requested
        found = inspect_interpreter(find(wish, os.environ), cache)
    else:
        found = inspect_interpreter(sys.executable, cache)
        other = find_required(cwd, found, os.environ)
        found = inspect_interpreter(other, cache) if other else found
    bounds = required_python(cwd)
    if bounds and not allows(bounds, found):
        why = "`--python`" if options.python else "`.python-version`"
        console.warn(
            f"{why} asks for Python {found.version_text}, which `requires-python` ({bounds}) does not allow"
        )
    return found
