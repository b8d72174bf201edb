"""What was resolved."""

from puffin.value import frozen


@frozen
class Parent:
    """Who asks for a package: another package of the resolution (``name``), or a root's ``origin``.

    ``requirement`` is the requirement's text as that parent has it; ``marker`` its marker without ``extra``
    clauses evaluated, as written. Exactly one of ``name`` and ``origin`` is set. ``version`` is the parent
    package's.
    """

    name: str = ""
    version: str = ""
    origin: str = ""
    requirement: str = ""
    marker: str = ""


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
    """All packages, sorted by name, each once; ``warnings`` are sentences; ``rounds`` is resolvelib's count.

    ``Resolved.requires`` names the packages that each one depends on here, sorted.
    """

    packages: tuple[Resolved, ...]
    warnings: tuple[str, ...] = ()
    rounds: int = 0
