"""Kept builds: wheels, metadata and logs, by the state of the source and the settings.

::

    <revision>/<settings>/<build>.wheel/      entry (a frame), METADATA, and the wheel under its file name
    <revision>/<settings>/<build>.metadata/   entry (a frame) and METADATA: what a metadata hook answered
    <revision>/<settings>/<build>.log         what the backend wrote, the last time

A revision is one state of one source: the hash of an archive, a commit, or the state of a directory. ``<build>`` is the
interpreter and the environment it was built in.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping

from puffin.artifact.artifact import DIRECTORY, GIT, Artifact, expected_sha256
from puffin.artifact.urls import digest, file_path, strip_credentials
from puffin.cache import frame
from puffin.cache.atomic import publish_file, publish_tree, read, remove_tree, write
from puffin.cache.layout import Bucket, Cache
from puffin.names import normalise, same_version
from puffin.stages.resolve.locate.tags import rank
from puffin.value import frozen

FORMAT = 1
WHEEL, METADATA = ".wheel", ".metadata"
ANY = "any"


@frozen
class KeptWheel:
    """A built wheel: where it is, its name, and its SHA-256 (hexadecimal).

    ``platform`` is that of the machines that may use it too; it is empty if the build depends on more than its key
    tells, as one without isolation does, and for wheels that came from elsewhere.
    """

    path: str
    filename: str
    sha256: str
    platform: str = ""


@frozen
class SoughtBuild:
    """A build that is looked for elsewhere: its source and its settings by their names, and the tags that must fit."""

    revision: str
    settings: str
    tags: tuple[str, ...]


def revision_of(artifact: "Artifact", sha256: str = "") -> str:
    """Return the name of the source's present state, ``""`` where only fetching it tells.

    *sha256* is of an archive that is at hand; else the one hash counts that the artifact must have. The state of a
    directory is in the artifact's ``source``, before a ``+``.
    """
    if artifact.kind == DIRECTORY:
        path = os.path.realpath(file_path(artifact.url))
        state = f"directory {path} {artifact.source.partition('+')[0]}"
    elif artifact.kind == GIT:
        state = f"git {strip_credentials(artifact.url).partition('#')[0]}"
    else:
        state = sha256 or expected_sha256(artifact)
        if not state:
            return ""
    return digest(f"{state}\n{artifact.subdirectory}") + digest(f"{artifact.subdirectory}\n{state}")


def settings_of(artifact: "Artifact", *, shared: str = "", more: "tuple[object, ...]" = ()) -> str:
    """Return the name of the settings of a build; *shared* names the environment of one without isolation.

    *more* is whatever else the wheel may depend on: what limits build requirements, variables that backends read.
    """
    return digest(repr((artifact.editable, artifact.config_settings, shared, *more)))


def place(cache: Cache, revision: str, settings: str) -> str:
    """Return the directory of what was built of one revision with one set of settings."""
    return cache.path(Bucket.BUILT, revision, settings)


def usable_on(tags: "tuple[str, ...]", filename: str = "") -> str:
    """Return the platform of an interpreter with these tags, which names the C library too.

    For the *filename* of a wheel that runs everywhere it is :data:`ANY`.
    """
    return tags[0].rpartition("-")[2] if tags and not filename.endswith("-any.whl") else ANY


def build_names(path: str) -> tuple[str, str]:
    """Return the revision and the settings of the kept wheel at *path*, by their names."""
    revision, settings = path.replace(os.sep, "/").split("/")[-4:-2]
    return revision, settings


def find_wheel(directory: str, priorities: "Mapping[str, int]", *, since: float = 0.0) -> KeptWheel | None:
    """Return the wheel in *directory* (see :func:`place`) whose tags fit best, None if none fits.

    What was built before *since*, in seconds since the epoch, does not count.
    """
    found = []
    for entry in _entries(directory, WHEEL):
        kept = read_entry(entry)
        best = rank(kept.filename, priorities) if kept else None
        if kept is not None and best is not None and is_since(f"{entry}/entry", since):
            found.append((best, kept.path, kept))
    return min(found)[2] if found else None


def find_metadata(
    directory: str, interpreter: str, priorities: "Mapping[str, int]", *, since: float = 0.0
) -> bytes | None:
    """Return METADATA of a build for *interpreter*: from the best wheel, else from a metadata hook."""
    kept = find_wheel(directory, priorities, since=since)
    if kept is not None:
        return read(os.path.join(os.path.dirname(kept.path), "METADATA"))
    for entry in _entries(directory, METADATA):
        of_it = os.path.basename(entry).startswith(f"{interpreter}-")
        if of_it and is_since(f"{entry}/METADATA", since):
            return read(f"{entry}/METADATA")
    return None


def _entries(directory: str, ending: str) -> "Iterator[str]":
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if name.endswith(ending):
            yield f"{directory}/{name}"


def read_entry(entry: str) -> KeptWheel | None:
    """Return the wheel of an entry, None where it is not whole."""
    data = read(f"{entry}/entry")
    fields = frame.load(data) if data else None
    if not isinstance(fields, tuple) or len(fields) not in (4, 5) or fields[0] != FORMAT:
        return None
    _, filename, sha256, size, *platform = fields
    path = f"{entry}/{filename}"
    try:
        if os.stat(path).st_size != size:
            return None
    except OSError:
        return None
    return KeptWheel(path=path, filename=filename, sha256=sha256, platform="".join(platform))


def is_of(wheel: KeptWheel, artifact: "Artifact") -> bool:
    """Tell whether a wheel has the name and the version of what it was built from, as far as these are known.

    The same source may have been built under another name, or under none.
    """
    name, version = wheel.filename.split("-")[:2]
    if artifact.name and normalise(name) != normalise(artifact.name):
        return False
    return not artifact.version or same_version(version, artifact.version)


def is_sound(wheel: KeptWheel) -> bool:
    """Tell whether a wheel's bytes are what they were; one that was damaged is removed."""
    try:
        if hash_of(wheel.path) == wheel.sha256:
            return True
        remove_tree(os.path.dirname(wheel.path))
    except OSError:
        pass
    return False


def is_since(path: str, since: float) -> bool:
    """Tell whether a file is no older than *since*, in seconds since the epoch."""
    try:
        return not since or os.stat(path).st_mtime >= since
    except OSError:
        return False


def publish_wheel(
    cache: Cache, entry: str, wheel: str, metadata: bytes, *, since: float = 0.0, platform: str = ""
) -> KeptWheel:
    """Keep the wheel at the path *wheel*, which is moved, as *entry*; return what is there then.

    *platform* is as in :class:`KeptWheel`.

    An entry that is there already stays, unless it is not whole or is from before *since*.
    """
    filename, sha256 = os.path.basename(wheel), hash_of(wheel)
    temporary = cache.temporary("-built")
    os.mkdir(temporary)
    try:
        size = os.stat(wheel).st_size
        os.rename(wheel, f"{temporary}/{filename}")
        write(f"{temporary}/METADATA", metadata)
        write(f"{temporary}/entry", frame.dump((FORMAT, filename, sha256, size, platform)), durable=True)
        _publish(
            temporary, entry, whole=lambda: read_entry(entry) is not None and is_since(f"{entry}/entry", since)
        )
    finally:
        remove_tree(temporary)
    kept = read_entry(entry)
    if kept is None:
        raise OSError(f"{entry} vanished")
    return kept


def publish_metadata(cache: Cache, entry: str, metadata: bytes, *, since: float = 0.0) -> None:
    """Keep the answer of a metadata hook as *entry*, as :func:`publish_wheel` keeps a wheel."""
    temporary = cache.temporary("-built")
    os.mkdir(temporary)
    try:
        write(f"{temporary}/METADATA", metadata, durable=True)
        _publish(
            temporary,
            entry,
            whole=lambda: bool(read(f"{entry}/METADATA")) and is_since(f"{entry}/METADATA", since),
        )
    finally:
        remove_tree(temporary)


def _inputs_path(cache: Cache, artifact: "Artifact") -> str:
    """Return where the inputs of the last build of a source are, whatever its state was then."""
    url = strip_credentials(artifact.url)
    place = url.partition("@")[0] if artifact.kind == GIT else url
    name = digest(repr((place, artifact.subdirectory, artifact.editable, artifact.name)))
    return cache.path(Bucket.INPUTS, f"built-{name}")


def read_inputs(cache: Cache, artifact: "Artifact") -> "dict[str, str] | None":
    """Return the inputs of the last build of the source of *artifact*, None if there was none."""
    data = read(cache.find(_inputs_path(cache, artifact)))
    found = frame.load(data) if data else None
    return found if isinstance(found, dict) else None


def write_inputs(cache: Cache, artifact: "Artifact", inputs: "Mapping[str, str]") -> None:
    """Keep the inputs of a build, so that the next one can tell what differs. Where nothing can be kept, it cannot."""
    try:
        publish_file(cache.own, _inputs_path(cache, artifact), frame.dump(dict(inputs)))
    except OSError:
        pass


def _publish(temporary: str, entry: str, *, whole: "Callable[[], bool]") -> None:
    if os.path.isdir(entry) and not whole():
        remove_tree(entry)
    publish_tree(temporary, entry)


def hash_of(path: str) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
