"""``puffin pip install``."""

import os
import sys

from puffin.cli.commands.observe import Observed
from puffin.cli.commands.sync import settings as sync_settings
from puffin.cli.config.layers import configured
from puffin.cli.config.settings import CacheDirectory, check_extras, prereleases, resolving
from puffin.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.screen.console import Console
    from puffin.pipeline.commands.install import Installed
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import InstallSettings, Settings
    from puffin.stages.resolve.projects.sources import Build, Sources
    from puffin.stages.resolve.requirements.errors import InvalidRequirementLine

_ARGUMENTS = "-"  # under this name the words of the command line are read as a requirements file


def install(options: "dict[str, Any]", console: "Console", started: float) -> int:
    """Install packages and what they need."""
    from puffin.pipeline.commands.install import install as perform
    from puffin.pipeline.request.session import session_of

    options = configured("install", options, console, os.environ)
    with (
        CacheDirectory(options) as cache_dir,
        Observed("pip install", options, console, cache_dir, started) as run,
    ):
        run.keep()
        shared = _shared(options, cache_dir)
        session = session_of(shared, os.environ, console, started)
        done = perform(_settings(options, shared, session), session)
        if options["report"]:
            _write_report(options["report"], done, session)
    return 0


def _shared(options: "dict[str, Any]", cache_dir: str) -> "Settings":
    foreign = {"constraint": (), "extra": (), "all_extras": False, "group": ()}
    return sync_settings({**options, "arguments": (), "allow_empty_requirements": False, **foreign}, cache_dir)


def _settings(options: "dict[str, Any]", run: "Settings", session: "Session") -> "InstallSettings":
    from puffin.pipeline.request.settings import InstallSettings
    from puffin.stages.resolve.output.earlier import read_upgrades

    return InstallSettings(
        run=run,
        sources=_sources(options, run, session),
        upgrades=read_upgrades(options["upgrade"], options["upgrade_package"]),
        no_deps=options["no_deps"],
        exact=options["exact"],
        strict=options["strict"],
        **resolving(options),
    )


def _building(options: "dict[str, Any]", run: "Settings", session: "Session") -> "Build | None":
    from puffin.pipeline.builds.projects import Projects
    from puffin.pipeline.request.toolchain import toolchain_of
    from puffin.pipeline.request.where import find_where

    return Projects(session).builder(
        run, lambda: toolchain_of(find_where(run.where, session)), prereleases=prereleases(options)
    )


def _sources(options: "dict[str, Any]", run: "Settings", session: "Session") -> "Sources":
    from puffin.pipeline.inputs.inputs import read_unpinned
    from puffin.stages.resolve.requirements.errors import InvalidRequirementLine
    from puffin.stages.resolve.requirements.values import SourceRequest
    from puffin.value import replace

    check_extras(options)
    words = [*options["arguments"], *(f"-e {place}" for place in options["editable"])]
    if not words and not options["requirement"] and not options["group"]:
        raise UsageError(
            text="Nothing was named to install",
            hints=("name a package, as in `puffin pip install six`, or a file with `-r requirements.txt`",),
        )
    if words and _ARGUMENTS in options["requirement"]:
        raise UsageError(text="Requirements from standard input cannot be combined with packages by name")
    if not all(word.strip() for word in words):
        raise UsageError(text="An empty word was given in the place of a package")
    text = "".join(f"{word}\n" for word in words).encode("utf-8", "surrogateescape")
    request = SourceRequest(
        files=(*options["requirement"], *((_ARGUMENTS,) if words else ())),
        constraints=options["constraint"],
        overrides=options["override"],
        extras=options["extra"],
        all_extras=options["all_extras"],
        groups=options["group"],
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
    from puffin.stages.resolve.requirements.errors import InvalidArgument

    return InvalidArgument(
        file=error.file,
        line=error.line,
        column=error.column,
        excerpt=error.excerpt,
        problem=error.problem,
        hints=error.hints,
    )


def _write_report(path: str, done: "Installed", session: "Session") -> None:
    import json

    from puffin.cache.atomic import replace_file
    from puffin.pipeline.commands.report import report_of

    text = json.dumps(report_of(done, session.cache), indent=2, sort_keys=True) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    try:
        replace_file(os.path.abspath(path), text.encode())
    except OSError as error:
        from puffin.errors import os_cause

        raise UsageError(text=f"Failed to write the report `{path}`", causes=(os_cause(error),)) from error
