"""What was pruned from the cache, and when: a later run can say why it has to do something again."""

import time

from puffin.cache import frame
from puffin.cache.atomic import publish_file
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read
from puffin.reasons import NOT_CACHED, PRUNED, Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST = 20_000  # entries that are remembered
_ABSENT = Reason(kind=NOT_CACHED)
_LONG = 180 * 86400.0  # seconds for which they are


def _path(cache: Cache) -> str:
    return cache.path(Bucket.PRUNED, "log")


def _read(cache: Cache) -> "dict[str, float]":
    data = read(_path(cache))
    found = frame.load(data) if data else None
    return found if isinstance(found, dict) else {}


def pruned_names(cache: Cache, paths: "Iterable[str]") -> "Iterator[str]":
    """Yield the names by which removed paths are known.

    These are hashes of archives, names of wheels, revisions of builds, keys of build environments, and layers.
    """
    kinds = (Bucket.ARCHIVE, Bucket.WHEELS, Bucket.BUILT, Bucket.BUILD_ENVIRONMENTS, Bucket.PYC)
    archives, wheels, built, environments, layers = [f"{cache.path(each)}/" for each in kinds]
    for path in paths:
        if path.startswith((archives, wheels)):
            yield path.rpartition("/")[2].removesuffix(".manifest")
        elif path.startswith((built, environments)):
            yield path.removeprefix(built).removeprefix(environments).partition("/")[0]
        elif path.startswith(layers):
            kind, _, archive = path.removeprefix(layers).removesuffix(".manifest").partition("/")
            yield pruned_layer(kind, archive.rpartition("/")[2])


def pruned_layer(kind: str, archive: str) -> str:
    """Return the name of the bytecode of an archive for a kind of interpreter."""
    return f"{kind}/{archive}"


def note_pruned(cache: Cache, names: "Iterable[str]") -> None:
    """Remember that the entries of these *names* were removed now: see :func:`pruned_names`."""
    now = time.time()
    found = {name: at for name, at in _read(cache).items() if at > now - _LONG}
    found.update(dict.fromkeys(names, now))
    if not found:
        return
    latest = sorted(found.items(), key=lambda each: -each[1])[:_MOST]
    try:
        publish_file(cache, _path(cache), frame.dump(dict(latest)))
    except OSError:
        pass  # then nobody will know


def pruned(cache: Cache, *names: str, otherwise: Reason = _ABSENT) -> Reason:
    """Return that one of the entries of these *names* was pruned, and when; else *otherwise*."""
    known = _read(cache)
    at = max([known[name] for name in names if name in known], default=0.0)
    return Reason(kind=PRUNED, before=f"{at:.0f}") if at else otherwise
