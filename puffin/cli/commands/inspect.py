"""``puffin pip freeze``, ``list``, ``show``, ``tree`` and ``check``."""

import os
import time
from collections.abc import Iterable

from puffin.cache.lock import lock_timeout
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.options.inspect import InspectOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import FAILED, UsageError
from puffin.names import normalise
from puffin.pipeline.change.workplace import Workplace, with_real_paths
from puffin.pipeline.request.session import session_of
from puffin.pipeline.request.settings import Settings, Where
from puffin.pipeline.request.where import find_where
from puffin.stages.link.commit.stamps import at_rest
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.environment.target_directory import foreign_tags
from puffin.stages.link.installed.demands import broken, doubles, sentence
from puffin.stages.link.installed.installed import Distribution, read_installed, read_paths
from puffin.stages.link.installed.lines import (
    details_of,
    duplicate_warnings,
    freeze_lines,
    list_rows,
    requirement_names,
    show_lines,
)
from puffin.stages.link.installed.requires import Requires, read_requires
from puffin.stages.link.installed.scan import BROKEN, scan
from puffin.stages.link.installed.tree import DEPTH, tree_lines
from puffin.value import replace


def environment_at_rest(call: Call, named: str = "") -> Environment:
    """Return the environment that is *named*, or that options name.

    An interrupted change is brought to its end before.
    """
    with CacheDirectory(call) as cache_dir:
        session = session_of(Settings(files=(), cache_dir=cache_dir), os.environ)
        where = call.options(Where)
        environment = find_where(replace(where, python=named) if named else where, session)
        if os.path.isdir(f"{environment.root}/.puffin") and not at_rest(environment.root):
            with Workplace(environment, timeout=lock_timeout(os.environ)):
                pass  # repairs what an interrupted change left
        return with_real_paths(environment)


def _installed(call: Call) -> tuple[Distribution, ...]:
    options = call.options(InspectOptions)
    if options.path:
        return read_paths(os.path.expanduser(path) for path in options.path)
    environment = environment_at_rest(call)
    installed = read_installed(environment)
    if not options.local or not environment.system_site_packages:
        return installed
    return tuple(each for each in installed if each.path.startswith(f"{environment.root}/"))


def _tell_doubles(installed: tuple[Distribution, ...], console: Console) -> None:
    for warning in duplicate_warnings(installed):
        console.warn(warning)


def _tell_broken(call: Call) -> None:
    if call.options(InspectOptions).strict:
        for each in broken(*_read(call)):
            call.console.warn(sentence(each))


def freeze(call: Call) -> int:
    """Print requirements lines of what is installed."""
    options, installed = call.options(InspectOptions), _installed(call)
    exclude = [normalise(name) for name in options.exclude]
    lines = freeze_lines(installed, exclude, exclude_editable=options.exclude_editable)
    call.console.write("".join(f"{line}\n" for line in lines))
    _tell_doubles(installed, call.console)
    _tell_broken(call)
    return 0


def listing(call: Call) -> int:
    """Print a list of what is installed."""
    options = call.options(InspectOptions)
    style = _style(options)
    installed = _installed(call)
    _tell_doubles(installed, call.console)
    if options.not_required:
        installed = _not_required(installed, call)
    latest = _latest(installed, call) if options.outdated else None
    rows = list_rows(
        [each for each in installed if latest is None or each.name in latest],
        style,
        editable=True if options.editable else False if options.exclude_editable else None,
        exclude=[normalise(name) for name in options.exclude],
        latest=latest,
        verbose=bool(call.screen.verbose),
    )
    call.console.write("".join(f"{row}\n" for row in rows))
    _tell_broken(call)
    return 0


def _style(options: InspectOptions) -> str:
    style = options.format or "columns"
    if options.outdated and style == "freeze":
        raise UsageError(
            text="`--outdated` cannot be used with `--format freeze`", hints=("use `--format json`",)
        )
    return style


def _not_required(installed: tuple[Distribution, ...], call: Call) -> tuple[Distribution, ...]:
    requires, markers = _read(call)
    wanted = {name for each in requires for name in requirement_names(each, markers)}
    return tuple(each for each in installed if each.name not in wanted)


def _latest(installed: "Iterable[Distribution | Requires]", call: Call) -> dict[str, tuple[str, str]]:
    """Return ``(version, filetype)`` of what an index has newer than *installed*, by name."""
    from puffin.pipeline.commands.outdated import is_newer, latest_versions

    names = {each.name: each.version for each in installed}
    with CacheDirectory(call) as cache_dir:
        settings = call.settings(cache_dir)
        session = session_of(settings, os.environ)
        found = latest_versions(
            names, settings, environment_at_rest(call), session, pre=call.options(InspectOptions).pre
        )
    newer = {name: each for name, each in found.items() if is_newer(each.version, names[name])}
    return {name: (each.version, each.filetype) for name, each in newer.items()}


def show(call: Call) -> int:
    """Print what the metadata of some packages tells."""
    options, console = call.options(InspectOptions), call.console
    if not options.arguments:
        raise UsageError(text="No packages were given", hints=("for example: `puffin pip show six`",))
    environment = environment_at_rest(call)
    markers = dict(environment.interpreter.markers)
    installed, requires = read_installed(environment), read_requires(environment)
    names = list(dict.fromkeys(normalise(name) for name in options.arguments))
    missing = [name for name in names if all(each.name != name for each in installed)]
    for name in missing:
        console.warn(f"`{name}` is not installed")
    chosen = tuple(each for name in names for each in installed if each.name == name)
    _tell_doubles(chosen, console)
    shown = [details_of(each, requires, markers) for each in chosen]
    lines = show_lines(shown, files=options.files, verbose=bool(call.screen.verbose))
    call.console.write("".join(f"{line}\n" for line in lines))
    return 0 if chosen else FAILED


def tree(call: Call) -> int:
    """Print what is installed as a tree of who requires what; like ``show``, fail if nothing asked for is installed."""
    options = call.options(InspectOptions)
    depth = _depth(options.depth, DEPTH)
    packages, prune = (tuple(map(normalise, names)) for names in (options.package, options.prune))
    installed, markers = _read(call)
    missing = [name for name in dict.fromkeys(packages) if all(each.name != name for each in installed)]
    for name in missing:
        call.console.warn(f"`{name}` is not installed")
    lines = tree_lines(
        installed,
        markers,
        invert=options.invert,
        depth=depth,
        packages=packages,
        prune=prune,
        dedupe=not options.no_dedupe,
        specifiers=options.show_version_specifiers,
        latest={name: found[0] for name, found in _latest(installed, call).items()}
        if options.outdated
        else None,
    )
    call.console.write("".join(f"{line}\n" for line in lines))
    return FAILED if packages and set(missing) == set(packages) else 0


def check(call: Call) -> int:
    """Print what does not fit together, and fail if anything does not."""
    console = call.console
    environment = environment_at_rest(call)
    installed, markers = read_requires(environment), dict(environment.interpreter.markers)
    found = [sentence(each) for each in broken(installed, markers)]
    found += [
        f"`{name}` is installed {len(versions)} times: {', '.join(versions)}"
        for name, versions in doubles(installed).items()
    ]
    found += [*_for_others(installed, environment), *_no_distributions(environment)]
    console.phase("Checked", len(installed), time.perf_counter() - call.started)
    call.console.write("".join(f"{line}\n" for line in found))
    if not found:
        console.say("All installed packages are compatible")
        return 0
    console.say(f"Found {counted(len(found), 'problem')}")
    return FAILED


def _for_others(installed: tuple[Requires, ...], environment: Environment) -> list[str]:
    """Return what is installed for another Python or platform, in sentences."""
    fitting = frozenset(environment.interpreter.tags)
    tags = [(each, foreign_tags(each.path, fitting)) for each in installed]
    return [
        f"`{each.name}` is for another Python or platform: none of its tags fits ({', '.join(own)})"
        for each, own in tags
        if own
    ]


def _no_distributions(environment: Environment) -> list[str]:
    """Return what is in the place of a distribution without being one, in sentences."""
    sites = dict.fromkeys((environment.purelib, environment.platlib))
    entries = [f"{site}/{row[2]}" for site in sites for row in scan(site, broken=True) if row[3] == BROKEN]
    return [f"`{entry}` is not an installed distribution: it has no METADATA" for entry in entries]


def _read(call: Call) -> tuple[tuple[Requires, ...], dict[str, str]]:
    environment = environment_at_rest(call)
    return read_requires(environment), dict(environment.interpreter.markers)


def _depth(text: str, most: int) -> int:
    if not text:
        return most
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise UsageError(text=f"`{text}` is not a depth", hints=("`--depth` must be 0 or more",))
    return min(int(text), most)
