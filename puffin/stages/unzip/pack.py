"""An archive as bytes, for other machines. Unpacking takes three quarters of the time of an unzip.

A pack is compressed by zstandard. It holds a magic word, the length of a head in four bytes, the head in JSON, and the
files one behind the other, in the order of the manifest. The head has the archive's hash, and those fields of the
manifest that follow neither from others nor from the files. The hash cannot be computed from a pack, so a pack is taken
only if it is signed.
"""

import json
from io import BytesIO

import zstandard

from puffin import meter
from puffin.artifact.buffers import give, take
from puffin.artifact.limits import inflated
from puffin.cache.layout import Cache
from puffin.stages.unzip.inflate import crc32
from puffin.stages.unzip.manifest import PACKED_FROM, WHEEL_BYTES, Manifest, read_header
from puffin.stages.unzip.publish import complete_manifest
from puffin.stages.unzip.ready import archive_ready, files_listed
from puffin.stages.unzip.transfer import Arrival, BrokenTransfer, manifest_of
from puffin.types import Any, Iterator
from puffin.value import replace

_MAGIC = b"puffin-archive-1\n"
_LENGTH = 4
_LEVEL = 1  # level 3 takes 1.5 times as long to pack, and saves a tenth of the bytes
_PIECE = 1 << 20  # bytes that are unpacked at once, which stay in the cache of a processor
_FIELDS = ("dist_info", "healed", "wheel_bytes", "executables", "outside", "tree")
_TREE, _OUTSIDE = (str, [str], [int], [int]), (str, str, [str], [int], [int])
_SHAPE = (str, str, int, int, [str], [_OUTSIDE], [_TREE])  # of the head: the archive, and the fields


def is_packable(cache: Cache, archive: str) -> bool:
    """Tell whether the cache has an archive of a wheel that is large enough to be packed."""
    header = read_header(cache.manifest(archive))
    return header is not None and header[WHEEL_BYTES] >= PACKED_FROM


def pack_archive(cache: Cache, archive: str) -> "bytes | None":
    """Return the archive as bytes; None if the cache does not have it, or a file lost its content."""
    manifest = manifest_of(cache, archive)
    if manifest is None or manifest.executables is None:
        return None
    bare = replace(manifest, outside=tuple([row[:-1] for row in manifest.outside]))  # the files tell the hashes
    head = json.dumps([archive, *[getattr(bare, name) for name in _FIELDS]], separators=(",", ":")).encode()
    start = b"".join((_MAGIC, len(head).to_bytes(_LENGTH, "little"), head))
    packed = BytesIO()  # gives its bytes without a copy
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=len(start) + manifest.bytes)
    packed.write(compressor.compress(start))
    for path, size, crc in files_listed(manifest):
        found = 0
        for piece in _pieces(f"{cache.archive(archive)}/{path}", size):
            size, found = size - len(piece), crc32(piece, found)
            packed.write(compressor.compress(piece))
        if size or found != crc:
            return None
    packed.write(compressor.flush())
    return packed.getvalue()


def _pieces(path: str, size: int) -> "Iterator[bytes]":
    """Yield *size* bytes of a file in pieces, fewer if it does not have them or cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(min(_PIECE, size)):
                size -= len(piece)
                yield piece
    except OSError:
        return


def unpack_archive(cache: Cache, archive: str, filename: str, size: int, data: "bytes | memoryview") -> None:
    """Publish the archive in a pack, of the wheel *filename* of *size* bytes (0 for any).

    Raises :class:`BrokenTransfer` and OSError; then the cache is as it was.
    """
    if archive_ready(cache, archive, filename=filename):
        meter.found(meter.HIT)
        return
    meter.count(taken=len(data))
    try:
        unpacked = zstandard.frame_content_size(data)
        if unpacked < 0 or inflated(len(data), unpacked):
            raise ValueError("it would become too large")
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            manifest = _manifest(stream, archive, filename, unpacked)
            if size not in (0, manifest.wheel_bytes):
                raise ValueError("its wheel has another size")
            _receive(cache, archive, manifest, stream)
    except (zstandard.ZstdError, ValueError, RecursionError) as error:
        raise BrokenTransfer(filename=filename, reason=str(error)) from error


def _receive(
    cache: Cache, archive: str, manifest: Manifest, stream: "zstandard.ZstdDecompressionReader"
) -> None:
    view = memoryview(take(_PIECE))[:_PIECE]
    try:
        with Arrival(cache, archive, manifest) as arrival:
            while count := stream.readinto(view):
                arrival.add(view[:count])
            arrival.finish()
        meter.count(given=manifest.bytes)
    finally:
        give(view)


def _manifest(
    stream: "zstandard.ZstdDecompressionReader", archive: str, filename: str, unpacked: int
) -> Manifest:
    """Return the manifest in the head of a pack of *unpacked* bytes. Raises ValueError and RecursionError.

    :class:`~puffin.stages.unzip.transfer.Arrival` fills in what the files tell.
    """
    start = stream.read(len(_MAGIC) + _LENGTH)
    length = int.from_bytes(start[len(_MAGIC) :], "little")
    if not start.startswith(_MAGIC) or length > unpacked:
        raise ValueError("it is not a pack")
    head = json.loads(stream.read(length))
    if not _has_shape(head, _SHAPE) or head[0] != archive or [row[0] for row in head[-1][:1]] != [""]:
        raise ValueError("it is not the pack of this archive")
    facts = {name: _tupled(value) for name, value in zip(_FIELDS, head[1:], strict=True)}
    facts["outside"] = tuple([(*row, ()) for row in facts["outside"]])
    manifest = complete_manifest(
        filename=filename, raw_name="", version="", purelib=False, entry_points=(), **facts
    )
    if len(start) + length + manifest.bytes != unpacked:
        raise ValueError("its files have another size")
    return manifest


def _has_shape(value: "Any", shape: "Any") -> bool:
    """Tell whether JSON is of the type *shape*, a tuple or a list of any length like *shape*; no number is below 0."""
    if isinstance(shape, tuple):
        return type(value) is list and len(value) == len(shape) and all(map(_has_shape, value, shape))
    if not isinstance(shape, list):
        return type(value) is shape and (shape is str or value >= 0)
    (inner,) = shape
    if type(value) is not list or isinstance(inner, tuple):
        return type(value) is list and all(_has_shape(each, inner) for each in value)
    return {inner}.issuperset(map(type, value)) and (inner is str or min(value, default=0) >= 0)


def _tupled(value: "Any") -> "Any":
    return tuple([_tupled(each) for each in value]) if isinstance(value, list) else value
