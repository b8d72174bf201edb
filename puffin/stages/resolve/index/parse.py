"""JSON pages of package indexes: PEP 691 with PEPs 592, 700, 714 and 792."""

import json
from collections.abc import Mapping
from typing import Any

from puffin.artifact.limits import NESTING, TAG
from puffin.artifact.urls import mask
from puffin.errors import Cause
from puffin.names import printable
from puffin.stages.resolve.index.config import bare
from puffin.stages.resolve.index.errors import PageUnreadable, UnknownApiVersion
from puffin.stages.resolve.index.page import QUARANTINED, Collector, Page, absolute_url, checked_hashes

# Elements that have no end, or whose end is left out.
_SHALLOW = frozenset(
    (
        "a", "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option",
        "p", "source", "td", "th", "tr", "track", "wbr",
    )
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser


def parse_json(body: bytes, *, name: str, url: str, content_type: str = "application/json") -> Page:
    """Return the files of a JSON page.

    Raises :class:`PageUnreadable` if it is not such a page, and :class:`UnknownApiVersion` for a major version of
    the interface other than 1 (PEP 629).
    """
    files, status, reason = read_json(body, url=url, content_type=content_type)
    collector = Collector(bare(url))
    for file in files:
        add_file(collector, file)
    return collector.page(name, bare(url), status, reason)


def read_json(body: bytes, *, url: str, content_type: str) -> "tuple[list[Any], str, str]":
    """Return the file entries of a JSON page as they are, its PEP 792 status, and the reason for the status.

    Raises as :func:`parse_json` does.
    """
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _unreadable(url, content_type, f"the JSON cannot be read: {printable(str(error))}") from None
    if not isinstance(page, dict):
        raise _unreadable(url, content_type, "the JSON is not an object")
    _check_version(page, url)
    files = page.get("files")
    if not isinstance(files, list):
        raise _unreadable(url, content_type, "the JSON has no list of `files`")
    status, reason = _status(page)
    return [] if status == QUARANTINED else files, status, reason


def _unreadable(url: str, content_type: str, text: str) -> PageUnreadable:
    return PageUnreadable(url=mask(url), content_type=content_type, causes=(Cause(text=text),))


def _check_version(page: "dict[str, Any]", url: str) -> None:
    meta = page.get("meta")
    version = meta.get("api-version", "1.0") if isinstance(meta, dict) else "1.0"
    if str(version).partition(".")[0] != "1":
        raise UnknownApiVersion(url=mask(url), version=printable(str(version))[:40])


def _status(page: "dict[str, Any]") -> tuple[str, str]:
    status = page.get("project-status")
    if isinstance(status, str):  # an early draft of PEP 792 had a plain text here
        return printable(status), ""
    if not isinstance(status, dict):
        return "", ""
    return _text(status.get("status")), _text(status.get("reason"))


def add_file(collector: Collector, file: "Any") -> None:
    """Add one entry of a JSON page; anything else is ignored."""
    if not isinstance(file, dict) or not isinstance(file.get("url"), str):
        return
    size = file.get("size")
    collector.add(
        file["filename"] if isinstance(file.get("filename"), str) else "",
        file["url"],
        hashes=_hashes(file.get("hashes")),
        requires_python=_text(file.get("requires-python")),
        yanked=_yanked(file.get("yanked")),
        size=size if type(size) is int and 0 < size < 1 << 62 else 0,
        upload_time=_text(file.get("upload-time")),
        metadata=_metadata(file),
    )


def _text(value: object) -> str:
    return printable(value) if isinstance(value, str) else ""


def _hashes(value: object) -> tuple[str, ...]:
    return checked_hashes(list(value.items())) if isinstance(value, dict) else ()


def _yanked(value: object) -> str | None:
    if isinstance(value, str) and value:
        return printable(value)
    return "" if value is True else None


def _metadata(file: "dict[str, Any]") -> str:
    value = file.get("core-metadata", file.get("dist-info-metadata"))
    if isinstance(value, dict):
        return next(iter(_hashes(value)), "true")
    return "true" if value is True else ""


Attributes = Mapping[str, str | None]


def parse_html(body: bytes, *, name: str, url: str, charset: str = "utf-8") -> Page:
    """Return the links of an HTML page; *name* is empty for a flat page of many projects.

    Raises :class:`UnknownApiVersion` where the page declares a major version other than 1 (PEP 629).
    """
    from selectolax.lexbor import LexborHTMLParser  # 2 ms, and most pages have no need of it

    text = _decode(body, charset)
    if reason := _excess(text):
        raise _unreadable(url, "text/html", reason)
    tree = LexborHTMLParser(text)
    meta = _meta(tree)
    version = meta.get("pypi:repository-version", "1.0")
    if version.partition(".")[0].strip() != "1":
        raise UnknownApiVersion(url=mask(url), version=printable(version)[:40])
    collector = Collector(_base(tree, bare(url)))
    for anchor in tree.css("a[href]"):
        _add(collector, anchor.attributes)
    status = printable(meta.get("pypi:project-status", ""))
    return collector.page(name, bare(url), status, printable(meta.get("pypi:project-status-reason", "")))


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
    except (LookupError, ValueError):  # a character set nobody knows, or one that is not a text encoding
        return body.decode("utf-8", "replace")


def _meta(tree: "LexborHTMLParser") -> dict[str, str]:
    found = [tag.attributes for tag in tree.css("meta[name]")]
    return {(tag.get("name") or "").lower(): tag.get("content") or "" for tag in found}


def _base(tree: "LexborHTMLParser", url: str) -> str:
    tag = tree.css_first("base[href]")
    href = (tag.attributes.get("href") or "") if tag is not None else ""
    return (absolute_url(url, href) if href.strip() else "") or url


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
    """Return the separate metadata file of a link (PEP 658, 714), as in :class:`FileLink`."""
    text = (attributes.get("data-core-metadata") or attributes.get("data-dist-info-metadata") or "").strip()
    if text.lower() == "true":
        return "true"
    name, _, digest = text.partition("=")
    return next(iter(checked_hashes([(name, digest)])), "")
