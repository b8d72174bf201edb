"""``puffin pip uninstall``."""

import os

from packaging.requirements import InvalidRequirement, Requirement

from puffin.cli.config.settings import CacheDirectory
from puffin.cli.options.inspect import UninstallOptions
from puffin.cli.screen.console import Console
from puffin.errors import UsageError
from puffin.names import normalise
from puffin.pipeline.commands.uninstall import uninstall as run
from puffin.pipeline.request.session import Session, session_of
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import find_where
from puffin.stages.link.environment.environment import check_target
from puffin.stages.resolve.requirements.file import read_requirements


def uninstall(options: UninstallOptions, console: Console, _started: float) -> int:
    """Remove packages from an environment."""
    with CacheDirectory(options.cache) as cache_dir:
        session = session_of(Settings(files=(), cache_dir=cache_dir), os.environ, console)
        names = _names(options, session)
        environment = find_where(options.where, session)
        if not options.dry_run:
            check_target(environment, break_system_packages=options.break_system_packages)
        run(environment, names, session, dry_run=options.dry_run)
    return 0


def _names(options: UninstallOptions, session: Session) -> list[str]:
    names = [_name_of(text) for text in options.arguments]
    if options.requirement:
        entries = read_requirements(options.requirement, read=session.read, environ=session.environ).entries
        names += [entry.name for entry in entries if entry.name]
    if not names:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip uninstall six`",))
    return list(dict.fromkeys(names))


def _name_of(text: str) -> str:
    try:
        return normalise(Requirement(text).name)
    except InvalidRequirement:
        raise UsageError(text=f"`{text}` is not a valid package name") from None
