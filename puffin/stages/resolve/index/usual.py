"""The usual forms of index pages, read with less work than the parsers of whole pages need.

A page has thousands of files, and a resolution looks at those of a few versions. So a page in the usual form, HTML or
JSON, is first cut: where one file ends and the next begins, and which version its name says. The pieces are stored as
they are (:class:`Groups`), and :func:`stored_rows` reads those of one version when somebody asks for it. Links in the
form that indexes write are taken apart by a pattern, all others by the parser. A page in any other form is parsed at
once, and so is a page whose pieces cannot be read.

docs/INTERNALS.md ("The hot lanes") says what this saves; test_groups.py and test_usual.py beneath
tests/unit/stages/resolve/index hold it equal to the parsers.
"""

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from mmap import mmap
from typing import Any

from puffin.names import normalise, printable
from puffin.stages.fetch.client import PageResponse
from puffin.stages.resolve.index.config import bare
from puffin.stages.resolve.index.errors import PageUnreadable
from puffin.stages.resolve.index.http import HTML_TYPES, JSON_TYPES, content_type, parse_reply
from puffin.stages.resolve.index.page import (
    QUARANTINED,
    Collector,
    FileLink,
    Groups,
    absolute_url,
    file_version,
    grouped,
)
from puffin.stages.resolve.index.parse import add_file, core_metadata, looks_like_html, parse_html, read_json
from puffin.value import astuple

Rows = tuple[tuple[Any, ...], ...]

HTML, JSON = "html", "json"
_OPEN = '<a href="'
_UPLOAD = tuple(FileLink.__annotations__).index("upload_time")

# Patterns for cutting; they are compiled when a page is cut, which a warm run never does.
# What may follow a link so that it is plain where the next one begins.
_BETWEEN = r"</a>(?:\s|<br ?/?>|</?li>|</?p>)*"
_BEHIND = r"</a>(?:\s|<br ?/?>|</?li>|</?p>|</ul>|</body>|</html>|<!--[^<>]*-->)*"
# What may hide links from a reader of HTML, or give them another base.
_HIDES = r"(?i)<(?!/?(?:html|head|meta|title|body|h1|ul|li|p|br|!doctype)[\s>/])"
_TITLES = r"(?i)<(title|h1)>[^<]*</\1>"
_VERSION = r'<meta name="pypi:repository-version" content="1\.\d+" ?/?>'
_PLAIN = r"(?a)[A-Za-z0-9][\w.+!-]*"
_FIRST = rb'"files": ?\[\s*(\{"[a-z-]+":)'
_FILENAME, _URL = b'"filename":', b'"url"'
# Of wheels the name and the version: those of one version are the same then.
_NAMED = (
    rb'(?a)"filename": ?"(?:([A-Za-z0-9][\w.]*+-[\w.!+]++)(?:-[\w.]++){3,4}(?<=\.whl)"'
    rb'|([A-Za-z0-9][\w.+!-]{0,200})")'
)

_NAME_IN_ENTRY = rb'"filename": ?"([^"]*)"'
_BETWEEN_ENTRIES = b" \t\r\n,"
_FEW = 2  # versions that are searched for on a page

# Patterns for reading.
_PLACE = r"(?:https?://[A-Za-z0-9][\w.:-]*/|(?:\.\./)*|/)(?:[\w.~+!@,=-]+/)*"
_NAME = r"[A-Za-z0-9][\w.+-]*"
_HASH = r"(?:#(sha256|sha512|sha384|sha1|md5)=([0-9a-f]+))?"
_LINK = re.compile(
    rf'({_PLACE})({_NAME}){_HASH}"((?: [a-z-]+="[^"<>]*")*)>[^<>&]*</a>[\s<>/a-z]*', re.ASCII
).fullmatch
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"').findall
_UPLOADS = r'(?a) data-upload-time="([^"&\s]*)"'
_REFERENCES = (("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"), ("&#x27;", "'"))


def group_reply(reply: "PageResponse", *, name: str, cut: bool = True) -> Groups:
    """Return the page of the project *name* (normalised) in an answer with status 200; without *cut*, all is parsed.

    Raises what ``parse_reply`` raises.
    """
    kind, charset = content_type(reply.headers)
    if not cut:
        return grouped(parse_reply(reply, name=name))
    if kind in JSON_TYPES:
        return _group_json(reply, name, kind)
    if (
        kind in HTML_TYPES
        and charset.lower() in ("utf-8", "utf8", "us-ascii")
        and looks_like_html(reply.body[:4096])
    ):
        groups = _group_html(reply, name)
        if groups is not None:
            return groups
    return grouped(parse_reply(reply, name=name))


def _group_json(reply: "PageResponse", name: str, kind: str) -> Groups:
    url, body = bare(reply.url), reply.body
    listed = _listed(body, name)
    if listed is None:
        return _group_entries(reply, name, kind)
    texts, start, end = listed
    rest = body[:start] + body[end:]
    try:
        files, status, reason = read_json(rest, url=reply.url, content_type=kind)
    except PageUnreadable:
        files = [None]
    if files or _FILENAME in rest or _URL in rest:
        return _group_entries(reply, name, kind)
    if status == QUARANTINED:
        return Groups(url=url, files={}, status=status, reason=reason)
    entries = body[start:end]
    return Groups(url=url, files=dict.fromkeys(texts), status=status, reason=reason, name=name, entries=entries)


def _listed(body: bytes, name: str) -> tuple[list[str], int, int] | None:
    """Return the versions on a page, and where its entries begin and end; None if it takes a parser to tell.

    An index gives the keys of all entries in one order. So the first key of the first one is where an entry begins:
    within a text the quotes would be escaped.
    """
    first = re.search(_FIRST, body)
    if not first:
        return None if _FILENAME in body else ([], 0, 0)
    escaped = b"\\" in body and b"\\u00" in body  # the first is found ten times as fast
    found = re.findall(_NAMED, body)
    if escaped or not len(found) == body.count(first[1]) == body.count(_URL):
        return None
    texts = _texts_of(dict.fromkeys(found), name)
    return texts, first.start(1), _end_of_entry(body, body.rfind(first[1]))


def _texts_of(found: "Iterable[tuple[bytes, bytes]]", name: str) -> list[str]:
    """Return the versions in what :data:`_NAMED` found, each once, in their order."""
    version = _versions(name)
    own: dict[bytes, bool] = {}
    texts: dict[str, None] = {}
    for wheel, other in found:
        if wheel:
            begin, _, text = wheel.partition(b"-")
            if begin not in own:
                own[begin] = normalise(begin.decode()) == name
            if own[begin]:
                texts[text.decode()] = None
        elif text_of_other := version(other.decode()):
            texts[text_of_other] = None
    return list(texts)


def _end_of_entry(body: bytes, start: int) -> int:
    try:
        rest = body[start:].decode()
        return start + len(rest[: json.JSONDecoder().raw_decode(rest)[1]].encode())
    except (ValueError, RecursionError):
        return start


class UncutEntries:
    """The entries of a page in the usual form: what is in *data* from *start* on, where the first one begins.

    Those of a version are searched for. If many versions are asked for, all entries are cut at once.
    """

    def __init__(self, data: "bytes | mmap", start: int, name: str) -> None:
        self._opening = data[start : data.find(b":", start) + 1]
        self._data = data
        self._start = start
        self._version = _versions(name)
        self._named = re.compile(_NAME_IN_ENTRY).search
        self._searches = 0
        self._groups: dict[str, list[bytes]] | None = None

    def piece(self, text: str) -> bytes:
        """Return the entries of a version text, as they stand on the page."""
        self._searches += 1
        if self._groups is None and self._searches > _FEW:
            self._groups = self._cut()
        return b",".join(self._found(text) if self._groups is None else self._groups.get(text, ()))

    def _found(self, text: str) -> list[bytes]:
        found, data, wanted, end = [], self._data, b"-" + text.encode(), self._start
        while (at := data.find(wanted, end)) >= 0:
            end = data.find(self._opening, at)
            end = len(data) if end < 0 else end
            entry = data[data.rfind(self._opening, self._start, at) : end]
            if self._version_in(entry) == text:
                found.append(entry.rstrip(_BETWEEN_ENTRIES))
        return found

    def _cut(self) -> dict[str, list[bytes]]:
        groups: dict[str, list[bytes]] = {}
        for rest in self._data[self._start :].split(self._opening)[1:]:
            entry = self._opening + rest.rstrip(_BETWEEN_ENTRIES)
            groups.setdefault(self._version_in(entry), []).append(entry)
        return groups

    def _version_in(self, entry: bytes) -> str:
        """Return the version text of an entry, empty for one that is not whole: then it may be two, too."""
        named = self._named(entry)
        whole = named and entry.count(_FILENAME) == entry.count(_URL) == 1
        return self._version(named[1].decode()) if named and whole else ""


def _group_entries(reply: "PageResponse", name: str, kind: str) -> Groups:
    """Return a page whose entries are in any other form."""
    files, status, reason = read_json(reply.body, url=reply.url, content_type=kind)
    url = bare(reply.url)
    version = _versions(name)
    groups: dict[str, list[Any]] = {}
    refused: list[str] = []
    for file in files:
        collector = Collector(url)
        add_file(collector, file)
        refused += collector.refused
        for link in collector.files:
            if text := version(link.filename):
                groups.setdefault(text, []).append(file)
    frames = {text: (JSON, url, json.dumps(each)[1:-1].encode()) for text, each in groups.items()}
    return Groups(url=url, files=frames, status=status, reason=reason, refused=tuple(refused))


def _group_html(reply: "PageResponse", name: str) -> Groups | None:
    head, *links = reply.body.decode("utf-8", "replace").split(_OPEN)
    if re.search(_HIDES, head) or head.lower().count("<title") != head.lower().count("</title"):
        return None
    groups = _cut(links, name)
    if groups is None:
        return None
    url = bare(reply.url)
    status, reason = _said(head, reply.url)
    files = {text: (HTML, url, _OPEN.join(each)) for text, each in groups.items()}
    return Groups(url=url, files={} if status == QUARANTINED else files, status=status, reason=reason)


def _said(head: str, url: str) -> tuple[str, str]:
    """Return the PEP 792 status in the head of a page, and its reason."""
    bald = re.sub(_VERSION, "", re.sub(_TITLES, "", head))
    if "<meta" not in bald.lower():
        return "", ""
    page = parse_html(bald.encode(), name="", url=url)
    return page.status, page.reason


def _cut(links: list[str], name: str) -> dict[str, list[str]] | None:
    """Return *links*, each with what follows it on the page, by version; None if it takes a parser to tell."""
    version = _versions(name)
    groups: dict[str, list[str]] = {}
    between: dict[str, bool] = {}
    plain = re.compile(_PLAIN).fullmatch
    if links and not _is_last(links[-1]):
        return None
    for link in links:
        quote, close = link.find('"'), link.find("<")
        mark = link.find("#", 0, quote)
        own = link[link.rfind("/", 0, quote if mark < 0 else mark) + 1 : quote if mark < 0 else mark]
        follows = link[close:]
        known = between.get(follows)
        if known is None:
            known = between[follows] = bool(re.fullmatch(_BETWEEN, follows)) or link is links[-1]
        if not known or not 0 <= quote < close or not plain(own) or len(own) > 200:
            return None
        if text := version(own):
            groups.setdefault(text, []).append(link)
    return groups


def _is_last(link: str) -> bool:
    return bool(re.fullmatch(_BEHIND, link[link.find("<") :]))


def _versions(name: str) -> "Callable[[str], str]":
    """Return a function that finds the version text in the name of a file of the project *name*."""
    known: dict[str, bool] = {}

    def version(filename: str) -> str:
        if filename[-7:] == ".tar.gz":
            begin, _, text = filename[:-7].rpartition("-")
        else:
            begin, text, end = (*filename.split("-", 2), "", "")[:3]
            if filename[-4:] != ".whl" or not 2 <= end.count("-") <= 3:
                text = ""
        fits = known.get(begin) if text else False
        if fits is None:
            fits = known[begin] = file_version(filename, name) == text
        return text if fits else file_version(filename, name)

    return version


def stored_rows(stored: "Any") -> "Rows | None":
    """Return the files in a value of ``Groups.files``, the fields of :class:`FileLink`; None if it cannot be read."""
    if type(stored) is not tuple:
        return None
    if len(stored) != 3 or stored[0] not in (HTML, JSON):
        return stored
    kind, base, raw = stored
    if kind == HTML:
        return _html_rows(base, raw)
    return _json_rows(base, raw)


def _json_rows(base: str, raw: bytes) -> "Rows | None":
    collector = Collector(base)
    entries = _json_entries(raw)
    for file in entries or ():
        add_file(collector, file)
    return None if entries is None else tuple(collector.rows)


def _json_entries(raw: bytes) -> "list[Any] | None":
    """Return the entries in a piece of a page; None if it was cut in the wrong place."""
    try:
        return [each for each in json.loads(b"[%b]" % raw) if isinstance(each, dict)]
    except (ValueError, RecursionError):
        return None


def first_upload(stored: "Any") -> str:
    """Return the earliest upload time in a value of ``Groups.files``, empty if there is none.

    The texts of one index sort as times do. Links that were refused count too.
    """
    kind = stored[0] if len(stored) == 3 else ""
    times: list[Any] = []
    if kind == JSON:
        times = [file.get("upload-time") for file in _json_entries(stored[2]) or ()]
    elif kind == HTML:
        times = re.findall(_UPLOADS, stored[2])
    if kind not in (HTML, JSON) or (kind == HTML and len(times) != stored[2].lower().count("upload-time")):
        times = [row[_UPLOAD] for row in stored_rows(stored) or ()]
    return min([time for time in times if time and isinstance(time, str)], default="")


def _html_rows(base: str, raw: str) -> "Rows":
    """Return the files of the links in *raw*, which begins behind the first :data:`_OPEN`, on the page *base*."""
    found = []
    for piece in raw.split(_OPEN):
        row = _row(piece, base)
        if row is None:
            return _parsed(base, raw)
        found.append(row)
    return tuple(found)


def _parsed(base: str, raw: str) -> "Rows":
    page = parse_html((_OPEN + raw).encode(), name="", url=base)
    return tuple([astuple(link) for link in page.files])


def _row(piece: str, base: str) -> "tuple[Any, ...] | None":
    """Return the file of a link without anything unusual in it; None for any other."""
    match = _LINK(piece)
    if match is None:
        return None
    relative, filename, algorithm, digest, rest = match.groups()
    url = absolute_url(base, relative + filename)
    attributes = dict(_ATTRIBUTE(rest))
    requires_python = _plain(attributes.get("data-requires-python", ""))
    uploaded = _plain(attributes.get("data-upload-time", ""))
    yanked = attributes.get("data-yanked")
    reason = None if yanked is None else _plain(yanked)
    if not url or None in (requires_python, uploaded) or (yanked is not None and reason is None):
        return None
    return (
        filename,
        url,
        (f"{algorithm}:{digest}",) if algorithm else (),
        requires_python,
        reason,
        0,
        uploaded,
        core_metadata(attributes),
    )


@lru_cache(maxsize=10_000)
def _plain(text: str) -> str | None:
    """Return the text of an attribute's value; None if it takes the parser to tell."""
    for reference, character in _REFERENCES:
        text = text.replace(reference, character)
    return None if "&" in text else printable(text)
