"""The direct reference (PEP 508) and the marker of a package in the output."""

import os
import re
from collections.abc import Callable, Iterable, Mapping

from packaging.markers import Marker

from puffin import depends
from puffin.artifact.urls import file_path, is_file, strip_credentials
from puffin.stages.fetch.git.url import parse
from puffin.stages.resolve.locate.source import subdirectory
from puffin.stages.resolve.output.values import DirectReference
from puffin.stages.resolve.requirements.markers import without_extra
from puffin.stages.resolve.requirements.place import looks_like_archive
from puffin.stages.resolve.requirements.values import Entry
from puffin.stages.resolve.solve.request import Parent, Resolved
from puffin.stages.resolve.solve.universe import Place

_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\]\s*)?@\s*")
_REST = re.compile(r"\s*;\s.*|\s+;.*|\s+--hash.*", re.DOTALL)
_EXTRAS = re.compile(r"\s*\[[^\]]*\]$")
_MOST = 8  # alternatives; what has more of them is needed almost everywhere, and is written without a marker

_Conditions = frozenset[frozenset[str]]
_ALWAYS: _Conditions = frozenset((frozenset(),))


def direct_of(
    package: Resolved, entries: Iterable[Entry], *, cwd: str, sha256: "Callable[[str], tuple[str, int]] | None"
) -> DirectReference | None:
    """Return the direct reference of *package*, None if it is from an index.

    *entries* are the requirements as they were written. *sha256* returns the digest and the size in bytes of the file
    at a URL with credentials; it is called for archives without a hash, and is None if no hash is needed.
    """
    handle = package.handle
    url = handle.url if isinstance(handle, Place) else package.url
    if not url:
        return None
    address, _, fragment = url.partition("#")
    inner = subdirectory(fragment)
    if "+" in address.partition(":")[0]:
        return _repository(package, url, inner)
    if is_file(address):
        return _local(package, url, inner, _as_written(package, entries), cwd, sha256)
    hashes, size = _hashed(package, address, sha256)
    bare = strip_credentials(address)
    written = strip_credentials(url)
    return DirectReference(
        written=written, url=bare, kind="archive", subdirectory=inner, hashes=hashes, size=size
    )


def _local(
    package: Resolved,
    url: str,
    inner: str,
    written: str,
    cwd: str,
    sha256: "Callable[[str], tuple[str, int]] | None",
) -> DirectReference:
    address = url.partition("#")[0]
    path = file_path(address)
    archive = looks_like_archive(path) and not depends.is_directory(path)
    hashes, size = _hashed(package, address, sha256) if archive else ((), 0)
    bare = bool(written) and not is_file(written)
    return DirectReference(
        written=_path(written, path, cwd) if bare else url,
        url=address,
        kind="archive" if archive else "directory",
        bare=bare,
        editable=package.editable,
        subdirectory=inner,
        hashes=hashes,
        size=size,
    )


def _path(written: str, path: str, cwd: str) -> str:
    """Return a path as it was written, if it means the same from *cwd*; else relative to *cwd*."""
    if os.path.isabs(written) or os.path.normpath(os.path.join(cwd, written)) == os.path.normpath(path):
        return written
    relative = os.path.relpath(path, cwd).replace(os.sep, "/")
    return relative if relative.startswith(".") else f"./{relative}"


def _repository(package: Resolved, url: str, inner: str) -> DirectReference:
    found = parse(url)
    asked = parse(package.url).ref if package.url else found.ref
    return DirectReference(
        written=strip_credentials(url),
        url=strip_credentials(found.repository),
        kind="git",
        editable=package.editable,
        subdirectory=inner,
        commit=found.ref,
        revision=asked if asked != found.ref else "",
    )


def _hashed(
    package: Resolved, address: str, sha256: "Callable[[str], tuple[str, int]] | None"
) -> tuple[tuple[str, ...], int]:
    handle = package.handle
    known = package.hashes or (handle.hashes if isinstance(handle, Place) else ())
    if known or sha256 is None:
        return known, 0
    digest, size = sha256(address)
    return (f"sha256:{digest}",), size


def _as_written(package: Resolved, entries: Iterable[Entry]) -> str:
    """Return the location in the requirement that names the package's URL, as the user wrote it; or nothing."""
    text = next((entry.text for entry in entries if entry.url == package.url), "")
    location = _REST.sub("", text.removeprefix("-e ").strip())
    location = _NAME.sub("", location, count=1) if _NAME.match(location) else location
    location = _EXTRAS.sub("", location).partition("#")[0]
    return "" if "${" in location else location


def markers_of(packages: Iterable[Resolved]) -> dict[str, str]:
    """Return the marker of each package by name; those without any condition are left out."""
    parents = {package.name: package.via for package in packages}
    known: dict[str, _Conditions] = dict.fromkeys(parents, frozenset())
    changed = True
    while changed:
        changed = False
        for name, via in parents.items():
            found = _simplest(known[name].union(*[_through(parent, known) for parent in via]))
            if found != known[name]:
                known[name] = found
                changed = True
    return {name: _text(found) for name, found in known.items() if found and found != _ALWAYS}


def _through(parent: Parent, known: Mapping[str, _Conditions]) -> _Conditions:
    above = known.get(parent.name, _ALWAYS) if parent.name else _ALWAYS
    own = without_extra(parent.marker)
    return frozenset(each | {own} for each in above) if own else above


def _simplest(conditions: _Conditions) -> _Conditions:
    """Return the conditions that no other condition includes."""
    kept = frozenset(each for each in conditions if not any(other < each for other in conditions))
    return _ALWAYS if len(kept) > _MOST else kept


def _text(conditions: _Conditions) -> str:
    alternatives = [" and ".join(f"({each})" for each in sorted(condition)) for condition in conditions]
    return str(Marker(" or ".join(f"({each})" for each in sorted(alternatives))))
