"""``puffin lock``."""

import os
from time import perf_counter

from puffin import depends
from puffin.cli.commands.call import CacheDirectory, Call, Observed
from puffin.cli.config.settings import compile_settings
from puffin.cli.options.values import made
from puffin.cli.options.workspace import EnvsOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import DRIFT, UsageError
from puffin.pipeline.change.values import EnvResult, failure_of
from puffin.pipeline.commands.lock import LockSettings
from puffin.pipeline.commands.lock import lock as run
from puffin.pipeline.request.settings import FAILED, UNCHANGED, UPDATED
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.select import all_specs
from puffin.pipeline.workspace.specs import needs_lock


def lock_command(call: Call) -> int:
    """Resolve what environments are made from, and write their locks."""
    options = call.options(EnvsOptions)
    with CacheDirectory(call) as cache_dir, Observed(call, cache_dir) as record:
        specs, workspace = chosen(options.arguments, options.python, "lock", file=options.environments)
        wanted = [spec for spec in specs if needs_lock(spec)]
        if not wanted:
            raise UsageError(
                text="None of these environments needs a lock: all are made from pins",
                hints=("give a `requirements.in`, a `pyproject.toml`, or an environment made from one",),
            )
        record.keep()
        compiled = compile_settings(call.values, cache_dir, "")
        known = [spec for spec in all_specs(workspace) if needs_lock(spec)] if workspace else []
        asked = {"specs": tuple(wanted), "known": tuple(known), "compile": compiled}
        settings = made(LockSettings, {**call.values, **asked})
        results = run(settings, call.session(compiled.run))
        _tell(results, call.console, perf_counter() - call.started, check=settings.check)
        failure = failure_of(results, "lock")
        if failure is not None:
            raise failure
    return DRIFT if settings.check and any(each.status == UPDATED for each in results) else 0


def _tell(results: "tuple[EnvResult, ...]", console: "Console", seconds: float, *, check: bool) -> None:
    for each in results:
        if each.status != FAILED:
            verb = "unchanged" if each.status != UPDATED else "would change" if check else "written"
            path = os.path.relpath(each.path)
            console.say(f"  {each.name}: {counted(each.packages)} in `{path}` ({verb})")
            console.changes(each.lines())
    done = sum(1 for each in results if each.status != FAILED)
    if done:
        console.timed(f"{'Checked' if check else 'Locked'} {counted(done, 'environment')}", seconds)
    if all(each.status == UNCHANGED for each in results):
        depends.settled()
