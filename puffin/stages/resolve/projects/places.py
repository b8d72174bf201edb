"""The line of each key of a TOML text: tomllib has none."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OPENING = ("[", "{", '"""', "'''")  # a value without any of these ends with its line
_CLOSING = ("]", "}", '"""', "'''")  # and one that goes on ends on a line with one of these


def nearest(places: "list[tuple[int, tuple[str, ...]]]", path: tuple[str, ...]) -> int:
    """Return the line of *path* among *places*, or of the nearest table above it; 0 where there is none."""
    best, depth = 0, 0
    for number, where in places:
        shared = _shared(where, path)
        if shared == len(path) and len(where) >= len(path):
            return number
        if shared == len(where) and shared > depth:
            best, depth = number, shared
    return best


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def places_of(text: str) -> "list[tuple[int, tuple[str, ...]]]":
    """Return line and path of every header and key, in order. Text inside values does not count."""
    found: list[tuple[int, tuple[str, ...]]] = []
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    open_value = ""
    for number, line in enumerate(text.splitlines(), 1):
        if open_value:  # the value of an earlier line goes on
            open_value = f"{open_value}\n{line}"
            if any(mark in line for mark in _CLOSING):
                open_value = _unfinished(open_value)
            continue
        stripped = line.strip()
        if stripped.startswith("["):
            path = _header(stripped)
            if stripped.startswith("[[") and path:
                counts[path] = counts.get(path, -1) + 1
                path = (*path, str(counts[path]))
            if path:
                table = path
                found.append((number, table))
        elif "=" in stripped and not stripped.startswith("#"):
            key = _key(stripped)
            if key:
                found.append((number, (*table, *key)))
            open_value = _unfinished(line)
    return found


def _header(line: str) -> tuple[str, ...]:
    return _bare(line.partition("#")[0].strip().strip("[]")) or _parsed(line)


def _key(line: str) -> tuple[str, ...]:
    """Return the parts of the key in front of the first ``=`` that ends one."""
    at = line.find("=")
    bare = _bare(line[:at])
    if bare:
        return bare
    while at >= 0:
        path = _parsed(f"{line[:at]}= 0")
        if path:
            return path
        at = line.find("=", at + 1)
    return ()


def _bare(text: str) -> tuple[str, ...]:
    """Return the parts of a key that is written without quotes, nothing for any other."""
    parts = tuple([part.strip() for part in text.split(".")])
    plain = all(part.isascii() and part.replace("-", "").replace("_", "").isalnum() for part in parts)
    return parts if plain else ()


def _unfinished(value: str) -> str:
    """Return *value* if it needs further lines, else nothing."""
    if not any(mark in value for mark in _OPENING):
        return ""
    if value.endswith("[") and "#" not in value:
        return value
    import tomllib

    try:
        tomllib.loads(value)
    except tomllib.TOMLDecodeError:
        return value
    return ""


def _parsed(line: str) -> tuple[str, ...]:
    """Return the path that a header, or a key with a value, leads to."""
    import tomllib

    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while True:
        if isinstance(value, list):
            value = value[0] if value else {}
        if not isinstance(value, dict) or len(value) != 1:
            return tuple(path)
        key, value = next(iter(value.items()))
        path.append(key)
