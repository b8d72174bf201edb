"""The installed distributions of an environment, with their metadata.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and PEP 610, 376.
RECORD is another program's text: paths that leave the environment, or that name what makes it one, are left out.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

from puffin.artifact.urls import file_path
from puffin.cache.reading import names_in, read_text
from puffin.stages.link.environment.environment import Environment
from puffin.stages.link.installed import scan as site_scan
from puffin.stages.link.installed.inherited import visible
from puffin.stages.unzip import record
from puffin.stages.unzip.names import shadows
from puffin.value import frozen

_OWN = ("pyvenv.cfg", ".puffin", ".gitignore", "CACHEDIR.TAG")


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


def distribution_files(environment: Environment, entry: str, kind: str) -> "tuple[str, ...]":
    """Return the files of one distribution that are safe to remove, absolute.

    Where nothing lists them any more, those of its metadata directory alone. What is broken goes as a whole, with
    what is left of its files.
    """
    site = environment.purelib
    path = f"{site}/{entry}"
    if kind == site_scan.BROKEN:
        return (path, *safe_paths(_record(path) or (), site, environment))
    rows = listed_files(site, path, kind)
    if rows is None or (kind == site_scan.DIST_INFO and not any(row.startswith(f"{entry}/") for row in rows)):
        rows = [*(rows or ()), *_walk(site, entry)]  # without a list, or a copy of another's under a new name
    rows = [*rows, *script_rows(environment, path, kind)]
    return safe_paths(rows, site, environment)


def script_rows(environment: Environment, path: str, kind: str) -> "list[str]":
    """Return the scripts that belong to an egg, relative to site-packages: no list has them (as pip finds them)."""
    if kind not in (site_scan.EGG_INFO, site_scan.EGG_LINK, site_scan.EGG):
        return []
    info = os.path.dirname(site_scan.metadata_path(path, kind))
    names = [*_entry_points(f"{info}/entry_points.txt"), *names_in(f"{info}/scripts")]
    way = os.path.relpath(environment.scripts, environment.purelib)
    files = [
        f"{name}{end}" for name in names for end in ("", ".exe", ".exe.manifest", "-script.py", "-script.pyw")
    ]
    return [f"{way}/{name}" for name in files if os.path.lexists(f"{environment.scripts}/{name}")]


def _entry_points(path: str) -> "list[str]":
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(read_text(path, "surrogateescape"))
    except configparser.Error:
        return []
    sections = [each for each in ("console_scripts", "gui_scripts") if parser.has_section(each)]
    return [name.strip() for section in sections for name in parser[section] if "/" not in name]


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


def listed_files(site: str, path: str, kind: str) -> "list[str] | None":
    """Return the paths that a distribution says are its own, relative to *site*; None where it does not say.

    Raises ``OSError`` for a list that is there and cannot be read: what it would name must not be left behind.
    """
    if kind == site_scan.DIST_INFO:
        return _record(path)
    if kind == site_scan.EGG_INFO:
        listed = read_text(f"{path}/installed-files.txt", "surrogateescape")
        if listed:
            base = os.path.basename(path)
            return [os.path.normpath(f"{base}/{line}") for line in listed.splitlines() if line.strip()]
        return _by_top_level(site, path)
    if kind == site_scan.EGG_LINK:
        return [os.path.basename(path)]
    return sorted(_walk(site, os.path.basename(path))) if kind == site_scan.EGG else None


def _record(path: str) -> "list[str] | None":
    try:
        return [row[0] for row in record.read_record(f"{path}/RECORD") if row[0]] or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None


def _by_top_level(site: str, path: str) -> "list[str] | None":
    if not os.path.lexists(f"{path}/top_level.txt"):
        return None
    shared = set(read_text(f"{path}/namespace_packages.txt", "surrogateescape").split())
    rows = _walk(site, os.path.basename(path))
    for name in read_text(f"{path}/top_level.txt", "surrogateescape").split():
        if name.isidentifier() and name not in shared:
            rows += _walk(site, name)
            rows += [f"{name}{end}" for end in (".py", ".pyc") if os.path.lexists(f"{site}/{name}{end}")]
    return rows


def _walk(site: str, relative: str) -> list[str]:
    """Return the files at and beneath *relative*; links are not followed."""
    top = f"{site}/{relative}"
    if os.path.islink(top) or not os.path.isdir(top):
        return [relative] if os.path.lexists(top) else []
    rows = []
    for directory, names, files in os.walk(top):
        links = [name for name in names if os.path.islink(f"{directory}/{name}")]
        rows += [os.path.relpath(f"{directory}/{name}", site) for name in (*files, *links)]
    return rows


def safe_paths(rows: "Iterable[str]", site: str, environment: Environment) -> "tuple[str, ...]":
    """Return the absolute paths of *rows*, which are relative to *site*, without those that are unsafe.

    A path is unsafe if it is absolute, leaves the directories of the environment's scheme, or names the
    interpreter, an activation script, pyvenv.cfg, or a directory that is or holds one of the scheme's.
    """
    roots = [
        os.path.normpath(root)
        for root in (site, environment.scripts, environment.headers, environment.data)
        if root
    ]
    files: dict[str, None] = {}
    for row in rows:
        path = os.path.normpath(f"{site}/{row}")
        inside = (
            not os.path.isabs(row) and "\0" not in row and any(path.startswith(root + os.sep) for root in roots)
        )
        holds = any(root == path or root.startswith(path + os.sep) for root in roots)
        if inside and not holds and not _makes_environment(path, environment):
            files[path] = None
    return tuple(files)


def _makes_environment(path: str, environment: Environment) -> bool:
    scripts, root = os.path.normpath(environment.scripts), os.path.normpath(environment.root)
    if os.path.dirname(path) == scripts and shadows(os.path.basename(path)):
        return True
    top = path[len(root) + 1 :].split(os.sep)[0] if path.startswith(root + os.sep) else ""
    return top in _OWN
