"""The distributions in site-packages, found by names alone. HOT: every warm sync runs this.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import os

from puffin import depends
from puffin.artifact.metadata_head import field_values, read_head
from puffin.cache.reading import read_text
from puffin.names import normalise
from puffin.types import Container

DIST_INFO = "dist-info"
EGG_INFO = "egg-info"  # a directory, of setuptools
EGG_INFO_FILE = "egg-info-file"  # a single file, of distutils: nobody knows what it installed
EGG_LINK = "egg-link"  # of ``setup.py develop``
EGG = "egg"
BROKEN = "broken"  # a dist-info without METADATA, such as an interrupted removal leaves: no distribution

_METADATA = {DIST_INFO: "METADATA", EGG: "EGG-INFO/PKG-INFO"}


def scan(
    site_packages: str, *, known: "Container[str]" = (), broken: bool = False
) -> "tuple[tuple[str, str, str, str], ...]":
    """Return ``(normalised name, version, entry name, kind)`` of each distribution, sorted.

    Two entries for one name are both returned. The version is as written, empty where nothing tells it.
    A directory that is not there holds nothing. Entries that are *known* are not looked into; *broken* ones are
    returned only where they are asked for.
    """
    try:
        names = os.listdir(site_packages)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    found = []
    for name in names:
        if name.endswith(".dist-info"):
            each = _dist_info(site_packages, name)
            metadata = f"{site_packages}/{name}/METADATA"
            if name not in known and not (depends.is_file(metadata) and os.path.getsize(metadata)):
                each = (*each[:3], BROKEN)
            if broken or each[3] != BROKEN:
                found.append(each)
        elif name.endswith((".egg-info", ".egg-link", ".egg")):
            found.append(_egg(site_packages, name))
    return tuple(sorted([each for each in found if each[0]]))


def metadata_path(path: str, kind: str) -> str:
    """Return the file with the metadata of the distribution whose entry in site-packages is *path*."""
    if kind == EGG_INFO_FILE:
        return path
    if kind == EGG_LINK:
        return f"{linked_egg_info(path)}/PKG-INFO"
    return f"{path}/{_METADATA.get(kind, 'PKG-INFO')}"


def name_and_version(path: str) -> "tuple[str, str]":
    """Return Name and Version of a METADATA or PKG-INFO file, empty where it cannot be read."""
    fields = field_values(read_head(path), ("name", "version"))
    return next(iter(fields.get("name", ())), ""), next(iter(fields.get("version", ())), "")


def _dist_info(site: str, entry: str) -> "tuple[str, str, str, str]":
    name, dash, version = entry[: -len(".dist-info")].rpartition("-")
    if not dash:
        stem = version
        name, version = name_and_version(f"{site}/{entry}/METADATA")
        name = name or stem
    return _valid(name), version, entry, DIST_INFO


def _egg(site: str, entry: str) -> "tuple[str, str, str, str]":
    path = f"{site}/{entry}"
    stem, _, suffix = entry.rpartition(".")
    kind = EGG_INFO_FILE if suffix == EGG_INFO and not os.path.isdir(path) else suffix
    name, _, rest = stem.partition("-")
    version = rest.partition("-")[0]
    if kind == EGG_LINK:
        name, version = stem, ""
    if not version or version.startswith("py"):
        own_name, version = name_and_version(metadata_path(path, kind))
        name = own_name or name
    return _valid(name), version, entry, kind


def egg_link_target(path: str) -> str:
    """Return the directory that an ``.egg-link`` file leads to; nothing where it cannot be read."""
    return read_text(path, "surrogateescape").partition("\n")[0].strip()


def linked_egg_info(path: str) -> str:
    """Return the ``.egg-info`` directory of the project that an ``.egg-link`` file leads to, or nothing."""
    target = egg_link_target(path)
    wanted = normalise(os.path.basename(path)[: -len(".egg-link")])
    try:
        names = os.listdir(target) if target else []
    except OSError:
        return ""
    for name in names:
        if name.endswith(".egg-info") and normalise(name[: -len(".egg-info")].partition("-")[0]) == wanted:
            return f"{target}/{name}"
    return ""


def _valid(name: str) -> str:
    """Return the normalised name; nothing for what pip leaves when it is interrupted, such as ``~ip``."""
    return normalise(name) if name and name[0].isalnum() else ""
