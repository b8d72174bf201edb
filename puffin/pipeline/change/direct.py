"""Pins with URLs as the plan needs them: their direct_url.json, and their archive if it is known."""

import json
import os
from collections.abc import Callable, Iterable, Mapping

from puffin.artifact.artifact import Artifact
from puffin.artifact.urls import file_url
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.pipeline.request.builds import as_built
from puffin.pipeline.request.session import Session
from puffin.pipeline.request.settings import Settings
from puffin.stages.link.commit.installplan import Present, WantedDistribution, wanted_of
from puffin.stages.resolve.index.config import bare, is_local, local_path
from puffin.stages.resolve.locate.errors import FileMissing
from puffin.stages.resolve.locate.file_choice import FileTarget
from puffin.stages.resolve.locate.source import Commits, source_kind
from puffin.stages.resolve.locate.url import locate_url, place_of
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.unzip.ready import known_archive
from puffin.value import replace

UNKNOWN = "unknown"  # no archive's identity: the file changed, or the cache does not know it


class Directs:
    """Makes pins with URLs comparable. *commits* finds the commit of a repository's URL.

    *told* returns an artifact that has to be built with a ``source`` that changes with what the build is told.
    """

    def __init__(
        self,
        cache: "Cache",
        present: "Iterable[Present]",
        commits: "Commits",
        told: "Callable[[Artifact], Artifact]" = lambda artifact: artifact,
    ) -> None:
        self._told = told
        self._cache = cache
        self._present = {each.name: each for each in present}
        self._commits = commits
        self._built: dict[str, WantedDistribution] = {}

    def wanted(self, pin: "Pin", known: "Mapping[str, str]", *, refresh: bool) -> WantedDistribution:
        """Return *pin* as the plan compares it; *known* and *refresh* are as for :func:`wanted_direct`."""
        kind = source_kind(pin)
        if not kind:
            return wanted_direct(pin, known, self._cache, refresh=refresh)
        if pin.name not in self._built:
            self._built[pin.name] = self._to_build(pin, kind, refresh=refresh)
        return self._built[pin.name]

    def _to_build(self, pin: "Pin", kind: str, *, refresh: bool) -> WantedDistribution:
        """Return what would be built; whatever stands against it is left to the search, which tells of all pins."""
        unknown = WantedDistribution(name=pin.name, version="", url=pin.url, direct_url="{}", source=UNKNOWN)
        if pin.name not in self._present:
            return unknown
        try:
            artifact = self._told(locate_url(pin, FileTarget((), ""), commits=self._commits))
        except PuffinError:
            return unknown
        changed = (refresh and artifact.source.startswith("url/")) or self._other_hash(pin)
        return wanted_of(replace(artifact, source=UNKNOWN) if changed else artifact)

    def _other_hash(self, pin: "Pin") -> bool:
        """Tell whether what is installed is known to have none of the pinned hashes."""
        text = self._present[pin.name].direct_url
        try:
            found = dict(json.loads(text)["archive_info"]["hashes"]) if pin.hashes and text else {}
        except (ValueError, TypeError, KeyError):
            return False
        algorithms = {each.partition(":")[0] for each in pin.hashes}
        said = [f"{name}:{value}" for name, value in found.items() if name in algorithms]
        return bool(said) and not any(each in pin.hashes for each in said)


def directs_of(present: "Iterable[Present]", settings: Settings, session: Session) -> Directs:
    """Return what makes pins with URLs comparable to what is *present*."""
    return Directs(
        session.cache,
        present,
        session.commits,
        lambda artifact: as_built(artifact, settings, session.environ, session.cache),
    )


def wanted_direct(
    pin: "Pin", known: "Mapping[str, str]", cache: "Cache", *, refresh: bool
) -> WantedDistribution:
    """Return a pin with the URL of a wheel, as the plan compares it.

    ``known`` are archives found out by now, by name. A pinned hash names the archive by itself; a local
    file is the archive that it was unzipped to, until its modification time or size changes; a remote one
    is what it was, until *refresh*.
    """
    address = pin.url.partition("#")[0]
    local = is_local(address)
    url = bare(file_url(local_path(address)) if local else address)
    archive = known.get(pin.name) or _pinned(pin)
    if not archive and local and not pin.editable:
        archive = _of_local(pin, local_path(address), url, cache)
    return WantedDistribution(
        name=pin.name, version="", url=url, archive=archive or (UNKNOWN if refresh else "")
    )


def _pinned(pin: "Pin") -> str:
    hashes = [each for each in pin.hashes if each.startswith("sha256:")]
    return hashes[0][7:] if len(pin.hashes) == len(hashes) == 1 else ""


def _of_local(pin: "Pin", path: str, url: str, cache: "Cache") -> str:
    if os.path.isdir(path):
        return ""
    try:
        source, _ = place_of(url, "", pin)
    except FileMissing:
        return UNKNOWN
    return known_archive(cache, source, pin.name, os.path.basename(path)) or UNKNOWN
