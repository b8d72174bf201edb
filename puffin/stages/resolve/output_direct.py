"""How a package that was given by URL, path or repository is written into the output."""

import os
import re
from collections.abc import Callable, Iterable

from puffin import depends
from puffin.stages.fetch.git_url import parse
from puffin.stages.resolve.locate_source import subdirectory
from puffin.stages.resolve.output_values import Direct
from puffin.stages.resolve.requrl import looks_like_archive
from puffin.stages.resolve.reqvalues import Entry
from puffin.stages.resolve.solve.resolution import Resolved
from puffin.stages.resolve.solve.universe import Place
from puffin.stages.urls import file_path, is_file, strip_credentials

_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\]\s*)?@\s*")
_REST = re.compile(r"\s*;\s.*|\s+;.*|\s+--hash.*", re.DOTALL)
_EXTRAS = re.compile(r"\s*\[[^\]]*\]$")


def direct_of(
    package: Resolved, entries: Iterable[Entry], *, cwd: str, sha256: "Callable[[str], tuple[str, int]] | None"
) -> Direct | None:
    """Return where *package* is from, None if from an index.

    *entries* are the requirements as they were written. *sha256* returns digest and size of the file at a
    URL, credentials included; it is asked only for archives without a hash, and None where nobody needs one.
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
    return Direct(written=written, url=bare, kind="archive", subdirectory=inner, hashes=hashes, size=size)


def _local(
    package: Resolved,
    url: str,
    inner: str,
    written: str,
    cwd: str,
    sha256: "Callable[[str], tuple[str, int]] | None",
) -> Direct:
    address = url.partition("#")[0]
    path = file_path(address)
    archive = looks_like_archive(path) and not depends.is_directory(path)
    hashes, size = _hashed(package, address, sha256) if archive else ((), 0)
    bare = bool(written) and not is_file(written)
    return Direct(
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


def _repository(package: Resolved, url: str, inner: str) -> Direct:
    found = parse(url)
    asked = parse(package.url).ref if package.url else found.ref
    return Direct(
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
