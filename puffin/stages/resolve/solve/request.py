"""The request of a resolution and its answer, as values."""

from collections.abc import Collection, Mapping

from puffin.stages.resolve.index.config import FilePolicy
from puffin.stages.resolve.requirements.values import Entry
from puffin.value import frozen

HIGHEST, LOWEST, LOWEST_DIRECT = "highest", "lowest", "lowest-direct"
RESOLUTIONS = (HIGHEST, LOWEST, LOWEST_DIRECT)

DISALLOW, ALLOW, IF_NECESSARY, EXPLICIT = "disallow", "allow", "if-necessary", "explicit"
IF_NECESSARY_OR_EXPLICIT = "if-necessary-or-explicit"


@frozen
class Preference:
    """A version to be kept where possible: from an earlier output file, or installed.

    ``marker`` tells for which environments the earlier output has the version.

    ``installed``, where not None, is a handle for :meth:`Universe.metadata`: this version is taken as it
    is, and while it fits, the universe is not asked for the versions of the package at all. A package to be
    upgraded has no preference, unless it is installed: then ``upgrade`` tells that this version is one candidate
    among the others, in its place by its version.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    installed: object = None
    upgrade: bool = False
    marker: str = ""


def exclude_newer_for(text: str, name: str) -> str:
    """Return the part of an ``exclude_newer`` that is about a package (its name normalised), empty for none.

    *text* is the time or date for all packages, which may be empty, then ``name=time`` for each that has its own;
    blanks separate them. ``name=false`` takes a package out.
    """
    every, *own = text.split(" ")
    told = next((each.partition("=")[2] for each in own if each.partition("=")[0] == name), every)
    return "" if told == "false" else told


def timestamp(text: str) -> float:
    """Return an ISO 8601 time in seconds since the epoch; infinity for none, so that an unknown time is new."""
    from datetime import UTC, datetime

    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return float("inf")
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def cutoff_of(text: str) -> float:
    """Return ``--exclude-newer`` in seconds since the epoch, 0 for none: a time, or a whole day in local time."""
    if not text:
        return 0.0
    from datetime import date, datetime, timedelta

    if len(text) == 10:
        day = date.fromisoformat(text) + timedelta(days=1)
        return datetime(day.year, day.month, day.day).astimezone().timestamp()
    return timestamp(text)


def hash_verdict(offered: tuple[str, ...], demanded: "Collection[str]") -> bool | None:
    """Return whether a file's hashes are demanded ones; None if that is unknown (no common algorithm)."""
    algorithms = {item.partition(":")[0] for item in demanded}
    common = [item for item in offered if item.partition(":")[0] in algorithms]
    return all(item in demanded for item in common) if common else None


@frozen
class ResolveRequest:
    """Everything that decides a resolution, besides the universe.

    ``markers`` is the target's PEP 508 environment without ``extra``; ``python_version`` is the target's
    full version (``3.12.1``), ``real_python_version`` that of the interpreter that would build. ``tags`` is
    the target's best tag, for messages. ``exclude_newer`` (ISO 8601) is the universe's to apply, and is
    here for messages. ``prerelease_modes`` are pairs of a package and its own mode, which goes before ``prereleases``.
    ``offline`` is for messages.
    ``reached`` are constraints with URLs, which are read when their packages come up. ``virtual`` are packages that
    are resolved, and then not part of the answer.
    ``keep_yanked`` lets preferences keep yanked versions, as uv does; else they move on.
    ``region``, if it is not empty, is the marker of all environments that the answer is for; ``markers`` are not used
    then, and ``python_version`` is the oldest Python of the region. ``required`` are the markers of environments that
    a version must have a file for, as far as they are in the region.
    """

    requirements: tuple[Entry, ...]
    markers: "Mapping[str, str]"
    python_version: str
    constraints: tuple[Entry, ...] = ()
    overrides: tuple[Entry, ...] = ()
    reached: tuple[Entry, ...] = ()
    virtual: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    real_python_version: str = ""
    resolution: str = HIGHEST
    prereleases: str = IF_NECESSARY_OR_EXPLICIT
    prerelease_modes: tuple[tuple[str, str], ...] = ()
    exclude_newer: str = ""
    no_deps: bool = False
    files: FilePolicy = FilePolicy()
    offline: bool = False
    keep_yanked: bool = False
    tag: str = ""
    region: str = ""
    required: tuple[str, ...] = ()
    max_rounds: int = 200_000

    @property
    def given(self) -> tuple[Entry, ...]:
        """All that the user says."""
        return (*self.requirements, *self.constraints, *self.overrides)

    def prereleases_of(self, name: str) -> str:
        """Return the mode of a package."""
        return next((mode for own, mode in self.prerelease_modes if own == name), self.prereleases)


@frozen
class Parent:
    """Who asks for a package: another package of the resolution (``name``), or a root's ``origin``.

    ``requirement`` is the requirement's text as that parent has it; ``marker`` its marker without ``extra``
    clauses evaluated, as written; ``within`` is as in ``Entry``, and ``extras`` are those that are asked
    for. Exactly one of ``name`` and ``origin`` is set. ``version`` is the parent package's.
    """

    name: str = ""
    version: str = ""
    origin: str = ""
    requirement: str = ""
    marker: str = ""
    within: str = ""
    extras: tuple[str, ...] = ()


@frozen
class Resolved:
    """One package of the resolution.

    ``version`` is the version text as the universe offered it (a URL's metadata for those). ``extras`` are
    all that somebody asked for, normalised and sorted, unknown ones left out. ``url`` is empty for packages
    from an index. ``handle`` is the universe's: ``Release.handle``, the
    :class:`~puffin.stages.resolve.solve.universe.Place` (or what its metadata's ``source`` put in its
    place), or ``Preference.installed``. ``via`` are the parents, packages by name first, then origins, in a
    stable order. ``direct`` tells that a root requirement names it. ``hashes`` are those that roots and
    constraints demand.
    """

    name: str
    version: str
    handle: object
    extras: tuple[str, ...] = ()
    url: str = ""
    editable: bool = False
    yanked: str | None = None
    index: str = ""
    via: tuple[Parent, ...] = ()
    direct: bool = False
    installed: bool = False
    hashes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


@frozen
class Resolution:
    """All packages, sorted by name, each once; ``warnings`` are sentences; ``rounds`` counts the choices.

    ``Resolved.requires`` names the packages that each one depends on here, sorted.
    """

    packages: tuple[Resolved, ...]
    warnings: tuple[str, ...] = ()
    rounds: int = 0
