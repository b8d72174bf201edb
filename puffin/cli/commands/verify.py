"""``puffin verify``."""

import os
import time

from puffin import meter
from puffin.cache.layout import Cache
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.commands.inspect import environment_at_rest
from puffin.cli.options.inspect import InspectOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted
from puffin.errors import DRIFT
from puffin.names import printable
from puffin.pipeline.change.workplace import look_around
from puffin.pipeline.graph.record import phase
from puffin.stages.link.commit.damage import lost_state, verified
from puffin.stages.link.commit.stamps import DIRECTORY, STATE
from puffin.stages.link.commit.state import read_state
from puffin.stages.unzip.manifest import HEALED, read_header


def verify_command(call: Call) -> int:
    """Compare an environment with what was installed there; 4 if something differs."""
    options, console = call.options(InspectOptions), call.console
    environment = environment_at_rest(call, *options.arguments)
    state = read_state(environment.root)
    present, _ = look_around(environment, state)
    deep = options.deep
    with CacheDirectory(call) as cache_dir:
        cache = Cache(cache_dir)
        meter.share()
        with phase("verify"):
            _, found = verified(environment, state, present, cache, deep=deep)
        console.phase("Verified", len(present), time.perf_counter() - call.started)
        lost = state is None and lost_state(environment, present) is not None
        if lost:
            missing = (
                "cannot be read" if os.path.exists(f"{environment.root}/{DIRECTORY}/{STATE}") else "is missing"
            )
            console.write(f"`{DIRECTORY}/{STATE}` {missing}\n")
        for each in found:
            path = printable(os.path.relpath(each.path, environment.root))
            console.write(f"{each.name}=={each.version}: `{path}` {each.what}\n")
        for owned in state.distributions if deep and state else ():
            _tell_healed(cache, owned.archive, f"{owned.name}=={owned.version}", console)
    count = len(found) + lost
    if count:
        console.say(f"Found {counted(count, 'difference')}; `puffin pip sync --verify` repairs")
    return DRIFT if count else 0


def _tell_healed(cache: Cache, archive: str, label: str, console: Console) -> None:
    header = read_header(cache.manifest(archive)) if archive else None
    if header is not None and header[HEALED]:
        rows = counted(header[HEALED], "row")
        console.warn(f"RECORD of the wheel of `{label}` was wrong in {rows}; in the environment it is right")
