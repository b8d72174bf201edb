"""``puffin sync``: many environments at once, and the report on them."""

import os
import time

from puffin import depends
from puffin.artifact.urls import mask_text
from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call, Observed
from puffin.cli.config.settings import check_links
from puffin.cli.options.values import CacheOptions, made
from puffin.cli.options.workspace import WorkspaceOptions
from puffin.cli.screen.errors import status_of
from puffin.cli.screen.workspace import ManyConsole
from puffin.errors import PuffinError, UsageError
from puffin.pipeline.change.values import ManyResult, Shared, failure_of
from puffin.pipeline.commands.sync import ManyRun
from puffin.pipeline.graph.record import phase
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import ManySettings
from puffin.pipeline.request.where import Interpreters
from puffin.pipeline.workspace.config import chosen
from puffin.pipeline.workspace.specs import EnvSpec, known_lock, needs_lock
from puffin.stages.link.interpreter.interpreter import meanwhile
from puffin.types import Iterable
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.pipeline.provision.driver import ClusterRun
    from puffin.pipeline.request.session import Session


def workspace_command(call: Call) -> int:
    """Make the environments that are named, or all of the configuration, hold exactly what they should."""
    options, console, started = call.options(WorkspaceOptions), call.console, call.started
    if options.keep_going and options.fail_fast:
        raise UsageError(text="`--keep-going` cannot be used with `--fail-fast`")
    with (
        CacheDirectory(call) as cache_dir,
        (observed := Observed(call, cache_dir)) as record,
        Reporting(options.report, cache_dir, call, observed, full=options.report_full) as reporting,
    ):
        shared = call.settings(cache_dir)
        settings = made(ManySettings, {**call.values, "run": shared})
        reporter = ManyConsole(console, settings)
        session = session_of(shared, os.environ, reporter, started)
        if options.all and options.arguments:
            raise UsageError(text="`--all` cannot be used with names of environments")
        specs, _ = chosen(
            options.arguments, shared.where.python, "sync", everything=options.all, file=options.environments
        )
        if shared.compile_bytecode and "compile_bytecode" in options.given:
            specs = [replace(spec, compile_bytecode=True) for spec in specs]
        _check_cluster(settings, specs)
        if call.options(CacheOptions).no_cache:
            check_links([spec.link_mode for spec in specs])
        if options.changed_since:
            from puffin.cli.commands.affected import changed_specs

            specs = changed_specs(call, cache_dir, options.changed_since, session, specs)
            if not specs:
                console.say(f"No environment is affected by the change since `{options.changed_since}`")
                return 0
        settings = replace(settings, specs=tuple(specs))
        record.warn = reporter.warn
        run = reporting.run = _run_of(settings, session, reporter)
        result = reporting.result = reporter.shown(run.sync)
        if any(needs_lock(spec) and not os.path.exists(known_lock(spec)) for spec in specs):
            record.keep()  # `puffin envs` judges what has no lock by it
        for each in () if settings.is_dry else result.environments:
            record.environment(each.path, each.status, mask_text(str(each.error or "").partition("\n")[0]))
        failure = failure_of(result.environments)
        if failure is not None:
            raise failure
    return result.exit_code


def _check_cluster(settings: ManySettings, specs: "list[EnvSpec]") -> None:
    """Raise :class:`UsageError` if ``--path`` names no one place on machines."""
    if settings.path not in ("", os.environ.get("PUFFIN_PATH")) and not settings.on:
        raise UsageError(text="`--path` needs `--on`: it is a directory on the machines of a cluster")
    if settings.path and len(specs) > 1:
        hints = ("give one environment, or leave out `--path`",)
        raise UsageError(
            text=f"`--path` needs exactly one environment, but {len(specs)} were selected", hints=hints
        )


def _run_of(settings: ManySettings, session: "Session", reporter: ManyConsole) -> "ManyRun | ClusterRun":
    """Return the run that makes the environments, here or on a cluster."""
    if settings.on:
        from puffin.pipeline.provision.driver import ClusterRun

        return ClusterRun(settings, session, reporter)
    interpreters = Interpreters(session)
    _ask_early(settings.specs, interpreters)
    return ManyRun(settings, session, reporter, interpreters)


def _ask_early(specs: "Iterable[EnvSpec]", interpreters: Interpreters) -> None:
    """Ask the interpreter for the first environment that is to be made while the code for it is imported."""
    before = depends.mark()
    for spec in specs:
        if not os.path.isfile(f"{spec.path}/pyvenv.cfg"):
            with phase("find interpreter"), meanwhile(_import_run):
                try:
                    interpreters(spec.python)
                except (PuffinError, OSError):
                    pass  # it is raised again for each environment that asks for it
            if before is not None:
                depends.back(before)
            return


def _import_run() -> None:
    import puffin.pipeline.commands.sync
    import puffin.stages.link.environment.venv  # noqa: F401
    from puffin.pipeline.request.imports import import_fetching

    import_fetching()


class Reporting:
    """Writes the report to *path* at the end of the ``with`` block, however it ended; none for an empty path.

    A *full* one has the metadata of all packages, and lines.
    """

    def __init__(self, path: str, cache_dir: str, call: Call, observed: Observed, *, full: bool) -> None:
        self._path = path
        self._observed = observed
        self._full = full
        self._cache_dir = cache_dir
        self._started = call.started
        self._console = call.console
        self.run: ManyRun | ClusterRun | None = None
        self.result: ManyResult | None = None

    def __enter__(self) -> "Reporting":
        return self

    def __exit__(self, kind: object, error: "BaseException | None", trace: object) -> None:
        if self._path:
            try:
                self._write(error)
            except PuffinError:
                if error is None:
                    raise

    def _write(self, error: "BaseException | None") -> None:
        from puffin.cli.page.data import sync_report

        result = self.result or (self.run.result() if self.run is not None else None)
        if result is None:
            seconds = time.perf_counter() - self._started
            result = ManyResult(environments=(), shared=Shared(), seconds=seconds)
        if error is not None:
            result = replace(result, exit_code=status_of(error))
        record = self._observed.finish(error)
        text = sync_report(result, Cache(self._cache_dir), record, full=self._full)
        self._console.write_data(self._path, text)
