"""The pages of package indexes as values, and what file names say by plain splitting."""

from puffin.names import normalise, printable
from puffin.stages.urls import is_file
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


_ALGORITHMS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5", "sha3_256", "sha3_512", "blake2b")
QUARANTINED = "quarantined"  # PEP 792: installers must not offer such a project's files


class Collector:
    """Gathers the files of a page, and the names of those whose links are refused."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.files: list[FileLink] = []
        self.refused: list[str] = []

    def add(self, filename: str, href: str, **fields: object) -> None:
        """Add a link; one that is no archive is passed over, an unsafe or unusable one noted as refused."""
        url, _, fragment = href.partition("#")
        address = absolute(self.base, url)
        name = filename or file_name(url)
        if not is_archive(name):
            return
        if not address or not is_safe(name):
            self.refused.append(printable(name)[:200])
            return
        if "hashes" not in fields:
            fields["hashes"] = fragment_hashes(fragment)
        self.files.append(FileLink(filename=name, url=address, **fields))  # type: ignore[arg-type]


def absolute(base: str, href: str) -> str:
    """Return *href*, as seen from the page *base*, as an absolute URL; empty if it is none that may be used.

    Only http and https may be used, and ``file:`` from pages that are local files themselves.
    """
    href = "".join(href.split("\n")).replace("\r", "").replace("\t", "").strip().replace(" ", "%20")
    from urllib.parse import urljoin

    try:
        url = href if href.startswith(("https://", "http://")) else urljoin(base, href)
    except ValueError:
        return ""
    if not url.isprintable():
        return ""
    if is_file(url):
        return url if is_file(base) else ""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    whole = host[:1] not in ("", "?", "@") and host.count("[") == host.count("]")
    return url if scheme.lower() in ("http", "https") and whole else ""


def file_name(url: str) -> str:
    """Return the decoded last component of the path of *url*."""
    name = url.partition("?")[0].strip().rpartition("/")[2]
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)


def fragment_hashes(fragment: str) -> tuple[str, ...]:
    """Return the hashes in a URL's fragment (``sha256=…``), other parts of it left out."""
    pairs = [part.partition("=") for part in fragment.split("&")]
    return checked_hashes([(name, digest) for name, _, digest in pairs])


def checked_hashes(pairs: "list[tuple[str, object]]") -> tuple[str, ...]:
    """Return the pairs of algorithm and digest as ``"algorithm:hex"``, unknown algorithms left out."""
    return tuple(
        f"{name.lower()}:{digest.strip().lower()}"
        for name, digest in pairs
        if name.lower() in _ALGORITHMS and isinstance(digest, str) and digest.strip().isalnum()
    )


def offered(collector: Collector, status: str) -> tuple[FileLink, ...]:
    """Return the files a page with this PEP 792 status offers: none if it is quarantined."""
    return () if status == QUARANTINED else tuple(collector.files)
