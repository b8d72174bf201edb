"""``puffin lock``."""

import os
from time import perf_counter

from puffin import depends
from puffin.cli.commands.observe import Observed
from puffin.cli.commands.workspace import chosen
from puffin.cli.config.settings import CacheDirectory, lock_settings
from puffin.cli.screen.quantities import counted
from puffin.errors import DRIFT, UsageError
from puffin.pipeline.change.values import failure_of
from puffin.pipeline.commands.lock import lock as run
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import FAILED, UNCHANGED, UPDATED
from puffin.pipeline.workspace.specs import needs_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.options.workspace import LockOptions
    from puffin.cli.screen.console import Console
    from puffin.pipeline.change.values import EnvResult


def lock(options: "LockOptions", console: "Console", started: float) -> int:
    """Resolve what environments are made from, and write their locks."""
    with (
        CacheDirectory(options.compile.cache) as cache_dir,
        Observed("lock", options.compile.observe, console, cache_dir, started) as record,
    ):
        specs, _ = chosen(options.compile.arguments, options.compile.python, "lock")
        wanted = [spec for spec in specs if needs_lock(spec)]
        if not wanted:
            raise UsageError(
                text="None of these environments needs a lock: all are made from pins",
                hints=("name a `requirements.in` or a `pyproject.toml`, or an environment made from one",),
            )
        record.keep()
        request = lock_settings(options, cache_dir, tuple(wanted))
        results = run(request, session_of(request.compile.run, os.environ, console, started))
        _tell(results, console, perf_counter() - started, check=options.check)
        failure = failure_of(results, "lock")
        if failure is not None:
            raise failure
    return DRIFT if options.check and any(each.status == UPDATED for each in results) else 0


def _tell(results: "tuple[EnvResult, ...]", console: "Console", seconds: float, *, check: bool) -> None:
    for each in results:
        if each.status != FAILED:
            verb = "unchanged" if each.status != UPDATED else "would change" if check else "written"
            path = os.path.relpath(each.path)
            console.say(f"  {each.name}: {counted(each.packages)} in `{path}` ({verb})")
    done = sum(1 for each in results if each.status != FAILED)
    if done:
        console.timed(f"{'Checked' if check else 'Locked'} {counted(done, 'environment')}", seconds)
    if all(each.status == UNCHANGED for each in results):
        depends.settled()
