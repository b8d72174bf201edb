"""Cached files for pins: the archive that serves a file, and the file that was chosen for a pin before.

A pin names one version of one package, and the files of a version do not change on an index; what was chosen once for
the same indexes, tags and version of Python is chosen again, until ``--refresh``: so a warm sync asks no index.
"""

import os

from puffin.artifact.artifact import WHEEL, Artifact, decisive
from puffin.artifact.urls import strip_credentials
from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.pipeline.tasks.supply import Supply
from puffin.stages.unzip.ready import archive_ready, meant_archive
from puffin.types import Iterable
from puffin.value import astuple, field_names, from_tuple, replace

FORMAT = 2
_LENGTH = 2 + len(field_names(Artifact))


def supply_of(cache: Cache, artifact: Artifact, *, again: bool = False) -> Supply:
    """Return *artifact* with the archive of the cache that serves it; without one it is to be fetched or built.

    With *again* what was stored under a file's name does not count (``--refresh``).
    """
    archive = archive_of_wheel(cache, artifact, again=again) if artifact.kind == WHEEL else ""
    ready = archive and archive_ready(cache, archive, size=artifact.size, filename=artifact.filename)
    return Supply(artifact=artifact, archive=archive if ready else "")


def archive_of_wheel(cache: Cache, artifact: Artifact, *, again: bool = False) -> str:
    """Return the archive of a wheel, ``""`` if it is unknown before the download; it may be missing from the cache."""
    return meant_archive(
        cache,
        source=artifact.source,
        name=artifact.name,
        filename=artifact.filename,
        hashes=artifact.hashes,
        again=again,
    )


def chosen_artifact(data: "bytes | None") -> "tuple[str, Artifact | None]":
    """Return the archive and the file of a choice that was written down; no file if *data* is none."""
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) != _LENGTH or fields[0] != FORMAT:
        return "", None
    return fields[1], from_tuple(Artifact, fields[2:])


class ChosenFiles:
    """The files that were chosen for pins under one configuration of indexes and one list of tags."""

    def __init__(self, cache: Cache, key: str) -> None:
        self._cache = cache
        self._directory = cache.path(Bucket.PINS, key)

    def find(self, name: str, version: str, hashes: tuple[str, ...] = ()) -> Supply | None:
        """Return the wheel that was chosen for a pin, if its archive is in the cache and *hashes* allow it."""
        data = read(self._cache.find(f"{self._directory}/{name}-{version}"))
        archive, artifact = chosen_artifact(data)
        if artifact is None or (hashes and archive not in decisive(hashes)):
            return None
        return Supply(artifact=artifact, archive=archive) if archive_ready(self._cache, archive) else None

    def put(self, supplies: "Iterable[Supply]") -> None:
        """Remember choices, except files of directories, direct URLs, and artifacts that have to be built.

        An earlier choice does not outlive the one of such an artifact.
        """
        for each in supplies:
            artifact = each.artifact
            of_index = artifact.source.startswith("index/") and not artifact.direct_url
            path = f"{self._directory}/{artifact.name}-{artifact.version}"
            try:
                if of_index and artifact.kind == WHEEL and each.archive:
                    plain = replace(artifact, url=strip_credentials(artifact.url))
                    publish_file(self._cache, path, frame.dump((FORMAT, each.archive, *astuple(plain))))
                elif of_index and os.path.exists(path):
                    os.unlink(path)
            except OSError:
                return
