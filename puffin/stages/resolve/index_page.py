"""The pages of package indexes as values, and what file names say by plain splitting."""

from puffin.names import normalise
from puffin.value import frozen

SDIST_ENDINGS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar.lzma", ".tar.z")
ARCHIVE_ENDINGS = (".whl", *SDIST_ENDINGS)
_LONGEST_NAME = 240  # bytes; file systems stop at 255, and the cache adds endings


@frozen
class FileLink:
    """A file that an index offers.

    ``url`` is absolute and has no fragment. ``hashes`` are ``"algorithm:hex"``. ``yanked`` is None, or
    the reason of the yank, which may be empty (PEP 592). ``size`` is in bytes, 0 where unknown;
    ``upload_time`` is what the index says (ISO 8601, PEP 700). ``metadata`` tells of the separate
    metadata file of PEP 658 and 714: empty (there is none), ``true``, or its ``"sha256:hex"``.
    """

    filename: str
    url: str
    hashes: tuple[str, ...] = ()
    requires_python: str = ""
    yanked: str | None = None
    size: int = 0
    upload_time: str = ""
    metadata: str = ""


@frozen
class Page:
    """A parsed page of an index, or a flat page of links (then ``name`` is empty).

    ``status`` is the PEP 792 status of the project, empty where the page says nothing; a quarantined
    project has no files. ``refused`` are the file names of links that were refused as unsafe.
    """

    name: str
    url: str
    files: tuple[FileLink, ...]
    status: str = ""
    reason: str = ""
    refused: tuple[str, ...] = ()


def is_archive(filename: str) -> bool:
    """Return whether *filename* ends as wheels and source distributions do."""
    return filename.lower().endswith(ARCHIVE_ENDINGS)


def is_wheel(filename: str) -> bool:
    """Return whether *filename* ends as wheels do."""
    return filename.lower().endswith(".whl")


def is_safe(filename: str) -> bool:
    """Return whether *filename* is one printable path component without anything left to decode."""
    if not filename.isprintable() or filename[:1] in ("", ".", "-", "~"):
        return False
    return not any(mark in filename for mark in '/\\:%"<>|?*') and len(filename.encode()) <= _LONGEST_NAME


def splits(filename: str) -> list[tuple[str, str]]:
    """Return every (normalised name, version text) that *filename* may stand for.

    A wheel's name tells one. Older source distributions have dashes in their names and versions, so that
    only who knows the name can tell where the version begins.
    """
    if is_wheel(filename):
        parts = filename[:-4].split("-")
        return [(normalise(parts[0]), parts[1])] if len(parts) in (5, 6) and parts[1] else []
    lower = filename.lower()
    ending = next((ending for ending in SDIST_ENDINGS if lower.endswith(ending)), "")
    words = filename[: -len(ending)].split("-") if ending else []
    places = range(1, len(words))
    return [(normalise("-".join(words[:at])), "-".join(words[at:])) for at in places if words[at]]


def file_version(filename: str, name: str) -> str:
    """Return the version text in a file name of the project *name* (normalised); else empty."""
    return next((version for own, version in splits(filename) if own == name), "")


def by_version(page: Page) -> dict[str, list[FileLink]]:
    """Return the files of the page's project by the version text in their names, in page order."""
    groups: dict[str, list[FileLink]] = {}
    for link in page.files:
        version = file_version(link.filename, page.name)
        if version:
            groups.setdefault(version, []).append(link)
    return groups
