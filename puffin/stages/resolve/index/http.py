"""Reading indexes and find-links places, by HTTP (what to ask for, how long an answer is fresh) and on the disk."""

import os
from collections.abc import Mapping

from puffin import depends
from puffin.artifact.urls import file_url, mask
from puffin.errors import os_cause
from puffin.stages.fetch.client import PageResponse
from puffin.stages.resolve.index.config import local_path
from puffin.stages.resolve.index.errors import (
    IndexAnswered,
    IndexRefused,
    IndexUnavailable,
    PageUnreadable,
    PlaceMissing,
)
from puffin.stages.resolve.index.page import FileLink, Page, Policy, is_archive, is_safe

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.1"

JSON_TYPES = ("application/vnd.pypi.simple.v1+json", "application/json")
HTML_TYPES = ("application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml")

# An index that sends neither an age nor a validator is a static directory or a simple server. The public
# index says 600 seconds of its own pages; to ask more often would only fetch the same pages whole again.
FRESH_WITHOUT_HEADERS = 600


def policy(headers: "Mapping[str, str]") -> Policy:
    """Return the freshness of an answer by its headers, for a private cache (RFC 9111)."""
    words = [word.strip().lower() for word in headers.get("cache-control", "").split(",")]
    etag, last_modified = headers.get("etag", ""), headers.get("last-modified", "")
    return Policy(
        max_age=_max_age(words, headers), store="no-store" not in words, etag=etag, last_modified=last_modified
    )


def _max_age(words: list[str], headers: "Mapping[str, str]") -> int:
    if "no-cache" in words or "no-store" in words or headers.get("vary", "").strip() == "*":
        return 0
    for word in words:
        name, _, value = word.partition("=")
        if name == "max-age":
            return max(0, min(_seconds(value.strip('"')), 1 << 31) - _seconds(headers.get("age", "")))
    if headers.get("expires") and headers.get("date"):
        return max(0, _moment(headers["expires"]) - _moment(headers["date"]) - _seconds(headers.get("age", "")))
    said = any(headers.get(name) for name in ("etag", "last-modified", "expires", "pragma"))
    return 0 if said else FRESH_WITHOUT_HEADERS


def _moment(text: str) -> int:
    """Return an HTTP date in seconds since the epoch; 0 for anything that is not a date."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return 0


def _seconds(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def content_type(headers: "Mapping[str, str]") -> tuple[str, str]:
    """Return the media type of an answer in lower case, and its character set (utf-8 by default)."""
    kind, *parameters = headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'")
    return kind.strip().lower(), "utf-8"


def parse_reply(reply: "PageResponse", *, name: str) -> Page:
    """Return the page in an answer with status 200. Raises :class:`PageUnreadable` and what the parsers raise."""
    from puffin.stages.resolve.index.parse import looks_like_html, parse_html, parse_json

    kind, charset = content_type(reply.headers)
    later = kind.startswith("application/vnd.pypi.simple.v") and kind.endswith("+json")
    if kind in JSON_TYPES or later:  # of another major version, the parser reports that
        return parse_json(reply.body, name=name, url=reply.url, content_type=kind)
    if kind in HTML_TYPES and looks_like_html(reply.body):
        return parse_html(reply.body, name=name, url=reply.url, charset=charset)
    raise PageUnreadable(
        url=mask(reply.url), content_type=kind, hints=(f"is `{mask(reply.url)}` a page of a package index?",)
    )


def status_error(reply: "PageResponse", index: str) -> IndexAnswered:
    """Return the error for an answer with any status but 200, 304, 404 and 410."""
    url = mask(reply.url)
    if reply.status in (401, 403):
        hint = f"give `{mask(index)}` a user name and password that it accepts, in its URL or in a netrc file"
        return IndexRefused(url=url, status=reply.status, hints=(hint,))
    if reply.status == 429 or reply.status >= 500:
        return IndexUnavailable(url=url, status=reply.status, hints=("run the command again later",))
    return IndexAnswered(
        url=url, status=reply.status, hints=(f"is `{mask(index)}` the URL of a package index?",)
    )


def local_links(location: str) -> tuple[FileLink, ...]:
    """Return the files of a local find-links place: a directory, an HTML page or one archive.

    Raises :class:`PlaceMissing` (exit code 2) if it cannot be read.
    """
    path = local_path(location)
    try:
        if depends.is_directory(path):
            return directory_links(path)
        if is_archive(path):
            depends.file(path, content=False)
            os.stat(path)
            return (_link(path),)
        return html_page(path, name="").files
    except OSError as error:
        raise _missing("find-links place", path, error) from error


def local_page(index: str, name: str) -> Page | None:
    """Return the page of a project of a local index, a directory of directories; None if it has none.

    ``<name>/index.html`` is a page of PEP 503; without one, the files in ``<name>`` are listed.
    Raises :class:`PlaceMissing` (exit code 2) if the index itself cannot be read.
    """
    root = local_path(index)
    directory = os.path.join(root, name)
    try:
        if not depends.is_directory(directory):
            os.listdir(root)
            return None
        page = os.path.join(directory, "index.html")
        if depends.exists(page):
            return html_page(page, name=name)
        return Page(name=name, url=file_url(directory), files=directory_links(directory))
    except OSError as error:
        raise _missing("index", root, error) from error


def directory_links(path: str) -> tuple[FileLink, ...]:
    """Return the archives in a directory, in the order of their names."""
    depends.directory(path)
    with os.scandir(path) as entries:
        found = [entry.name for entry in entries if is_archive(entry.name) and is_safe(entry.name)]
    return tuple([_link(os.path.join(path, name)) for name in sorted(found)])


def html_page(path: str, *, name: str) -> Page:
    """Return the links of an HTML page on the disk."""
    from puffin.stages.resolve.index.parse import parse_html

    depends.file(path)
    with open(path, "rb") as file:
        body = file.read()
    return parse_html(body, name=name, url=file_url(path))


def _link(path: str) -> FileLink:
    return FileLink(filename=os.path.basename(path), url=file_url(path))


def _missing(kind: str, path: str, error: OSError) -> PlaceMissing:
    return PlaceMissing(kind=kind, path=path, causes=(os_cause(error),), hints=("check the path",))
