"""HTML pages of package indexes: PEP 503 with PEPs 592, 629, 658, 714 and 792."""

from puffin.artifact.limits import NESTING, TAG
from puffin.artifact.urls import mask
from puffin.errors import Cause
from puffin.names import printable
from puffin.stages.resolve.index.config import bare
from puffin.stages.resolve.index.errors import PageUnreadable, UnknownApiVersion
from puffin.stages.resolve.index.page import Collector, Page, absolute, checked_hashes, offered

# Elements that have no end, or whose end is left out.
_SHALLOW = frozenset(
    (
        "a", "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option",
        "p", "source", "td", "th", "tr", "track", "wbr",
    )
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectolax.lexbor import LexborHTMLParser

    Attributes = Mapping[str, str | None]


def parse_html(body: bytes, *, name: str, url: str, charset: str = "utf-8") -> Page:
    """Return the links of an HTML page; *name* is empty for a flat page of many projects.

    Raises :class:`UnknownApiVersion` where the page declares a major version other than 1 (PEP 629).
    """
    from selectolax.lexbor import LexborHTMLParser  # 2 ms, and most pages have no need of it

    text = _decode(body, charset)
    if reason := _excess(text):
        raise PageUnreadable(url=mask(url), content_type="text/html", causes=(Cause(text=reason),))
    tree = LexborHTMLParser(text)
    meta = _meta(tree)
    version = meta.get("pypi:repository-version", "1.0")
    if version.partition(".")[0].strip() != "1":
        raise UnknownApiVersion(url=mask(url), version=printable(version)[:40])
    collector = Collector(_base(tree, bare(url)))
    for anchor in tree.css("a[href]"):
        _add(collector, anchor.attributes)
    status = printable(meta.get("pypi:project-status", ""))
    return Page(
        name=name,
        url=bare(url),
        files=offered(collector, status),
        status=status,
        reason=printable(meta.get("pypi:project-status-reason", "")),
        refused=tuple(collector.refused),
    )


def _excess(text: str) -> str:
    """Return what of a page would take its parser quadratic time (depth, attributes of a tag), ``""`` for nothing."""
    import re

    if re.search(rf"<[A-Za-z][^>]{{{TAG}}}", text):
        return f"a tag of the page has more than {TAG} characters"
    depth = most = 0
    for closing, name in re.findall(r"<(/?)([A-Za-z][^\s/>]{0,20})", text):
        if name.lower() not in _SHALLOW:
            depth = max(0, depth - 1) if closing else depth + 1
            most = max(most, depth)
    return f"more than {NESTING} elements of the page are within each other" if most > NESTING else ""


def looks_like_html(body: bytes) -> bool:
    """Return whether any tag of a page or of a link stands in *body*, so that random bytes are no page."""
    low = body.lower()
    return b"\0" not in low and any(
        tag in low for tag in (b"<a ", b"<a\n", b"<html", b"<!doctype", b"<body", b"<head")
    )


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except (LookupError, ValueError):  # a character set nobody knows, or one that is no text encoding
        return body.decode("utf-8", "replace")


def _meta(tree: "LexborHTMLParser") -> dict[str, str]:
    found = [tag.attributes for tag in tree.css("meta[name]")]
    return {(tag.get("name") or "").lower(): tag.get("content") or "" for tag in found}


def _base(tree: "LexborHTMLParser", url: str) -> str:
    tag = tree.css_first("base[href]")
    href = (tag.attributes.get("href") or "") if tag is not None else ""
    return (absolute(url, href) if href.strip() else "") or url


def _add(collector: Collector, attributes: "Attributes") -> None:
    collector.add(
        "",
        attributes.get("href") or "",
        requires_python=printable(attributes.get("data-requires-python") or ""),
        yanked=printable(attributes["data-yanked"] or "") if "data-yanked" in attributes else None,
        upload_time=printable(attributes.get("data-upload-time") or ""),
        metadata=core_metadata(attributes),
    )


def core_metadata(attributes: "Attributes") -> str:
    """Return what a link says of its separate metadata file (PEP 658, 714), as in :class:`FileLink`."""
    text = (attributes.get("data-core-metadata") or attributes.get("data-dist-info-metadata") or "").strip()
    if text.lower() == "true":
        return "true"
    name, _, digest = text.partition("=")
    return next(iter(checked_hashes([(name, digest)])), "")
