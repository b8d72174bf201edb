"""METADATA of a wheel, read with the fewest bytes: from the cache, the PEP 658 file, a range, or the whole wheel."""

import mmap
import os
from collections.abc import Callable

from puffin.artifact.artifact import only_sha256
from puffin.cache.layout import Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.digests import Hashers
from puffin.stages.fetch.failures import RequestRefused
from puffin.stages.resolve.index.config import is_local, local_path
from puffin.stages.resolve.metadata.wanted import MetadataRequest, NotWhole, offline
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.unzip.errors import CacheWriteFailed
from puffin.stages.unzip.ready import archive_ready, archived_metadata
from puffin.stages.unzip.store import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined, unused-ignore]

    from puffin.stages.fetch.ranges import Whole


class WheelReader:
    """Reads METADATA of wheels. *source* returns the sub-bucket of the cache for a wheel."""

    def __init__(
        self, *, client: "Client", cache: Cache, offline: bool, source: "Callable[[MetadataRequest], str]"
    ) -> None:
        self._client = client
        self._cache = cache
        self._offline = offline
        self._source = source
        self._whole_only: set[str] = set()

    def read(self, wanted: MetadataRequest) -> bytes:
        """Return METADATA of a wheel; raises ``Unusable``, :class:`NotWhole` and the errors of the network."""
        link = wanted.candidate.link
        if is_local(link.url):
            return _from_file(local_path(link.url), link.filename)
        data = self._from_archive(_sure_hashes(wanted), link.filename)
        if data is None:
            if self._offline:
                raise offline(wanted.package)
            data = self._separate(wanted) if link.metadata and not wanted.unvouched else None
        return self._from_wheel(wanted) if data is None else data

    def _from_archive(self, hashes: tuple[str, ...], filename: str) -> bytes | None:
        """Return METADATA of a wheel that is unzipped in the cache, None if it is not."""
        sha256 = only_sha256(hashes)
        if not sha256 or not archive_ready(self._cache, sha256, filename=filename):
            return None
        return archived_metadata(self._cache, sha256) or None

    def _separate(self, wanted: MetadataRequest) -> bytes | None:
        """Return the metadata file beside the wheel (PEP 658), None if it does not exist in spite of the index."""
        link = wanted.candidate.link
        address, mark, query = wanted.url.partition("?")
        url = f"{address}.metadata{mark}{query}"
        try:
            reply = self._client.get(url)
        except RequestRefused:
            return None
        if reply.status != 200:
            return None
        groups = ((link.metadata,),) if ":" in link.metadata else ()
        _check(reply.body, groups, f"{link.filename}.metadata", url)
        return reply.body

    def _from_wheel(self, wanted: MetadataRequest) -> bytes:
        """Return METADATA from the wheel itself: by ranges, or by the whole wheel, which is then unzipped and kept."""
        from puffin.stages.fetch.download import download
        from puffin.stages.fetch.ranges import NoRanges, Unranged, Whole, read_member

        link = wanted.candidate.link
        url = wanted.url
        origin = url[: url.find("/", url.find("://") + 3)]
        if origin not in self._whole_only and not wanted.unvouched:
            try:
                data = read_member(self._client, url, _own_metadata, size=link.size)
            except Unranged as problem:
                if isinstance(problem, NoRanges):
                    self._whole_only.add(origin)
            else:
                return self._keep_whole(wanted, url, origin, data) if isinstance(data, Whole) else data
        if not wanted.whole:
            raise NotWhole
        received = download(self._client, url, hashes=wanted.groups(), size=link.size, filename=link.filename)
        return self._store(wanted, received.sha256, received.data)

    def _keep_whole(self, wanted: MetadataRequest, url: str, origin: str, whole: "Whole") -> bytes:
        self._whole_only.add(origin)
        sha256 = _check(whole.data, wanted.groups(), wanted.candidate.link.filename, url)
        return self._store(wanted, sha256, whole.data)

    def _store(self, wanted: MetadataRequest, sha256: str, data: "Buffer") -> bytes:
        filename = wanted.candidate.link.filename
        text = _metadata_in(data, filename)
        try:
            store(
                fetched=(sha256, memoryview(data).nbytes, data),
                filename=filename,
                name=wanted.name,
                source=self._source(wanted),
                cache_root=self._cache.root,
            )
        except CacheWriteFailed:
            pass  # who installs it will say so
        return text


def _sure_hashes(wanted: MetadataRequest) -> tuple[str, ...]:
    """Return hashes that the file has for certain, or has to have."""
    return wanted.hashes if wanted.unvouched and wanted.hashes else wanted.candidate.link.hashes


def _own_metadata(names: list[str]) -> str:
    """Return the member with the wheel's METADATA among *names*; ValueError if there is none, or a choice."""
    found = [name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1]
    if len(found) != 1:
        raise ValueError(f"{len(found)} METADATA files")
    return found[0]


def _metadata_in(data: "Buffer", filename: str) -> bytes:
    from puffin.stages.unzip.unzip import read_metadata

    return read_metadata(data, filename)


def _from_file(path: str, filename: str) -> bytes:
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise Malformed("the file is empty")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return _metadata_in(data, filename)  # the map goes with the last view of it


def _check(data: bytes, groups: tuple[tuple[str, ...], ...], filename: str, url: str) -> str:
    """Return the SHA-256 of *data*; raises :class:`HashMismatch` unless every group holds."""
    hashers = Hashers(groups)
    hashers.update(data)
    hashers.check(groups, filename, url)
    return hashers.sha256
