"""An archive as bytes, for other machines: to unpack them takes three quarters of the time of an unzip.

A pack is compressed by zstandard and holds a magic word, the length of a head in four bytes, the head in JSON, and the
files one behind the other, in the order of the manifest. The head is the archive's hash, and those fields of the
manifest that do not follow from others. The hash cannot be computed from a pack: whoever unpacks one has a signature.
"""

import json

import zstandard

from puffin import meter
from puffin.artifact.buffers import give, take
from puffin.artifact.limits import inflated
from puffin.cache.atomic import read
from puffin.cache.layout import Cache
from puffin.stages.unzip.inflate import crc32
from puffin.stages.unzip.manifest import WHEEL_BYTES, Manifest, read_header
from puffin.stages.unzip.publish import complete_manifest
from puffin.stages.unzip.ready import archive_ready, files_listed, may_be_called
from puffin.stages.unzip.transfer import Arrival, BrokenTransfer, manifest_of
from puffin.types import Any
from puffin.value import replace

PACKED_FROM = (
    256 << 10
)  # bytes of a wheel: of a smaller one, a pack saves less time than the request for it takes
_MAGIC = b"puffin-archive-1\n"
_LENGTH = 4
_LEVEL = 1  # another level takes half as much time again to pack, and saves a tenth of the bytes
_PIECE = 1 << 20  # bytes that are unpacked at once, which stay in the cache of a processor
_FIELDS = (
    "raw_name", "version", "dist_info", "purelib", "entry_points", "healed", "wheel_bytes", "executables", "outside",
    "tree",
)  # fmt: skip


def is_packable(cache: Cache, archive: str) -> bool:
    """Tell whether the cache has an archive of a wheel that is large enough to be packed."""
    header = read_header(cache.manifest(archive))
    return header is not None and header[WHEEL_BYTES] >= PACKED_FROM


def pack_archive(cache: Cache, archive: str) -> "bytes | None":
    """Return the archive as bytes; None if the cache does not have it, or a file of it was changed."""
    manifest = manifest_of(cache, archive)
    if manifest is None or manifest.executables is None:
        return None
    head = json.dumps([archive, *[getattr(manifest, name) for name in _FIELDS]], separators=(",", ":")).encode()
    start = b"".join((_MAGIC, len(head).to_bytes(_LENGTH, "little"), head))
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=len(start) + manifest.bytes)
    root, parts = cache.archive(archive), [compressor.compress(start)]
    for path, size, crc in files_listed(manifest):
        body = read(f"{root}/{path}")
        if body is None or len(body) != size or crc32(body) != crc:
            return None
        parts.append(compressor.compress(body))
    return b"".join([*parts, compressor.flush()])


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
            manifest = replace(_manifest(stream, archive), filename=filename)
            if not may_be_called(manifest.name, manifest.version, filename):
                raise ValueError("it is the archive of another wheel")
            if size not in (0, manifest.wheel_bytes):
                raise ValueError("its wheel has another size")
            _receive(cache, archive, manifest, stream)
    except (zstandard.ZstdError, ValueError, TypeError, AttributeError, RecursionError) as error:
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


def _manifest(stream: "zstandard.ZstdDecompressionReader", archive: str) -> Manifest:
    """Return the manifest in the head of a pack. Raises ValueError, TypeError and what json raises."""
    start = stream.read(len(_MAGIC) + _LENGTH)
    head = json.loads(stream.read(int.from_bytes(start[len(_MAGIC) :], "little")))
    if not start.startswith(_MAGIC) or len(head) != 1 + len(_FIELDS) or head[0] != archive:
        raise ValueError("it is not the pack of this archive")
    facts = {name: _tupled(value) for name, value in zip(_FIELDS, head[1:], strict=True)}
    manifest = complete_manifest(filename="", **facts)
    if any(type(number) is not int or number < 0 for _, *row in files_listed(manifest) for number in row):
        raise ValueError("a size in it is not valid")
    return manifest


def _tupled(value: "Any") -> "Any":
    return tuple([_tupled(each) for each in value]) if isinstance(value, list) else value
