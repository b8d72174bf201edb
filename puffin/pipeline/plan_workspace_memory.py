"""What a configuration file said the last time, so that a no-op need not parse TOML. On the way of a no-op.

A record holds as long as its file has the modification and change time, size and number that it had, and is not made
of a file so young that it might change once more within the same tick of the clock.
"""

import os
import time
from zlib import crc32

from puffin.cache import frame
from puffin.cache.layout import Bucket
from puffin.cache.reading import read
from puffin.pipeline.plan_workspace_specs import EnvSpec, GlobSpec, Workspace
from puffin.value import astuple, from_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.cache.layout import Cache

FORMAT = 2
_YOUNG = 1_000_000_000  # ns


def remember(cache: "Cache", files: "dict[str, Workspace | None]") -> None:
    """Keep what each of *files* says, None for one that says nothing of environments."""
    from puffin.cache.atomic import publish_file

    for path, workspace in files.items():
        entry = _entry(cache, path)
        try:
            stamp = _stamp(path)
            fields = (FORMAT, path, stamp, _wire(workspace))
            old = time.time_ns() - max(stamp[0], stamp[1]) > _YOUNG
            if old and recall(cache, path) is None:
                cache.initialise()
                publish_file(cache, entry, frame.dump(fields))
        except OSError:
            pass


def recall(cache: "Cache", path: str) -> "tuple[Workspace | None] | None":
    """Return what the file at *path* says, in a tuple of one; None where that is not known for sure."""
    data = read(_entry(cache, path))
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != 4 or fields[:2] != (FORMAT, path):
        return None
    try:
        if fields[2] != _stamp(path):
            return None
        return (_from_wire(fields[3]),)
    except (OSError, TypeError, ValueError):
        return None


def _entry(cache: "Cache", path: str) -> str:
    data = os.fsencode(path)
    return cache.path(Bucket.WORKSPACES, f"{crc32(data):08x}-{len(data)}")


def _stamp(path: str) -> "tuple[int, ...]":
    facts = os.stat(path)
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino


def _wire(workspace: "Workspace | None") -> "Any":
    if workspace is None:
        return None
    specs = tuple([astuple(each) for each in workspace.specs])
    return workspace.root, workspace.file, specs, tuple([astuple(each) for each in workspace.globs])


def _from_wire(fields: "Any") -> "Workspace | None":
    if fields is None:
        return None
    root, file, specs, globs = fields
    return Workspace(
        root=root,
        file=file,
        specs=tuple([from_tuple(EnvSpec, each) for each in specs]),
        globs=tuple([from_tuple(GlobSpec, each) for each in globs]),
    )
