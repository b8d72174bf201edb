"""The shelf: for plain pins, which file was chosen the last time, so that a warm sync asks no index page.

A pin names one version of one package, and the files of a version do not change on an index; what was
chosen once for the same indexes and the same tags is chosen again, until ``--refresh``.
"""

import os

from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.pipeline.plan_graph import Supply
from puffin.stages.artifact import WHEEL, Artifact
from puffin.stages.unzip.ready import archive_ready
from puffin.stages.urls import strip_credentials
from puffin.value import astuple, field_names, from_tuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FORMAT = 2
_LENGTH = 2 + len(field_names(Artifact))


class Shelf:
    """What was chosen for pins under one configuration of indexes and one list of tags."""

    def __init__(self, cache: Cache, key: str) -> None:
        self._cache = cache
        self._directory = cache.path(Bucket.PINS, key)

    def find(self, name: str, version: str) -> Supply | None:
        """Return the wheel that was chosen for ``name==version``, if its archive is in the cache."""
        data = read(self._cache.find(f"{self._directory}/{name}-{version}"))
        fields = frame.load(data) if data else None
        if not isinstance(fields, tuple) or len(fields) != _LENGTH or fields[0] != FORMAT:
            return None
        archive = fields[1]
        if not archive_ready(self._cache, archive):
            return None
        return Supply(artifact=from_tuple(Artifact, fields[2:]), archive=archive)

    def put(self, supplies: "Iterable[Supply]") -> None:
        """Remember choices. Files of directories and direct URLs are not for the shelf, nor what has to be built."""
        for each in supplies:
            artifact = each.artifact
            of_index = artifact.source.startswith("index/") and not artifact.direct_url
            if of_index and artifact.kind == WHEEL and each.archive:
                plain = replace(artifact, url=strip_credentials(artifact.url))
                path = f"{self._directory}/{artifact.name}-{artifact.version}"
                try:
                    publish_file(self._cache, path, frame.dump((FORMAT, each.archive, *astuple(plain))))
                except OSError:
                    return


def shelf_key(places: str, tags: str) -> str:
    """Return the shelf's name for a digest of index places and one of tags."""
    return f"{places}-{tags}"


def forget(cache: Cache, names: "Iterable[str]") -> None:
    """Take everything about packages off all shelves."""
    wanted = frozenset(names)
    root = cache.path(Bucket.PINS)
    try:
        shelves = os.listdir(root)
    except FileNotFoundError:
        return
    for shelf in shelves:
        for entry in os.listdir(f"{root}/{shelf}"):
            if entry.rpartition("-")[0] in wanted:
                os.unlink(f"{root}/{shelf}/{entry}")
