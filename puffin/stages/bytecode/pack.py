"""A layer as bytes, for other machines: the same bytes for the same bytecode, wherever it was compiled.

A pack is compressed by zstandard and holds a magic word, the length of a table in four bytes, the table in JSON, which
is ``[[path, size], …]``, and the files one behind the other. A ``.pyc`` that names the time of its source (PEP 552) has
zeros there: the time is that of the machine. Who unpacks it fills in its own.
"""

import json
import os

import zstandard

from puffin.artifact.limits import inflated
from puffin.cache.atomic import read, remove_tree, write
from puffin.cache.layout import Cache, current_boot
from puffin.stages.bytecode.layer import (
    archive_time,
    layer_of,
    layer_path,
    layer_ready,
    manifest_path,
    read_layer,
)
from puffin.stages.bytecode.stage import modules_of, publish_layer, pyc_of
from puffin.stages.unzip.manifest import read_names
from puffin.types import Buffer

_MAGIC = b"puffin-layer-1\n"
_LENGTH = 4
_LEVEL = 3
_FLAGS, _TIME, _SIZE = slice(4, 8), slice(8, 12), slice(12, 16)  # in a .pyc
_FULL = 0xFFFFFFFF


class BadPack(Exception):
    """A pack is not one of the layer that it should be of."""


def pack_layer(cache: Cache, kind: str, archive: str) -> "bytes | None":
    """Return the layer of an archive as bytes, None if the cache has none or it is damaged."""
    if not layer_ready(cache, kind, archive, current_boot()):
        return None
    layer = read_layer(manifest_path(cache, kind, archive))
    if layer is None:
        return None
    root, table, bodies = layer_path(cache, kind, archive), [], []
    for (directory, names), sizes in zip(layer.tree, layer.sizes, strict=True):
        for name, size in zip(names, sizes, strict=True):
            body = read(f"{root}/{directory}/{name}")
            if body is None or len(body) != size:
                return None
            table.append((f"{directory}/{name}", size))
            bodies.append(_with_time(body, 0))
    order = sorted(range(len(table)), key=table.__getitem__)
    head = json.dumps([table[each] for each in order], separators=(",", ":")).encode()
    data = b"".join((_MAGIC, len(head).to_bytes(_LENGTH, "little"), head, *[bodies[each] for each in order]))
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)


def unpack_layer(cache: Cache, kind: str, archive: str, suffix: str, data: "Buffer") -> None:
    """Publish the layer in a pack. Raises :class:`BadPack` and ``OSError``.

    It may hold nothing but bytecode of modules of the archive, each of the size that the archive has.
    """
    found = read_names(cache.manifest(archive))
    if found is None:
        raise BadPack("the archive is not in the cache")
    modules = {pyc_of(module, suffix): module for module in modules_of(found[1], suffix)}
    files = _files(bytes(data))
    if not modules.keys() >= files.keys():
        raise BadPack("it has files that are not bytecode of the archive")
    seconds, root = archive_time(cache, archive), cache.archive(archive)
    cache.initialise()
    temporary = cache.temporary()
    os.mkdir(temporary)
    try:
        made: set[str] = set()
        for path, body in files.items():
            directory = os.path.dirname(path)
            if directory not in made:
                os.makedirs(f"{temporary}/{directory}")
                made.add(directory)
            write(f"{temporary}/{path}", _fitted(body, os.stat(f"{root}/{modules[path]}")))
        layer = layer_of([(path, len(body)) for path, body in files.items()])
        publish_layer(cache, archive, kind, temporary, layer, seconds)
    finally:
        remove_tree(temporary)


def _files(data: bytes) -> "dict[str, bytes]":
    try:
        size = zstandard.frame_content_size(data)
        if size < 0 or inflated(len(data), size):
            raise BadPack("it would become too large")
        data = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        at = len(_MAGIC) + _LENGTH
        length = int.from_bytes(data[len(_MAGIC) : at], "little")
        table = json.loads(data[at : at + length])
        if data[: len(_MAGIC)] != _MAGIC or not isinstance(table, list):
            raise BadPack("it is not a pack")
        return _bodies(table, data, at + length)
    except (zstandard.ZstdError, ValueError, TypeError, RecursionError) as error:
        raise BadPack(f"it cannot be read: {error}") from error


def _bodies(table: "list[object]", data: bytes, at: int) -> "dict[str, bytes]":
    files: dict[str, bytes] = {}
    for row in table:
        if not (
            isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], int)
        ):
            raise BadPack("its table is not valid")
        path, size = row
        if size < 0 or path in files:
            raise BadPack("its table is not valid")
        files[path] = data[at : at + size]
        at += size
    if at != len(data):
        raise BadPack("it is cut off")
    return files


def _fitted(body: bytes, facts: os.stat_result) -> bytes:
    """Return bytecode for the source with these *facts*."""
    if len(body) < 16:
        raise BadPack("a file in it is not bytecode")
    if not any(body[_FLAGS]) and int.from_bytes(body[_SIZE], "little") != facts.st_size & _FULL:
        raise BadPack("a file in it is bytecode of another source")
    return _with_time(body, int(facts.st_mtime) & _FULL)


def _with_time(body: bytes, seconds: int) -> bytes:
    """Return bytecode with the time of its source, if it names that."""
    if len(body) < 16 or any(body[_FLAGS]):
        return body
    return body[: _TIME.start] + seconds.to_bytes(4, "little") + body[_TIME.stop :]
