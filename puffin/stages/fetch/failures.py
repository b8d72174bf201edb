"""Errors of the fetch stage."""

from puffin.artifact.urls import mask_text
from puffin.errors import TEMPORARY, Cause, PuffinError
from puffin.names import printable

MOST_SHOWN = 500  # characters of what somebody else said


class NetworkFailed(PuffinError):
    """The request failed as often as it may be tried; ``url`` is masked, ``status`` the last one or 0."""

    exit_code = TEMPORARY
    url: str
    attempts: int
    status: int = 0

    def summary(self) -> str:
        return f"Failed to fetch `{self.url}` after {self.attempts} attempt{'s' * (self.attempts != 1)}"


class RequestRefused(PuffinError):
    """The server will not answer this request however often it is asked; ``url`` is masked."""

    url: str
    status: int
    reason: str

    def summary(self) -> str:
        return f"Failed to fetch `{self.url}`: HTTP {self.status} {self.reason}".rstrip()


class AccessDenied(RequestRefused):
    """The server wants credentials, or other ones (401, 403)."""

    def summary(self) -> str:
        return f"Access to `{self.url}` was denied: HTTP {self.status} {self.reason}".rstrip()


class CertificateRefused(PuffinError):
    """The certificate of the host does not stand up to the check."""

    sentence = "Failed to fetch `{url}`: the certificate of its host was refused"
    url: str


class OfflineError(PuffinError):
    """The network is off limits and the file lies on it."""

    sentence = "Cannot fetch `{url}`: it is not in the cache, and the network is off (`--offline`)"
    url: str


class FileFailed(PuffinError):
    """A ``file:`` URL that cannot be read."""

    sentence = "Failed to read `{url}`"
    url: str


class SizeMismatch(PuffinError):
    """The file is not as long as the index says (bytes)."""

    sentence = (
        "Refused `{filename}` from `{url}`: the index declares {expected} bytes, the server sent {received}"
    )
    filename: str
    url: str
    expected: int
    received: int


class HashMismatch(PuffinError):
    """The bytes are not the pinned ones; digests are ``"algorithm:hex"``."""

    sentence = "Hash mismatch for `{filename}` from `{url}`"
    filename: str
    url: str
    expected: tuple[str, ...]
    computed: tuple[str, ...]

    def details(self) -> tuple[str, ...]:
        expected = [f"  {digest}" for digest in self.expected]
        computed = [f"  {digest}" for digest in self.computed]
        return ("Expected:", *expected, "Computed:", *computed)


def statement(text: str) -> Cause:
    """Return a cause with a foreign message: masked, on one line."""
    return Cause(text=mask_text(printable(text, MOST_SHOWN)))
