"""Archives are checked before they are linked again: damage in an environment may also be in the cache.

A file that is edited in place in an environment is edited in the cache too, where both are one by a hard
link. Linking it again would not repair it.
"""

from zlib import crc32

from puffin.stages.unzip.manifest import read_manifest
from puffin.stages.unzip.ready import discard_archive, files, sizes_match
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from puffin.cache.layout import Cache
    from puffin.pipeline.request.session import Session
    from puffin.pipeline.tasks.supply import Supply


def damaged_archives(
    supplies: "Sequence[Supply]", again: "Collection[str]", damaged: "Collection[str]", session: "Session"
) -> "set[str]":
    """Remove the damaged archives of *supplies* from the cache, with a warning, and return them.

    Of the names in *again* the size of every file is compared, of those in *damaged* the content too.
    """
    gone = set()
    for each in supplies:
        name = each.artifact.name
        if each.archive and name in again and not _whole(session.cache, each.archive, name in damaged):
            without_archive(each, session)
            gone.add(each.archive)
    return gone


def without_archive(supply: "Supply", session: "Session") -> "Supply":
    """Remove a damaged archive, with a warning, and return the supply as one to be fetched."""
    session.reporter.warn(f"The cached archive of `{supply.artifact.name}` was damaged; fetching it again")
    discard_archive(session.cache, supply.archive)
    return replace(supply, archive="")


def _whole(cache: "Cache", archive: str, contents: bool) -> bool:
    manifest = read_manifest(cache.manifest(archive))
    root = cache.archive(archive)
    if manifest is None or not sizes_match(root, manifest):
        return False
    return not contents or all(_checksum(path) == checksum for path, _, checksum in files(root, manifest))


def _checksum(path: str) -> int:
    with open(path, "rb") as file:
        return crc32(file.read())
