"""Keeping the answer of a run that found nothing to do, if everything that it depends on is known."""

import os

from puffin.cache import frame
from puffin.depends import Dependencies, unsure
from puffin.types import Any, Mapping

# Options that ask for more than an answer, or for one that must not come from memory.
_NEVER = (
    "verbose", "dry_run", "refresh", "refresh_package", "rebuild", "reinstall", "reinstall_package", "verify",
    "profile", "trace", "otlp", "dashboard", "report", "no_cache", "changed_since",
)  # fmt: skip


def judge_options(options: "Mapping[str, Any]", environ: "Mapping[str, str]") -> None:
    """Take note of *options*, configuration included, whose answer is not to be kept."""
    for name in _NEVER:
        if options.get(name):
            unsure(f"`{name}` is asked for")
    if environ.get("GITHUB_ACTIONS"):
        unsure("GitHub is to be told")


def keep(root: str, path: str, noted: "Dependencies") -> bool:
    """Keep the answer to a question in its file *path* of the cache at *root*; return whether there is one to keep."""
    if not noted.settled or noted.doubts:
        return False
    from puffin.cache.atomic import PRIVATE, publish_file
    from puffin.cache.layout import Cache

    fields = (
        os.path.basename(path),
        noted.since,
        noted.until,
        tuple(noted.files.items()),
        noted.texts,
        tuple(noted.kinds.items()),
        tuple(noted.directories.items()),
        tuple(noted.contents.items()),
        tuple(noted.variables.items()),
        tuple(noted.environments.items()),
        tuple(noted.said),
    )
    try:
        cache = Cache(root, lower=())
        cache.initialise()
        publish_file(cache, path, frame.dump(fields), mode=PRIVATE)
    except (OSError, ValueError):
        return False  # then the next run finds its answer again
    return True
