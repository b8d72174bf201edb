"""``puffin cache dir``, ``size``, ``clean`` and ``prune``."""

import os
import re
import sys
import time
from collections.abc import Mapping
from functools import partial

from puffin.cache.clean import Cleaned, clean_all, clean_packages, cleaning, collect
from puffin.cache.contents import plan_prune, read_contents, total_size
from puffin.cache.contents import prune as remove
from puffin.cache.layout import Cache
from puffin.cache.pruned import note_pruned, pruned_names
from puffin.cache.usage import exclusive, living, needless_notes
from puffin.cli.commands.call import CacheDirectory, Call
from puffin.cli.config.settings import age
from puffin.cli.options.inspect import StoreOptions
from puffin.cli.screen.console import Console
from puffin.cli.screen.quantities import counted, size
from puffin.errors import UsageError
from puffin.names import in_sentence, normalise

_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def print_directory(call: Call) -> int:
    """Print where the cache is."""
    with CacheDirectory(call) as cache_dir:
        call.console.write(f"{cache_dir}\n")
    return 0


def clean(call: Call) -> int:
    """Remove the cache, or what it holds of some packages."""
    options, console = call.options(StoreOptions), call.console
    with CacheDirectory(call) as cache_dir:
        cache = Cache(cache_dir)
        if not os.path.isdir(cache_dir):
            console.say(f"No cache found at {cache_dir}")
            return 0
        with exclusive(cache, force=options.force, told=console.say) as kept, cleaning(cache):
            names = [normalise(name) for name in options.arguments]
            users = {} if options.force else living(cache)
            held = frozenset[str]().union(*users.values())
            cleaned = clean_packages(cache, names, held) if names else clean_all(cache, keep=kept, held=held)
            if not names:
                _remove_root(cache_dir, kept)
        _tell(cleaned, cache_dir, console)
        _tell_spared(cleaned.spared, users, console)
    return 0


def size_of(call: Call) -> int:
    """Print how much room the cache takes: in bytes, and for people on a terminal."""
    options = call.options(StoreOptions)
    with CacheDirectory(call) as cache_dir:
        count = _remote_size(call, cache_dir) if options.remote else total_size(cache_dir)
    call.console.write(f"{size(count) if options.human or sys.stdout.isatty() else count}\n")
    return 0


def _remote_size(call: Call, cache_dir: str) -> int:
    from puffin.cli.commands.push import size_of_remote

    return size_of_remote(call, cache_dir)


def prune_cache(call: Call) -> int:
    """Remove from the cache what is of no use any more."""
    options, console = call.options(StoreOptions), call.console
    unused_for = seconds_of(options.unused_for) if options.unused_for else None
    max_size = bytes_of(options.max_size) if options.max_size else None
    with CacheDirectory(call) as cache_dir:
        if not os.path.isdir(cache_dir):
            console.say(f"No cache found at {cache_dir}")
            return 0
        cache = Cache(cache_dir)
        with exclusive(cache, force=options.force, told=console.say), cleaning(cache):
            collect(cache)
            users = {} if options.force else living(cache)
            held = frozenset[str]().union(*users.values())
            items, useless = read_contents(cache, held)
            plan = partial(plan_prune, now=time.time(), unused_for=unused_for, max_size=max_size, ci=options.ci)
            free, total = [each for each in items if each.name not in held], total_size(cache_dir)
            going = plan(free, other_bytes=total - sum(each.bytes for each in free))
            would_go = plan(items, other_bytes=total - sum(each.bytes for each in items)) if held else ()
            left = {each.name for each in items} - {each.name for each in going}
            buckets = [f"{cache_dir}/{name}" for name in sorted(os.listdir(cache_dir)) if "-v" in name]
            cleaned = remove(going, (*useless, *needless_notes(cache, left)), buckets)
            note_pruned(cache, pruned_names(cache, [path for each in going for path in each.paths]))
        _tell(cleaned, cache_dir, console, nothing="Nothing to prune")
        _tell_spared(held.intersection([each.name for each in would_go]), users, console)
    return 0


def _remove_root(cache_dir: str, kept: frozenset[str]) -> None:
    """Remove the lock, while it is held, and the directory, unless somebody has already begun to fill it again."""
    for name in kept:
        os.unlink(f"{cache_dir}/{name}")
    try:
        os.rmdir(cache_dir)
    except OSError:
        pass


def _tell(cleaned: Cleaned, cache_dir: str, console: Console, nothing: str = "No cache entries found") -> None:
    if not cleaned.files:
        console.say(nothing)
        return
    console.say(f"Removed {counted(cleaned.files, 'file')} ({size(cleaned.bytes)}) from {cache_dir}")


def _tell_spared(archives: "frozenset[str]", users: "Mapping[str, frozenset[str]]", console: Console) -> None:
    """Say what stays because environments use its sealed trees."""
    if archives:
        roots = sorted(root for root, own in users.items() if not own.isdisjoint(archives))
        shown = in_sentence([f"`{root}`" for root in roots], most=5)
        console.say(
            f"Kept {counted(len(archives), 'package')} that {shown} "
            f"{'uses' if len(roots) == 1 else 'use'}; `--force` removes them too"
        )


def seconds_of(text: str) -> float:
    """Return the age that ``--unused-for`` was given in seconds; :class:`UsageError` for anything else."""
    found = age(text)
    if found is None:
        raise UsageError(text=f"`{text}` is not an age", hints=("`--unused-for` takes an age such as `14d`",))
    return found


def bytes_of(text: str) -> int:
    """Return a size such as ``2G``, ``500MiB`` or ``1.5g`` in bytes (powers of 1024); :class:`UsageError`."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d*)?)\s*(?:([kmgt]?)(?:i?b)?)", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError(text=f"`{text}` is not a size", hints=("`--max-size` takes a size such as `2G`",))
    return int(float(found[1]) * _SIZES[found[2]])
