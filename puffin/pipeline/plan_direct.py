"""Pins with URLs, as the plan must see them: where they come from, and which archive they mean by now."""

from puffin.stages.link.installplan import Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from puffin.cache.layout import Cache
    from puffin.stages.resolve.pins import Pin

_UNKNOWN = "unknown"  # no archive's identity: the file changed, or the cache does not know it


def wanted_direct(pin: "Pin", known: "Mapping[str, str]", cache: "Cache", *, refresh: bool) -> Wanted:
    """Return what the plan compares of a pin with a URL.

    ``known`` are archives found out by now, by name. A pinned hash names the archive by itself; a local
    file is the archive that it was unzipped to, until its modification time or size changes; a remote one
    is what it was, until *refresh*.
    """
    from puffin.stages.resolve.index_url import bare, is_local, local_path
    from puffin.stages.urls import file_url

    address = pin.url.partition("#")[0]
    local = is_local(address)
    url = bare(file_url(local_path(address)) if local else address)
    archive = known.get(pin.name) or _pinned(pin)
    if not archive and local and not pin.editable:
        archive = _of_local(pin, local_path(address), url, cache)
    return Wanted(name=pin.name, version="", url=url, archive=archive or (_UNKNOWN if refresh else ""))


def _pinned(pin: "Pin") -> str:
    hashes = [each for each in pin.hashes if each.startswith("sha256:")]
    return hashes[0][7:] if len(pin.hashes) == len(hashes) == 1 else ""


def _of_local(pin: "Pin", path: str, url: str, cache: "Cache") -> str:
    import os

    from puffin.stages.resolve.locate_errors import FileMissing
    from puffin.stages.resolve.locate_url import place_of
    from puffin.stages.unzip.store import known_archive

    if os.path.isdir(path):
        return ""
    try:
        source, _ = place_of(url, "", pin)
    except FileMissing:
        return _UNKNOWN
    return known_archive(cache, source, pin.name, os.path.basename(path)) or _UNKNOWN
