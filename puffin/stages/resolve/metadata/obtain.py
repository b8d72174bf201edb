"""Metadata of one file: from the cache, or from the file and then kept in the cache."""

import os

from puffin import depends, meter
from puffin.artifact.artifact import FRESH, file_identity, only_sha256
from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Bucket, Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.digests import digests_of_file
from puffin.stages.resolve.index.config import Scope, canonical, is_local, local_path
from puffin.stages.resolve.index.page import is_wheel
from puffin.stages.resolve.metadata.parse import parse_metadata
from puffin.stages.resolve.metadata.project import Dynamic
from puffin.stages.resolve.metadata.wanted import (
    BuildSource,
    MetadataRequest,
    Unbuilt,
    offline,
    unreadable,
    unusable,
)
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.unzip.errors import BadArchive
from puffin.value import astuple, common, from_tuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.resolve.metadata.wheel import WheelReader


class Obtainer:
    """Reads metadata through the cache. Threads may share it.

    What is to be refreshed is read again if the file may have been replaced. A file with a known hash cannot have been.
    """

    def __init__(self, client: Client, cache: Cache, scope: Scope) -> None:
        self._client = client
        self._cache = cache
        self._scope = scope
        self._places: dict[str, str] = {}
        self._wheels: WheelReader | None = None

    def kept(self, wanted: MetadataRequest) -> Metadata | None:
        """Return the metadata if it is in the cache, else None; reads one small file."""
        path, mutable = self._path(wanted)
        if mutable and self._scope.refreshes(wanted.name):
            return None
        kept = load_kept(self._cache.find(path))
        if kept is None or (kept.until and kept.until < self._scope.now and not self._scope.offline):
            return None
        if kept.until and not self._scope.offline:
            depends.fresh(0.0, kept.until)
        if meter.notes(meter.REQUESTS):
            meter.note(f"Metadata of `{wanted.package}`: in the cache")
        return kept.metadata

    def obtain(self, wanted: MetadataRequest) -> Metadata | Unbuilt:
        """Return the metadata, read with the fewest bytes, and keep it in the cache.

        Raises ``Unusable`` if this file cannot be used, and the errors of the network.
        """
        path, mutable = self._path(wanted)
        try:
            _check_local(wanted)
            with meter.at("metadata", wanted.package):
                found = self._wheel(wanted) if is_wheel(wanted.candidate.link.filename) else self._sdist(wanted)
        except Malformed as problem:
            raise unusable(wanted.package, problem.reason) from None
        except BadArchive as problem:
            member = f"`{problem.member}`: " if problem.member else ""
            reason = f"its archive is not valid ({member}{problem.reason})"
            raise unusable(wanted.package, reason, problem) from None
        except OSError as error:
            raise unreadable(wanted.package, error) from error
        if isinstance(found, Metadata):
            keep_metadata(
                self._cache, path, Kept(metadata=found, until=self._scope.now + FRESH if mutable else 0.0)
            )
        return found

    def _is_old(self, path: str, name: str) -> bool:
        written = os.stat(path).st_mtime
        depends.fresh(written, written + FRESH)
        age = self._scope.now - written
        return not self._scope.offline and (self._scope.refreshes(name) or not 0 <= age < FRESH)

    def _source(self, wanted: MetadataRequest) -> str:
        """Return the sub-bucket of the cache that a remote file belongs to, as ``Artifact.source`` has it."""
        place = wanted.candidate.place
        return f"index/{self._digest(place)}" if place else f"url/{self._digest(wanted.candidate.link.url)}"

    def _path(self, wanted: MetadataRequest) -> tuple[str, bool]:
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
        if is_local(link.url) or wanted.unvouched:
            told = " ".join((told, *[each for group in wanted.groups() for each in group]))
        place = self._canonical(wanted.candidate.place)
        identity = "\n".join((place, link.filename, told, wanted.subdirectory))
        return kept_path(self._cache, wanted.name, identity), mutable

    def _local_facts(self, wanted: MetadataRequest) -> str:
        url = wanted.candidate.link.url
        depends.file(local_path(url), content=False)
        try:
            facts = os.stat(local_path(url))
        except OSError as error:
            raise unreadable(wanted.package, error) from error
        return f"{url} {file_identity(facts)}"

    def _canonical(self, place: str) -> str:
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = canonical(place) if place else ""
        return known

    def _digest(self, place: str) -> str:
        return digest(self._canonical(place))

    def _wheel(self, wanted: MetadataRequest) -> Metadata:
        return parse_metadata(self._reader().read(wanted), name=wanted.name, version=wanted.version)

    def _reader(self) -> "WheelReader":
        if self._wheels is None:
            from puffin.stages.resolve.metadata.wheel import WheelReader

            self._wheels = WheelReader(
                client=self._client, cache=self._cache, offline=self._scope.offline, source=self._source
            )
        return self._wheels

    def _sdist(self, wanted: MetadataRequest) -> Metadata | Unbuilt:
        from puffin.stages.resolve.metadata.sdist import sdist_metadata

        path = self.sdist_path(wanted)
        filename = wanted.candidate.link.filename
        try:
            return sdist_metadata(
                path, filename, name=wanted.name, version=wanted.version, subdirectory=wanted.subdirectory
            )
        except Dynamic as dynamic:
            source = BuildSource(path=path, url=wanted.candidate.link.url, **common(BuildSource, wanted))
            return Unbuilt(source=source, reason=dynamic.reason)

    def sdist_path(self, wanted: MetadataRequest) -> str:
        """Return the local path of a source distribution, fetched into the cache if needed."""
        link = wanted.candidate.link
        if is_local(link.url):
            return local_path(link.url)
        own, mutable = self._path(wanted)
        known_hash = "" if wanted.unvouched else only_sha256(link.hashes)
        identity = known_hash[:32] or (
            os.path.basename(own) if wanted.groups() else digest(link.url)
        )  # as builds do
        path = self._cache.path(Bucket.SDISTS, wanted.name or "_", identity, link.filename)
        known = self._cache.find(path)
        if os.path.exists(known) and not (mutable and self._is_old(known, wanted.name)):
            return known
        if self._scope.offline:
            raise offline(wanted.package)
        from puffin.stages.fetch.download import download

        received = download(
            self._client, wanted.url, hashes=wanted.groups(), size=link.size, filename=link.filename
        )
        self._cache.initialise()
        publish_file(self._cache, path, bytes(received.data))
        return path


def _check_local(wanted: MetadataRequest) -> None:
    """Raise ``HashMismatch`` unless a local file has the hashes that are demanded of it."""
    link, groups = wanted.candidate.link, wanted.groups()
    if not groups or not is_local(link.url):
        return
    digests_of_file(local_path(link.url), groups).check(groups, link.filename, link.url)


_FORMAT = "metadata 3"
_FIELDS = 5  # all but ``built`` and ``source``: what a build tells is kept with the build


@frozen
class Kept:
    """Metadata in the cache, valid ``until`` a time in seconds since the epoch; 0 for ever."""

    metadata: Metadata
    until: float = 0.0


def kept_path(cache: Cache, name: str, identity: str) -> str:
    """Return the path in the cache of the metadata of a file; *name* is that of the project (normalised, or empty).

    *identity* is different for different files: it has the place and name of the file, and its hash or something
    else that changes with its content.
    """
    return cache.path(Bucket.METADATA, name or "_", digest(identity))


def load_kept(path: str) -> Kept | None:
    """Return the metadata at *path*; None if it is missing, damaged or of another format."""
    data = read(path)
    value = None if data is None else frame.load(data)
    if type(value) is not tuple or len(value) != 3 or value[0] != _FORMAT or len(value[1]) != _FIELDS:
        return None
    return Kept(metadata=from_tuple(Metadata, (*value[1], False, None)), until=value[2])


def keep_metadata(cache: Cache, path: str, kept: Kept) -> None:
    """Keep metadata at *path*; if the cache cannot be written to, the next run reads it again."""
    row = astuple(kept.metadata)[:_FIELDS]
    try:
        cache.initialise()
        publish_file(cache, path, frame.dump((_FORMAT, row, kept.until)))
    except OSError:
        pass
