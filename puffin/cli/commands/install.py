"""``puffin pip install``."""

import json

from puffin.cli.commands.call import CacheDirectory, Call, Observed
from puffin.cli.options.resolve import InstallOptions
from puffin.errors import UsageError
from puffin.names import shell_quoted
from puffin.pipeline.builds.projects import Projects
from puffin.pipeline.commands.install import install as perform
from puffin.pipeline.commands.pip_sync import sync
from puffin.pipeline.inputs.inputs import Reading, requested
from puffin.pipeline.request.builds import toolchain_of
from puffin.pipeline.request.settings import InstallSettings
from puffin.pipeline.request.where import find_where
from puffin.stages.resolve.output.earlier import read_upgrades
from puffin.stages.resolve.requirements.errors import InvalidArgument, InvalidRequirementLine
from puffin.stages.resolve.requirements.plain import is_lock
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.cli.screen.console import Console
    from puffin.pipeline.change.values import Installed
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.request.settings import Settings
    from puffin.stages.resolve.projects.sources import Sources

_ARGUMENTS = "-"  # under this name the words of the command line are read as a requirements file


def install_command(call: Call) -> int:
    """Install packages and what they need."""
    options = call.options(InstallOptions)
    with CacheDirectory(call) as cache_dir, Observed(call, cache_dir) as record:
        record.keep()
        run = call.settings(cache_dir)
        session = call.session(run)
        files = [_without_extras(path) for path in options.requirement]
        if any(is_lock(path) for path, _ in files):
            extras = tuple([extra for _, own in files for extra in own])
            run = replace(run, files=tuple([path for path, _ in files]), extra=(*run.extra, *extras))
            _install_lock(options, run, session)
            return 0
        settings = InstallSettings(
            run=run,
            sources=_sources(options, run, session),
            upgrades=read_upgrades(options.upgrade, options.upgrade_package),
            exact=options.exact,
        )
        done = perform(settings, session)
        if options.report:
            _write_report(options.report, done, session, call.console)
    return 0


def _install_lock(options: InstallOptions, run: "Settings", session: "Session") -> None:
    """Install what a lock file has, as it says, besides what the environment holds."""
    if options.arguments or options.editable or options.report:
        raise UsageError(
            text="A lock file is complete: neither packages nor a report can be given beside it",
            hints=("install the others by a command of their own",),
        )
    sync(run, session, exact=options.exact)


def _without_extras(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the path of a lock file and the extras behind it in brackets, as pip takes them; else *path* alone."""
    place, _, rest = path.partition("[")
    if not rest.endswith("]") or not is_lock(place):
        return path, ()
    return place, tuple([extra for each in rest[:-1].split(",") if (extra := each.strip())])


def _quoted(place: str) -> str:
    """Return a place as a requirements file has it, where quotation marks quote."""
    return shell_quoted(place) if "'" in place or '"' in place else place


def _sources(options: InstallOptions, run: "Settings", session: "Session") -> "Sources":
    words = [*options.arguments, *(f"-e {_quoted(place)}" for place in options.editable)]
    if not words and not options.requirement and not run.group:
        raise UsageError(
            text="No packages were given",
            hints=("for example: `puffin pip install six`, or `puffin pip install -r requirements.txt`",),
        )
    if words and _ARGUMENTS in options.requirement:
        raise UsageError(text="Requirements from standard input cannot be combined with packages by name")
    if not all(word.strip() for word in words):
        raise UsageError(text="An empty word was given in the place of a package")
    text = "".join(f"{word}\n" for word in words).encode("utf-8", "surrogateescape")
    files = (*options.requirement, *((_ARGUMENTS,) if words else ()))
    try:
        reading = Reading(
            requested(replace(run, files=files)),
            run,
            session,
            build=Projects(session).builder(run, lambda: toolchain_of(find_where(run.where, session))),
            markers=lambda: dict(find_where(run.where, session).interpreter.markers),
        )
        sources = reading.sources(lambda path: text if words and path == _ARGUMENTS else session.read(path))
    except InvalidRequirementLine as error:
        raise (InvalidArgument(**vars(error)) if words and error.file == _ARGUMENTS else error) from None
    entries = tuple(
        replace(each, file="command line", line=each.line) if words and each.file == _ARGUMENTS else each
        for each in sources.requirements.entries
    )
    return replace(sources, requirements=replace(sources.requirements, entries=entries))


def _write_report(path: str, done: "Installed", session: "Session", console: "Console") -> None:
    from puffin.pipeline.change.report import install_report

    console.write_data(path, json.dumps(install_report(done, session.cache), indent=2, sort_keys=True) + "\n")
