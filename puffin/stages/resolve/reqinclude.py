"""The files that a requirements file is made of: where an included one is, and how it is called."""

import os

from puffin.stages.urls import file_path, is_file
from puffin.value import frozen

STDIN = "-"


@frozen
class IncludedFile:
    """A file to read: its absolute ``path`` or URL, and its name as the user would give it.

    ``included`` is the ``file:line`` that includes it, if any, and ``depth`` how many files are between.
    """

    path: str
    shown: str
    constraint: bool
    included: str = ""
    depth: int = 0

    @property
    def directory(self) -> str:
        """The directory of a local file; empty for a URL and for standard input."""
        return "" if self.path == STDIN or is_remote(self.path) else os.path.dirname(self.path)


def absolute(path: str) -> str:
    """Return what the reader of bytes gets for a *path* from the command line."""
    if path == STDIN or is_remote(path):
        return path
    return os.path.abspath(_local(path))


def find_included(file: IncludedFile, target: str) -> tuple[str, str]:
    """Return absolute path (or URL) and shown name of what *file* includes as *target*."""
    if is_remote(target):
        return target, target
    if is_file(target) or os.path.isabs(target):
        return absolute(target), target
    if is_remote(file.path):
        from urllib.parse import urljoin

        url = urljoin(file.path, target)
        return url, url
    shown = os.path.normpath(os.path.join(os.path.dirname(_local(file.shown)), target))
    return os.path.normpath(os.path.join(file.directory or os.getcwd(), target)), shown


def is_remote(path: str) -> bool:
    """Tell whether *path* is a URL to fetch."""
    return path[:8].lower().startswith(("http://", "https://"))


def _local(path: str) -> str:
    """Return the path that a ``file:`` URL names; one that names none is taken as it is, and not found."""
    try:
        return file_path(path) if is_file(path) else path
    except ValueError:
        return path
