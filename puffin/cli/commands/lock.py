"""``puffin lock``."""

import os

from puffin import depends
from puffin.cli.commands.observe import Observed
from puffin.cli.commands.workspace import chosen
from puffin.cli.config.layers import configured
from puffin.cli.config.settings import CacheDirectory, resolving, shared_settings
from puffin.cli.options.compile import COMPILE
from puffin.cli.options.table import unsaid
from puffin.cli.screen.quantities import counted
from puffin.errors import DRIFT, UsageError
from puffin.pipeline.change.values import failure_of
from puffin.pipeline.request.settings import FAILED, UNCHANGED, UPDATED
from puffin.pipeline.workspace.specs import needs_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.screen.console import Console
    from puffin.pipeline.change.values import EnvResult
    from puffin.pipeline.commands.lock import LockSettings
    from puffin.pipeline.workspace.specs import EnvSpec


def lock(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Resolve what environments are made from, and write their locks."""
    from time import perf_counter

    from puffin.pipeline.commands.lock import lock as run
    from puffin.pipeline.request.session import session_of

    options = configured("compile", {**unsaid(COMPILE), **options}, console, os.environ, many=True)
    with (
        CacheDirectory(options) as cache_dir,
        Observed("lock", options, console, cache_dir, started) as record,
    ):
        specs, _ = chosen(options, "lock")
        wanted = [spec for spec in specs if needs_lock(spec)]
        if not wanted:
            raise UsageError(
                text="None of these environments needs a lock: all are made from pins",
                hints=("name a `requirements.in` or a `pyproject.toml`, or an environment made from one",),
            )
        record.keep()
        request = settings(options, cache_dir, tuple(wanted))
        results = run(request, session_of(request.compile.run, os.environ, console, started))
        _tell(results, console, perf_counter() - started, check=options["check"])
        failure = failure_of(results, "lock")
        if failure is not None:
            raise failure
    return DRIFT if options["check"] and any(each.status == UPDATED for each in results) else 0


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


def settings(options: "dict[str, Any]", cache_dir: str, specs: "tuple[EnvSpec, ...]") -> "LockSettings":
    """Return the settings in *options*; :class:`UsageError` for values that cannot be."""
    from puffin.pipeline.commands.lock import LockSettings
    from puffin.pipeline.request.settings import CompileSettings
    from puffin.stages.resolve.requirements.values import SourceRequest

    return LockSettings(
        specs=specs,
        compile=CompileSettings(
            run=shared_settings(options, cache_dir, constraint=options["constraint"]),
            sources=SourceRequest(files=()),
            upgrade=options["upgrade"],
            upgrade_package=options["upgrade_package"],
            generate_hashes=options["generate_hashes"],
            **resolving(options),
        ),
        consistent=options["consistent"],
        check=options["check"],
    )
