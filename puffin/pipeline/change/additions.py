"""What a commit brings in, and what it finds behind symlinks to sealed trees."""

import os

from puffin.cache.layout import Cache
from puffin.pipeline.request.settings import Settings
from puffin.stages.bytecode.layer import manifest_path, read_layer
from puffin.stages.link.commit.commitplan import Addition, Homes
from puffin.stages.link.commit.placement import Behind, StagedPart
from puffin.stages.link.commit.state import State
from puffin.stages.link.files import TREE
from puffin.stages.link.linker import ArchiveGone
from puffin.stages.link.sealed import read_sealed, sealed_at, tree_path
from puffin.stages.unzip.manifest import NAME, PURELIB, Outline, outline, read_names
from puffin.types import Collection
from puffin.value import replace


def with_mode(settings: "Settings", state: "State | None") -> "Settings":
    """Return *settings*; if no link mode is asked for, an environment of sealed trees stays one."""
    stays = not settings.link_mode and state is not None and any(each.mode for each in state.distributions)
    return replace(settings, link_mode=TREE) if stays else settings


def addition(
    cache: "Cache",
    staged: str,
    archive: str,
    direct_url: str,
    known: "Outline | None",
    source: str,
    bytecode: str,
    mode: str,
) -> Addition:
    """Return what was staged at *staged*; *known* is what is known of its archive already (``ArchiveGone``)."""
    path = cache.manifest(archive)
    sealed = read_sealed(tree_path(cache, bytecode, archive)) if mode == TREE else None
    if sealed and not all(os.path.islink(f"{staged}/{each}") for each in sealed.links[:1]):
        sealed = None  # symlinks are impossible there
    found = (sealed.header, sealed.tree) if sealed else None if known else read_names(path)
    known = outline(*found) if found else known
    if known is None:
        raise ArchiveGone(archive=archive)
    layer = read_layer(manifest_path(cache, bytecode, archive)) if bytecode and not sealed else None
    return Addition(
        staged=staged,
        archive=archive,
        direct_url=direct_url,
        manifest=path,
        header=known[0],
        directories=known[1],
        source=source,
        bytecode=bytecode if sealed or layer else "",
        layer=sealed.layer if sealed else layer.tree if layer else (),
        sealed=sealed,
        mode=mode,
    )


def parts_behind(cache: "Cache", homes: "Homes", staying: "Collection[str]", room: str) -> "Behind":
    """Return what finds the part behind a symlink of one of the *staying* distributions; it is staged in *room*."""
    parts: dict[str, StagedPart] = {}

    def behind(path: str) -> "tuple[StagedPart, str] | None":
        root, archive, inner = sealed_at(path) or ("", "", "")
        sealed = read_sealed(root) if root else None
        if sealed is None or sealed.header[NAME] not in staying:
            return None
        home = homes.site(sealed.header[PURELIB])
        if root not in parts:
            parts[root] = StagedPart(
                name=sealed.header[NAME],
                staged=f"{room}/opened-{len(parts)}",
                home=home,
                tops=(),
                manifest=cache.manifest(archive),
                sealed=sealed,
            )
        return (parts[root], inner) if path == f"{home}/{inner}" else None

    return behind
