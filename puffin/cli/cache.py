"""``puffin cache dir``, ``size``, ``clean`` and ``prune``."""

import os
import sys

from puffin.cache.clean import Cleaned, clean_all, clean_packages, cleaning
from puffin.cache.layout import Cache
from puffin.cache.usage import exclusive
from puffin.cli.config_settings import CacheDirectory
from puffin.names import normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cli.console import Console

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def directory(options: "dict[str, Any]", _console: "Console", _started: float) -> int:
    """Print where the cache is."""
    with CacheDirectory(options) as cache_dir:
        sys.stdout.write(f"{cache_dir}\n")
    return 0


def clean(options: "dict[str, Any]", console: "Console", _started: float) -> int:
    """Remove the cache, or what it holds of some packages."""
    with CacheDirectory(options) as cache_dir:
        cache = Cache(cache_dir)
        if not os.path.isdir(cache_dir):
            console.say(f"No cache found at {cache_dir}")
            return 0
        with exclusive(cache, force=options["force"], told=console.say) as kept, cleaning(cache):
            names = [normalise(name) for name in options["arguments"]]
            cleaned = clean_packages(cache, names) if names else clean_all(cache, keep=kept)
            if not names:
                _remove_root(cache_dir, kept)
        _tell(cleaned, cache_dir, console)
    return 0


def size_of(options: "dict[str, Any]", _console: "Console", _started: float) -> int:
    """Print how much room the cache takes: in bytes, and for people on a terminal."""
    from puffin.cache.contents import total_size

    with CacheDirectory(options) as cache_dir:
        count = total_size(cache_dir)
    sys.stdout.write(f"{size(count) if sys.stdout.isatty() else count}\n")
    return 0


def prune(options: "dict[str, Any]", console: "Console", _started: float) -> int:
    """Remove from the cache what is of no use any more."""
    from puffin.cache.clean import collect
    from puffin.cache.contents import now, read_contents, total_size
    from puffin.cache.prune import plan_prune
    from puffin.cache.prune import prune as remove
    from puffin.cache.usage import repeated
    from puffin.cli.quantities import bytes_of, seconds_of

    unused_for = seconds_of(options["unused_for"], "--unused-for") if options["unused_for"] else None
    max_size = bytes_of(options["max_size"], "--max-size") if options["max_size"] else None
    with CacheDirectory(options) as cache_dir:
        if not os.path.isdir(cache_dir):
            console.say(f"No cache found at {cache_dir}")
            return 0
        cache = Cache(cache_dir)
        with exclusive(cache, force=options["force"], told=console.say), cleaning(cache):
            collect(cache)
            items, useless = read_contents(cache)
            other = total_size(cache_dir) - sum(each.bytes for each in items)
            going = plan_prune(
                items, now=now(), unused_for=unused_for, max_size=max_size, other_bytes=other, ci=options["ci"]
            )
            left = {each.name for each in items} - {each.name for each in going}
            buckets = [f"{cache_dir}/{name}" for name in sorted(os.listdir(cache_dir)) if "-v" in name]
            cleaned = remove(going, (*useless, *repeated(cache, left)), buckets)
        _tell(cleaned, cache_dir, console, nothing="Nothing to prune")
    return 0


def _remove_root(cache_dir: str, kept: "frozenset[str]") -> None:
    """Remove the lock, while it is held, and the directory, unless somebody has already begun to fill it again."""
    for name in kept:
        os.unlink(f"{cache_dir}/{name}")
    try:
        os.rmdir(cache_dir)
    except OSError:
        pass


def _tell(
    cleaned: Cleaned, cache_dir: str, console: "Console", nothing: str = "No cache entries found"
) -> None:
    if not cleaned.files:
        console.say(nothing)
        return
    noun = "file" if cleaned.files == 1 else "files"
    console.say(f"Removed {cleaned.files} {noun} ({size(cleaned.bytes)}) from {cache_dir}")


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f}{_UNITS[unit]}" if unit else f"{count}B"
