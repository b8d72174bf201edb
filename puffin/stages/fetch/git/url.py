"""URLs of repositories in requirements: ``git+https://host/owner/name.git@ref#subdirectory=…``."""

import os

from puffin.artifact.urls import digest, file_path, is_file_url, mask, split_credentials, unquote
from puffin.errors import PuffinError
from puffin.value import frozen

OTHERS = {"hg": "Mercurial", "svn": "Subversion", "bzr": "Bazaar"}
TRANSPORTS = ("https", "http", "ssh", "git", "file")
_HEX = frozenset("0123456789abcdef")
_FULL = (40, 64)  # hexadecimal digits of a commit in SHA-1 and SHA-256 repositories
_SHORT = 7


@frozen
class GitUrl:
    """A repository URL, taken apart. ``repository`` is what git is given, credentials included.

    ``ref`` is a branch, a tag, a commit or a full ``refs/…`` name, empty for the default branch; ``fragment`` is
    without its ``#``, ``subdirectory`` what it names.
    """

    repository: str
    ref: str = ""
    fragment: str = ""
    subdirectory: str = ""

    @property
    def plain(self) -> str:
        """The repository's URL without credentials, but with the user name that ssh needs."""
        return self.repository if self.scheme == "ssh" else split_credentials(self.repository)[0]

    @property
    def scheme(self) -> str:
        return self.repository.partition(":")[0].lower()

    @property
    def local(self) -> bool:
        return is_file_url(self.repository)

    @property
    def commit(self) -> str:
        """The ref, in lower case, if it is a full commit; else empty."""
        return self.ref.lower() if len(self.ref) in _FULL and is_hexadecimal(self.ref) else ""

    @property
    def key(self) -> str:
        """A digest that is the same for all spellings of one repository."""
        scheme, mark, rest = self.plain.partition("://")
        host, slash, path = rest.partition("/")
        name = (slash + path).rstrip("/").removesuffix(".git")
        return digest(f"{scheme.lower()}{mark}{host.lower()}{name}")

    def at(self, commit: str) -> str:
        """Return the URL, in the form of a requirement, with *commit* in place of the ref."""
        return f"git+{self.repository}@{commit}" + (f"#{self.fragment}" if self.fragment else "")


def is_repository(url: str) -> bool:
    """Tell whether the scheme of *url* names a version control system (``git+…``)."""
    return "+" in url.partition(":")[0]


def parse_git_url(url: str) -> GitUrl:
    """Return a ``git+…`` URL taken apart. Raises ValueError, in words that follow the URL, for what is none."""
    address, _, fragment = url.partition("#")
    system, _, repository = address.partition("+")
    if system.lower() != "git":
        raise ValueError(unsupported(system) or "it is not the URL of a git repository")
    scheme = repository.partition(":")[0].lower()
    if scheme not in TRANSPORTS or "://" not in repository:
        raise ValueError(
            f"the URL of a git repository begins with {', '.join(f'`git+{each}://`' for each in TRANSPORTS)}"
        )
    repository, ref = _split_ref(f"{scheme}{repository[len(scheme) :]}")
    if port := _scp_port(repository):
        raise ValueError(f"`{port}` is not a port; write `/`, not `:`, between the host and the path of a URL")
    if ref.startswith("-") or not ref.isprintable() or " " in ref:
        raise ValueError(f"`{mask(ref)!r}` is not the name of a branch, tag or commit")
    return GitUrl(repository=repository, ref=ref, fragment=fragment, subdirectory=subdirectory(fragment))


def unsupported(system: str) -> str:
    """Return the sentence about a version control system that is not git; empty for git."""
    name = OTHERS.get(system.lower(), "")
    return f"it is a {name} repository, and only git repositories are supported" if name else ""


def is_hexadecimal(ref: str) -> bool:
    """Tell whether *ref* may be a commit, or the beginning of one."""
    return len(ref) >= _SHORT and _HEX.issuperset(ref.lower())


def _split_ref(repository: str) -> "tuple[str, str]":
    """Return the repository without its ref, and the ref: what follows ``.git@``, else the last ``@`` of the path.

    A local directory that has such a sign in its name counts as it is.
    """
    path_at = repository.find("/", repository.find("://") + 3)
    if path_at < 0 or "@" not in repository[path_at:]:
        return repository, ""
    at = repository.find(".git@", path_at) + len(".git")
    if at < len(".git"):
        at = repository.rfind("@")
    if is_file_url(repository):
        at = _local_split(repository)
    return (repository, "") if at < 0 else (repository[:at], unquote(repository[at + 1 :]))


def _local_split(repository: str) -> int:
    """Return where the ref of a local repository begins: behind the longest path that exists."""
    places = [place for place, letter in enumerate(repository) if letter == "@"]
    for place in (len(repository), *reversed(places)):
        if os.path.exists(file_path(repository[:place])):
            return place if place < len(repository) else -1
    return places[-1]


def with_path(url: str) -> str:
    """Return *url* with ``/`` for the ``:`` between its host and its path, which only scp's form of it has."""
    head, _, rest = url.partition("://")
    host, _, path = rest.partition(":") if "@" not in rest else _behind_user(rest)
    return f"{head}://{host}/{path.lstrip('/')}"


def _behind_user(rest: str) -> "tuple[str, str, str]":
    user, at, place = rest.partition("@")
    host, colon, path = place.partition(":")
    return f"{user}{at}{host}", colon, path


def _scp_port(repository: str) -> str:
    host = repository.partition("://")[2].partition("/")[0].rpartition("@")[2]
    port = "" if host.endswith("]") else host.rpartition(":")[2] if ":" in host else ""
    return "" if port.isdigit() else port


def subdirectory(fragment: str) -> str:
    """Return the ``subdirectory`` in the fragment of a URL, empty for none."""
    parts = [part.partition("=") for part in fragment.split("&")]
    return unquote(next((value.strip("/") for key, _, value in parts if key == "subdirectory"), ""))


class NoSubdirectory(PuffinError):
    """What a requirement names has no such subdirectory, or none that lies inside."""

    sentence = "`{package}` has no subdirectory `{subdirectory}`"
    subdirectory: str


def inner_directory(root: str, subdirectory: str, *, package: str) -> str:
    """Return the path of *subdirectory* (which may be empty) below *root*. Raises :class:`NoSubdirectory`."""
    if not subdirectory:
        return root
    path = os.path.join(root, subdirectory)
    inside = os.path.realpath(path).startswith(os.path.realpath(root) + os.sep)
    if not os.path.isdir(path) or not (inside or os.path.normpath(subdirectory) == "."):
        raise NoSubdirectory(package=package, subdirectory=subdirectory)
    return path
