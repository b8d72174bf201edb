"""Wheels that were built from source, between the kept builds of this machine and a remote cache.

The entry of a build is named by the state of the source, the settings, and the platform that it was built on, or
``any`` for wheels of every platform (``KeptWheel.platform``). It lists the wheels of all interpreters:
``{"wheels": [{"filename", "sha256", "size"}]}``. A wheel that was built for ``linux`` runs where it was built, so the
platform tells the C library.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from puffin.artifact.artifact import Artifact, expected_sha256
from puffin.artifact.urls import digest
from puffin.cache.atomic import remove_tree, write
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.build import kept, task
from puffin.stages.build.hooks import metadata_of
from puffin.stages.build.kept import SoughtBuild
from puffin.stages.remote.store import RemoteQuestion, RemoteStore, store_of
from puffin.stages.remote.values import ABSENT, BUILDS, SOURCES, THREADS, WRONG, Told
from puffin.stages.remote.wheels import FileGetter
from puffin.stages.resolve.locate.tags import priorities, rank
from puffin.stages.unzip.errors import Refused
from puffin.stages.unzip.wheelfile import parse_filename
from puffin.value import from_tuple

_BROUGHT = "remote-"  # begins the names of kept builds that a remote cache gave


def build_key(revision: str, settings: str, platform: str) -> str:
    """Return the key of the entry of a build."""
    return f"{revision}/{settings}/{platform}"


def wheels_of(value: "dict[str, Any] | None") -> "list[dict[str, Any]]":
    """Return the wheels that an entry lists, without any whose fields are not valid."""
    listed = (value or {}).get("wheels")
    return [each for each in listed if _is_wheel(each)] if isinstance(listed, list) else []


def _is_wheel(each: object) -> bool:
    if not isinstance(each, dict):
        return False
    filename, sha256, size = each.get("filename"), each.get("sha256"), each.get("size")
    if not isinstance(filename, str) or not isinstance(sha256, str) or type(size) is not int:
        return False
    try:
        parse_filename(filename)
    except Refused:
        return False
    return "/" not in filename and "\\" not in filename and len(sha256) == 64 and sha256.isalnum()


def fetch_shared_source(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", artifact: "tuple[Any, ...]", **arguments: Any
) -> "tuple[str, str, tuple[Any, ...]]":
    """Do what :func:`puffin.stages.build.task.fetch_source` does, likewise."""
    getter = FileGetter(store_of(remote, network), SOURCES, expected_sha256(from_tuple(Artifact, artifact)))
    return task.fetch_source(network=network, artifact=artifact, get=getter, **arguments)


def builds(
    remote: "tuple[Any, ...]", network: "tuple[Any, ...]", cache_root: str, sought: "list[tuple[Any, ...]]"
) -> "list[Told]":
    """Do what :func:`bring_builds` does for builds that are given by their fields."""
    wanted = [from_tuple(SoughtBuild, (*each[:2], tuple(each[2]))) for each in sought]
    return bring_builds(remote=remote, network=network, cache_root=cache_root, sought=wanted)


def bring_builds(
    *, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", cache_root: str, sought: "list[SoughtBuild]"
) -> "list[Told]":
    """Put the wheels that the cache has of *sought* to the kept builds; return what it told of each."""
    store, cache = store_of(remote, network), Cache(cache_root, lower=())
    cache.initialise()
    if len(sought) < 2:
        return [_bring(store, cache, each) for each in sought]
    with ThreadPoolExecutor(min(THREADS, len(sought))) as threads:
        return list(threads.map(lambda each: _bring(store, cache, each), sought))


def _bring(store: RemoteStore, cache: Cache, sought: SoughtBuild) -> "Told":
    question = RemoteQuestion(store, BUILDS)
    worst = ABSENT
    for platform in (kept.usable_on(sought.tags), kept.ANY):
        key = build_key(sought.revision, sought.settings, platform)
        told = list(store.entries(BUILDS, key))
        reasons = [why for _, why in told]
        for wheel in _fitting([each for value, _ in told for each in wheels_of(value)], sought.tags):
            data, reason = store.content(wheel["sha256"], wheel["size"])
            if data is not None:
                return question.told(_kept(cache, sought, wheel, bytes(data)), len(data))
            reasons.append(reason)
        worst = next((why for why in reversed(reasons) if why not in ("", ABSENT)), worst)
    return question.told(worst)


def _fitting(wheels: "list[dict[str, Any]]", tags: "tuple[str, ...]") -> "list[dict[str, Any]]":
    """Return the wheels that fit *tags*, the best first, and of equal ones in their order, which is that of scopes."""
    order = priorities(tags)
    ranked = [(best, each) for each in wheels if (best := rank(each["filename"], order)) is not None]
    return [each for _, each in sorted(ranked, key=lambda each: each[0])]


def _kept(cache: Cache, sought: SoughtBuild, wheel: "dict[str, Any]", data: bytes) -> str:
    """Keep a wheel as a build of this machine; return why it cannot be, ``""`` if it is."""
    room = cache.temporary("-remote")
    try:
        os.mkdir(room)
        path = f"{room}/{wheel['filename']}"
        write(path, data)
        entry = f"{kept.place(cache, sought.revision, sought.settings)}/{_BROUGHT}{digest(wheel['sha256'])}{kept.WHEEL}"
        kept.publish_wheel(cache, entry, path, metadata_of(path))
    except (PuffinError, OSError, ValueError):  # the last is of a name that no file can have
        return WRONG
    finally:
        remove_tree(room)
    return ""


def shareable(path: str) -> "kept.KeptWheel | None":
    """Return the kept wheel at *path* if other machines may use it and it was built here.

    What a remote cache gave may be of a scope that others do not read, so its platform is not known.
    """
    wheel = kept.read_entry(os.path.dirname(path))
    return wheel if wheel is not None and wheel.platform else None


def with_wheel(value: "dict[str, Any] | None", filename: str, sha256: str, size: int) -> "dict[str, Any]":
    """Return the value of an entry with one more wheel; it takes the place of one of the same name."""
    others = [each for each in wheels_of(value) if each["filename"] != filename]
    wheels = [*others, {"filename": filename, "sha256": sha256, "size": size}]
    return {"wheels": sorted(wheels, key=lambda each: str(each["filename"]))}
