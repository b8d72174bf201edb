"""From a chosen file to the artifact that later stages fetch and install."""

from functools import lru_cache

from puffin.names import normalise
from puffin.stages.artifact import SDIST, WHEEL, Artifact
from puffin.stages.resolve.index_page import is_wheel
from puffin.stages.resolve.index_url import canonical
from puffin.stages.resolve.locate_choose import Candidate, Pin
from puffin.stages.resolve.locate_source import settings_of
from puffin.stages.resolve.locate_url import merged, place_of
from puffin.stages.urls import digest, inherit_credentials


def artifact_of(pin: Pin, chosen: Candidate) -> Artifact:
    """Return the artifact for a file that an index or a find-links place offers.

    Raises ``HashesDiffer`` where the pin's hashes contradict those offered, ``FileMissing`` for a local file
    that is gone.
    """
    link = chosen.link
    source, size = place_of(link.url, f"index/{_digest(chosen.place)}", pin)
    return Artifact(
        name=normalise(pin.name),
        version=chosen.version,
        filename=link.filename,
        url=inherit_credentials(link.url, chosen.place),
        source=source,
        hashes=merged(pin, link.hashes),
        size=size or link.size,
        yanked=link.yanked,
        requires_python=link.requires_python,
        kind=WHEEL if is_wheel(link.filename) else SDIST,
        config_settings=() if is_wheel(link.filename) else settings_of(pin),
    )


@lru_cache
def _digest(place: str) -> str:
    return digest(canonical(place))
