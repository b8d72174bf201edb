"""Which distributions site-packages holds, by the names in it alone. HOT: imports nothing but ``os``.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import os

from puffin import depends

DIST_INFO = "dist-info"
EGG_INFO = "egg-info"  # a directory, of setuptools
EGG_INFO_FILE = "egg-info-file"  # a single file, of distutils: nobody knows what it installed
EGG_LINK = "egg-link"  # of ``setup.py develop``
EGG = "egg"

_HEAD = 4096


def scan(site_packages: str) -> "tuple[tuple[str, str, str, str], ...]":
    """Return ``(normalised name, version, entry name, kind)`` of each distribution, sorted.

    Two entries for one name are both returned. The version is as written, empty where nothing tells it.
    A directory that is not there holds nothing.
    """
    try:
        names = os.listdir(site_packages)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    found = []
    for name in names:
        if name.endswith(".dist-info"):
            found.append(_dist_info(site_packages, name))
        elif name.endswith((".egg-info", ".egg-link", ".egg")):
            found.append(_egg(site_packages, name))
    return tuple(sorted([each for each in found if each[0]]))


def normalise(name: str) -> str:
    """Return *name* in lower case, with runs of ``-``, ``_`` and ``.`` as one ``-`` (PEP 503)."""
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def read_head(path: str) -> "dict[str, str]":
    """Return Name and Version from the start of a METADATA or PKG-INFO file, empty where it cannot be read."""
    fields: dict[str, str] = {}
    depends.file(path)
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return fields
    for line in head.split("\n"):
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and key.lower() in ("name", "version"):
            fields.setdefault(key.lower(), value.strip())
    return fields


def _dist_info(site: str, entry: str) -> "tuple[str, str, str, str]":
    name, dash, version = entry[: -len(".dist-info")].rpartition("-")
    if not dash:
        head = read_head(f"{site}/{entry}/METADATA")
        name, version = head.get("name", version), head.get("version", "")
    return _valid(name), version, entry, DIST_INFO


def _egg(site: str, entry: str) -> "tuple[str, str, str, str]":
    stem, _, suffix = entry.rpartition(".")
    if suffix == "egg-link":
        return _egg_link(site, entry, stem)
    kind, inside = _egg_kind(f"{site}/{entry}", suffix)
    name, _, rest = stem.partition("-")
    version = rest.partition("-")[0]
    if not version or version.startswith("py"):
        head = read_head(inside)
        name, version = head.get("name", name), head.get("version", "")
    return _valid(name), version, entry, kind


def _egg_kind(path: str, suffix: str) -> "tuple[str, str]":
    """Return the kind of an egg and the file with its metadata."""
    if suffix == "egg":
        return EGG, f"{path}/EGG-INFO/PKG-INFO"
    return (EGG_INFO, f"{path}/PKG-INFO") if os.path.isdir(path) else (EGG_INFO_FILE, path)


def _egg_link(site: str, entry: str, stem: str) -> "tuple[str, str, str, str]":
    info = linked_egg_info(f"{site}/{entry}")
    head = read_head(f"{info}/PKG-INFO") if info else {}
    return _valid(head.get("name", stem)), head.get("version", ""), entry, EGG_LINK


def egg_link_target(path: str) -> str:
    """Return the directory that an ``.egg-link`` file leads to; nothing where it cannot be read."""
    depends.file(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().strip()
    except OSError:
        return ""


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
