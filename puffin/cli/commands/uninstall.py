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
from puffin.stages.link.environment.environment import check_target


def uninstall(options: dict[str, Any], console: Console, _started: float) -> int:
    """Remove packages from an environment."""
    from puffin.cache.lock import lock_timeout

    names = _names(options)
    with CacheDirectory(options) as cache_dir:
        cache = Cache(cache_dir)
        environment = find_where(where_of(options), os.environ, cache)
        if not options["dry_run"]:
            check_target(environment, break_system_packages=options["break_system_packages"])
        run(
            environment,
            names,
            cache=cache,
            reporter=console,
            dry_run=options["dry_run"],
            timeout=lock_timeout(os.environ),
        )
    return 0


def _names(options: dict[str, Any]) -> list[str]:
    names = [_name_of(text) for text in options["arguments"]]
    if options["requirement"]:
        from puffin.pipeline.request.network import reader
        from puffin.stages.resolve.requirements.file import read_requirements

        read = reader(Settings(files=(), cache_dir=""), os.environ)
        entries = read_requirements(options["requirement"], read=read, environ=os.environ).entries
        names += [entry.name for entry in entries if entry.name]
    if not names:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip uninstall six`",))
    return list(dict.fromkeys(names))


def _name_of(text: str) -> str:
    try:
        return normalise(Requirement(text).name)
    except InvalidRequirement:
        raise UsageError(text=f"`{text}` is not a valid package name") from None
