"""Metadata of direct references (PEP 508: URLs, paths, repositories) and of installed distributions."""

import os
from collections.abc import Callable, Mapping
from functools import partial

from puffin import depends
from puffin.artifact.artifact import Artifact
from puffin.artifact.urls import mask, mask_text
from puffin.cache.layout import Cache
from puffin.names import normalise
from puffin.stages.fetch.git.url import inner_directory, subdirectory
from puffin.stages.resolve.index.config import FilePolicy, is_local, local_path
from puffin.stages.resolve.index.page import (
    FileLink,
    IndexFile,
    file_name,
    fragment_hashes,
    is_archive,
    is_safe,
    is_wheel,
)
from puffin.stages.resolve.locate.file_choice import FileChooser, FileTarget
from puffin.stages.resolve.locate.source import Commits
from puffin.stages.resolve.locate.tags import mismatch, split_tags
from puffin.stages.resolve.locate.url import artifact_of, locate_url
from puffin.stages.resolve.metadata.obtain import Obtainer
from puffin.stages.resolve.metadata.parse import parse_metadata
from puffin.stages.resolve.metadata.project import Dynamic
from puffin.stages.resolve.metadata.wanted import BuildSource, MetadataRequest, Unbuilt, unreadable, unusable
from puffin.stages.resolve.requirements.lenient import Malformed
from puffin.stages.resolve.requirements.values import Pin
from puffin.stages.resolve.solve.request import Resolved
from puffin.stages.resolve.solve.universe import Metadata, Place
from puffin.stages.resolve.universe.values import Built, CheckedOut, Checkout, Chosen, InstalledDistribution
from puffin.value import common, replace

REPOSITORY = "a repository"


class PlaceReader:
    """Reads the metadata of direct references: of directories from the disk, of all others through the cache."""

    def __init__(self, obtainer: Obtainer, chooser: FileChooser, checkout: "Checkout | None") -> None:
        self._obtainer = obtainer
        self._chooser = chooser
        self._checkout = checkout

    def metadata(self, place: Place) -> Metadata | Unbuilt:
        """Return the metadata of a direct reference, or what has to be built for it; raises ``Unusable``."""
        address, _, fragment = place.url.partition("#")
        if "+" in address.partition(":")[0]:
            return self._repository(place, fragment)
        if is_local(address) and depends.is_directory(local_path(address)):
            return _tree(place, local_path(address), subdirectory(fragment))
        return self._archive(place, address, fragment)

    def _repository(self, place: Place, fragment: str) -> Metadata | Unbuilt:
        if self._checkout is None:
            source = BuildSource(package=shown(place), path="", name=place.name, url=place.url)
            return Unbuilt(source=source, reason="it has to be checked out first", kind=REPOSITORY)
        checked = self._checkout(place)
        found = _tree(checked.place, checked.path, subdirectory(fragment))
        if isinstance(found, Metadata):
            return replace(found, source=checked.place, requires_dist=_with_places(found, checked.placed))
        return replace(found, place=checked.place, placed=checked.placed)

    def _archive(self, place: Place, address: str, fragment: str) -> Metadata | Unbuilt:
        wanted = self._wanted(place, address, fragment)
        kept = self._obtainer.kept(wanted)
        found = self._obtainer.obtain(wanted) if kept is None else kept
        if isinstance(found, Metadata):
            return found
        return replace(found, source=replace(found.source, config_settings=place.config_settings))

    def _wanted(self, place: Place, address: str, fragment: str) -> MetadataRequest:
        local = is_local(address)
        filename = os.path.basename(local_path(address)) if local else file_name(address)
        package = shown(place)
        name, version = self._identity(place, package, filename)
        link = FileLink(filename=filename, url=address, hashes=fragment_hashes(fragment))
        return MetadataRequest(
            package=package,
            candidate=IndexFile(link=link, version=version, place=""),
            name=name,
            version=version,
            hashes=place.hashes,
            subdirectory=subdirectory(fragment),
        )

    def _identity(self, place: Place, package: str, filename: str) -> tuple[str, str]:
        """Return the name and version that the metadata must have, each empty if the file name does not have it."""
        if is_local(place.url) and not os.path.lexists(local_path(place.url)):
            raise unusable(package, "there is no such file or directory")
        if not is_archive(filename) or not is_safe(filename):
            raise unusable(package, "its name ends neither as a wheel (`.whl`) nor as a source distribution")
        if not is_wheel(filename):
            return place.name, ""
        if not split_tags(filename)[1]:
            raise unusable(package, f"`{filename}` is not a valid wheel name")
        name, version = filename.split("-")[:2]
        if place.name and normalise(name) != place.name:
            raise unusable(package, f"`{filename}` is a wheel of `{normalise(name)}`")
        if self._chooser.rank(filename) is None:
            part = mismatch(filename, self._chooser.target.tags)
            target = self._chooser.target
            best = f" (its best tag is `{target.tags[0]}`)" if target.tags else ""
            found = f"the {part} of `{filename}` does not fit"
            raise unusable(package, f"{found} Python {target.python_version}{best}")
        return normalise(name), version


def is_remote(place: Place) -> bool:
    """Return whether a place is an archive behind HTTP."""
    return not is_local(place.url) and "+" not in place.url.partition(":")[0]


def shown(place: Place) -> str:
    """Return a place for messages: as the user gave it, with credentials masked."""
    if place.text:
        return mask_text(place.text)
    return f"{place.name} @ {mask(place.url)}" if place.name else mask(place.url)


def _tree(place: Place, path: str, inner: str) -> Metadata | Unbuilt:
    from puffin.stages.resolve.metadata.sdist import tree_metadata

    package = shown(place)
    directory = inner_directory(path, inner, package=package)
    try:
        return tree_metadata(directory, name=place.name)
    except Malformed as problem:
        raise unusable(package, problem.reason) from None
    except OSError as error:
        raise unreadable(package, error) from error
    except Dynamic as dynamic:
        source = BuildSource(package=package, path=path, subdirectory=inner, **common(BuildSource, place))
        return Unbuilt(source=source, reason=dynamic.reason, kind="a project directory")


def _with_places(
    metadata: Metadata, placed: "Callable[[tuple[str, ...]], tuple[str, ...]] | None"
) -> tuple[str, ...]:
    return placed(metadata.requires_dist) if placed else metadata.requires_dist


def built_metadata(built: Built, unbuilt: Unbuilt) -> Metadata:
    """Return the metadata that a build produced; raises ``Unusable`` if it is of another distribution."""
    source = unbuilt.source
    try:
        found = parse_metadata(built.metadata, name=source.name, version=source.version)
    except Malformed as problem:
        raise unusable(source.package, problem.reason) from None
    return replace(found, source=built.source, requires_dist=_with_places(found, unbuilt.placed))


def installed_metadata(handle: InstalledDistribution) -> Metadata:
    """Return the metadata of an installed distribution; if it cannot be read, it has no requirements."""
    for name in ("METADATA", "PKG-INFO", ""):
        path = os.path.join(handle.path, name) if name else handle.path
        depends.file(path)
        try:
            with open(path, "rb") as file:
                data = file.read()
            return replace(parse_metadata(data, name=handle.name), version=handle.version)
        except OSError:
            continue
        except Malformed:
            break
    return Metadata(name=handle.name, version=handle.version)


def checkout_place(
    place: "Place",
    *,
    cache: "Cache",
    offline: bool,
    environ: "Mapping[str, str]",
    placed: "Callable[[CheckedOut, tuple[str, ...]], tuple[str, ...]] | None" = None,
) -> CheckedOut:
    """Check out the repository of *place*; its URL then has the full commit. *placed* is as in :class:`CheckedOut`.

    Raises the errors of :func:`puffin.stages.fetch.git.checkout.checkout`, which name *place* in the user's words.
    """
    from puffin.stages.fetch.git.checkout import checkout

    checked = checkout(place.url, cache=cache, offline=offline, environ=environ, package=shown(place))
    found = CheckedOut(path=checked.path, place=replace(place, url=checked.url))
    return replace(found, placed=partial(placed, found)) if placed else found


def artifact_for(package: Resolved, target: FileTarget, *, files: FilePolicy, commits: Commits) -> Artifact:
    """Return the artifact to install for a resolved package. Raises the errors of locating a URL."""
    if isinstance(package.handle, Chosen):
        chosen = package.handle
        text = f"{chosen.name}=={chosen.version}"
        listed = Pin(name=chosen.name, version=chosen.version, hashes=package.hashes, text=text)
        return artifact_of(listed, chosen.install)
    pin = replace(pin_of(package), version=package.version)
    return locate_url(pin, target, files=files, commits=commits)


def pin_of(package: Resolved) -> Pin:
    """Return a chosen package as a pin: one with a URL has no version."""
    version = "" if package.url else package.version
    return Pin(
        name=package.name,
        version=version,
        url=package.url,
        hashes=package.hashes,
        editable=package.editable,
        config_settings=getattr(package.handle, "config_settings", ()) if package.url else (),
        text=f"{package.name} @ {package.url}" if package.url else f"{package.name}=={version}",
    )
