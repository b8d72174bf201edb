"""The form of an index's URL in which two spellings of one place are equal, and the local paths of places."""

import os

from puffin.errors import Cause, UsageError
from puffin.stages.urls import file_path, file_url, is_file, mask, strip_credentials

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def bare(url: str) -> str:
    """Return *url* without credentials and without fragment."""
    return strip_credentials(url.partition("#")[0])


def is_local(location: str) -> bool:
    """Return whether a location is on this machine: a path or a ``file:`` URL."""
    return is_file(location) or "://" not in location


def canonical(location: str) -> str:
    """Return the form of a URL, or of a local path, that stands for the place in digests."""
    if is_local(location):
        return file_url(local_path(location))
    scheme, mark, rest = bare(location).partition("://")
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme.lower(), "/"))
    return f"{scheme.lower()}{mark}{host}{(slash + path).rstrip('/')}"


def local_path(location: str) -> str:
    """Return the absolute path that a ``file:`` URL or a plain path names (:class:`UsageError` if none)."""
    try:
        path = file_path(location) if is_file(location) else os.path.expanduser(location)
    except ValueError as error:
        raise UsageError(text=f"Failed to use `{mask(location)}`", causes=(Cause(text=str(error)),)) from None
    if not path or "\0" in path:
        raise UsageError(text=f"`{mask(location)!r}` names no local file")
    return os.path.abspath(path)
