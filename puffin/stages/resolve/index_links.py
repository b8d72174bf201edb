"""Local indexes and find-links: directories, HTML pages on the disk, and single archives."""

import os

from puffin import depends
from puffin.errors import os_cause
from puffin.stages.resolve.index_errors import PlaceMissing
from puffin.stages.resolve.index_page import FileLink, Page, is_archive, is_safe
from puffin.stages.resolve.index_url import local_path
from puffin.stages.urls import file_url


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
    from puffin.stages.resolve.index_html import parse_html

    depends.file(path)
    with open(path, "rb") as file:
        body = file.read()
    return parse_html(body, name=name, url=file_url(path))


def _link(path: str) -> FileLink:
    return FileLink(filename=os.path.basename(path), url=file_url(path))


def _missing(kind: str, path: str, error: OSError) -> PlaceMissing:
    return PlaceMissing(kind=kind, path=path, causes=(os_cause(error),), hints=("check the path",))
