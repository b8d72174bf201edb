"""Getting the metadata of one file: from the cache if it has it, else from the file itself, and then it is kept."""

import os

from puffin import depends
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Bucket, Cache
from puffin.stages.resolve.index_page import is_wheel
from puffin.stages.resolve.index_url import canonical, is_local, local_path
from puffin.stages.resolve.metadata_cache import Kept, keep, load_kept, metadata_path
from puffin.stages.resolve.metadata_errors import Malformed, offline, unreadable, unusable
from puffin.stages.resolve.metadata_parse import parse_metadata
from puffin.stages.resolve.metadata_project import Dynamic
from puffin.stages.resolve.metadata_wanted import Unbuilt, Wanted
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.universe_values import Source
from puffin.stages.unzip.errors import BadArchive
from puffin.stages.urls import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from puffin.stages.fetch.client import Client
    from puffin.stages.resolve.metadata_wheel import WheelReader

_FRESH = 600.0  # seconds for which a file without a hash, which may be replaced, is believed to be the same


class Obtainer:
    """Gets metadata, with a cache. Threads may share it; ``now`` is in seconds since the epoch.

    ``refresh`` is True, or the normalised names, where a file that may have been replaced is not believed to be
    the same; one that is known by its hash needs no such thing.
    """

    def __init__(
        self,
        *,
        client: "Client",
        cache: Cache,
        now: float,
        refresh: "bool | Collection[str]" = False,
        offline: bool = False,
    ) -> None:
        self._client = client
        self._cache = cache
        self._now = now
        self._refresh = refresh
        self._offline = offline
        self._places: dict[str, str] = {}
        self._wheels: WheelReader | None = None

    def kept(self, wanted: Wanted) -> Metadata | None:
        """Return the metadata if the cache has it; reads one small file."""
        path, mutable = self._path(wanted)
        if mutable and self._refreshes(wanted.name):
            return None
        kept = load_kept(self._cache.find(path))
        if kept is None or (kept.until and kept.until < self._now and not self._offline):
            return None
        if kept.until and not self._offline:
            depends.fresh(0.0, kept.until)
        return kept.metadata

    def _refreshes(self, name: str) -> bool:
        return self._refresh if isinstance(self._refresh, bool) else name in self._refresh

    def obtain(self, wanted: Wanted) -> Metadata | Unbuilt:
        """Return the metadata, from wherever it can be had with the fewest bytes, and keep it.

        Raises ``Unusable`` for what rules out this file, and the errors of the network.
        """
        path, mutable = self._path(wanted)
        try:
            found = self._wheel(wanted) if is_wheel(wanted.candidate.link.filename) else self._sdist(wanted)
        except Malformed as problem:
            raise unusable(wanted.package, problem.reason) from None
        except BadArchive as problem:
            raise unusable(wanted.package, "its archive is not valid", problem) from None
        except OSError as error:
            raise unreadable(wanted.package, error) from error
        if isinstance(found, Metadata):
            keep(self._cache, path, Kept(metadata=found, until=self._now + _FRESH if mutable else 0.0))
        return found

    def _is_old(self, path: str, name: str) -> bool:
        written = os.stat(path).st_mtime
        depends.fresh(written, written + _FRESH)
        age = self._now - written
        return not self._offline and (self._refreshes(name) or not 0 <= age < _FRESH)

    def _source(self, wanted: Wanted) -> str:
        """Return the sub-bucket of the cache that a remote file belongs to, as ``Artifact.source`` has it."""
        place = wanted.candidate.place
        return f"index/{self._digest(place)}" if place else f"url/{self._digest(wanted.candidate.link.url)}"

    def _path(self, wanted: Wanted) -> tuple[str, bool]:
        """Return where the metadata is kept, and whether the file may be replaced under the same identity."""
        link = wanted.candidate.link
        mutable = False
        if is_local(link.url):
            told = self._local_facts(wanted)
        elif link.hashes:
            told = " ".join(link.hashes)
        else:
            mutable = True
            told = f"{link.url} {link.size} {link.upload_time}"
        place = self._canonical(wanted.candidate.place)
        identity = "\n".join((place, link.filename, told, wanted.subdirectory))
        return metadata_path(self._cache, wanted.name, identity), mutable

    def _local_facts(self, wanted: Wanted) -> str:
        url = wanted.candidate.link.url
        depends.file(local_path(url), content=False)
        try:
            facts = os.stat(local_path(url))
        except OSError as error:
            raise unreadable(wanted.package, error) from error
        return f"{url} {facts.st_mtime_ns} {facts.st_size}"

    def _canonical(self, place: str) -> str:
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = canonical(place) if place else ""
        return known

    def _digest(self, place: str) -> str:
        return digest(self._canonical(place))

    def _wheel(self, wanted: Wanted) -> Metadata:
        return parse_metadata(self._reader().read(wanted), name=wanted.name, version=wanted.version)

    def _reader(self) -> "WheelReader":
        if self._wheels is None:
            from puffin.stages.resolve.metadata_wheel import WheelReader

            self._wheels = WheelReader(
                client=self._client, cache=self._cache, offline=self._offline, source=self._source
            )
        return self._wheels

    def _sdist(self, wanted: Wanted) -> Metadata | Unbuilt:
        from puffin.stages.resolve.metadata_sdist import sdist_metadata

        path = self.sdist_path(wanted)
        filename = wanted.candidate.link.filename
        try:
            return sdist_metadata(
                path, filename, name=wanted.name, version=wanted.version, subdirectory=wanted.subdirectory
            )
        except Dynamic as dynamic:
            source = Source(
                package=wanted.package,
                path=path,
                name=wanted.name,
                version=wanted.version,
                subdirectory=wanted.subdirectory,
                url=wanted.candidate.link.url,
            )
            return Unbuilt(source=source, reason=dynamic.reason)

    def sdist_path(self, wanted: Wanted) -> str:
        """Return where a source distribution is on this machine, having fetched it into the cache if needed."""
        link = wanted.candidate.link
        if is_local(link.url):
            return local_path(link.url)
        own, mutable = self._path(wanted)
        path = self._cache.path(Bucket.SDISTS, wanted.name or "_", os.path.basename(own), link.filename)
        known = self._cache.find(path)
        if os.path.exists(known) and not (mutable and self._is_old(known, wanted.name)):
            return known
        if self._offline:
            raise offline(wanted.package)
        from puffin.stages.fetch.download import download

        received = download(
            self._client, wanted.url, hashes=wanted.groups(), size=link.size, filename=link.filename
        )
        self._cache.initialise()
        publish_file(self._cache, path, bytes(received.data))
        return path
