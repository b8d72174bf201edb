"""``puffin pip uninstall`` and ``puffin detach``."""

import os

from packaging.requirements import InvalidRequirement, Requirement

from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import UninstallOptions
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.commands.uninstall import detach, names_from
from puffin.pipeline.commands.uninstall import uninstall as run
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings, Where
from puffin.pipeline.request.where import find_where
from puffin.stages.link.environment.environment import Environment, check_target
from puffin.stages.resolve.requirements.file import read_requirements
from puffin.value import replace


def uninstall_command(call: Call) -> int:
    """Remove packages from an environment."""
    options = call.options(UninstallOptions)
    with CacheDirectory(call) as cache_dir:
        session = call.session(Settings(files=(), cache_dir=cache_dir))
        words = _words(options, session)
        environment = find_where(call.options(Where), session)
        if not options.dry_run:
            check_target(environment, break_system_packages=options.break_system_packages)
        names = dict.fromkeys([name for word in words for name in _names_of(word, environment)])
        run(environment, list(names), session, dry_run=options.dry_run, atomic=options.atomic)
    return 0


def detach_command(call: Call) -> int:
    """Make an environment independent of the cache."""
    options, where = call.options(UninstallOptions), call.options(Where)
    if options.arguments:
        where = replace(where, python=options.arguments[0])
    with CacheDirectory(call) as cache_dir:
        session = call.session(Settings(files=(), cache_dir=cache_dir))
        environment = find_where(where, session)
        if not options.dry_run:
            check_target(environment, break_system_packages=options.break_system_packages)
        detach(environment, session, dry_run=options.dry_run, atomic=options.atomic)
    return 0


def _words(options: UninstallOptions, session: Session) -> list[str]:
    """Return what to remove: names, paths and URLs."""
    words = list(options.arguments)
    if options.requirement:
        entries = read_requirements(options.requirement, read=session.read, environ=session.environ).entries
        words += [entry.name for entry in entries if entry.name]
    if not words:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip uninstall six`",))
    return words


def _names_of(text: str, environment: Environment) -> list[str]:
    """Return the normalised names that a word of the command line means: its own, or what came from that place."""
    try:
        return [normalise(Requirement(text).name)]
    except InvalidRequirement:
        pass
    if "://" not in text and os.sep not in text and not os.path.lexists(text):
        raise UsageError(text=f"`{text}` is not a valid package name") from None
    found = names_from(environment, text)
    if not found:
        raise UsageError(text=f"No installed package came from `{text}`")
    return found
