"""``puffin pip tree`` and ``puffin pip check``."""

import sys
import time
from typing import Any

from puffin.cli.commands.inspect import environment_at_rest, newer_versions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import FAILED, UsageError
from puffin.names import normalise
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed.requires import Requires, read_requires
from puffin.stages.link.installed.scan import BROKEN, scan
from puffin.stages.link.installed.tree import DEPTH, tree_lines


def tree(options: dict[str, Any], console: Console, _started: float) -> int:
    """Print what is installed as a tree of who requires what; like ``show``, fail if nothing asked for is installed."""
    depth = _depth(str(options["depth"]), DEPTH)
    packages, prune = (tuple(map(normalise, options[name])) for name in ("package", "prune"))
    installed, markers = _read(options)
    missing = [name for name in dict.fromkeys(packages) if all(each.name != name for each in installed)]
    for name in missing:
        console.warn(f"`{name}` is not installed")
    lines = tree_lines(
        installed,
        markers,
        invert=options["invert"],
        depth=depth,
        packages=packages,
        prune=prune,
        dedupe=not options["no_dedupe"],
        specifiers=options["show_version_specifiers"],
        latest={name: found[0] for name, found in newer_versions(installed, options).items()}
        if options["outdated"]
        else None,
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return FAILED if packages and set(missing) == set(packages) else 0


def check(options: dict[str, Any], console: Console, started: float) -> int:
    """Print what does not fit together, and fail if anything does not."""
    from puffin.stages.link.installed.demands import broken, doubles, sentence

    environment = environment_at_rest(options)
    installed, markers = read_requires(environment), dict(environment.interpreter.markers)
    found = [sentence(each) for each in broken(installed, markers)]
    found += [
        f"`{name}` is installed {len(versions)} times: {', '.join(versions)}"
        for name, versions in doubles(installed).items()
    ]
    found += [*_for_others(installed, environment), *_broken(environment)]
    console.phase("Checked", len(installed), time.perf_counter() - started)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    if not found:
        console.say("All installed packages are compatible")
        return 0
    console.say(f"Found {counted(len(found), 'problem')}")
    return FAILED


def _for_others(installed: tuple[Requires, ...], environment: Environment) -> list[str]:
    """Return what is installed for another Python or platform, in sentences."""
    from puffin.stages.link.environment.target_directory import foreign_tags

    fitting = frozenset(environment.interpreter.tags)
    tags = [(each, foreign_tags(each.path, fitting)) for each in installed]
    return [
        f"`{each.name}` is for another Python or platform: none of its tags fits ({', '.join(own)})"
        for each, own in tags
        if own
    ]


def _broken(environment: Environment) -> list[str]:
    """Return what is in the place of a distribution without being one, in sentences."""
    sites = dict.fromkeys((environment.purelib, environment.platlib))
    entries = [f"{site}/{row[2]}" for site in sites for row in scan(site, broken=True) if row[3] == BROKEN]
    return [f"`{entry}` is not an installed distribution: it has no METADATA" for entry in entries]


def _read(options: dict[str, Any]) -> tuple[tuple[Requires, ...], dict[str, str]]:
    environment = environment_at_rest(options)
    return read_requires(environment), dict(environment.interpreter.markers)


def _depth(text: str, most: int) -> int:
    if not text:
        return most
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise UsageError(text=f"`{text}` is not a depth", hints=("`--depth` must be 0 or more",))
    return min(int(text), most)
