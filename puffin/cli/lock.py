"""``puffin lock``."""

import os

from puffin import depends
from puffin.cache.layout import Cache
from puffin.cli.compile import choice
from puffin.cli.config import configured
from puffin.cli.config_settings import located, moment
from puffin.cli.console import counted
from puffin.cli.many import chosen
from puffin.cli.observe import Observed
from puffin.cli.sync import CacheDirectory, normalise, package_names
from puffin.cli.table import unsaid
from puffin.cli.table_compile import COMPILE
from puffin.errors import DRIFT, UsageError
from puffin.pipeline.plan_many_values import failure_of
from puffin.pipeline.plan_settings import Settings
from puffin.pipeline.plan_workspace_locks import needs_lock
from puffin.pipeline.plan_workspace_values import FAILED, UNCHANGED, UPDATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console
    from puffin.pipeline.plan_lock_many import LockSettings
    from puffin.pipeline.plan_many_values import EnvResult


def lock(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Resolve what environments are made from, and write their locks."""
    from time import perf_counter

    from puffin.pipeline.plan_lock_many import LockRun
    from puffin.pipeline.plan_many_python import Interpreters

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
        find = Interpreters(Cache(cache_dir), os.environ)
        record.keep()
        run = LockRun(wanted, settings(options, cache_dir), console, os.environ, find.of, started)
        results = run.run()
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


def settings(options: "dict[str, Any]", cache_dir: str) -> "LockSettings":
    """Return the settings in *options*; :class:`UsageError` for values that cannot be."""
    from puffin.pipeline.plan_compile_settings import CompileSettings
    from puffin.pipeline.plan_lock_many import LockSettings
    from puffin.stages.resolve.inputs_request import SourceRequest

    run = Settings(
        files=(),
        cache_dir=cache_dir,
        refresh=options["refresh"],
        refresh_package=tuple(normalise(name) for name in options["refresh_package"]),
        no_build_isolation=options["no_build_isolation"],
        no_build_isolation_package=tuple(normalise(name) for name in options["no_build_isolation_package"]),
        config_setting=options["config_setting"],
        build_constraint=options["build_constraint"],
        **located(options, os.environ),
    )
    return LockSettings(
        compile=CompileSettings(
            run=run,
            sources=SourceRequest(files=()),
            upgrade=options["upgrade"],
            upgrade_package=options["upgrade_package"],
            resolution=choice(options, "resolution") or "highest",
            prerelease="allow"
            if options["pre"]
            else choice(options, "prerelease") or "if-necessary-or-explicit",
            exclude_newer=moment(options["exclude_newer"]),
            generate_hashes=options["generate_hashes"],
            no_binary=package_names(options["no_binary"]),
            only_binary=package_names(options["only_binary"]),
            no_build=options["no_build"],
        ),
        consistent=options["consistent"],
        check=options["check"],
    )
