"""``puffin graph``."""

import os
import sys
from typing import Any

from puffin.cache.atomic import replace_file
from puffin.cli.commands.sync import settings as sync_settings
from puffin.cli.config.settings import CacheDirectory
from puffin.cli.options.table import DEFAULTS, SYNC
from puffin.cli.screen.console import Console
from puffin.errors import UsageError, os_cause
from puffin.pipeline.commands.graph import planned_tasks
from puffin.pipeline.graph.text import FORMATS
from puffin.pipeline.request.session import session_of


def graph(options: dict[str, Any], console: Console, started: float) -> int:
    """Print the task graph of a sync, without running it."""
    form = options["graph_format"] or "dot"
    if form not in FORMATS:
        raise UsageError(
            text=f"`{form}` is not a valid value for `PUFFIN_GRAPH_FORMAT`",
            hints=(f"use one of {', '.join(f'`{each}`' for each in FORMATS)}",),
        )
    with CacheDirectory(options) as cache_dir:
        request = sync_settings(_of_sync(options), cache_dir)
        tasks = planned_tasks(request, session_of(request, os.environ, console, started))
    _write(FORMATS[form](tasks), options["output_file"])
    return 0


def _of_sync(options: dict[str, Any]) -> dict[str, Any]:
    """Return *options* with the defaults of a sync's others."""
    return {row[1]: DEFAULTS[row[2]] for row in SYNC} | options


def _write(text: str, target: str) -> None:
    if not target or target == "-":
        sys.stdout.write(text)
        return
    try:
        replace_file(os.path.abspath(target), text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UsageError(text=f"Failed to write the graph `{target}`", causes=(os_cause(error),)) from error
