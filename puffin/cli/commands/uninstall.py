"""``puffin pip uninstall``."""

import os
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from puffin.cache.layout import Cache
from puffin.cli.config.settings import CacheDirectory, where_of
from puffin.cli.screen.console import Console
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.commands.uninstall import uninstall as run
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import find_where
from puffin.stages.link.environment.environment import Environment, check_target


def uninstall(options: dict[str, Any], console: Console, _started: float) -> int:
    """Remove packages from an environment."""
    from puffin.pipeline.change.workplace import lock_timeout

    words = _words(options)
    with CacheDirectory(options) as cache_dir:
        cache = Cache(cache_dir)
        environment = find_where(where_of(options), os.environ, cache)
        if not options["dry_run"]:
            check_target(environment, break_system_packages=options["break_system_packages"])
        names = dict.fromkeys([name for word in words for name in _names_of(word, environment)])
        run(
            environment,
            list(names),
            cache=cache,
            reporter=console,
            dry_run=options["dry_run"],
            timeout=lock_timeout(os.environ),
        )
    return 0


def _words(options: dict[str, Any]) -> list[str]:
    """Return what to remove: names, paths and URLs."""
    words = list(options["arguments"])
    if options["requirement"]:
        from puffin.pipeline.request.network import reader
        from puffin.stages.resolve.requirements.file import read_requirements

        read = reader(Settings(files=(), cache_dir=""), os.environ)
        entries = read_requirements(options["requirement"], read=read, environ=os.environ).entries
        words += [entry.name for entry in entries if entry.name]
    if not words:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip uninstall six`",))
    return words


def _names_of(text: str, environment: Environment) -> list[str]:
    """Return the normalised names that a word of the command line means: its own, or what came from that place."""
    try:
        return [normalise(Requirement(text).name)]
    except InvalidRequirement:
        pass
    if "://" not in text and os.sep not in text and not os.path.lexists(text):
        raise UsageError(text=f"`{text}` is not a valid package name") from None
    from puffin.pipeline.commands.uninstall import names_from

    found = names_from(environment, text)
    if not found:
        raise UsageError(text=f"Nothing that is installed came from `{text}`")
    return found
