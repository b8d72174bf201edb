"""The installed distributions of an environment, with their metadata.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and PEP 610, 376.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

from puffin.artifact.urls import file_path
from puffin.cache.reading import read_text
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed import scan as site_scan
from puffin.stages.link.installed.files import listed_files, safe_paths, script_rows
from puffin.stages.link.installed.inherited import visible
from puffin.value import frozen


@frozen
class Distribution:
    """A distribution in an environment.

    ``path`` is its metadata (a directory, or a file for old kinds), ``kind`` one of those of
    :mod:`~puffin.stages.link.installed.scan`. ``direct_url`` is direct_url.json as nested tuples of pairs (see
    :func:`thaw`). ``files`` are absolute and safe to remove; rows of RECORD that are not are left out.
    ``location`` is the project directory of an editable one. ``recorded`` tells whether there is a list of
    files at all.
    """

    name: str
    raw_name: str
    version: str
    path: str
    kind: str
    installer: str
    requested: bool
    editable: bool
    location: str
    direct_url: "tuple[tuple[str, Any], ...] | None"
    files: tuple[str, ...]
    recorded: bool


def read_installed(environment: Environment) -> tuple[Distribution, ...]:
    """Return all distributions of *environment*, duplicates as they are, sorted by name and version.

    Those that it sees of the installation it was made from are among them, without files.
    """
    found = [_read(None if away else environment, site, *row) for site, row, away in visible(environment)]
    return tuple(sorted(found, key=lambda each: (each.name, each.version, each.path)))


def read_paths(paths: "Iterable[str]") -> tuple[Distribution, ...]:
    """Return all distributions in some directories, sorted as by :func:`read_installed`, without their files."""
    found = [
        _read(None, path, *row)
        for path in dict.fromkeys(map(os.path.abspath, paths))
        for row in site_scan.scan(path)
    ]
    return tuple(sorted(found, key=lambda each: (each.name, each.version, each.path)))


def thaw(value: "Any") -> "Any":
    """Return nested tuples of pairs as the dictionary they were."""
    if isinstance(value, tuple) and value[:1] == ("list",):
        return [thaw(each) for each in value[1]]
    return {key: thaw(each) for key, each in value} if isinstance(value, tuple) else value


def _freeze(value: "Any") -> "Any":
    if isinstance(value, dict):
        return tuple((str(key), _freeze(value[key])) for key in sorted(value))
    return ("list", tuple(_freeze(each) for each in value)) if isinstance(value, list) else value


def _read(
    environment: Environment | None, site: str, name: str, version: str, entry: str, kind: str
) -> Distribution:
    path = f"{site}/{entry}"
    raw_name, own_version = site_scan.name_and_version(site_scan.metadata_path(path, kind))
    direct_url = _direct_url(path) if kind == site_scan.DIST_INFO else None
    location = _location(path, kind, direct_url)
    try:
        rows = listed_files(site, path, kind)
    except OSError:  # enough to show it, not to remove it
        rows = None
    scripts = script_rows(environment, path, kind) if environment else []
    return Distribution(
        name=name,
        raw_name=raw_name or name,
        version=version or own_version,
        path=path,
        kind=kind,
        installer=read_text(f"{path}/INSTALLER", "surrogateescape").strip(),
        requested=os.path.exists(f"{path}/REQUESTED"),
        editable=bool(location),
        location=location,
        direct_url=_freeze(direct_url) if direct_url else None,
        files=safe_paths((*(rows or ()), *scripts), site, environment) if environment else (),
        recorded=rows is not None,
    )


def _direct_url(path: str) -> "dict[str, Any] | None":
    """Return direct_url.json; None where there is none, or none that PEP 610 would call one."""
    try:
        value = json.loads(read_text(f"{path}/direct_url.json", "surrogateescape") or "null")
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("url"), str) else None


def _location(path: str, kind: str, direct_url: "dict[str, Any] | None") -> str:
    if kind == site_scan.EGG_LINK:
        return site_scan.egg_link_target(path)
    info = (direct_url or {}).get("dir_info")
    if direct_url is None or not isinstance(info, dict) or info.get("editable") is not True:
        return ""
    try:
        return file_path(direct_url["url"])
    except ValueError:
        return str(direct_url["url"])
