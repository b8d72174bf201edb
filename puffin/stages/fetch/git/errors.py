"""Errors of repositories. ``package`` is the URL in the form of a requirement, credentials masked."""

from puffin.artifact.urls import mask_text
from puffin.errors import TEMPORARY, Cause, PuffinError

_LINES = 8
_AUTH = (
    "authentication failed", "could not read username", "could not read password", "permission denied",
    "terminal prompts disabled", "http basic: access denied", "returned error: 403", "returned error: 401",
    "host key verification failed",
)  # fmt: skip
_NETWORK = (
    "could not resolve host", "couldn't resolve host", "failed to connect", "connection refused", "timed out",
    "connection reset", "network is unreachable", "the remote end hung up", "early eof", "rpc failed",
    "name or service not known", "temporary failure", "no route to host", "operation too slow",
    "the requested url returned error: 5",
)  # fmt: skip
_ABSENT = ("not found", "does not appear to be a git repository", "does not exist", "no such file or directory")
# What git adds to every failure of a remote.
_ADVICE = (
    "fatal: Could not read from remote repository.", "Please make sure you have the correct access rights",
    "and the repository exists.",
)  # fmt: skip
AUTH, NETWORK, ABSENT, OTHER = "auth", "network", "absent", "other"


class GitFailed(PuffinError):
    """A git command failed. ``kind`` is :data:`AUTH`, :data:`NETWORK`, :data:`ABSENT` or :data:`OTHER`."""

    sentence = "Failed to {action} `{package}`"
    action: str = "fetch"
    kind: str = OTHER


class GitUnreachable(GitFailed):
    """The repository could not be reached; that may pass."""

    exit_code = TEMPORARY


class GitMissing(PuffinError):
    """There is no git to run."""

    sentence = "Failed to fetch `{package}`: there is no `git` on the `PATH`"
    hints: tuple[str, ...] = ("install git, or require an archive of the repository in place of it",)


class UnknownRef(PuffinError):
    """The repository has no such branch, tag or commit."""

    ref: str
    reason: str = ""

    def summary(self) -> str:
        if not self.ref:
            return f"Failed to fetch `{self.package}`: the repository has no default branch; it may be empty"
        why = self.reason or f"the repository has no branch, tag or commit `{self.ref}`"
        return f"Failed to fetch `{self.package}`: {why}"


class GitOffline(PuffinError):
    """The network is off, and the cache does not tell or have the commit."""

    ref: str
    pinned: bool
    hints: tuple[str, ...] = ("run the command once without `--offline`, or pin a commit that the cache has",)

    def summary(self) -> str:
        if self.pinned:
            return f"Refused to fetch `{self.package}`: the network is off, and the commit is not in the cache"
        ref = f"`{self.ref}`" if self.ref else "the default branch"
        reason = f"the network is off, and only the repository knows the commit of {ref}"
        return f"Refused to fetch `{self.package}`: {reason}"


class NotARepository(PuffinError):
    """A URL names a version control system, or a form of it, that puffin cannot use."""

    sentence = "Failed to use `{package}`: {reason}"
    reason: str


def failure(package: str, action: str, text: str) -> GitFailed:
    """Return the error for a git command with the message *text*: its last lines, credentials masked."""
    text = mask_text(text)
    kind = failure_kind(text)
    cls = GitUnreachable if kind == NETWORK else GitFailed
    return cls(package=package, action=action, kind=kind, causes=_causes(text), hints=_hints(kind, text))


def failure_kind(text: str) -> str:
    """Return the kind of failure that git's messages tell of."""
    lower = text.lower()
    for kind, words in ((AUTH, _AUTH), (NETWORK, _NETWORK), (ABSENT, _ABSENT)):
        if any(word in lower for word in words):
            return kind
    return OTHER


def _causes(text: str) -> tuple[PuffinError, ...]:
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    said = [line for line in lines if line and not _is_progress(line) and not line.startswith(_ADVICE)]
    return (Cause(text="git: " + "; ".join(_plain(line) for line in said[-_LINES:])),) if said else ()


def _is_progress(line: str) -> bool:
    return "%" in line or line.startswith(("remote: Enumerating", "remote: Total", "Cloning into"))


def _plain(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line.removeprefix("fatal: ").removeprefix("error: "))


def _hints(kind: str, text: str) -> tuple[str, ...]:
    if "git-lfs" in text:
        return ("install git-lfs, which the files of this repository need",)
    if kind == AUTH:
        return (
            "give git the credentials, with a credential helper, an ssh agent, or in the URL; "
            "`GIT_TERMINAL_PROMPT=0 git ls-remote URL` shows whether it has them",
        )
    return ()
