"""The link stage for many environments: one archive's trees, one after the other while its directories are warm."""

from puffin import meter
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.bytecode.layer import layer_path, manifest_path, read_layer
from puffin.stages.link.direct_url import with_hash, with_source
from puffin.stages.link.linker import ArchiveGone, Target, clear_stage, link_found
from puffin.stages.unzip.manifest import BYTES, read_names
from puffin.value import from_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from puffin.stages.bytecode.layer import Layer

    Place = tuple[str, tuple[Any, ...], bool, str, str, int, str]
    Linked = tuple[str, int]


def link_all(
    *, archive: str, cache_root: str, places: "tuple[Place, ...]", source: "tuple[Any, ...] | None" = None
) -> "tuple[str, tuple[Linked | bytes, ...]]":
    """Build the tree of an archive in each of *places*; return the archive and what came of each.

    A place is ``(stage, target, requested, direct_url, mode, stamp, bytecode)``, as the arguments of
    :func:`~puffin.stages.link.linker.link`; *source* is as there. It came to ``(link mode used, files)``, or to a
    pickled error where that environment alone is in the way. Raises :class:`ArchiveGone`; then no place has a tree.
    """
    cache = Cache(cache_root)
    found = read_names(cache.manifest(archive))
    if found is None:
        raise ArchiveGone(archive=archive)
    root = cache.archive(archive)
    layers = {kind: _layer(cache, kind, archive) for kind in {place[6] for place in places}}
    results: list[Linked | bytes] = []
    try:
        for stage, target, requested, direct_url, mode, stamp, bytecode in places:
            try:
                linked: Linked | bytes = link_found(
                    found,
                    root,
                    stage,
                    from_tuple(Target, target),
                    requested=requested,
                    direct_url=with_source(with_hash(direct_url, archive), source),
                    mode=mode,
                    stamp=stamp,
                    layer=layers[bytecode],
                )
            except ArchiveGone:
                raise
            except PuffinError as error:
                linked = _pickled(error)
            results.append(linked)
    except ArchiveGone:
        for place in places[: len(results) + 1]:
            clear_stage(place[0])
        raise
    meter.count(taken=found[0][BYTES], given=found[0][BYTES] * len(places))
    return archive, tuple(results)


def _layer(cache: Cache, kind: str, archive: str) -> "tuple[Layer, str] | None":
    layer = read_layer(manifest_path(cache, kind, archive)) if kind else None
    return (layer, layer_path(cache, kind, archive)) if layer else None


def _pickled(error: PuffinError) -> bytes:
    import pickle

    return pickle.dumps(error)
