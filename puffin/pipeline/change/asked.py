"""What an environment was resolved from the last time: so a changed version can be told from a changed requirement."""

from puffin.artifact.urls import digest
from puffin.cache import frame
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read
from puffin.reasons import LOCK, NEWER_FILE, OTHER_VERSION, REQUIREMENT, Reason, first_difference
from puffin.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.stages.resolve.projects.sources import Sources

_KINDS = {"requirement": REQUIREMENT, "lock": LOCK}


def asked_of(sources: "Sources", lock: bytes) -> "dict[str, str]":
    """Return what a resolution is made from besides the indexes, as digests by name; *lock* has the preferred pins."""
    told: dict[str, list[str]] = {}
    requirements = sources.requirements
    for entry in (*requirements.entries, *requirements.constraints, *sources.overrides, *sources.reached):
        parts = (entry.specifier, entry.extras, entry.marker, entry.url, entry.hashes, entry.constraint)
        told.setdefault(entry.name or entry.text, []).append(repr(parts))
    found = {f"requirement:{name}": digest(repr(sorted(parts))) for name, parts in told.items()}
    return {**found, "lock:": digest(repr(lock))}


def version_reason(reason: Reason, asked: "Mapping[str, str]", cache: Cache, path: str) -> Reason:
    """Return why the environment at *path* gets another version: what was asked changed, or there is a newer file."""
    former = read_asked(cache, path)
    if reason.kind != OTHER_VERSION or former is None:
        return reason
    own = first_difference(former, asked, _KINDS)
    if own is None:
        return replace(reason, kind=NEWER_FILE)
    return replace(reason, kind=own.kind, subject=own.subject)


def _place(cache: Cache, path: str) -> str:
    return cache.path(Bucket.INPUTS, f"asked-{digest(path)}")


def read_asked(cache: Cache, path: str) -> "dict[str, str] | None":
    """Return what the environment at *path* was resolved from the last time, None if that is not known."""
    data = read(_place(cache, path))
    found = frame.load(data) if data else None
    return found if isinstance(found, dict) else None


def keep_asked(cache: Cache, path: str, asked: "dict[str, str]") -> None:
    """Keep what an environment was resolved from. Where nothing can be kept, the next run knows less."""
    if read_asked(cache, path) == asked:
        return
    try:
        publish_file(cache.own, _place(cache, path), frame.dump(asked))
    except OSError:
        pass
