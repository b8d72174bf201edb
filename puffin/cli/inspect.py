"""``puffin pip freeze`` and ``puffin pip list``."""

import os
import sys

from puffin.cache.layout import Cache
from puffin.cli.sync import CacheDirectory, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console
    from puffin.stages.link.environment import Environment
    from puffin.stages.link.installed import Installed


def environment_at_rest(options: "dict[str, Any]") -> "Environment":
    """Return the environment that *options* name; an interrupted change is brought to its end before."""
    from puffin.pipeline.plan_environment import Workplace
    from puffin.pipeline.plan_sync import lock_timeout
    from puffin.stages.link.environment import find_environment
    from puffin.stages.link.stamps import at_rest

    with CacheDirectory(options) as cache_dir:
        environment = find_environment(options["python"] or None, os.environ, os.getcwd(), Cache(cache_dir))
        if os.path.isdir(f"{environment.root}/.puffin") and not at_rest(environment.root):
            with Workplace(environment, timeout=lock_timeout(os.environ)):
                pass  # repairs what an interrupted change left
        return environment


def _installed(options: "dict[str, Any]") -> "tuple[Installed, ...]":
    from puffin.stages.link.installed import read_installed

    return read_installed(environment_at_rest(options))


def freeze(options: "dict[str, Any]", console: "Console", _started: float) -> int:
    """Print requirements lines of what is installed."""
    from puffin.stages.link.inspect_lines import duplicate_warnings, freeze_lines

    installed = _installed(options)
    sys.stdout.write(
        "".join(f"{line}\n" for line in freeze_lines(installed, exclude_editable=options["exclude_editable"]))
    )
    for warning in duplicate_warnings(installed) if options["strict"] else ():
        console.warn(warning)
    return 0


def listing(options: "dict[str, Any]", console: "Console", _started: float) -> int:
    """Print a list of what is installed."""
    from puffin.stages.link.inspect_lines import list_rows

    rows = list_rows(
        _installed(options),
        options["format"] or "columns",
        editable=True if options["editable"] else False if options["exclude_editable"] else None,
        exclude=[normalise(name) for name in options["exclude"]],
    )
    sys.stdout.write("".join(f"{row}\n" for row in rows))
    return 0
