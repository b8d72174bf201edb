"""Where in a TOML text a key stands; tomllib does not tell. Pure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line, from 1, of the key or table *path*, or of the nearest table above it; 0 where there is none.

    An array of tables has the number of its element, as text, in the path.
    """
    best, depth = 0, 0
    for number, where in _places(text):
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


def _places(text: str) -> "list[tuple[int, tuple[str, ...]]]":
    """Return line and path of every header and key, in order, without what only looks like one inside a value."""
    found: list[tuple[int, tuple[str, ...]]] = []
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    open_value = ""
    for number, line in enumerate(text.splitlines(), 1):
        if open_value:  # the value of an earlier line goes on
            open_value = _unfinished(f"{open_value}\n{line}")
            continue
        stripped = line.strip()
        if stripped.startswith("["):
            path = _parsed(stripped)
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


def _key(line: str) -> tuple[str, ...]:
    """Return the parts of the key in front of the first ``=`` that ends one."""
    at = line.find("=")
    while at >= 0:
        path = _parsed(f"{line[:at]}= 0")
        if path:
            return path
        at = line.find("=", at + 1)
    return ()


def _unfinished(value: str) -> str:
    """Return *value* if it needs further lines, else nothing."""
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
