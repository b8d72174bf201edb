"""``puffin pip freeze``, ``list`` and ``show``."""

import os
import sys
from typing import Any

from puffin.cache.layout import Cache
from puffin.cli.config.settings import CacheDirectory, where_of
from puffin.cli.screen.console import Console
from puffin.errors import FAILED, UsageError
from puffin.names import normalise
from puffin.pipeline.change.workplace import Workplace, settled
from puffin.pipeline.request.settings import Settings
from puffin.pipeline.request.where import find_where
from puffin.stages.link.commit.stamps import at_rest
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.installed import Distribution, read_installed, read_paths
from puffin.stages.link.installed.lines import duplicate_warnings
from puffin.stages.link.installed.requires import read_requires


def environment_at_rest(options: dict[str, Any]) -> Environment:
    """Return the environment that *options* name; an interrupted change is brought to its end before."""
    from puffin.cache.lock import lock_timeout

    with CacheDirectory(options) as cache_dir:
        environment = find_where(where_of(options), os.environ, Cache(cache_dir))
        if os.path.isdir(f"{environment.root}/.puffin") and not at_rest(environment.root):
            with Workplace(environment, timeout=lock_timeout(os.environ)):
                pass  # repairs what an interrupted change left
        return settled(environment)


def _installed(options: dict[str, Any]) -> tuple[Distribution, ...]:
    if options["path"]:
        return read_paths(os.path.expanduser(path) for path in options["path"])
    return read_installed(environment_at_rest(options))


def _tell_doubles(installed: tuple[Distribution, ...], console: Console) -> None:
    for warning in duplicate_warnings(installed):
        console.warn(warning)


def _tell_broken(options: dict[str, Any], console: Console) -> None:
    if options["strict"]:
        from puffin.stages.link.installed.demands import broken, sentence

        environment = environment_at_rest(options)
        for each in broken(read_requires(environment), dict(environment.interpreter.markers)):
            console.warn(sentence(each))


def freeze(options: dict[str, Any], console: Console, _started: float) -> int:
    """Print requirements lines of what is installed."""
    from puffin.stages.link.installed.lines import freeze_lines

    installed = _installed(options)
    exclude = [normalise(name) for name in options["exclude"]]
    lines = freeze_lines(installed, exclude, exclude_editable=options["exclude_editable"])
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    _tell_doubles(installed, console)
    _tell_broken(options, console)
    return 0


def listing(options: dict[str, Any], console: Console, _started: float) -> int:
    """Print a list of what is installed."""
    from puffin.stages.link.installed.lines import list_rows

    style = _style(options)
    installed = _installed(options)
    _tell_doubles(installed, console)
    if options["not_required"]:
        installed = _not_required(installed, options)
    latest = _latest(installed, options) if options["outdated"] else None
    rows = list_rows(
        [each for each in installed if latest is None or each.name in latest],
        style,
        editable=True if options["editable"] else False if options["exclude_editable"] else None,
        exclude=[normalise(name) for name in options["exclude"]],
        latest=latest,
        verbose=bool(options["verbose"]),
    )
    sys.stdout.write("".join(f"{row}\n" for row in rows))
    _tell_broken(options, console)
    return 0


def _style(options: dict[str, Any]) -> str:
    style = options["format"] or "columns"
    if style not in ("columns", "freeze", "json"):
        raise UsageError(
            text=f"`{style}` is not a valid value for `PUFFIN_FORMAT`",
            hints=("use one of `columns`, `freeze`, `json`",),
        )
    if options["outdated"] and style == "freeze":
        raise UsageError(
            text="`--outdated` cannot be used with `--format freeze`", hints=("use `--format json`",)
        )
    return str(style)


def _not_required(installed: tuple[Distribution, ...], options: dict[str, Any]) -> tuple[Distribution, ...]:
    from puffin.stages.link.installed.lines import requirement_names

    environment = environment_at_rest(options)
    markers = dict(environment.interpreter.markers)
    wanted = {name for each in read_requires(environment) for name in requirement_names(each, markers)}
    return tuple(each for each in installed if each.name not in wanted)


def _latest(installed: tuple[Distribution, ...], options: dict[str, Any]) -> dict[str, tuple[str, str]]:
    from puffin.pipeline.commands.outdated import is_newer, latest_versions

    wanted = ("index_url", "extra_index_url", "find_links", "no_index", "refresh", "refresh_package", "offline")
    names = {each.name: each.version for each in installed}
    with CacheDirectory(options) as cache_dir:
        settings = Settings(files=(), cache_dir=cache_dir, **{name: options[name] for name in wanted})
        found = latest_versions(
            names, settings, environment_at_rest(options), Cache(cache_dir), os.environ, pre=options["pre"]
        )
    newer = {name: each for name, each in found.items() if is_newer(each.version, names[name])}
    return {name: (each.version, each.filetype) for name, each in newer.items()}


def show(options: dict[str, Any], console: Console, _started: float) -> int:
    """Print what the metadata of some packages tells."""
    from puffin.stages.link.installed.lines import details_of, show_lines

    if not options["arguments"]:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip show six`",))
    environment = environment_at_rest(options)
    markers = dict(environment.interpreter.markers)
    installed, requires = read_installed(environment), read_requires(environment)
    names = list(dict.fromkeys(normalise(name) for name in options["arguments"]))
    missing = [name for name in names if all(each.name != name for each in installed)]
    for name in missing:
        console.warn(f"`{name}` is not installed")
    chosen = tuple(each for name in names for each in installed if each.name == name)
    _tell_doubles(chosen, console)
    shown = [details_of(each, requires, markers) for each in chosen]
    lines = show_lines(shown, files=options["files"], verbose=bool(options["verbose"]))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if chosen else FAILED
