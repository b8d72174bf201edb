"""From a resolution's handles to the artifacts that the install graph fetches, without another look at any index."""

from puffin.stages.artifact import Artifact
from puffin.stages.resolve import locate_artifact
from puffin.stages.resolve.pins import Pin
from puffin.stages.resolve.universe_values import Chosen


def artifact_of(handle: Chosen, hashes: tuple[str, ...] = ()) -> Artifact:
    """Return the file to install for *handle*, the same value that a sync finds for it.

    *hashes* are those demanded. Where the file is a source distribution (by its name), it has to be built. Raises
    ``HashesDiffer`` if the index contradicts *hashes*, and ``FileMissing`` for a local file that is gone.
    """
    pin = Pin(name=handle.name, version=handle.version, hashes=hashes, text=f"{handle.name}=={handle.version}")
    return locate_artifact.artifact_of(pin, handle.install)
