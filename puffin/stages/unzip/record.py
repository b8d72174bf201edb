"""RECORD, the list of a wheel's files, read with tolerance and written as the archive really is.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

import csv
import io
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

from puffin.stages.unzip.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_LENGTH = len("sha256=") + 43
_WHOLE_ROWS = re.compile(r"^([^,\r\n]+),(sha256=[A-Za-z0-9_-]{43},[0-9]*)\r?$", re.ASCII | re.MULTILINE).findall


def parse(text: bytes, member: str) -> "tuple[dict[str, str], str]":
    """Return ``{path: "hash,size"}`` as written, with ``""`` for a row without a well-formed SHA-256.

    Unsafe paths are among them: they are only ever compared with what is in the archive. Returned beside them are the
    rows about other files than *member*, the RECORD itself, as :func:`rows` would write them; ``""`` where any row
    is unusual. Raises Refused for a file that is not UTF-8 or not CSV.
    """
    try:
        content = text.decode("utf-8")
        usual = _usual(content, member)
        if usual is not None:
            return usual
        lines = _rows_of(content)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"it cannot be parsed: {error}", member) from None
    found = {}
    for row in lines:
        if len(row) == 3 and len(row[1]) == HASH_LENGTH and row[1][:7] == "sha256=":
            found[row[0]] = f"{row[1]},{row[2]}"
        elif row:
            found[row[0]] = ""
    hashes = "".join([row[7:HASH_LENGTH] for row in found.values()])
    if not hashes or _is_base64(hashes):
        return found, ""
    return {path: row if _is_base64(row[7:HASH_LENGTH]) else "" for path, row in found.items()}, ""


def split(row: str) -> tuple[str, str]:
    """Return hash and size of a row that :func:`parse` returned."""
    return row[:HASH_LENGTH], row[HASH_LENGTH + 1 :]


def _usual(text: str, member: str) -> "tuple[dict[str, str], str] | None":
    """Return the same for a RECORD of whole rows and the one about itself; None for any other."""
    head, own, rest = text.partition(f"{member},,")
    if not own or head[-1:] not in ("", "\n") or '"' in text or (rest and not rest.startswith(("\n", "\r\n"))):
        return None
    others = head + (rest.removeprefix("\r")[1:] if rest.strip() else "")
    found: dict[str, str] = dict(_WHOLE_ROWS(others))
    if len(found) != others.count("\n") or others[-1:] not in ("", "\n") or member in found:
        return None
    found[member] = ""
    return found, others.replace("\r", "")


def _rows_of(text: str) -> "list[list[str]]":
    if '"' in text:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    return [line.rstrip("\r").split(",") for line in text.split("\n") if line and line != "\r"]


def _is_base64(text: str) -> bool:
    return text.isascii() and text.replace("-", "0").replace("_", "0").isalnum()


def digest(pieces: "Iterable[bytes | bytearray | memoryview]") -> str:
    """Return the hash of a file, given in pieces, as RECORD has it."""
    state = sha256()
    for piece in pieces:
        state.update(piece)
    return "sha256=" + urlsafe_b64encode(state.digest()).decode("ascii").rstrip("=")


def rows(prefix: str, names: "Sequence[str]", digests: "Sequence[str]", sizes: "Sequence[int]") -> "list[str]":
    """Return the lines of RECORD, their ends included, for the files *names* beneath *prefix*."""
    joined = f"{prefix}{'/'.join(names)}"
    if "," in joined or '"' in joined:
        names = [_quoted(prefix + name) for name in names]
        prefix = ""
    return [
        f"{prefix}{name},{digest},{size}\n" for name, digest, size in zip(names, digests, sizes, strict=True)
    ]


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path
