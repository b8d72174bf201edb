"""RECORD, the list of a distribution's files: the only reader, and the writer of its rows.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

import io
from binascii import b2a_base64

from puffin.stages.unzip.manifest import OutsideRow

try:  # CPython's own: for a few scripts, hashlib would first load OpenSSL (4 to 11 ms)
    from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        from hashlib import sha256

from puffin.types import Iterable, Sequence

HASH_LENGTH = len("sha256=") + 43
NOTHING = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"  # the hash of an empty file
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def read_record(path: str) -> "list[tuple[str, str, str]]":
    """Return what :func:`rows_in` returns for the file at *path*; raises ``OSError`` and ``ValueError``."""
    with open(path, "rb") as file:
        return rows_in(file.read().decode("utf-8", "surrogateescape"))


def listed_paths(path: str) -> "list[str]":
    """Return the path of each row that has one, as :func:`read_record` does, in half of its time."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "surrogateescape")
    if not _is_plain(text):
        return [row[0] for row in rows_in(text) if row[0]]
    return [found for line in text.replace("\r\n", "\n").split("\n") if (found := line.partition(",")[0])]


def are_normal(paths: "Sequence[str]") -> bool:
    """Tell whether *paths* are relative and lead downwards without detours, so that two spellings are two paths."""
    joined = "/{}/".format("/".join(paths))
    return "//" not in joined and "/./" not in joined and "/../" not in joined


def rows_in(text: str) -> "list[tuple[str, str, str]]":
    """Return path, hash and size of each row as written, ``""`` for a field that is not there.

    Raises ``ValueError`` for a text that is not CSV. Unsafe paths are among them.
    """
    if _is_plain(text):
        rows = [line.removesuffix("\r").split(",") for line in text.split("\n") if line not in ("", "\r")]
    else:
        import csv

        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except csv.Error as error:
            raise ValueError(str(error)) from None
    return [
        (row[0], row[1], row[2]) if len(row) > 2 else (row[0], row[1] if row[1:] else "", "") for row in rows
    ]


def _is_plain(text: str) -> bool:
    return '"' not in text and text.count("\r") == text.count("\r\n")


def parse_record(text: bytes) -> "dict[str, str]":
    """Return ``{path: "hash,size"}`` of a wheel's RECORD, with ``""`` for a row without a well-formed SHA-256.

    Unsafe paths are among them: they are only ever compared with what is in the archive.
    Raises ``ValueError`` for a file that is not UTF-8 or not CSV.
    """
    return {
        path: f"{digest},{size}" if _is_sha256(digest) else ""
        for path, digest, size in rows_in(text.decode("utf-8"))
    }


def split_row(row: str) -> tuple[str, str]:
    """Return hash and size of a row that :func:`parse_record` returned."""
    return row[:HASH_LENGTH], row[HASH_LENGTH + 1 :]


def _is_sha256(text: str) -> bool:
    digits = text[7:]
    plain = digits.isascii() and digits.replace("-", "0").replace("_", "0").isalnum()
    return plain and len(text) == HASH_LENGTH and text.startswith("sha256=")


def digest_of(path: str, algorithm: str) -> str:
    """Return the hash of a file as RECORD has it (``OSError``; ``ValueError`` for an unknown algorithm)."""
    with open(path, "rb") as file:
        return record_digest((file.read(),), algorithm)


def record_digest(pieces: "Iterable[bytes | bytearray | memoryview]", algorithm: str = "sha256") -> str:
    """Return the hash of a file, given in pieces, as RECORD has it (``ValueError`` for an unknown algorithm)."""
    from hashlib import new

    state = new(algorithm)
    for piece in pieces:
        state.update(piece)
    return f"{algorithm}={_base64(state.digest())}"


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")


def quoted(path: str) -> str:
    """Return *path* as a field of RECORD, which is CSV."""
    return '"' + path.replace('"', '""') + '"' if '"' in path or "," in path or "\n" in path else path


def row(path: str, data: bytes) -> str:
    """Return the row of a file with these bytes, its end included."""
    return f"{quoted(path)},sha256={_base64(sha256(data).digest())},{len(data)}\n"


def rows(prefix: str, names: "Sequence[str]", digests: "Sequence[str]", sizes: "Sequence[int]") -> "list[str]":
    """Return the rows, their ends included, of the files *names* beneath *prefix*."""
    joined = f"{prefix}{'/'.join(names)}"
    if quoted(joined) is not joined:
        names = [quoted(prefix + name) for name in names]
        prefix = ""
    return [
        f"{prefix}{name},{digest},{size}\n" for name, digest, size in zip(names, digests, sizes, strict=True)
    ]


def rows_below(home: str, outside: "Iterable[OutsideRow]") -> str:
    """Return the rows of files below *home*, as a manifest has them."""
    lines = []
    for _, directory, names, sizes, _, digests in outside:
        below = f"{home}/{directory}/" if directory else f"{home}/"
        lines += rows(below.removeprefix("./"), names, digests, sizes)
    return "".join(lines)
