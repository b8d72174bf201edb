"""Errors of the unzip stage."""

from puffin.errors import Cause, PuffinError, os_cause, room_hints
from puffin.names import printable


class Refused(Exception):
    """An archive breaks a rule; what leaves the stage is a BadArchive.

    ``member`` is the name as found, empty for the archive as a whole.
    """

    def __init__(self, reason: str, member: str = "") -> None:
        super().__init__(reason, member)
        self.reason = reason
        self.member = member


class BadArchive(PuffinError):
    """A wheel or source archive that is not used: broken, ambiguous or hostile. Nothing of it stays in the cache."""

    sentence = "`{filename}` has an invalid package format"
    filename: str
    member: str = ""
    reason: str = ""


class CacheWriteFailed(PuffinError):
    """The operating system did not let puffin write an archive to the cache."""

    sentence = "Failed to unzip `{filename}` into the cache (`{path}`)"

    filename: str
    path: str


def bad_archive(filename: str, refused: Refused, package: str = "") -> BadArchive:
    """Word a refusal for the user, of a wheel or of a source of *package*."""
    member = printable(refused.member)
    reason = printable(refused.reason, limit=400)
    text = f"`{member}`: {reason}" if member else reason
    return BadArchive(
        package=package or filename.partition("-")[0],
        filename=filename,
        member=member,
        reason=reason,
        causes=(Cause(text=text),),
    )


def cache_write_failed(filename: str, root: str, error: OSError) -> CacheWriteFailed:
    """Return the error for an error of the operating system while the archive of *filename* was written."""
    return CacheWriteFailed(
        package=filename.partition("-")[0],
        filename=filename,
        path=root,
        causes=(os_cause(error),),
        hints=room_hints(error, "choose another place with `PUFFIN_CACHE_DIR`"),
    )
