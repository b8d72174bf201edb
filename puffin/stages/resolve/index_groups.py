"""Pages cut into versions without reading them: what stands of a file on the page is kept as it is.

Of the thousands of files on a page a resolution looks at those of a few versions. So a page that has the usual
shape is only cut where one file ends and the next begins, and grouped by the versions in the file names; what
is cut out is read, by the parsers of whole pages, when somebody asks for it. Every other page is read at once.
"""

import re

from puffin.stages.resolve.index_anchor import OPEN
from puffin.stages.resolve.index_href import QUARANTINED, Collector
from puffin.stages.resolve.index_html import looks_like_html, parse_html
from puffin.stages.resolve.index_http import JSON_TYPES, Answer, content_type, is_html, parse_reply
from puffin.stages.resolve.index_page import by_version, file_version
from puffin.stages.resolve.index_raw import HTML, JSON
from puffin.stages.resolve.index_url import bare
from puffin.value import astuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# What may follow a link without a parser's being needed to tell where the next one begins.
_BETWEEN = re.compile(r"</a>(?:\s|<br ?/?>|</?li>|</?p>)*").fullmatch
_BEHIND = re.compile(r"</a>(?:\s|<br ?/?>|</?li>|</?p>|</ul>|</body>|</html>|<!--[^<>]*-->)*").fullmatch
# What may hide links from a reader of HTML, or give them another base.
_HIDES = re.compile(r"<(?!/?(?:html|head|meta|title|body|h1|ul|li|p|br|!doctype)[\s>/])", re.IGNORECASE).search
_TITLES = re.compile(r"<(title|h1)>[^<]*</\1>", re.IGNORECASE).sub
_VERSION = re.compile(r'<meta name="pypi:repository-version" content="1\.\d+" ?/?>').sub
_MOST_HEADS = 64
_heads: dict[str, tuple[str, str]] = {}
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+!-]*", re.ASCII).fullmatch


@frozen
class Groups:
    """A page by version: ``files`` maps version texts to what ``index_raw.rows`` reads."""

    url: str
    files: "dict[str, Any]"
    status: str = ""
    reason: str = ""
    refused: tuple[str, ...] = ()


def group_reply(reply: Answer, *, name: str) -> Groups:
    """Return the page of the project *name* (normalised) in an answer with status 200.

    Raises what ``parse_reply`` raises.
    """
    kind, charset = content_type(reply.headers)
    if kind in JSON_TYPES:
        return _group_json(reply, name, kind)
    if (
        is_html(kind)
        and charset.lower() in ("utf-8", "utf8", "us-ascii")
        and looks_like_html(reply.body[:4096])
    ):
        groups = _group_html(reply, name)
        if groups is not None:
            return groups
    page = parse_reply(reply, name=name)
    files = {version: tuple([astuple(link) for link in links]) for version, links in by_version(page).items()}
    return Groups(url=page.url, files=files, status=page.status, reason=page.reason, refused=page.refused)


def _group_json(reply: Answer, name: str, kind: str) -> Groups:
    from puffin.stages.resolve.index_json import add_file, read_json

    files, status, reason = read_json(reply.body, url=reply.url, content_type=kind)
    url = bare(reply.url)
    version = _versions(name)
    groups: dict[str, list[Any]] = {}
    refused: list[str] = []
    for file in files:
        own = file.get("filename") if isinstance(file, dict) else None
        if isinstance(own, str) and _PLAIN(own) and len(own) < 200:
            text = version(own)
            if text:
                groups.setdefault(text, []).append(file)
            continue
        collector = Collector(url)
        add_file(collector, file)
        refused += collector.refused
        for link in collector.files:
            if text := version(link.filename):
                groups.setdefault(text, []).append(file)
    frames = {text: (JSON, url, each) for text, each in groups.items()}
    return Groups(url=url, files=frames, status=status, reason=reason, refused=tuple(refused))


def _group_html(reply: Answer, name: str) -> Groups | None:
    head, *links = reply.body.decode("utf-8", "replace").split(OPEN)
    if _HIDES(head) or head.lower().count("<title") != head.lower().count("</title"):
        return None
    groups = _cut(links, name)
    if groups is None:
        return None
    url = bare(reply.url)
    status, reason = _said(head, reply.url)
    files = {text: (HTML, url, OPEN.join(each)) for text, each in groups.items()}
    return Groups(url=url, files={} if status == QUARANTINED else files, status=status, reason=reason)


def _said(head: str, url: str) -> tuple[str, str]:
    """Return status and reason that a page's head tells; the heads of an index differ in their titles alone."""
    bald = _VERSION("", _TITLES("", head))
    if "<meta" not in bald.lower():
        return "", ""
    known = _heads.get(bald)
    if known is None:
        page = parse_html(bald.encode(), name="", url=url)
        known = page.status, page.reason
        if len(_heads) < _MOST_HEADS:
            _heads[bald] = known
    return known


def _cut(links: list[str], name: str) -> dict[str, list[str]] | None:
    """Return *links*, each with what follows it on the page, by version; None if it takes a parser to tell."""
    version = _versions(name)
    groups: dict[str, list[str]] = {}
    between: dict[str, bool] = {}
    if links and not _is_last(links[-1]):
        return None
    for link in links:
        quote, close = link.find('"'), link.find("<")
        mark = link.find("#", 0, quote)
        own = link[link.rfind("/", 0, quote if mark < 0 else mark) + 1 : quote if mark < 0 else mark]
        follows = link[close:]
        known = between.get(follows)
        if known is None:
            known = between[follows] = bool(_BETWEEN(follows)) or link is links[-1]
        if not known or not 0 <= quote < close or not _PLAIN(own) or len(own) > 200:
            return None
        if text := version(own):
            groups.setdefault(text, []).append(link)
    return groups


def _is_last(link: str) -> bool:
    return bool(_BEHIND(link[link.find("<") :]))


def _versions(name: str) -> "Callable[[str], str]":
    """Return a function that finds the version text in the name of a file of the project *name*."""
    known: dict[str, bool] = {}

    def version(filename: str) -> str:
        parts = filename.split("-", 2)
        if filename[-4:] != ".whl" or len(parts) < 3 or not 3 <= parts[2].count("-") + 1 <= 4:
            return file_version(filename, name)
        fits = known.get(parts[0])
        if fits is None:
            fits = known[parts[0]] = bool(file_version(filename, name))
        return parts[1] if fits else ""

    return version
