"""``uv.lock``, the lock file of uv, as a ``pylock.toml`` (PEP 751) of the packages for one target.

https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile: the format is uv's own. Version 1 is read. The
packages are those of ``uv sync``: of the project at the root, or of all members of a workspace without one, with the
default groups. Projects that are not packages are left out. Files in directories of links, and those of indexes that
tell none, have no hashes.
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from urllib.parse import parse_qsl

from puffin.names import normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Package = dict[str, Any]

UV_LOCK = "uv.lock"
UNHASHED = f"none-{os.urandom(8).hex()}"  # for the algorithm PEP 751 demands; no file can name it
_LOCAL = ("virtual", "editable", "directory")


class UvLockProblem(Exception):
    """A lock file of uv cannot be used, because of ``problem``, a clause about the package ``name``, if about one."""

    def __init__(self, problem: str, name: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.name = name


class UvLock:
    """The packages of a ``uv.lock``. ``holds`` tells whether a marker holds for the target.

    *packages* are the projects that are installed, where these are not what uv would install by default.
    """

    def __init__(
        self, document: "Mapping[str, Any]", holds: Callable[[str], bool], packages: tuple[str, ...] = ()
    ) -> None:
        if document.get("version") != 1:
            raise UvLockProblem(
                f"version `{document.get('version')}` of the format is unknown; puffin reads version 1"
            )
        if document.get("conflicts"):
            raise UvLockProblem("it has `conflicts`, which are not supported")
        self._document = document
        self._holds = holds
        self._packages: list[Package] = document.get("package", [])
        self._by_name: dict[str, list[Package]] = {}
        for package in self._packages:
            self._by_name.setdefault(package["name"], []).append(package)
        self.roots = self._meant_by(packages)

    def of(self, packages: tuple[str, ...]) -> "UvLock":
        """Return this lock for other projects."""
        found = copy(self)
        found.roots = self._meant_by(packages)
        return found

    def _meant_by(self, packages: tuple[str, ...]) -> "list[Package]":
        missing = next((name for name in packages if name not in self._by_name), "")
        if missing:
            raise UvLockProblem(f"it has no entry for the project `{missing}`")
        return [each for name in packages for each in self._by_name[name]] or self._roots()

    def _roots(self) -> "list[Package]":
        root = [each for each in self._packages if any(each["source"].get(kind) == "." for kind in _LOCAL)]
        manifest = self._document.get("manifest", {})
        members = [each for name in manifest.get("members", ()) for each in self._by_name.get(name, ())]
        own = {"source": {"virtual": "."}, "dev-dependencies": manifest.get("dependency-groups", {})}
        return root or [*members, own]

    def names(self, table: str) -> list[str]:
        """Return the names of the extras (``optional-dependencies``) or groups (``dev-dependencies``) of the roots."""
        return list(dict.fromkeys(normalise(name) for each in self.roots for name in each.get(table, {})))

    def pylock(self, extras: Iterable[str], groups: Iterable[str]) -> "dict[str, Any]":
        """Return the document of the packages that are installed with *extras* and *groups* of the roots."""
        return self._document_of(self.reached(extras, groups))

    def everything(self) -> "dict[str, Any]":
        """Return the document of all packages that hold for the target, whoever requires them."""
        holding = [
            each for each in self._packages if any(map(self._holds, each.get("resolution-markers", ("",))))
        ]
        return self._document_of(holding)

    def _document_of(self, chosen: "Iterable[Package]") -> "dict[str, Any]":
        packages = [found for each in chosen if (found := _entry(each)) is not None]
        head = {"lock-version": "1.0", "created-by": "uv", "packages": packages}
        python = self._document.get("requires-python")
        return {**head, "requires-python": python} if python else head

    def reached(self, extras: Iterable[str], groups: Iterable[str]) -> "list[Package]":
        """Return the entries of the roots, with *extras* and *groups* of them, and of all that these require."""
        extras, groups = [*extras], [*groups]
        left = [(root, "dependencies", "") for root in self.roots]
        left += [(root, "optional-dependencies", extra) for root in self.roots for extra in extras]
        left += [(root, "dev-dependencies", group) for root in self.roots for group in groups]
        seen: dict[tuple[int, str, str], Package] = {}
        while left:
            package, table, key = left.pop()
            if (id(package), table, key) in seen:
                continue
            seen[id(package), table, key] = package
            listed = package.get(table, {}).get(key, ()) if key else package.get(table, ())
            for needed in listed:
                if self._holds(needed.get("marker", "")):
                    found = self._meant(needed)
                    left.append((found, "dependencies", ""))
                    left += [
                        (found, "optional-dependencies", extra)
                        for extra in needed.get("extra", needed.get("extras", ()))
                    ]
        return list({number: package for (number, _, _), package in seen.items()}.values())

    def _meant(self, needed: "Mapping[str, Any]") -> "Package":
        """Return the package that a dependency means: with its version and source, where several have its name."""
        keys = [key for key in ("version", "source") if key in needed]
        for each in self._by_name.get(needed["name"], ()):
            markers = each.get("resolution-markers", ("",))
            if all(each.get(key) == needed[key] for key in keys) and any(map(self._holds, markers)):
                return each
        name = needed["name"]
        raise UvLockProblem(f"it has no entry for `{name}`, which another entry requires", name)


_HEADER = re.compile(r"""(?m)^[ \t]*\[[ \t]*\[[ \t]*["']?package["']?[ \t]*\]""")
_WRITTEN = re.compile(r"(?m)^(?=\[\[package\]\]$)")
_NAME = re.compile(r'\[\[package\]\]\nname = "([^"\\]+)"\n')


def written_packages(text: str) -> "dict[str, tuple[str, ...]]":
    """Return the text of all entries of each package, and under an empty name what is written before the first one.

    Return nothing for a text that is not in the form in which uv writes it.
    """
    head, *entries = _WRITTEN.split(text)
    named = [(found[1], each) for each in entries if (found := _NAME.match(each))]
    if not (len(named) == len(entries) == len(_HEADER.findall(text))):
        return {}
    told: dict[str, tuple[str, ...]] = {"": (head,)}
    for name, each in named:
        told[name] = (*told.get(name, ()), each.rstrip("\n"))
    return told


def _entry(package: "Package") -> "dict[str, Any] | None":
    """Return a package in the form of PEP 751, None for one that is not installed itself."""
    source = package["source"]
    if "virtual" in source:
        return None
    head = {"name": package["name"]}
    for kind in ("editable", "directory"):
        if kind in source:
            return {**head, "directory": {"path": source[kind], "editable": kind == "editable"}}
    if "version" in package:
        head["version"] = package["version"]
    if "git" in source:
        return {**head, "vcs": _repository(source["git"])}
    if "registry" not in source:
        return {**head, "archive": _archive(package, source)}
    index = {"index": source["registry"]} if "://" in source["registry"] else {}
    base = "" if index else source["registry"]
    wheels = [_file(each, base) for each in package.get("wheels", ())]
    sdist = {"sdist": _file(package["sdist"], base)} if "sdist" in package else {}
    return {**head, **index, **({"wheels": wheels} if wheels else {}), **sdist}


def _repository(url: str) -> "dict[str, str]":
    address, _, commit = url.partition("#")
    address, _, query = address.partition("?")
    told = dict(parse_qsl(query))
    asked = next((told[key] for key in ("rev", "tag", "branch") if key in told), "")
    found = {"type": "git", "url": address, "commit-id": commit}
    found |= {"requested-revision": asked} if asked else {}
    return found | ({"subdirectory": told["subdirectory"]} if "subdirectory" in told else {})


def _archive(package: "Package", source: "Mapping[str, str]") -> "dict[str, Any]":
    file: Mapping[str, Any] = package.get("sdist") or next(iter(package.get("wheels", ())), {})
    place = {key: source[key] for key in ("url", "path", "subdirectory") if key in source}
    return {**place, **_identity(file)}


def _file(file: "Mapping[str, Any]", base: str) -> "dict[str, Any]":
    """Return a file; its path is relative to the directory *base* of links."""
    place = {key: file[key] for key in ("url", "path") if key in file}
    if base and "path" in place:
        place["path"] = posixpath.join(base, place["path"])
    name = re.split(r"[/\\]", file.get("filename") or file.get("url") or file.get("path") or "")[-1]
    return {"name": name, **place, **_identity(file)}


def _identity(file: "Mapping[str, Any]") -> "dict[str, Any]":
    algorithm, colon, value = file.get("hash", "").partition(":")
    hashes = {algorithm: value} if colon else {UNHASHED: "-"}
    return {"hashes": hashes, **({"size": file["size"]} if "size" in file else {})}
