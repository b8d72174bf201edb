"""``puffin verify``."""

import os
import sys
import time

from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.commands.inspect import environment_at_rest
from puffin.cli.options.inspect import InspectOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import DRIFT
from puffin.stages.link.commit.damage import verify as compare
from puffin.stages.link.commit.stamps import DIRECTORY, STATE
from puffin.stages.link.commit.state import State, read_state
from puffin.stages.link.environment.environment import Environment
from puffin.stages.unzip.manifest import HEALED, read_header, read_manifest


def verify_command(call: Call) -> int:
    """Compare an environment with what puffin installed there; 4 if something differs."""
    console, environment = call.console, environment_at_rest(call)
    state = read_state(environment.root)
    if state is None and os.path.exists(f"{environment.root}/{DIRECTORY}/{STATE}"):
        sys.stdout.write(f"`{DIRECTORY}/{STATE}` cannot be read\n")
        console.say("Found 1 difference")
        return DRIFT
    if state is None:
        console.say(f"puffin has installed nothing in `{environment.root}`")
        return 0
    deep = call.options(InspectOptions).deep
    with CacheDirectory(call) as cache_dir:
        return _compared(environment, state, Cache(cache_dir), deep, console, call.started)


def _compared(
    environment: Environment, state: State, cache: Cache, deep: bool, console: Console, started: float
) -> int:
    found = compare(environment.purelib, state, deep=deep, sizes=lambda archive: _sizes(cache, archive))
    owned = [each for each in state.distributions if each.archive]
    console.phase("Verified", len(owned), time.perf_counter() - started)
    for each in found:
        path = os.path.relpath(each.path, environment.root)
        sys.stdout.write(f"{each.name}=={each.version}: `{path}` {each.what}\n")
    if deep:
        for distribution in owned:
            label = f"{distribution.name}=={distribution.version}"
            _tell_healed(cache, distribution.archive, label, console)
    if found:
        console.say(
            f"Found {counted(len(found), 'difference')}; `puffin pip sync --reinstall-package NAME` repairs"
        )
    return DRIFT if found else 0


def _sizes(cache: Cache, archive: str) -> dict[str, int]:
    manifest = read_manifest(cache.manifest(archive))
    if manifest is None:
        return {}
    return {
        f"{directory}/{name}" if directory else name: size
        for directory, names, sizes, _ in manifest.tree
        for name, size in zip(names, sizes, strict=True)
    }


def _tell_healed(cache: Cache, archive: str, label: str, console: Console) -> None:
    header = read_header(cache.manifest(archive))
    if header is not None and header[HEALED]:
        rows = counted(header[HEALED], "row")
        console.warn(f"RECORD of the wheel of `{label}` was wrong in {rows}; in the environment it is right")
