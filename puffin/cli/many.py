"""``puffin sync``: many environments at once."""

import os

from puffin.cache.layout import Cache
from puffin.cli.config import configured
from puffin.cli.many_console import ManyConsole
from puffin.cli.many_report import Reporting
from puffin.cli.observe import Observed
from puffin.cli.sync import CacheDirectory
from puffin.cli.sync import settings as sync_settings
from puffin.cli.table import SYNC, unsaid
from puffin.errors import UsageError
from puffin.pipeline.plan_many_early import ask_early
from puffin.pipeline.plan_many_python import Interpreters
from puffin.pipeline.plan_workspace_values import ManySettings
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console
    from puffin.pipeline.plan_workspace_specs import EnvSpec, Workspace


def sync(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Make the environments that are named, or all of the configuration, hold exactly what they should."""
    if options["keep_going"] and options["fail_fast"]:
        raise UsageError(text="`--keep-going` cannot be used with `--fail-fast`")
    options = configured("sync", {**unsaid(SYNC), **options}, console, os.environ, many=True)
    with (
        CacheDirectory(options) as cache_dir,
        Observed("sync", options, console, cache_dir, started) as record,
        Reporting(options["report"], cache_dir, started) as reporting,
    ):
        settings = many_settings(options, cache_dir)
        specs, workspace = chosen(options, "sync")
        if options["compile_bytecode"] and "compile_bytecode" in options["given"]:
            specs = [replace(spec, compile_bytecode=True) for spec in specs]
        if options["changed_since"]:
            specs = _changed(specs, workspace, options["changed_since"])
            if not specs:
                console.say(
                    f"No environment is made from files that changed since `{options['changed_since']}`"
                )
                return 0
        reporter = ManyConsole(console, settings, started=started)
        record.warn = reporter.warn
        interpreters = Interpreters(Cache(cache_dir), os.environ)
        ask_early(specs, interpreters)
        from puffin.pipeline.plan_many import ManyRun, failure_of

        run = reporting.run = ManyRun(specs, settings, reporter, os.environ, started, interpreters)
        result = reporting.result = reporter.shown(run.sync)
        failure = failure_of(result.environments)
        if failure is not None:
            raise failure
    return result.exit_code


def chosen(options: "dict[str, Any]", command: str) -> "tuple[list[EnvSpec], Workspace | None]":
    """Return the environments that the command line of *command* means, and the configuration."""
    from puffin.pipeline.plan_workspace_config import find_workspace
    from puffin.pipeline.plan_workspace_select import choose

    cwd = os.getcwd()
    workspace = find_workspace(cwd)
    named = options["arguments"]
    if options.get("all") and named:
        raise UsageError(text="`--all` cannot be used with names of environments")
    everything = bool(options.get("all"))
    specs = choose(named, cwd, workspace, everything=everything, python=options["python"], command=command)
    return specs, workspace


def _changed(specs: "list[EnvSpec]", workspace: "Workspace | None", reference: str) -> "list[EnvSpec]":
    from puffin.pipeline.plan_workspace_changed import changed_specs

    return changed_specs(specs, workspace, reference, os.getcwd(), os.environ)


def many_settings(options: "dict[str, Any]", cache_dir: str) -> ManySettings:
    """Return the settings in *options*."""
    run = {**options, "arguments": ()}
    return ManySettings(
        run=sync_settings(run, cache_dir),
        check=options["check"],
        frozen=options["frozen"],
        fail_fast=options["fail_fast"],
    )
