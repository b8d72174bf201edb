"""Links of HTML pages: those in the form that indexes write are taken apart here, all others by the parser."""

import re
from functools import lru_cache

from puffin.names import printable
from puffin.stages.resolve.index_href import absolute, checked_hashes
from puffin.value import astuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Rows = tuple[tuple[Any, ...], ...]

OPEN = '<a href="'
_PLACE = r"(?:https?://[A-Za-z0-9][\w.:-]*/|(?:\.\./)*|/)(?:[\w.~+!@,=-]+/)*"
_NAME = r"[A-Za-z0-9][\w.+-]*"
_HASH = r"(?:#(sha256|sha512|sha384|sha1|md5)=([0-9a-f]+))?"
_LINK = re.compile(
    rf'({_PLACE})({_NAME}){_HASH}"((?: [a-z-]+="[^"<>]*")*)>[^<>&]*</a>[\s<>/a-z]*',
    re.ASCII,
).fullmatch
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"').findall
_UPLOADS = re.compile(r'data-upload-time="([^"]*)"').findall
_REFERENCES = (("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"), ("&#x27;", "'"))

_requirements: dict[str, str | None] = {}


def html_rows(base: str, raw: str) -> "Rows":
    """Return the files of the links in *raw*, which begins behind the first :data:`OPEN`, on the page *base*."""
    found = []
    places: dict[str, str] = {}
    for piece in raw.split(OPEN):
        row = _row(piece, base, places)
        if row is None:
            return _parsed(base, raw)
        found.append(row)
    return tuple(found)


def upload_times(raw: str) -> list[str]:
    """Return the upload times of links."""
    found: list[str] = _UPLOADS(raw)
    return found


def _parsed(base: str, raw: str) -> "Rows":
    from puffin.stages.resolve.index_html import parse_html

    page = parse_html((OPEN + raw).encode(), name="", url=base)
    return tuple([astuple(link) for link in page.files])


def _row(piece: str, base: str, places: dict[str, str]) -> "tuple[Any, ...] | None":
    """Return the file of a link without anything unusual in it; None for any other."""
    match = _LINK(piece)
    if match is None:
        return None
    relative, filename, algorithm, digest, rest = match.groups()
    place = places.get(relative)
    if place is None:
        place = places[relative] = _place(base, relative)
    told = dict(_ATTRIBUTE(rest))
    requires_python = _plain(told.get("data-requires-python", ""))
    yanked = told.get("data-yanked")
    reason = None if yanked is None else _plain(yanked)
    if not place or requires_python is None or (yanked is not None and reason is None):
        return None
    return (
        filename,
        place + filename,
        (f"{algorithm}:{digest}",) if algorithm else (),
        requires_python,
        reason,
        0,
        told.get("data-upload-time", ""),
        _metadata(told.get("data-core-metadata") or told.get("data-dist-info-metadata") or ""),
    )


def _place(base: str, relative: str) -> str:
    """Return the place of files as an absolute URL; those of the pages of one index are mostly the same."""
    above, _, page = base.removesuffix("/").rpartition("/")
    if relative.startswith("../") and base.endswith("/") and above.count("/") > 2 and page and "?" not in base:
        return _absolute(f"{above}/", relative[3:])
    return _absolute(base, relative)


@lru_cache(maxsize=1000)
def _absolute(base: str, relative: str) -> str:
    return absolute(base, f"{relative}x").removesuffix("x")


def _plain(text: str) -> str | None:
    """Return the text of an attribute's value; None if it takes the parser to tell."""
    try:
        return _requirements[text]
    except KeyError:
        plain: str | None = text
        for reference, character in _REFERENCES:
            plain = (plain or "").replace(reference, character)
        known = _requirements[text] = None if "&" in (plain or "") else printable(plain or "")
        return known


def _metadata(text: str) -> str:
    if text in ("", "true"):
        return text
    name, _, digest = text.partition("=")
    return next(iter(checked_hashes([(name, digest)])), "")
