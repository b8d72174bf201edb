"""The output as a lock file, ``pylock.toml`` (PEP 751). Pure, and always the same bytes.

The lock holds for the environments like those it was resolved for: Python version, implementation, system and
machine of each are in ``environments``, and only files that fit one of them are listed. A lock for all platforms has
no ``environments``.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime

import tomlkit
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from puffin.artifact.urls import file_path, is_file_url
from puffin.errors import PuffinError
from puffin.stages.resolve.index.page import is_wheel
from puffin.stages.resolve.output.requirements import header
from puffin.stages.resolve.output.values import DirectReference, Listed, OutputFile
from puffin.stages.resolve.projects.values import SHARED_LOCK
from puffin.value import frozen

LOCK_VERSION = "1.0"


class NoHash(PuffinError):
    """A file cannot be locked, because its hash is not known."""

    sentence = "Failed to lock `{package}`: there is no hash of `{filename}`"
    filename: str


@frozen
class LockStyle:
    """The content of a lock file apart from its packages.

    ``environments`` are the markers of those that it was resolved for, none for all platforms; ``base`` is the
    directory of the lock file, which local paths are relative to; ``header`` is the command to name in the header, or
    empty. ``extras`` and ``groups`` can be selected; ``default_groups`` are selected unless somebody says otherwise.
    ``shared`` tells that all environments of a project share the lock, and is recorded in it.
    """

    environments: tuple[str, ...]
    requires_python: str
    base: str
    header: str = ""
    excluded: frozenset[str] = frozenset()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()
    shared: bool = False


def render_pylock(packages: Iterable[Listed], lock: LockStyle) -> str:
    """Return the text of the file. Raises :class:`NoHash`."""
    document = tomlkit.document()
    for line in header(lock.header) if lock.header else ():
        document.add(tomlkit.comment(line.removeprefix("# ")))
    content = lock_content(packages, lock)
    tables = tomlkit.aot()
    for package in content.pop("packages"):  # type: ignore[attr-defined]
        tables.append(_table(package))
    for key, value in content.items():
        document.add(key, _item(value))
    document.add("packages", tables)
    return tomlkit.dumps(document)


def lock_content(packages: Iterable[Listed], lock: LockStyle) -> dict[str, object]:
    """Return the content of the file, as plain values in the order of their keys. Raises :class:`NoHash`."""
    kept = [package for package in packages if package.name not in lock.excluded]
    return {
        "lock-version": LOCK_VERSION,
        **({"environments": list(lock.environments)} if lock.environments else {}),
        "requires-python": lock.requires_python,
        **({"extras": sorted(lock.extras)} if lock.extras else {}),
        **({"dependency-groups": sorted(lock.groups)} if lock.groups else {}),
        **({"default-groups": sorted(lock.default_groups)} if lock.default_groups else {}),
        "created-by": "puffin",
        **({"tool": {"puffin": {SHARED_LOCK: True}}} if lock.shared else {}),
        "packages": [_package(each, lock) for each in sorted(kept, key=lambda each: (each.name, each.version))],
    }


def _package(package: Listed, lock: LockStyle) -> dict[str, object]:
    direct = package.direct
    known: dict[str, object] = {"name": package.name}
    if direct is None or direct.kind != "directory":
        known["version"] = package.version
    known |= {"marker": package.marker} if package.marker else {}
    known |= {"requires-python": package.requires_python} if package.requires_python else {}
    if direct is not None:
        return known | _direct(package, direct, lock)
    known |= {"index": package.index} if package.index else {}
    return known | _files(package, lock)


def _files(package: Listed, lock: LockStyle) -> dict[str, object]:
    fitting = sorted(
        [file for file in package.files if _is_named_right(file, package)], key=lambda f: f.filename
    )
    sdists = [file for file in fitting if not is_wheel(file.filename)]
    wheels = [file for file in fitting if is_wheel(file.filename)]
    # One source distribution is all that can be listed; ".tar.gz" is the standard (PEP 625).
    sdists.sort(key=lambda file: not file.filename.endswith(".tar.gz"))
    found: dict[str, object] = {}
    if sdists:
        found["sdist"] = _file(sdists[0], package, lock)
    if wheels:
        found["wheels"] = [_file(wheel, package, lock) for wheel in wheels]
    return found


def _is_named_right(file: OutputFile, package: Listed) -> bool:
    """Tell whether a file has a standard name, as readers of lock files may expect."""
    try:
        parsed = (parse_wheel_filename if is_wheel(file.filename) else parse_sdist_filename)(file.filename)
    except ValueError:
        return False
    return parsed[0] == package.name and parsed[1] == Version(package.version)


def _file(file: OutputFile, package: Listed, lock: LockStyle) -> dict[str, object]:
    found: dict[str, object] = {}
    if file.url.partition("?")[0].rpartition("/")[2] != file.filename:
        found["name"] = file.filename
    if file.upload_time:
        found["upload-time"] = datetime.fromisoformat(file.upload_time)
    found |= _place(file.url, lock)
    found |= {"size": file.size} if file.size else {}
    found["hashes"] = _hashes(file.hashes, file.filename, package)
    return found


def _direct(package: Listed, direct: DirectReference, lock: LockStyle) -> dict[str, object]:
    below = {"subdirectory": direct.subdirectory} if direct.subdirectory else {}
    if direct.kind == "directory":
        path: dict[str, object] = {"path": _relative(direct.url, lock)}
        return {"directory": path | ({"editable": True} if direct.editable else {}) | below}
    if direct.kind == "archive":
        size = {"size": direct.size} if direct.size else {}
        hashes = _hashes(direct.hashes, direct.url.rpartition("/")[2], package)
        return {"archive": _place(direct.url, lock) | size | {"hashes": hashes} | below}
    asked = {"requested-revision": direct.revision} if direct.revision else {}
    return {
        "vcs": {"type": direct.kind, **_place(direct.url, lock), **asked, "commit-id": direct.commit, **below}
    }


def _hashes(hashes: Iterable[str], filename: str, package: Listed) -> dict[str, str]:
    found = dict(sorted(each.split(":", 1) for each in hashes))
    if not found:
        raise NoHash(package=f"{package.name}=={package.version}", filename=filename)
    return found


def _place(url: str, lock: LockStyle) -> dict[str, object]:
    return {"path": _relative(url, lock)} if is_file_url(url) else {"url": url}


def _relative(url: str, lock: LockStyle) -> str:
    path = file_path(url)
    try:
        relative = os.path.relpath(path, lock.base).replace(os.sep, "/")
    except ValueError:  # on another drive
        return path.replace(os.sep, "/")
    return relative if relative.startswith(".") else f"./{relative}"


def _table(package: Mapping[str, object]) -> object:
    table = tomlkit.table()
    for key, value in package.items():
        table.add(key, _item(value))
    return table


def _item(value: object) -> object:
    """Return the item for a value; tables are inline, and a list of several things has a line for each."""
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        for key, each in value.items():
            inline.append(key, _item(each))
        return inline
    if isinstance(value, list):
        array = tomlkit.array()
        for each in value:
            array.append(_item(each))
        return array.multiline(len(value) > 1 or any(isinstance(each, Mapping) for each in value))
    return tomlkit.item(value)
