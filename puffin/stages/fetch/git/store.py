"""The cache's clones and checkouts: ``git-v0/db/<digest>`` and ``git-v0/checkouts/<digest>/<commit>``.

All that changes them holds the repository's lock; a checkout appears by one rename, whole.
"""

import os

from puffin.cache.atomic import publish_tree, read, remove_tree, write
from puffin.cache.layout import Bucket, Cache
from puffin.cache.lock import Lock, lock_timeout
from puffin.errors import os_cause
from puffin.stages.fetch.git.errors import GitFailed, UnknownRef, failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from puffin.stages.fetch.git.run import Git, GitResult
    from puffin.stages.fetch.git.url import GitUrl

_TIMEOUT = 1800.0  # seconds; somebody else's clone of a big repository is worth waiting for
_MARK = "puffin-commit"  # in .git, written last: which commit was checked out, with all its files
_whole: set[str] = set()  # checkouts that this process found, or made, whole


class Store:
    """One repository's place in the cache. ``key`` is its digest, ``package`` the requirement for messages."""

    def __init__(self, cache: Cache, key: str, package: str) -> None:
        self._cache = cache
        self._key = key
        self._package = package
        self._clone = cache.path(Bucket.GIT, "db", key)

    def home(self) -> str:
        """Return the bucket's directory, which exists then."""
        home = self._cache.path(Bucket.GIT)
        os.makedirs(home, exist_ok=True)
        return home

    def checkout_path(self, commit: str) -> str:
        """Return where *commit* is, or would be."""
        return self._cache.path(Bucket.GIT, "checkouts", self._key, commit)

    def locked(self) -> Lock:
        """Return the lock on the repository."""
        self._cache.initialise()
        locks = self._cache.path(Bucket.LOCKS)
        os.makedirs(locks, exist_ok=True)
        return Lock(
            f"{locks}/git-{self._key}",
            what=f"the clone of `{self._package}`",
            timeout=lock_timeout(os.environ, _TIMEOUT),
        )

    def is_whole(self, git: "Git", commit: str) -> bool:
        """Tell whether *commit* is checked out, and no file of it changed since; git is asked once in a run."""
        path = self.checkout_path(commit)
        if (read(f"{path}/.git/{_MARK}") or b"").decode("utf-8", "replace") != commit:
            return False
        if path not in _whole:
            flags = ("--porcelain", "--untracked-files=no", "--ignore-submodules=untracked")
            said = git.run("-C", path, "status", *flags, cwd=self.home())
            if said.status or said.out:
                return False
            _whole.add(path)
        return True

    def prepare(self, git: "Git") -> bool:
        """Make sure that there is a clone, empty at first; return whether it was made now. Raises GitFailed."""
        if os.path.exists(f"{self._clone}/HEAD") and os.path.isdir(f"{self._clone}/objects"):
            return False
        remove_tree(self._clone)
        said = git.run("init", "--quiet", "--bare", "--template=", self._clone, cwd=self.home())
        if said.status:
            raise failure(self._package, "prepare the clone of", said.err)
        return True

    def drop_clone(self) -> None:
        """Remove the clone, because it is damaged."""
        remove_tree(self._clone)

    def fetch(self, git: "Git", url: str, refspecs: "tuple[str, ...]") -> "GitResult":
        """Fetch into the clone. Progress is asked for: a git whose puffin is gone then ends, as nobody reads it."""
        flags = ("--force", "--progress", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")
        return git.run("--git-dir", self._clone, "fetch", *flags, "--", url, *refspecs, cwd=self.home())

    def has(self, git: "Git", commit: str) -> bool:
        """Tell whether the clone has *commit*."""
        said = git.run("--git-dir", self._clone, "cat-file", "-e", f"{commit}^{{commit}}", cwd=self.home())
        return not said.status

    def short_commit(self, git: "Git", short: str) -> str:
        """Return the commit that begins with *short*, empty if the clone has none. Raises UnknownRef for several."""
        if not os.path.isdir(self._clone):
            return ""
        wanted = ("rev-parse", "--verify", "--end-of-options", f"{short}^{{commit}}")
        said = git.run("--git-dir", self._clone, *wanted, cwd=self.home())
        if said.status and "ambiguous" in said.err:
            reason = f"several commits begin with `{short}`"
            raise UnknownRef(package=self._package, ref=short, reason=reason)
        found = said.out.strip()
        return found if found.startswith(short.lower()) else ""

    def check_out(self, git: "Git", commit: str, url: "GitUrl") -> None:
        """Check *commit* out of the clone, submodules included, and publish it. Raises GitFailed."""
        made = self._cache.temporary("-git")
        try:
            self._fill(git, made, commit, url)
            path = self.checkout_path(commit)
            remove_tree(path)  # nothing, or a damaged one
            publish_tree(made, path)
            _whole.add(path)
        except OSError as error:
            causes = (os_cause(error),)
            raise GitFailed(package=self._package, action="check out", causes=causes) from error
        finally:
            remove_tree(made)

    def _fill(self, git: "Git", made: str, commit: str, url: "GitUrl") -> None:
        self._do(git, "clone", "--quiet", "--local", "--no-checkout", "--template=", "--", self._clone, made)
        # Relative URLs of submodules, and LFS, go by where the repository is from.
        self._do(git, "-C", made, "config", "remote.origin.url", url.plain)
        self._do(
            git,
            "-C",
            made,
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            "--force",
            "--detach",
            commit,
        )
        if os.path.exists(f"{made}/.gitmodules"):
            flags = ("--init", "--recursive", "--force", "--progress")
            self._do(git, "-C", made, "submodule", "update", *flags)
        write(f"{made}/.git/{_MARK}", commit.encode())

    def _do(self, git: "Git", *arguments: str) -> None:
        said = git.run(*arguments, cwd=self.home())
        if said.status:
            raise failure(self._package, "check out", said.err)


def forget() -> None:
    """Look at every checkout anew."""
    _whole.clear()
