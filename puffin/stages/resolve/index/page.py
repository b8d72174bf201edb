"""Index pages as values, what both kinds of pages share, and the names and versions in file names."""

from puffin.artifact.urls import is_file_url
from puffin.names import normalise, printable
from puffin.types import Any
from puffin.value import astuple, from_tuple, frozen

SDIST_ENDINGS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar.lzma", ".tar.z")
ARCHIVE_ENDINGS = (".whl", *SDIST_ENDINGS)
_UNSAFE = frozenset('/\\:%"<>|?*')
_SCHEMES = ("https://", "http://")
_ODD = frozenset("?#;\\[]")
_LONGEST_NAME = 240  # bytes; file systems stop at 255, and the cache adds endings


@frozen
class FileLink:
    """A file that an index offers.

    ``url`` is absolute and has no fragment. ``hashes`` are ``"algorithm:hex"``. ``yanked`` is None, or
    the reason of the yank, which may be empty (PEP 592). ``size`` is in bytes, 0 where unknown;
    ``upload_time`` is what the index says (ISO 8601, PEP 700). ``metadata`` is about the separate metadata file
    (PEP 658, PEP 714): empty if there is none, ``true`` or ``"sha256:hex"`` if there is one.
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
class IndexFile:
    """A file that an index or a find-links place offers for a version, and where it was found.

    ``place`` is the index or find-links place; ``linked`` tells that it is the latter.
    """

    link: FileLink
    version: str
    place: str
    linked: bool = False


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


@frozen
class Groups:
    """A page of a project by version.

    ``files`` maps version texts to what ``usual.stored_rows`` reads. ``status`` and ``reason`` are those of PEP 792,
    empty where the page says nothing. ``refused`` are the names of files with unsafe names. If there are ``entries``,
    those of a version are still to be found in them (``usual.UncutEntries``), for which ``name`` is the project's;
    then ``files`` maps to None.
    """

    url: str
    files: "dict[str, Any]"
    status: str = ""
    reason: str = ""
    refused: tuple[str, ...] = ()
    name: str = ""
    entries: bytes = b""


@frozen
class Policy:
    """How long an answer is fresh (in seconds), whether it may be stored, and the validators to ask again with."""

    max_age: int = 0
    store: bool = True
    etag: str = ""
    last_modified: str = ""


NOT_FRESH = Policy()


def is_archive(filename: str) -> bool:
    """Return whether *filename* has the ending of a wheel or a source distribution."""
    return filename.lower().endswith(ARCHIVE_ENDINGS)


def is_wheel(filename: str) -> bool:
    """Return whether *filename* has the ending of a wheel."""
    return filename.lower().endswith(".whl")


def is_safe(filename: str) -> bool:
    """Return whether *filename* is one printable path component without escapes."""
    if not filename.isprintable() or filename[:1] in ("", ".", "-", "~"):
        return False
    return _UNSAFE.isdisjoint(filename) and len(filename.encode()) <= _LONGEST_NAME


def splits(filename: str) -> list[tuple[str, str]]:
    """Return every (normalised name, version text) that *filename* may stand for.

    For a wheel there is one. Older source distributions have dashes in names and versions, so the version may begin
    after any dash.
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
    """Return the version text in *filename*, empty if it is not a file of the project *name* (normalised)."""
    return next((version for own, version in splits(filename) if own == name), "")


def grouped(page: Page) -> Groups:
    """Return a page with its files by the version texts in their names; those of a flat page have the empty text."""
    groups: dict[str, list[object]] = {} if page.name else {"": []}
    for link in page.files:
        version = file_version(link.filename, page.name) if page.name else ""
        if version or not page.name:
            groups.setdefault(version, []).append(astuple(link))
    files = {version: tuple(rows) for version, rows in groups.items()}
    return Groups(url=page.url, files=files, status=page.status, reason=page.reason, refused=page.refused)


_ALGORITHMS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5", "sha3_256", "sha3_512", "blake2b")
QUARANTINED = "quarantined"  # PEP 792: installers must not offer such a project's files


class Collector:
    """Collects the files of a page, and the file names of refused links."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.rows: list[tuple[Any, ...]] = []  # the fields of a FileLink in order
        self.refused: list[str] = []

    @property
    def files(self) -> tuple[FileLink, ...]:
        """The files of the page."""
        return tuple([from_tuple(FileLink, row) for row in self.rows])

    def add(
        self,
        filename: str,
        href: str,
        *,
        hashes: tuple[str, ...] | None = None,
        requires_python: str = "",
        yanked: str | None = None,
        size: int = 0,
        upload_time: str = "",
        metadata: str = "",
    ) -> None:
        """Add a link. Links that are not archives are ignored; unsafe and unusable ones are refused."""
        url, _, fragment = href.partition("#")
        address = absolute_url(self.base, url)
        name = filename or file_name(url)
        if not is_archive(name):
            return
        if not address or not is_safe(name):
            self.refused.append(printable(name)[:200])
            return
        if hashes is None:
            hashes = fragment_hashes(fragment)
        self.rows.append((name, address, hashes, requires_python, yanked, size, upload_time, metadata))

    def page(self, name: str, url: str, status: str, reason: str) -> Page:
        """Return the page of what was collected; one with the PEP 792 status ``quarantined`` has no files."""
        files = () if status == QUARANTINED else self.files
        return Page(name=name, url=url, files=files, status=status, reason=reason, refused=tuple(self.refused))


def absolute_url(base: str, href: str) -> str:
    """Return *href* on the page *base* as an absolute URL, empty if it may not be used.

    ``http:``, ``https:`` and ``file:`` may be used.
    """
    if " " in href or not href.isprintable():
        href = "".join(href.split("\n")).replace("\r", "").replace("\t", "").strip().replace(" ", "%20")
    url = href if href.startswith(_SCHEMES) else _climbed(base, href) or _joined(base, href)
    if not url.isprintable():
        return ""
    if is_file_url(url):
        return url
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    whole = host[:1] not in ("", "?", "@") and host.count("[") == host.count("]")
    return url if scheme.lower() in ("http", "https") and whole else ""


def _climbed(base: str, href: str) -> str:
    """Return where a plain relative path (``../../x.whl``) on a page leads, nothing for any other."""
    if not base.startswith(_SCHEMES) or not base.endswith("/") or not _ODD.isdisjoint(base.partition("://")[2]):
        return ""
    place = base[:-1]
    while href.startswith("../"):
        place, href = place.rpartition("/")[0], href[3:]
    odd = href[:1] in ("", ".", "/") or ":" in href or "//" in f"{base[8:]}{href}" or "/." in f"{base}/{href}"
    return "" if odd or place.count("/") < 2 or not _ODD.isdisjoint(href) else f"{place}/{href}"


def _joined(base: str, href: str) -> str:
    from urllib.parse import urljoin

    try:
        return urljoin(base, href)
    except ValueError:
        return ""


def file_name(url: str) -> str:
    """Return the decoded last component of the path of *url*."""
    name = url.partition("?")[0].strip().rpartition("/")[2]
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)


def fragment_hashes(fragment: str) -> tuple[str, ...]:
    """Return the hashes in the fragment of a URL (``sha256=…``) as ``"algorithm:hex"``."""
    pairs = [part.partition("=") for part in fragment.split("&")]
    return checked_hashes([(name, digest) for name, _, digest in pairs])


def checked_hashes(pairs: "list[tuple[str, object]]") -> tuple[str, ...]:
    """Return pairs of algorithm and digest as ``"algorithm:hex"``, without unknown algorithms."""
    return tuple(
        [
            f"{name.lower()}:{digest.strip().lower()}"
            for name, digest in pairs
            if name.lower() in _ALGORITHMS and isinstance(digest, str) and digest.strip().isalnum()
        ]
    )
