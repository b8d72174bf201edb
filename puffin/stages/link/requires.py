"""What the installed distributions require, by their own metadata.

https://packaging.python.org/en/latest/specifications/core-metadata/ and, for eggs whose PKG-INFO says nothing,
setuptools' ``requires.txt``.
"""

import os

from puffin import depends
from puffin.stages.link import site_scan
from puffin.stages.link.environment import Environment
from puffin.stages.link.site_scan import normalise
from puffin.value import frozen

_CHUNK = 32_768  # bytes; most headers fit, and the description behind them is not read
_MOST = 16_777_216  # bytes; a header beyond that is none
_FIELDS = frozenset(("name", "version", "requires-dist", "requires-python", "provides-extra"))
_EGGS = (site_scan.EGG_INFO, site_scan.EGG_LINK, site_scan.EGG)


@frozen
class Requires:
    """What one installed distribution says it needs; texts are as its metadata has them.

    ``name`` and ``provides_extras`` are normalised (PEP 503, PEP 685). ``path`` is its entry in site-packages.
    """

    name: str
    raw_name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    provides_extras: tuple[str, ...] = ()
    requires_python: str = ""
    path: str = ""


def read_requires(environment: Environment) -> tuple[Requires, ...]:
    """Return what all distributions of *environment* require, sorted by name, version and path.

    Those that are there twice are returned twice; metadata that cannot be read requires nothing.
    """
    sites = {os.path.realpath(site): site for site in (environment.platlib, environment.purelib)}
    found = [
        _read(f"{site}/{entry}", name, version, kind)
        for site in sites.values()
        for name, version, entry, kind in site_scan.scan(site)
    ]
    return tuple(sorted(found, key=lambda each: (each.name, each.version, each.path)))


def header_fields(data: bytes) -> dict[str, list[str]]:
    """Return the values of the fields that matter here, by their names in lower case; folded lines are joined."""
    fields: dict[str, list[str]] = {}
    values: list[str] | None = None
    for line in _plain(data).decode("utf-8", "replace").split("\n"):
        if not line.strip():
            break
        if line[0] in " \t":
            if values:
                values[-1] = f"{values[-1]} {line.strip()}"
            continue
        key, colon, value = line.partition(":")
        key = key.lower()
        values = fields.setdefault(key, []) if colon and key in _FIELDS else None
        if values is not None:
            values.append(value.strip())
    return fields


def egg_requires(text: str) -> tuple[str, ...]:
    """Return the lines of a ``requires.txt`` as requirements: a section ``[extra:marker]`` becomes their marker."""
    found = []
    marker = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            marker = _section_marker(line[1:-1])
        elif line and not line.startswith("#"):
            found.append(f"{line} ; {marker}" if marker else line)
    return tuple(found)


def _section_marker(section: str) -> str:
    extra, _, condition = section.partition(":")
    parts = [f"({condition.strip()})"] if condition.strip() else []
    parts += [f'extra == "{extra.strip()}"'] if extra.strip() else []
    return " and ".join(parts)


def _read(path: str, name: str, version: str, kind: str) -> Requires:
    place = _metadata_path(path, kind)
    fields = header_fields(_head(place))
    requires = tuple(fields.get("requires-dist", ()))
    if not requires and kind in _EGGS:
        requires = egg_requires(_text(os.path.join(os.path.dirname(place), "requires.txt")))
    return Requires(
        name=name,
        raw_name=_first(fields, "name") or name,
        version=version or _first(fields, "version"),
        requires_dist=requires,
        provides_extras=tuple(dict.fromkeys(normalise(each) for each in fields.get("provides-extra", ()))),
        requires_python=_first(fields, "requires-python"),
        path=path,
    )


def _metadata_path(path: str, kind: str) -> str:
    if kind == site_scan.EGG_INFO_FILE:
        return path
    if kind == site_scan.EGG_LINK:
        return f"{site_scan.linked_egg_info(path)}/PKG-INFO"
    inside = {site_scan.DIST_INFO: "METADATA", site_scan.EGG: "EGG-INFO/PKG-INFO"}
    return f"{path}/{inside.get(kind, 'PKG-INFO')}"


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _head(path: str) -> bytes:
    """Return the file at least as far as its first empty line; nothing where it cannot be read."""
    data = b""
    depends.file(path)
    try:
        with open(path, "rb", buffering=0) as file:
            while len(data) < _MOST:
                chunk = file.read(_CHUNK)
                data += chunk
                if not chunk or b"\n\n" in data or b"\n\r\n" in data:
                    break
    except (OSError, ValueError):
        return b""
    return data


def _plain(data: bytes) -> bytes:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n")


def _text(path: str) -> str:
    depends.file(path)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
