"""What the build stage raises."""

from puffin.errors import PuffinError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class BuildFailed(PuffinError):
    """A hook of a build backend did not do its work.

    ``status`` is how its process ended, in words; ``log`` the file with all of the output, ``tail`` its last lines.
    """

    stage: "ClassVar[str]" = "build"
    hook: str = ""
    status: str = ""
    log: str = ""
    tail: "tuple[str, ...]" = ()

    def summary(self) -> str:
        """Name the package."""
        return f"Failed to build `{self.package}`"

    def what(self) -> str:
        """Return what happened, as a sentence without its full stop."""
        hook = f"`{self.hook}`" if self.hook else "The build backend"
        return f"{hook} failed ({self.status})"

    def details(self) -> "tuple[str, ...]":
        """Return what happened, the last lines of the output, and where all of it is."""
        lines = [self.what()]
        if self.tail:
            lines += ["", "[output]", *self.tail, ""]
        if self.log:
            lines.append(f"The whole log is `{self.log}`" if self.tail else f"The log, `{self.log}`, is empty")
        return tuple(lines)


class BuildTimedOut(BuildFailed):
    """A build took too long and was ended. ``seconds`` is what it was allowed."""

    seconds: float

    def what(self) -> str:
        hook = f"`{self.hook}`" if self.hook else "The build backend"
        return f"{hook} took longer than {self.seconds:g} s and was ended"


class BackendBroken(BuildFailed):
    """A build backend is not there, lacks a mandatory hook, or returns what no hook may. ``reason`` is a clause."""

    backend: str
    reason: str

    def what(self) -> str:
        return f"The build backend `{self.backend}` cannot be used: {self.reason}"


class WrongWheel(PuffinError):
    """A build gave a wheel of something else than what was built, or one for another system. ``reason`` is a clause."""

    stage: "ClassVar[str]" = "build"
    filename: str
    reason: str

    def summary(self) -> str:
        """Name the package and the wheel."""
        return f"Failed to build `{self.package}`: the built wheel, `{self.filename}`, {self.reason}"


class InvalidBuildSystem(PuffinError):
    """The build system of a source tree cannot be understood. ``problem`` is a clause."""

    stage: "ClassVar[str]" = "build"
    file: str
    problem: str

    def summary(self) -> str:
        """Name the package, the file and the problem."""
        return f"Failed to read the build system of `{self.package}` (`{self.file}`): {self.problem}"
