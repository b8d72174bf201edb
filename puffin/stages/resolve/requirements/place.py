"""The places of direct references (PEP 508): remote archives, repositories and local paths."""

import os
from collections.abc import Callable

from puffin import patterns
from puffin.artifact.urls import file_path, file_url, is_file_url, mask, unquote
from puffin.errors import PuffinError
from puffin.names import is_name, normalise
from puffin.stages.fetch.git.url import parse_git_url, with_path
from puffin.stages.resolve.requirements.options import HASH_LENGTHS, hash_problem
from puffin.value import frozen, replace

SDIST_SUFFIXES = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar")
SUFFIXES = (".whl", *SDIST_SUFFIXES)
_REPOSITORIES = ("git+", "hg+", "svn+", "bzr+")
_SCHEME = r"([A-Za-z][A-Za-z0-9+.\-]+)://"
_FORGE = (
    r"(?i)https?://(?:[^/@]*@)?(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)"
    r"/[^/?#]+/[^/?#]+?/?(?:[?#].*)?$"
)


class UnusableLocation(PuffinError):
    """A URL or path without a distribution; the reader of lines turns it into an error with a place."""

    sentence = "{problem}"
    problem: str


@frozen
class PathBase:
    """The directories of relative paths: *cwd* first, as in pip, then *base*, that of the requirements file."""

    cwd: str
    base: str
    exists: Callable[[str], bool]

    def has(self, path: str) -> bool:
        return self.exists(os.path.join(self.cwd, path)) or self.exists(os.path.join(self.base, path))

    def absolute(self, path: str) -> str:
        """Return *path* made absolute and normal."""
        here = os.path.join(self.cwd, path)
        beside = os.path.join(self.base, path)
        return os.path.normpath(beside if not self.exists(here) and self.exists(beside) else here)


@frozen
class Location:
    """Where a distribution is: its absolute ``url``, and what the location tells of it besides.

    ``name`` is normalised, and empty if the location has none. ``hashes`` and ``extras`` are those in its fragment.
    """

    url: str
    name: str = ""
    hashes: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def looks_like_path(text: str) -> bool:
    """Tell whether a requirement is a path by its separators or its leading dot."""
    return text.startswith(".") or os.sep in text or "/" in text


def looks_like_archive(location: str) -> bool:
    """Tell whether a path or URL has the ending of a wheel or a source distribution."""
    return location.partition("#")[0].partition("?")[0].lower().endswith(SUFFIXES)


def same_place(url: str) -> str:
    """Return the form in which spellings of one place are equal: trailing slashes do not count, nor ``.git``.

    Of a repository the ref counts as it is written.
    """
    address, mark, fragment = url.partition("#")
    if "+" in address.partition(":")[0]:
        try:
            told = parse_git_url(url)
        except ValueError:
            return url
        return f"{told.key}@{told.commit or told.ref}#{told.subdirectory}"
    if is_file_url(address):
        address = "file:" + file_path(address)
    return address.rstrip("/") + mark + fragment


def locate_reference(location: str, place: PathBase) -> Location:
    """Return where a location is, and what it tells of the distribution there.

    Raises :class:`UnusableLocation`.
    """
    try:
        if is_file_url(location) or not patterns.match(_SCHEME, location):
            return _local(location, place)
        return _remote(location)
    except ValueError:  # its text may show credentials
        raise UnusableLocation(problem=f"`{mask(location)}` is not a valid URL or path.") from None


def _local(location: str, place: PathBase) -> Location:
    fragment = ""
    if is_file_url(location):
        location, _, fragment = location.partition("#")
        path = file_path(location)
    else:
        beginning, mark, end = location.partition("#")
        # A path may hold a "#"; in pip's format what follows one is a fragment if it reads like one.
        path, fragment = (beginning, end) if mark and "=" in end else (location, "")
    if not path:
        raise UnusableLocation(problem="A path is expected here.")
    told = _split_fragment(fragment)
    url = file_url(place.absolute(path)) + told.url
    return replace(told, url=url, name=_wheel_name(os.path.basename(path)) or told.name)


def _remote(location: str) -> Location:
    from urllib.parse import urlsplit

    parts = urlsplit(location)
    scheme = parts.scheme.lower()
    if any(character.isspace() for character in location):
        raise UnusableLocation(problem="A URL cannot contain blanks.", hints=("write `%20` for a blank",))
    if not parts.netloc and not scheme.endswith("+file"):
        raise UnusableLocation(problem=f"The URL `{mask(location)}` has no host.")
    told = _split_fragment(parts.fragment)
    url = location.partition("#")[0] + told.url
    if scheme.startswith(_REPOSITORIES):
        _check_repository(url)
        return replace(told, url=url)
    _check_remote_archive(location, scheme, parts.path)
    return replace(told, url=url, name=_wheel_name(unquote(parts.path).rpartition("/")[2]) or told.name)


def _check_repository(url: str) -> None:
    try:
        parse_git_url(url)
    except ValueError as error:
        hints = (f"write `{mask(with_path(url))}`",) if "is not a port" in str(error) else ()
        raise UnusableLocation(problem=f"`{mask(url)}` cannot be used: {error}.", hints=hints) from None


def _check_remote_archive(location: str, scheme: str, path: str) -> None:
    shown = mask(location)
    if scheme not in ("http", "https"):
        hints = (f"write `git+{shown}`",) if scheme in ("git", "ssh") else ()
        raise UnusableLocation(problem=f"URLs of the scheme `{scheme}` are not supported.", hints=hints)
    if path.endswith(".git") or (patterns.match(_FORGE, location) and not path.lower().endswith(SUFFIXES)):
        problem = f"`{shown}` is a git repository, and needs `git+` before its URL."
        raise UnusableLocation(problem=problem, hints=(f"write `git+{shown}`",))
    if not path.lower().endswith(SUFFIXES):
        accepted = ", ".join(f"`{suffix}`" for suffix in SUFFIXES)
        problem = f"`{shown}` does not end as a distribution does; accepted are {accepted}."
        raise UnusableLocation(problem=problem)


def _split_fragment(fragment: str) -> Location:
    """Return what a fragment tells; the ``url`` is the rest of it, with its ``#``."""
    kept = []
    hashes = []
    egg = ""
    extras: tuple[str, ...] = ()
    for part in fragment.split("&"):
        key, equals, value = part.partition("=")
        if equals and key.lower() in HASH_LENGTHS:
            hashes.append(_checked(f"{key}:{value}".lower()))
        elif equals and key == "egg":
            egg, extras = _egg(value)
        elif part:
            kept.append(part)
    rest = "#" + "&".join(kept) if kept else ""
    return Location(url=rest, name=egg, hashes=tuple(hashes), extras=extras)


def _checked(value: str) -> str:
    problem = hash_problem(value)
    if problem:
        raise UnusableLocation(problem=problem)
    return value


def _egg(egg: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the extras in an ``egg=name[extra]``."""
    written, bracket, rest = unquote(egg).partition("[")
    name = written.strip()
    extras = [each.strip() for each in rest.removesuffix("]").split(",") if each.strip()]
    if not all(map(is_name, (name, *extras))) or (bracket and not rest.endswith("]")):
        raise UnusableLocation(problem=f"`egg={egg}` is not the name of a package.")
    return normalise(name), tuple(sorted({normalise(each) for each in extras}))


def _wheel_name(filename: str) -> str:
    """Return the normalized name in the file name of a wheel, nothing for other files."""
    if not filename.lower().endswith(".whl"):
        return ""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        return str(parse_wheel_filename(filename)[0])
    except InvalidWheelFilename:
        parts = "`name-version[-build]-python-abi-platform.whl`"
        raise UnusableLocation(
            problem=f"`{filename}` is not a valid file name of a wheel, which is {parts}."
        ) from None
