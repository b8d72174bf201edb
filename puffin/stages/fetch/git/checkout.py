"""Checking out a repository at one commit: a clone for each repository in the cache, a directory for each commit."""

import os
from collections.abc import Mapping

from puffin import meter
from puffin.artifact.urls import digest, mask
from puffin.cache.atomic import publish_tree, read, remove_tree, write
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import Lock, lock_timeout
from puffin.errors import os_cause
from puffin.stages.fetch.git.errors import (
    ABSENT,
    OTHER,
    GitFailed,
    GitOffline,
    NotARepository,
    UnknownRef,
    failure,
)
from puffin.stages.fetch.git.run import Git, GitResult
from puffin.stages.fetch.git.url import GitUrl, inner_directory, is_hexadecimal, parse_git_url
from puffin.value import frozen

_TIMEOUT = 1800.0  # seconds; somebody else's clone of a big repository is worth waiting for
_MARK = "puffin-commit"  # in .git, written last: which commit was checked out, with all its files
_whole: set[str] = set()  # checkouts that this process found, or made, whole


class Store:
    """A repository's place in the cache, by *git*. *package* is the requirement for messages."""

    def __init__(self, cache: Cache, url: GitUrl, git: Git, package: str) -> None:
        self._cache = cache
        self._url = url
        self._git = git
        self._package = package
        self._clone = cache.path(Bucket.GIT, "db", url.key)

    def home(self) -> str:
        """Return the bucket's directory, which exists then."""
        home = self._cache.path(Bucket.GIT)
        os.makedirs(home, exist_ok=True)
        return home

    def checkout_path(self, commit: str) -> str:
        return self._cache.path(Bucket.GIT, "checkouts", self._url.key, commit)

    def locked(self) -> Lock:
        """Return the lock on the repository."""
        self._cache.initialise()
        locks = self._cache.path(Bucket.LOCKS)
        os.makedirs(locks, exist_ok=True)
        seconds = lock_timeout(os.environ, _TIMEOUT)
        return Lock(f"{locks}/git-{self._url.key}", what=f"the clone of `{self._package}`", timeout=seconds)

    def is_whole(self, commit: str) -> bool:
        """Tell whether *commit* is checked out, and no file of it changed since; git is asked once in a run."""
        path = self.checkout_path(commit)
        if (read(f"{path}/.git/{_MARK}") or b"").decode("utf-8", "replace") != commit:
            return False
        if path not in _whole:
            flags = ("--porcelain", "--untracked-files=no", "--ignore-submodules=untracked")
            said = self._git.run("-C", path, "status", *flags, cwd=self.home())
            if said.status or said.out:
                return False
            _whole.add(path)
        return True

    def prepare(self) -> bool:
        """Make sure that there is a clone, empty at first; return whether it was made now. Raises GitFailed."""
        if os.path.exists(f"{self._clone}/HEAD") and os.path.isdir(f"{self._clone}/objects"):
            return False
        remove_tree(self._clone)
        said = self._git.run("init", "--quiet", "--bare", "--template=", self._clone, cwd=self.home())
        if said.status:
            raise failure(self._package, "prepare the clone of", said.err)
        return True

    def drop_clone(self) -> None:
        remove_tree(self._clone)

    def fetch(self, refspecs: "tuple[str, ...]") -> "GitResult":
        """Fetch into the clone. Progress is asked for: a git whose puffin is gone then ends, as nobody reads it."""
        flags = ("--force", "--progress", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")
        meter.share()
        with meter.at("git", self._package):
            return self._in_clone("fetch", *flags, "--", self._url.plain, *refspecs)

    def has(self, commit: str) -> bool:
        return not self._in_clone("cat-file", "-e", f"{commit}^{{commit}}").status

    def _in_clone(self, *arguments: str) -> GitResult:
        return self._git.run("--git-dir", self._clone, *arguments, cwd=self.home())

    def short_commit(self, short: str) -> str:
        """Return the commit that begins with *short*, empty if the clone has none. Raises UnknownRef for several."""
        if not os.path.isdir(self._clone):
            return ""
        wanted = ("rev-parse", "--verify", "--end-of-options", f"{short}^{{commit}}")
        said = self._in_clone(*wanted)
        if said.status and "ambiguous" in said.err:
            reason = f"several commits begin with `{short}`"
            raise UnknownRef(package=self._package, ref=short, reason=reason)
        found = said.out.strip()
        return found if found.startswith(short.lower()) else ""

    def check_out(self, commit: str) -> None:
        """Check *commit* out of the clone, submodules included, and publish it. Raises GitFailed."""
        made = self._cache.temporary("-git")
        try:
            with meter.at("git", self._package):
                self._fill(made, commit)
            path = self.checkout_path(commit)
            remove_tree(path)  # nothing, or a damaged one
            publish_tree(made, path)
            _whole.add(path)
        except OSError as error:
            causes = (os_cause(error),)
            raise GitFailed(package=self._package, action="check out", causes=causes) from error
        finally:
            remove_tree(made)

    def _fill(self, made: str, commit: str) -> None:
        self._do("clone", "--quiet", "--local", "--no-checkout", "--template=", "--", self._clone, made)
        # Relative URLs of submodules, and LFS, go by where the repository is from.
        self._do("-C", made, "config", "remote.origin.url", self._url.plain)
        quiet = ("-c", "advice.detachedHead=false")
        self._do("-C", made, *quiet, "checkout", "--quiet", "--force", "--detach", commit)
        if os.path.exists(f"{made}/.gitmodules"):
            flags = ("--init", "--recursive", "--force", "--progress")
            self._do("-C", made, "submodule", "update", *flags)
        write(f"{made}/.git/{_MARK}", commit.encode())

    def _do(self, *arguments: str) -> None:
        said = self._git.run(*arguments, cwd=self.home())
        if said.status:
            raise failure(self._package, "check out", said.err)


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
        return parse_git_url(url)
    except ValueError as error:
        raise NotARepository(package=package, reason=str(error)) from None


class _Checkout:
    """One checkout, from the requirement's URL to the directory."""

    def __init__(
        self, url: "GitUrl", package: str, cache: "Cache", environ: "Mapping[str, str]", offline: bool
    ) -> None:
        self._url = url
        self._package = package
        self._offline = offline and not url.local
        self._git = Git(url, environ=environ, above=cache.root, package=package)
        self._store = Store(cache, url, self._git, package)
        self._memory = (cache.root, url.plain, url.ref)
        self._tag = ""

    def run(self) -> Checked:
        commit = self._url.commit
        if commit and self._store.is_whole(commit):
            return self._checked(commit)
        with self._store.locked():
            commit = commit or self._commit()
            if not self._store.is_whole(commit):
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
        known = self._store.short_commit(ref) if is_hexadecimal(ref) else ""
        if known:
            return known
        if self._offline:
            raise GitOffline(package=self._package, ref=ref, pinned=False)
        found = self._asked()
        if not found and is_hexadecimal(ref):
            self._fetch(_EVERYTHING)
            found = self._store.short_commit(ref)
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
                fresh = self._store.prepare()
                if not self._store.has(commit):
                    self._bring(commit)
                self._store.check_out(commit)
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
        if not self._store.has(commit):
            reason = f"the repository has no commit `{commit}`"
            raise UnknownRef(package=self._package, ref=commit, reason=reason)

    def _fetch(self, refspecs: "tuple[str, ...]") -> None:
        self._store.prepare()
        said = self._store.fetch(refspecs)
        if said.status:
            raise failure(self._package, "fetch", said.err)


def _names(ref: str) -> "list[str]":
    """Return the full names that *ref* may stand for, the first that exists is meant."""
    if ref in ("", "HEAD"):
        return ["HEAD"]
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
