"""``puffin pip install``."""

import json
import os

from puffin.cli.commands.observe import Observed
from puffin.cli.config.settings import CacheDirectory, install_settings, run_of_install
from puffin.cli.screen.console import write_data
from puffin.errors import UsageError
from puffin.pipeline.builds.projects import Projects
from puffin.pipeline.commands.install import install as perform
from puffin.pipeline.commands.pip_sync import sync
from puffin.pipeline.inputs.inputs import read_unpinned
from puffin.pipeline.request.builds import toolchain_of
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.where import find_where
from puffin.stages.resolve.projects.pylock import is_lock
from puffin.stages.resolve.requirements.errors import InvalidArgument, InvalidRequirementLine
from puffin.stages.resolve.requirements.values import SourceRequest
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.options.resolve import InstallOptions
    from puffin.cli.screen.console import Console
    from puffin.pipeline.change.values import Installed
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.stages.resolve.projects.sources import Build, Sources

_ARGUMENTS = "-"  # under this name the words of the command line are read as a requirements file


def install(options: "InstallOptions", console: "Console", started: float) -> int:
    """Install packages and what they need."""
    with (
        CacheDirectory(options.sync.cache) as cache_dir,
        Observed("pip install", options.sync.observe, console, cache_dir, started) as record,
    ):
        record.keep()
        run = run_of_install(options, cache_dir)
        session = session_of(run, os.environ, console, started)
        if any(map(is_lock, options.requirement)):
            _install_lock(options, run, session)
            return 0
        done = perform(install_settings(options, run, _sources(options, run, session)), session)
        if options.report:
            _write_report(options.report, done, session)
    return 0


def _install_lock(options: "InstallOptions", run: "Settings", session: "Session") -> None:
    """Install what a lock file has, as it says, besides what the environment holds."""
    shared, project = options.sync, options.sync.project
    if shared.arguments or options.editable or options.report:
        raise UsageError(
            text="A lock file is complete: neither packages nor a report can be given beside it",
            hints=("install the others by a command of their own",),
        )
    settings = replace(
        run,
        files=options.requirement,
        constraint=shared.constraint,
        extra=project.extra,
        all_extras=project.all_extras,
        group=project.group,
    )
    sync(settings, session, exact=options.exact)


def _building(options: "InstallOptions", run: "Settings", session: "Session") -> "Build | None":
    return Projects(session).builder(
        run, lambda: toolchain_of(find_where(run.where, session)), prereleases=options.versions.mode
    )


def _sources(options: "InstallOptions", run: "Settings", session: "Session") -> "Sources":
    shared, project = options.sync, options.sync.project
    words = [*shared.arguments, *(f"-e {place}" for place in options.editable)]
    if not words and not options.requirement and not project.group:
        raise UsageError(
            text="Nothing was named to install",
            hints=("name a package, as in `puffin pip install six`, or a file with `-r requirements.txt`",),
        )
    if words and _ARGUMENTS in options.requirement:
        raise UsageError(text="Requirements from standard input cannot be combined with packages by name")
    if not all(word.strip() for word in words):
        raise UsageError(text="An empty word was given in the place of a package")
    text = "".join(f"{word}\n" for word in words).encode("utf-8", "surrogateescape")
    request = SourceRequest(
        files=(*options.requirement, *((_ARGUMENTS,) if words else ())),
        constraints=shared.constraint,
        overrides=options.override,
        extras=project.extra,
        all_extras=project.all_extras,
        groups=project.group,
    )
    try:
        sources = read_unpinned(
            request,
            run,
            session,
            build=_building(options, run, session),
            read=lambda path: text if words and path == _ARGUMENTS else session.read(path),
        )
    except InvalidRequirementLine as error:
        raise (_argument(error) if words and error.file == _ARGUMENTS else error) from None
    entries = tuple(
        replace(each, file="command line", line=each.line) if words and each.file == _ARGUMENTS else each
        for each in sources.requirements.entries
    )
    return replace(sources, requirements=replace(sources.requirements, entries=entries))


def _argument(error: "InvalidRequirementLine") -> "InvalidRequirementLine":
    return InvalidArgument(
        file=error.file,
        line=error.line,
        column=error.column,
        excerpt=error.excerpt,
        problem=error.problem,
        hints=error.hints,
    )


def _write_report(path: str, done: "Installed", session: "Session") -> None:

    from puffin.pipeline.change.report import install_report

    write_data(path, json.dumps(install_report(done, session.cache), indent=2, sort_keys=True) + "\n")
