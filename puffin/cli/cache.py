"""``puffin cache dir`` and ``puffin cache clean``."""

import os
import sys

from puffin.cache.clean import Cleaned, clean_all, clean_packages
from puffin.cache.layout import Cache
from puffin.cache.usage import exclusive
from puffin.cli.sync import CacheDirectory, normalise

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
        with exclusive(cache, force=options["force"], told=console.say) as kept:
            names = [normalise(name) for name in options["arguments"]]
            cleaned = clean_packages(cache, names) if names else clean_all(cache, keep=kept)
            if not names:
                _remove_root(cache_dir, kept)
        _tell(cleaned, cache_dir, console)
    return 0


def _remove_root(cache_dir: str, kept: "frozenset[str]") -> None:
    """Remove the lock, while it is held, and the directory, unless somebody has already begun to fill it again."""
    for name in kept:
        os.unlink(f"{cache_dir}/{name}")
    try:
        os.rmdir(cache_dir)
    except OSError:
        pass


def _tell(cleaned: Cleaned, cache_dir: str, console: "Console") -> None:
    if not cleaned.files:
        console.say("No cache entries found")
        return
    noun = "file" if cleaned.files == 1 else "files"
    console.say(f"Removed {cleaned.files} {noun} ({size(cleaned.bytes)}) from {cache_dir}")


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f}{_UNITS[unit]}" if unit else f"{count}B"
