"""Pins with a URL, and the artifact of a chosen file."""

import json
import os
from functools import lru_cache

from puffin import depends
from puffin.artifact.artifact import DIRECTORY, GIT, SDIST, WHEEL, Artifact, file_identity
from puffin.artifact.urls import digest, file_url, inherit_credentials
from puffin.errors import os_cause
from puffin.names import normalise, same_version
from puffin.stages.fetch.digests import digests_of_file
from puffin.stages.fetch.git.url import subdirectory
from puffin.stages.resolve.index.config import ANY_FILES, FilePolicy, bare, canonical, is_local, local_path
from puffin.stages.resolve.index.page import FileLink, IndexFile, file_name, fragment_hashes, is_safe, is_wheel
from puffin.stages.resolve.locate.choose import file_of, shown_pin
from puffin.stages.resolve.locate.errors import FileMissing, HashesDiffer, WheelMismatch
from puffin.stages.resolve.locate.file_choice import FileChooser, FileTarget, Offered
from puffin.stages.resolve.locate.source import (
    Commits,
    check_source,
    directory_artifact,
    file_named_version,
    repository_artifact,
    source_kind,
)
from puffin.stages.resolve.locate.tags import split_tags
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.resolve.solve.request import hash_verdict
from puffin.value import astuple


def locate_url(
    pin: Pin, target: FileTarget, *, files: FilePolicy = ANY_FILES, commits: Commits | None = None
) -> Artifact:
    """Return the artifact of a pin with a URL or a local path: a wheel, or what one has to be built from.

    *commits* is the seam to version control. Raises :class:`WheelMismatch`, :class:`NoCompatibleWheel`,
    :class:`HashesDiffer`, :class:`FileMissing`, ``BuildForbidden``, ``NotEditable``, ``NoSubdirectory``, and what
    *commits* raises.
    """
    kind = source_kind(pin)
    if kind or pin.editable:
        check_source(pin, kind, files)
    if kind == DIRECTORY:
        return directory_artifact(pin)
    if kind == GIT:
        if commits is None:
            raise RuntimeError("a repository needs the seam to version control")
        return repository_artifact(pin, commits)
    return _archive(pin, kind or WHEEL, target)


def _archive(pin: Pin, kind: str, target: FileTarget) -> Artifact:
    address, _, fragment = pin.url.partition("#")
    local = is_local(address)
    filename = os.path.basename(local_path(address)) if local else file_name(address)
    version = _sdist_version(pin, filename) if kind == SDIST else _wheel_version(pin, filename, address, target)
    hashes = hashes_to_check(pin, fragment_hashes(fragment))
    url = file_url(local_path(address)) if local else address
    source, size = place_of(url, f"url/{digest(canonical(url))}", pin)
    if kind == SDIST:
        check_local(pin, url, hashes)
    inner = subdirectory(fragment) if kind == SDIST else ""
    return Artifact(
        name=pin.name or normalise(filename.split("-")[0]),
        version=version,
        filename=filename,
        url=url,
        source=source,
        hashes=hashes,
        size=size,
        direct_url=direct_url(url, hashes, inner),
        kind=kind,
        subdirectory=inner,
        config_settings=pin.config_settings if kind == SDIST else (),
    )


def _wheel_version(pin: Pin, filename: str, address: str, target: FileTarget) -> str:
    _check_name(pin, filename)
    version = filename.split("-")[1]
    row = astuple(FileLink(filename=filename, url=address))
    file_of(pin, (Offered(row, version, ""),), FileChooser(target))
    return version


def _sdist_version(pin: Pin, filename: str) -> str:
    if not is_safe(filename):
        raise WheelMismatch(
            package=shown_pin(pin), filename=filename, reason="this name is not safe as that of a file"
        )
    return file_named_version(filename, pin.name)


def hashes_to_check(pin: Pin, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hashes to check: the offered ones, and of these only pinned ones if there are pins.

    A hash that nobody pinned must not stand beside pinned ones: the check may take the strongest
    algorithm alone, and then a server could vouch for its own file. Several of one algorithm are
    alternatives. Raises :class:`HashesDiffer` if what is offered contradicts the pins.
    """
    verdict = hash_verdict(offered, pin.hashes)
    if verdict is False:
        raise HashesDiffer(package=shown_pin(pin), expected=pin.hashes, offered=offered)
    if not pin.hashes:
        return offered
    return tuple([item for item in offered if item in pin.hashes]) if verdict else pin.hashes


def place_of(url: str, source: str, pin: Pin) -> tuple[str, int]:
    """Return the cache source and the size of a file: *source* and 0 unless it is local.

    A local file's size and times, that of its last change by any means among them, are in its source, and so is its
    inode: a replaced one is a new one.
    """
    if not is_local(url):
        return source, 0
    path = local_path(url)
    depends.file(path, content=False)
    try:
        facts = os.stat(path)
    except OSError as error:
        raise FileMissing(package=shown_pin(pin), path=path, causes=(os_cause(error),)) from error
    return f"path/{digest(f'{url} {file_identity(facts)}')}", facts.st_size


def check_local(pin: Pin, url: str, hashes: tuple[str, ...]) -> None:
    """Raise :class:`HashesDiffer` unless a local source has one of *hashes*: it is built by what it holds now.

    A wheel is compared when it is unzipped, and known by its identity from then on.
    """
    if not hashes or not is_local(url):
        return
    path = local_path(url)
    try:
        digests = digests_of_file(path, (hashes,))
    except OSError as error:
        raise FileMissing(package=shown_pin(pin), path=path, causes=(os_cause(error),)) from error
    if digests.broken((hashes,)):
        offered = tuple([f"{each} ({os.path.basename(path)})" for each in digests.computed()])
        raise HashesDiffer(package=shown_pin(pin), expected=hashes, offered=offered)


def direct_url(url: str, hashes: tuple[str, ...], inner: str = "") -> str:
    """Return the text of ``direct_url.json`` for an archive (PEP 610), without credentials.

    *inner* is the subdirectory of the project.
    """
    known: dict[str, str] = {}
    for item in hashes:
        algorithm, _, value = item.partition(":")
        known[algorithm] = "" if algorithm in known else value  # of several, only the download knows which
    sure = {algorithm: value for algorithm, value in sorted(known.items()) if value}
    info: dict[str, object] = {"hashes": sure} if sure else {}
    if "sha256" in sure:
        info["hash"] = f"sha256={sure['sha256']}"
    place = {"subdirectory": inner} if inner else {}
    return json.dumps({"archive_info": info, "url": bare(url), **place}, sort_keys=True)


def _check_name(pin: Pin, filename: str) -> None:
    if not is_wheel(filename):
        reason = "its name ends neither as a wheel (`.whl`) nor as a source distribution (`.tar.gz`, `.zip`)"
    elif not split_tags(filename)[1] or not is_safe(filename):
        reason = "this is not a valid wheel name"
    elif pin.name and normalise(filename.split("-")[0]) != normalise(pin.name):
        reason = f"it is a wheel of `{normalise(filename.split('-')[0])}`"
    elif pin.version and not same_version(pin.version, filename.split("-")[1]):
        reason = f"it is a wheel of version {filename.split('-')[1]}"
    else:
        return
    raise WheelMismatch(package=shown_pin(pin), filename=filename, reason=reason)


def artifact_of(pin: Pin, chosen: IndexFile) -> Artifact:
    """Return the artifact for a file that an index or a find-links place offers.

    Raises ``HashesDiffer`` where the pin's hashes contradict those offered, ``FileMissing`` for a local file
    that is gone.
    """
    link = chosen.link
    source, size = place_of(link.url, f"index/{_digest(chosen.place)}", pin)
    hashes = hashes_to_check(pin, link.hashes)
    if not is_wheel(link.filename):
        check_local(pin, link.url, hashes)
    return Artifact(
        name=normalise(pin.name),
        version=chosen.version,
        filename=link.filename,
        url=inherit_credentials(link.url, chosen.place),
        source=source,
        hashes=hashes,
        size=size or link.size,
        yanked=link.yanked,
        requires_python=link.requires_python,
        kind=WHEEL if is_wheel(link.filename) else SDIST,
        config_settings=() if is_wheel(link.filename) else pin.config_settings,
    )


@lru_cache
def _digest(place: str) -> str:
    return digest(canonical(place))
