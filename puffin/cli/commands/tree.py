"""``puffin pip tree`` and ``puffin pip check``."""

import sys
import time

from puffin.cli.commands.inspect import environment_at_rest
from puffin.cli.options.inspect import InspectOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import FAILED, UsageError
from puffin.names import normalise
from puffin.stages.link.installed.demands import broken, doubles, sentence
from puffin.stages.link.installed.requires import Requires, read_requires
from puffin.stages.link.installed.tree import DEPTH, tree_lines


def tree(options: InspectOptions, console: Console, _started: float) -> int:
    """Print what is installed as a tree of who requires what; like ``show``, fail if nothing asked for is installed."""
    depth = _depth(options.depth, DEPTH)
    packages, prune = (tuple(map(normalise, names)) for names in (options.package, options.prune))
    installed, markers = _read(options)
    missing = [name for name in dict.fromkeys(packages) if all(each.name != name for each in installed)]
    for name in missing:
        console.warn(f"`{name}` is not installed")
    lines = tree_lines(
        installed,
        markers,
        invert=options.invert,
        depth=depth,
        packages=packages,
        prune=prune,
        dedupe=not options.no_dedupe,
        specifiers=options.show_version_specifiers,
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return FAILED if packages and set(missing) == set(packages) else 0


def check(options: InspectOptions, console: Console, started: float) -> int:
    """Print what does not fit together, and fail if anything does not."""

    installed, markers = _read(options)
    found = [sentence(each) for each in broken(installed, markers)]
    found += [
        f"`{name}` is installed {len(versions)} times: {', '.join(versions)}"
        for name, versions in doubles(installed).items()
    ]
    console.phase("Checked", len(installed), time.perf_counter() - started)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    if not found:
        console.say("All installed packages are compatible")
        return 0
    console.say(f"Found {counted(len(found), 'problem')}")
    return FAILED


def _read(options: InspectOptions) -> tuple[tuple[Requires, ...], dict[str, str]]:
    environment = environment_at_rest(options)
    return read_requires(environment), dict(environment.interpreter.markers)


def _depth(text: str, most: int) -> int:
    if not text:
        return most
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise UsageError(text=f"`{text}` is not a depth", hints=("`--depth` must be 0 or more",))
    return min(int(text), most)
