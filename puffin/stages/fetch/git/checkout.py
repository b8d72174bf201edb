"""Checking out a repository at one commit: a clone for each repository in the cache, a directory for each commit."""

from collections.abc import Mapping

from puffin.artifact.urls import digest, mask
from puffin.cache.layout import Cache
from puffin.stages.fetch.git import store as git_store
from puffin.stages.fetch.git.errors import (
    ABSENT,
    OTHER,
    GitFailed,
    GitOffline,
    NotARepository,
    UnknownRef,
    failure,
)
from puffin.stages.fetch.git.run import Git
from puffin.stages.fetch.git.store import Store
from puffin.stages.fetch.git.url import GitUrl, inner_directory, is_hexadecimal, parse
from puffin.value import frozen

_EVERYTHING = ("+refs/heads/*:refs/puffin/heads/*", "+refs/tags/*:refs/tags/*")
_told: dict[tuple[str, str, str], str] = {}  # what refs are, by cache, repository and ref; a run believes it


@frozen
class Checked:
    """A repository at one commit: ``path`` is its directory, ``url`` the requirement's with the full commit in it."""

    path: str
    commit: str
    url: str


def checkout(
    url: str, *, cache: "Cache", offline: bool = False, environ: "Mapping[str, str]", package: str = ""
) -> Checked:
    """Make sure that the repository *url* (``git+…``) is in the cache, at the commit that its ref is now.

    The directory is shared by all who want this commit, holds its submodules and its ``.git``, and must not be written
    to. What a branch, a tag or the default branch is, is asked once in a run; for a full commit that is there the
    network is not used at all. *package* is the requirement in the user's words. Raises ``NotARepository``,
    ``GitMissing``, ``GitFailed`` (``GitUnreachable`` with exit code 75), ``UnknownRef``, ``GitOffline``,
    ``NoSubdirectory``, and the errors of locks.
    """
    package = package or mask(url)
    return _Checkout(_parsed(url, package), package, cache, environ, offline).run()


def pin_commit(
    url: str, *, cache: "Cache", offline: bool = False, environ: "Mapping[str, str]", package: str = ""
) -> str:
    """Return *url* with the full commit in place of its ref; nothing is fetched, unless a short commit needs it.

    Raises what :func:`checkout` raises.
    """
    package = package or mask(url)
    parsed = _parsed(url, package)
    commit = parsed.commit or _Checkout(parsed, package, cache, environ, offline).commit()
    return parsed.at(commit)


def _parsed(url: str, package: str) -> "GitUrl":
    try:
        return parse(url)
    except ValueError as error:
        raise NotARepository(package=package, reason=str(error)) from None


def forget() -> None:
    """Believe no longer what refs were and which checkouts were whole, as in a new run."""
    _told.clear()
    git_store.forget()


class _Checkout:
    """One checkout, from the requirement's URL to the directory."""

    def __init__(
        self, url: "GitUrl", package: str, cache: "Cache", environ: "Mapping[str, str]", offline: bool
    ) -> None:
        self._url = url
        self._package = package
        self._offline = offline and not url.local
        self._store = Store(cache, url.key, package)
        self._git = Git(url, environ=environ, above=cache.root, package=package)
        self._memory = (cache.root, url.plain, url.ref)
        self._tag = ""

    def run(self) -> Checked:
        commit = self._url.commit
        if commit and self._store.is_whole(self._git, commit):
            return self._checked(commit)
        with self._store.locked():
            commit = commit or self._commit()
            if not self._store.is_whole(self._git, commit):
                self._check_out(commit)
        return self._checked(commit)

    def commit(self) -> str:
        """Return the commit that the ref is. Raises UnknownRef and GitOffline."""
        if self._memory in _told:
            return _told[self._memory]
        with self._store.locked():
            return self._commit()

    def _checked(self, commit: str) -> Checked:
        path = self._store.checkout_path(commit)
        inner_directory(path, self._url.subdirectory, package=self._package)
        return Checked(path=path, commit=commit, url=self._url.at(commit))

    def _commit(self) -> str:
        ref = self._url.ref
        if self._memory in _told:
            return _told[self._memory]
        known = self._store.short_commit(self._git, ref) if is_hexadecimal(ref) else ""
        if known:
            return known
        if self._offline:
            raise GitOffline(package=self._package, ref=ref, pinned=False)
        found = self._asked()
        if not found and is_hexadecimal(ref):
            self._fetch(_EVERYTHING)
            found = self._store.short_commit(self._git, ref)
        if not found:
            raise UnknownRef(package=self._package, ref=ref)
        _told[self._memory] = found
        return found

    def _asked(self) -> str:
        """Return the commit that the repository says the ref is: a branch before a tag; empty if it has none."""
        names = _names(self._url.ref)
        patterns = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
        said = self._git.run("ls-remote", "--", self._url.plain, *patterns, cwd=self._store.home())
        if said.status:
            raise failure(self._package, "fetch", said.err)
        told = {name: commit for commit, _, name in (line.partition("\t") for line in said.out.splitlines())}
        found = next((name for name in names if name in told), "")
        self._tag = found if found.startswith("refs/tags/") else ""
        return told.get(f"{found}^{{}}") or told.get(found, "")

    def _check_out(self, commit: str) -> None:
        """Check *commit* out, and fetch it if need be; once more from nothing if the clone is damaged."""
        for last in (False, True):
            try:
                fresh = self._store.prepare(self._git)
                if not self._store.has(self._git, commit):
                    self._bring(commit)
                self._store.check_out(self._git, commit, self._url)
                return
            except GitFailed as error:
                if last or fresh or error.kind not in (OTHER, ABSENT) or self._offline:
                    raise
                self._store.drop_clone()

    def _bring(self, commit: str) -> None:
        """Fetch *commit* itself or, from a server that does not give it so, everything that has a name."""
        if self._offline:
            raise GitOffline(package=self._package, ref=self._url.ref, pinned=True)
        tag = (f"+{self._tag}:{self._tag}",) if self._tag else ()
        try:
            self._fetch((f"+{commit}:refs/puffin/commits/{commit}", *tag))
        except GitFailed as error:
            if error.kind not in (OTHER, ABSENT):
                raise
            ref = self._url.ref
            named = (f"+{ref}:refs/puffin/named/{digest(ref)}",) if ref.startswith("refs/") else ()
            self._fetch((*_EVERYTHING, *named))
        if not self._store.has(self._git, commit):
            reason = f"the repository has no commit `{commit}`"
            raise UnknownRef(package=self._package, ref=commit, reason=reason)

    def _fetch(self, refspecs: "tuple[str, ...]") -> None:
        self._store.prepare(self._git)
        said = self._store.fetch(self._git, self._url.plain, refspecs)
        if said.status:
            raise failure(self._package, "fetch", said.err)


def _names(ref: str) -> "list[str]":
    """Return the full names that *ref* may stand for, the first that exists is meant."""
    if ref in ("", "HEAD"):
        return ["HEAD"]
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
