"""A layer: the bytecode of one archive for one kind of interpreter, beside the archives in the cache.

``pyc-v0/<kind>/<aa>/<sha256>/`` mirrors the archive's directories, with a ``__pycache__`` in each that holds
modules; ``<sha256>.manifest`` is written when all is there. ``<kind>`` says what the bytecode is for: the cache
tag, the magic number and the optimisation level.

A ``.pyc`` names the modification time of its source (PEP 552, timestamps), and a hard link, a clone or a copy
that keeps times has that of the archive. An archive that was unzipped again has others. So a layer holds the
time of its archive's directory, in seconds as in a ``.pyc``, and is none if that differs.

The manifest holds two frames. Header: ``(FORMAT, seconds, boot id, has a __pycache__ at the top)``. Body:
``(((directory, (name, …)), …), ((size, …), …), rows)`` of every ``__pycache__``, ``rows`` being the text for RECORD.
"""

import os

from puffin.cache.atomic import publish_file
from puffin.cache.frame import dump, load_at
from puffin.cache.layout import Bucket, Cache
from puffin.cache.reading import read_beginning
from puffin.stages.unzip.record import quoted
from puffin.types import Sequence
from puffin.value import frozen

FORMAT = 1
CACHE = "__pycache__"
HASH_MODES = ("checked", "unchecked")  # bytecode that names the hash of its source, compared with it or not
_FIRST_READ = 256  # bytes; the header


@frozen
class Layer:
    """What link must know of a layer; ``tree`` is ``((directory, (name, …)), …)``, ``sizes`` go with it."""

    top: bool
    tree: "tuple[tuple[str, tuple[str, ...]], ...]"
    sizes: "tuple[tuple[int, ...], ...]"
    rows: str


def interpreter_kind(cache_tag: str, magic: str, level: int = 0, mode: str = "") -> str:
    """Return the name of a kind of bytecode; ``""`` for an interpreter that keeps none (PEP 3147).

    *mode* is one of :data:`HASH_MODES`, or ``""`` for bytecode that names the time of its source (PEP 552).
    """
    return f"{cache_tag}-{magic}-{level}{mode and f'-{mode}'}" if cache_tag and magic else ""


def mode_of(kind: str) -> str:
    """Return the mode in the name of a kind of bytecode."""
    last = kind.rpartition("-")[2]
    return last if last in HASH_MODES else ""


def layer_path(cache: "Cache", kind: str, archive: str) -> str:
    """Return the directory of the layer of an archive, in the cache that has it."""
    path = cache.path(Bucket.PYC, kind, archive[:2], archive)
    return cache.find(f"{path}.manifest")[: -len(".manifest")] if cache.lower else path


def manifest_path(cache: "Cache", kind: str, archive: str) -> str:
    """Return the manifest of the layer of an archive."""
    return f"{layer_path(cache, kind, archive)}.manifest"


def archive_time(cache: "Cache", archive: str) -> int:
    """Return the modification time of an archive's directory in seconds, -1 where there is none."""
    try:
        return int(os.stat(cache.archive(archive)).st_mtime)
    except OSError:
        return -1


def layer_ready(cache: "Cache", kind: str, archive: str, boot: str) -> bool:
    """Tell whether the layer of an archive exists, is complete, and belongs to the present archive.

    *boot* is the current boot: what an earlier one wrote may be cut short, so its sizes are compared, once.
    """
    path = manifest_path(cache, kind, archive)
    header = load_at(read_beginning(path, _FIRST_READ), 0)[0]
    if not _is_header(header) or header[1] != archive_time(cache, archive):
        return False
    return (
        header[2] in ("", boot) or not path.startswith(f"{cache.root}/") or _settle(cache, kind, archive, path)
    )


def read_layer(path: str) -> "Layer | None":
    """Return the layer whose manifest is *path*; None for a missing, damaged or older one."""
    data = read_beginning(path)
    header, end = load_at(data, 0)
    body = load_at(data, end)[0]
    if not _is_header(header) or not isinstance(body, tuple) or len(body) != 3:
        return None
    return Layer(top=header[3], tree=body[0], sizes=body[1], rows=body[2])


def encode_layer(layer: Layer, *, seconds: int, boot: str) -> bytes:
    """Return the bytes of a manifest."""
    return dump((FORMAT, seconds, boot, layer.top)) + dump((layer.tree, layer.sizes, layer.rows))


def layer_of(files: "Sequence[tuple[str, int]]") -> Layer:
    """Return the layer that holds *files*: ``(path, size)``, by directory."""
    tree: dict[str, tuple[list[str], list[int]]] = {}
    for path, size in files:
        directory, _, name = path.rpartition("/")
        names, sizes = tree.setdefault(directory, ([], []))
        names.append(name)
        sizes.append(size)
    return Layer(
        top=CACHE in tree,
        tree=tuple((directory, tuple(names)) for directory, (names, _) in tree.items()),
        sizes=tuple(tuple(sizes) for _, sizes in tree.values()),
        rows="".join([f"{quoted(path)},,\n" for path, _ in files]),
    )


def _is_header(header: object) -> bool:
    return isinstance(header, tuple) and len(header) == 4 and header[0] == FORMAT


def _settle(cache: "Cache", kind: str, archive: str, path: str) -> bool:
    layer = read_layer(path)
    if layer is None or not _sizes_match(layer_path(cache, kind, archive), layer):
        return False
    try:
        data = encode_layer(layer, seconds=archive_time(cache, archive), boot="")
        publish_file(cache, path, data, durable=True)
    except OSError:
        pass
    return True


def _sizes_match(root: str, layer: Layer) -> bool:
    try:
        return all(
            os.stat(f"{root}/{directory}/{name}").st_size == size
            for (directory, names), sizes in zip(layer.tree, layer.sizes, strict=True)
            for name, size in zip(names, sizes, strict=True)
        )
    except OSError:
        return False
