"""``puffin pip sync`` and, as its tasks are those of a sync, ``puffin graph``."""

from puffin.cli.commands.call import CacheDirectory, Call, Observed
from puffin.errors import DRIFT
from puffin.pipeline.commands.pip_sync import sync as run


def sync_command(call: Call) -> int:
    """Make an environment hold exactly what requirements files pin."""
    with CacheDirectory(call) as cache_dir, Observed(call, cache_dir):
        settings = call.settings(cache_dir)
        changes = run(settings, call.session(settings))
    return DRIFT if settings.check and changes else 0


def graph_command(call: Call) -> int:
    """Print the task graph of a sync, without running it."""
    from puffin.cli.options.inspect import GraphOptions
    from puffin.pipeline.commands.graph import planned_tasks
    from puffin.pipeline.graph.text import FORMATS

    options = call.options(GraphOptions)
    with CacheDirectory(call) as cache_dir:
        settings = call.settings(cache_dir)
        tasks = planned_tasks(settings, call.session(settings))
    call.console.write_data(options.output_file, FORMATS[options.graph_format or "dot"](tasks))
    return 0
