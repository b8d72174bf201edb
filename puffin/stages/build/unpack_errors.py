"""Why a source archive is not unpacked."""

from puffin.errors import Cause, PuffinError, os_cause
from puffin.names import printable
from puffin.stages.unzip.errors import Refused

MOST_BYTES = 8 << 30  # of a whole archive, unpacked
MOST_MEMBERS = 500_000
_HARMLESS_BYTES = 256 << 20  # up to which nobody asks how well they were compressed
_MOST_INFLATION = 250  # source text shrinks to a fifth, rarely to a fiftieth


class BadSource(PuffinError):
    """A source archive that is not unpacked: broken, ambiguous or hostile."""

    stage = "build"
    filename: str
    member: str = ""
    reason: str = ""

    def summary(self) -> str:
        """Name the archive."""
        return f"`{self.filename}` has an invalid package format"


class UnpackFailed(PuffinError):
    """The operating system did not let puffin read or write what a source archive holds."""

    stage = "build"
    filename: str
    path: str

    def summary(self) -> str:
        """Name the archive and the place."""
        return f"Failed to unpack `{self.filename}` into `{self.path}`"

    @classmethod
    def of(cls, package: str, filename: str, path: str, error: OSError) -> "UnpackFailed":
        """Return the error for what the operating system said."""
        return cls(package=package, filename=filename, path=path, causes=(os_cause(error),))


def bad_source(package: str, filename: str, refused: Refused) -> BadSource:
    """Word a refusal for the user."""
    member = printable(refused.member)
    reason = printable(refused.reason, limit=400)
    cause = Cause(text=f"`{member}`: {reason}" if member else reason)
    return BadSource(package=package, filename=filename, member=member, reason=reason, causes=(cause,))


def check_size(unpacked: int, packed: int) -> None:
    """Raise Refused where an archive of *packed* bytes becomes more than a project can be meant to have."""
    if unpacked > MOST_BYTES:
        raise Refused(f"it holds more than {MOST_BYTES >> 30} GiB")
    if unpacked > _HARMLESS_BYTES and unpacked > packed * _MOST_INFLATION:
        raise Refused(
            f"its {packed >> 10} KiB hold more than {unpacked >> 20} MiB, as only an archive bomb does"
        )


def check_count(members: int) -> None:
    """Raise Refused for more members than a project can be meant to have."""
    if members > MOST_MEMBERS:
        raise Refused(f"it has more than {MOST_MEMBERS} members")
