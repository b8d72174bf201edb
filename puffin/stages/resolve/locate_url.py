"""Pins with a URL: they name their file themselves, so that no index is asked."""

import os

from puffin.errors import os_cause
from puffin.stages.artifact import Artifact
from puffin.stages.resolve.index_href import file_name, fragment_hashes
from puffin.stages.resolve.index_page import FileLink, is_archive, is_safe, is_wheel, normalise
from puffin.stages.resolve.index_url import bare, canonical, is_local, local_path
from puffin.stages.resolve.locate_choose import Candidate, Pin, Target, choose, hash_verdict, shown
from puffin.stages.resolve.locate_errors import FileMissing, HashesDiffer, NoWheel, WheelMismatch
from puffin.stages.resolve.locate_versions import parsed
from puffin.stages.resolve.tags import split_tags
from puffin.stages.urls import digest, file_url

_BUILD_HINT = "build it elsewhere and give its wheel"


def locate_url(pin: Pin, target: Target) -> Artifact:
    """Return the artifact of a pin with a URL or a local path.

    Raises :class:`NoWheel`, :class:`WheelMismatch`, :class:`NoCompatibleWheel`, :class:`HashesDiffer`
    or :class:`FileMissing`.
    """
    address, _, fragment = pin.url.partition("#")
    if kind := _to_build(pin, address):
        raise NoWheel(package=shown(pin), kind=kind, hints=(_BUILD_HINT,))
    local = is_local(address)
    filename = os.path.basename(local_path(address)) if local else file_name(address)
    _check_name(pin, filename)
    version = filename.split("-")[1]
    choose(pin, (Candidate(link=FileLink(filename=filename, url=address), version=version, place=""),), target)
    hashes = merged(pin, fragment_hashes(fragment))
    url = file_url(local_path(address)) if local else address
    source, size = place_of(url, f"url/{digest(canonical(url))}", pin)
    return Artifact(
        name=pin.name or normalise(filename.split("-")[0]),
        version=version,
        filename=filename,
        url=url,
        source=source,
        hashes=hashes,
        size=size,
        direct_url=direct_url(url, hashes),
    )


def merged(pin: Pin, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hashes to check: those offered, where pins are given only pinned ones.

    A hash that nobody pinned must not stand beside pinned ones: the check may take the strongest
    algorithm alone, and then a server could vouch for its own file. Several of one algorithm are
    alternatives. Raises :class:`HashesDiffer` if what is offered contradicts the pins.
    """
    verdict = hash_verdict(offered, pin.hashes)
    if verdict is False:
        raise HashesDiffer(package=shown(pin), expected=pin.hashes, offered=offered)
    if not pin.hashes:
        return offered
    return tuple([item for item in offered if item in pin.hashes]) if verdict else pin.hashes


def place_of(url: str, source: str, pin: Pin) -> tuple[str, int]:
    """Return the cache source and the size of a file: *source* and 0 unless it is local.

    The modification time and size of a local file are in its source, so that a replaced one is a new one.
    """
    if not is_local(url):
        return source, 0
    path = local_path(url)
    try:
        facts = os.stat(path)
    except OSError as error:
        raise FileMissing(package=shown(pin), path=path, causes=(os_cause(error),)) from error
    return f"path/{digest(f'{url} {facts.st_mtime_ns} {facts.st_size}')}", facts.st_size


def direct_url(url: str, hashes: tuple[str, ...]) -> str:
    """Return the text of ``direct_url.json`` for an archive (PEP 610), without credentials."""
    import json

    known: dict[str, str] = {}
    for item in hashes:
        algorithm, _, value = item.partition(":")
        known[algorithm] = "" if algorithm in known else value  # of several, only the download knows which
    sure = {algorithm: value for algorithm, value in sorted(known.items()) if value}
    info: dict[str, object] = {"hashes": sure} if sure else {}
    if "sha256" in sure:
        info["hash"] = f"sha256={sure['sha256']}"
    return json.dumps({"archive_info": info, "url": bare(url)}, sort_keys=True)


def _to_build(pin: Pin, address: str) -> str:
    """Return what a pin is that would have to be built; empty for a wheel."""
    scheme = address.partition(":")[0].lower()
    if pin.editable:
        return "an editable"
    if scheme.startswith(("git+", "hg+", "svn+", "bzr+")):
        return f"a {scheme.partition('+')[0]} repository"
    if is_local(address) and os.path.isdir(local_path(address)):
        return "a directory"
    name = file_name(address)
    return "a source distribution" if is_archive(name) and not is_wheel(name) else ""


def _check_name(pin: Pin, filename: str) -> None:
    if not is_wheel(filename):
        reason = "its name ends neither as a wheel (`.whl`) nor as a source distribution (`.tar.gz`, `.zip`)"
    elif not split_tags(filename)[1] or not is_safe(filename):
        reason = "this is no valid name of a wheel"
    elif pin.name and normalise(filename.split("-")[0]) != normalise(pin.name):
        reason = f"it is a wheel of `{normalise(filename.split('-')[0])}`"
    elif (
        pin.version and pin.version != filename.split("-")[1] and not _same(pin.version, filename.split("-")[1])
    ):
        reason = f"it is a wheel of version {filename.split('-')[1]}"
    else:
        return
    raise WheelMismatch(package=shown(pin), filename=filename, reason=reason)


def _same(one: str, other: str) -> bool:
    version = parsed(one)
    return version is not None and version == parsed(other)
