"""What both kinds of index pages share: resolving a link, naming its file, reading its hashes."""

from puffin.names import printable
from puffin.stages.resolve.index_page import FileLink, is_archive, is_safe
from puffin.stages.urls import is_file

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
