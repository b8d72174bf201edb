"""``puffin pip sync`` and, as its tasks are those of a sync, ``puffin graph``."""

import os

from puffin.cli.commands.observe import Observed
from puffin.cli.config.settings import CacheDirectory, sync_settings
from puffin.cli.screen.console import write_data
from puffin.pipeline.commands.pip_sync import sync as run
from puffin.pipeline.request.session import session_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.options.inspect import GraphOptions
    from puffin.cli.options.values import SyncOptions
    from puffin.cli.screen.console import Console


def sync(options: "SyncOptions", console: "Console", started: float) -> int:
    """Make an environment hold exactly what requirements files pin."""
    with (
        CacheDirectory(options.cache) as cache_dir,
        Observed("pip sync", options.observe, console, cache_dir, started),
    ):
        request = sync_settings(options, cache_dir)
        run(request, session_of(request, os.environ, console, started))
    return 0


def graph(options: "GraphOptions", console: "Console", started: float) -> int:
    """Print the task graph of a sync, without running it."""
    from puffin.pipeline.commands.graph import planned_tasks
    from puffin.pipeline.graph.text import FORMATS

    with CacheDirectory(options.sync.cache) as cache_dir:
        request = sync_settings(options.sync, cache_dir)
        tasks = planned_tasks(request, session_of(request, os.environ, console, started))
    write_data(options.output_file, FORMATS[options.graph_format or "dot"](tasks))
    return 0
