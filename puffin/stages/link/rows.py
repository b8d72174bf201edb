"""Rows of RECORD (PEP 376, "Recording installed projects") for what is written into an environment."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from puffin.stages.unzip.manifest import OutsideRow

NOTHING = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # the hash of an empty file


def quoted(path: str) -> str:
    """Return *path* as a field of RECORD, which is CSV."""
    if '"' in path or "," in path or "\n" in path:
        return '"' + path.replace('"', '""') + '"'
    return path


def row(path: str, data: bytes) -> str:
    """Return the row of a file with these bytes."""
    from binascii import b2a_base64

    digest = (
        b2a_base64(_sha256()(data).digest(), newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")
    )
    return f"{quoted(path)},sha256={digest},{len(data)}\n"


def rows_below(home: str, outside: "Iterable[OutsideRow]") -> str:
    """Return the rows of files that lie below *home*, as a manifest tells of them."""
    lines = []
    for _, directory, names, sizes, _, hashes in outside:
        below = f"{home}/{directory}/" if directory else f"{home}/"
        below = below.removeprefix("./")
        told = zip(names, hashes, sizes, strict=True)
        lines += [f"{quoted(f'{below}{name}')},{digest},{size}\n" for name, digest, size in told]
    return "".join(lines)


_known_sha256: "Any" = None


def _sha256() -> "Any":
    """Return CPython's own sha256: for a few scripts, hashlib would first load OpenSSL (4 to 11 ms)."""
    global _known_sha256
    if _known_sha256 is None:  # an import that fails is looked for each time anew (70 µs)
        _known_sha256 = _import_sha256()
    return _known_sha256


def _import_sha256() -> "Any":
    try:
        from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            from hashlib import sha256
    return sha256


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
