"""Errors of locating files. Each is about one pin; a run raises all of them together."""

from puffin.errors import TEMPORARY, PuffinError


class LocateFailed(PuffinError):
    """Some pins have no file; ``causes`` has an error for each."""

    count: int
    total: int

    def summary(self) -> str:
        """Return the first line."""
        part = f"{self.count} of {self.total} packages" if self.total > 1 else "1 package"
        return f"Failed to find the files of {part}"


class LocateInterrupted(LocateFailed):
    """All failures are temporary: an index could not be reached, or failed."""

    exit_code = TEMPORARY


class PinFailed(PuffinError):
    """Base of the errors of one pin; ``package`` is the pin as the user gave it."""


class PackageNotFound(PinFailed):
    """No index and no find-links place has a package of this name."""

    places: tuple[str, ...]

    def summary(self) -> str:
        if not self.places:
            return f"Failed to find `{self.package}`: no index and no find-links place is given"
        places = ", ".join(f"`{place}`" for place in self.places)
        return f"Failed to find `{self.package}`: its name is not on {places}"


class VersionNotFound(PinFailed):
    """The package exists, but not in this version. ``nearby`` are a few of its ``total`` versions."""

    sentence = "Failed to find `{package}`: {place} does not have this version"
    place: str
    nearby: tuple[str, ...]
    total: int

    def details(self) -> tuple[str, ...]:
        if not self.total:
            return ("It has no files at all.",)
        versions = "1 version" if self.total == 1 else f"{self.total} versions"
        among = ", among them" if self.total > len(self.nearby) else ""
        return (f"It has {versions}{among}: {', '.join(self.nearby)}",)


class Quarantined(PinFailed):
    """The index holds the project in quarantine (PEP 792), so its files must not be used."""

    index: str
    reason: str

    def summary(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"Refused `{self.package}`: `{self.index}` holds the project in quarantine{why}"


class NoCompatibleWheel(PinFailed):
    """The version exists, but none of its wheels fits the interpreter. ``reason`` says what does not fit."""

    sentence = "Failed to find a wheel of `{package}`: {reason}"
    reason: str
    available: tuple[str, ...] = ()
    total: int = 0

    def details(self) -> tuple[str, ...]:
        if not self.available:
            return ()
        more = self.total - len(self.available)
        return (f"Available: {', '.join(self.available)}" + (f" and {more} more" if more > 0 else ""),)


class HashesDiffer(PinFailed):
    """No usable file has a pinned hash, by the index or the URL."""

    sentence = "Failed to find a file of `{package}` with a pinned hash"
    expected: tuple[str, ...]
    offered: tuple[str, ...]

    def details(self) -> tuple[str, ...]:
        return ("Expected:", *(f"  {h}" for h in self.expected), "Offered:", *(f"  {o}" for o in self.offered))


class TooNew(PinFailed):
    """All files of a version are newer than ``--exclude-newer`` allows, or of unknown age."""

    sentence = "Failed to find `{package}`: no file is known to be older than `--exclude-newer {date}`"
    date: str
    undated: bool = False

    def details(self) -> tuple[str, ...]:
        return ("The index does not report the upload times of its files.",) if self.undated else ()


class BuildForbidden(PinFailed):
    """A pin needs a build, and an option forbids builds; ``kind`` names the source with its article."""

    sentence = "Refused to build `{package}`: it is {kind}, and {option} forbids building it"
    kind: str
    option: str


class NotEditable(PinFailed):
    """An editable is not a local directory."""

    sentence = "Failed to use `{package}` as an editable: it is {kind}, and only a directory can be one"
    kind: str


class NameUnknown(PinFailed):
    """A requirement does not name its package, and only a build would tell the name."""

    sentence = "Failed to determine the name of the package `{package}`: it is known only after a build"


class WheelMismatch(PinFailed):
    """The file name in a URL is not of the pinned distribution, or not of a wheel."""

    sentence = "Failed to use `{filename}` for `{package}`: {reason}"
    filename: str
    reason: str


class FileMissing(PinFailed):
    """A local file that a pin or an index names cannot be read."""

    sentence = "Failed to read `{path}` for `{package}`"
    path: str
