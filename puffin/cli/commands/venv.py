"""``puffin venv``."""

import os
import sys
from collections.abc import Callable, Mapping
from shlex import quote

from puffin.cache.layout import Cache
from puffin.cli.config.settings import CacheDirectory, index_settings
from puffin.cli.options.inspect import VenvOptions
from puffin.cli.screen.console import Console
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.environment.venv import create_venv, seed_requirements
from puffin.stages.link.interpreter.find import find_interpreter, find_requested, requested_version
from puffin.stages.link.interpreter.known import inspect_interpreter


def venv(options: VenvOptions, console: Console, _started: float) -> int:
    """Create a virtual environment."""
    path = options.arguments[0] if options.arguments else ".venv"
    with CacheDirectory(options.cache) as cache_dir:
        interpreter = inspect_interpreter(_executable(options, find_interpreter), Cache(cache_dir))
        kind = dict(interpreter.markers)["platform_python_implementation"]
        console.say(f"Using {kind} {interpreter.version_text} at {interpreter.base_executable}")
        seeds = seed_requirements(interpreter.version) if options.seed else ()
        environment = create_venv(
            path,
            interpreter=interpreter,
            seed=seeds,
            clear=options.clear,
            prompt=options.prompt or None,
            system_site_packages=options.system_site_packages,
            relocatable=options.relocatable,
        )
        console.say(f"Created the virtual environment `{path}`")
        if seeds:
            _seed(environment, seeds, options, console, cache_dir)
    console.say(f"Activate it with: {_activation(path, environment.scripts)}")
    return 0


def _activation(path: str, scripts: str) -> str:
    if os.name == "nt":
        return os.path.join(path, os.path.basename(scripts), "activate")
    return f"source {quote(os.path.join(path, os.path.basename(scripts), 'activate'))}"


def _executable(options: VenvOptions, find: Callable[[str, Mapping[str, str]], str]) -> str:
    if options.python:
        return find(options.python, os.environ)
    wish = requested_version(os.getcwd())
    if wish:
        return find_requested(wish, os.environ)
    return sys.executable


def _seed(
    environment: Environment,
    names: tuple[str, ...],
    options: VenvOptions,
    console: Console,
    cache_dir: str,
) -> None:
    from puffin.pipeline.commands.seed import seed

    settings = index_settings(options.index, cache_dir, options.python)
    seed(environment, names, settings, console, os.environ)
