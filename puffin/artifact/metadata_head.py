"""The head of METADATA, PKG-INFO and WHEEL files: the fields before the first empty line.

https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from puffin import depends
from puffin.types import Container

_CHUNK = 32_768  # bytes; most heads fit, and the description behind them is not read
_LONGEST = 16_777_216  # bytes; a head beyond that is none


def read_head(path: str) -> bytes:
    """Return the file at *path* at least as far as its first empty line; nothing where it cannot be read."""
    data = b""
    depends.file(path)
    try:
        with open(path, "rb", buffering=0) as file:
            while len(data) < _LONGEST:
                chunk = file.read(_CHUNK)
                data += chunk
                if not chunk or b"\n\n" in data or b"\n\r\n" in data:
                    break
    except (OSError, ValueError):
        return b""
    return data


def split_head(data: bytes) -> "tuple[str, str]":
    """Return the head and the body of a file, their lines ended by ``\\n``; what is not UTF-8 becomes U+FFFD."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head, _, body = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n").partition(b"\n\n")
    return head.decode("utf-8", "replace"), body.decode("utf-8", "replace")


def head_fields(data: bytes, wanted: "Container[str] | None" = None) -> "list[tuple[str, str]]":
    """Return name and value of each field in order, both as written, the lines of a folded value too.

    With *wanted* (in lower case) these alone. A line that is no field, and what continues it, is left out.
    """
    fields: list[tuple[str, str]] = []
    taken = False
    for line in split_head(data)[0].split("\n"):
        if line[:1] in (" ", "\t"):
            if taken:
                name, value = fields[-1]
                fields[-1] = name, f"{value}\n{line}"
            continue
        name, colon, value = line.partition(":")
        taken = colon != "" and (name.lower() in wanted if wanted else " " not in name)
        if taken:
            fields.append((name, value.strip()))
    return fields


def field_values(data: bytes, wanted: "Container[str]") -> "dict[str, list[str]]":
    """Return the values of the *wanted* fields by their names, in lower case; a folded value as one line."""
    values: dict[str, list[str]] = {}
    for name, value in head_fields(data, wanted):
        values.setdefault(name.lower(), []).append(unfolded(value))
    return values


def unfolded(value: str) -> str:
    """Return a value as one line."""
    return " ".join([line.strip() for line in value.split("\n")]).strip() if "\n" in value else value


def first_value(values: "dict[str, list[str]]", name: str) -> str:
    """Return the first value of a field, of those of :func:`field_values`; ``""`` for none."""
    return next(iter(values.get(name, ())), "")
