"""The packages in the output of a compilation, and the style of a requirements file."""

from puffin.value import frozen

SPLIT, LINE = "split", "line"


@frozen
class OutputFile:
    """One file of a package's version.

    ``url`` is absolute, without credentials, and a ``file:`` URL for a local file. ``hashes`` are
    ``"algorithm:hex"``, ``size`` is in bytes and 0 where unknown, ``upload_time`` is ISO 8601 or empty.
    """

    filename: str
    url: str
    hashes: tuple[str, ...] = ()
    size: int = 0
    upload_time: str = ""


@frozen
class DirectReference:
    """The place of a package that was required by URL, path or repository.

    ``written`` goes into requirements files: a URL, or a path where ``bare``, which stands without the
    package's name. ``url`` is absolute, without credentials and without fragment; ``kind`` is ``archive``,
    ``directory`` or the name of a version control system, which then has a ``commit`` and perhaps the
    ``revision`` that was asked for.
    """

    written: str
    url: str
    kind: str
    bare: bool = False
    editable: bool = False
    subdirectory: str = ""
    commit: str = ""
    revision: str = ""
    hashes: tuple[str, ...] = ()
    size: int = 0


@frozen
class Listed:
    """One package of the output.

    ``name`` is normalised; ``extras`` are given whether they will be written or not.
    ``hashes`` are for requirements files, ``files`` for lock files. ``parents`` are names of packages,
    ``origins`` the labels of sources; ``index`` is where it was found, credentials masked.
    """

    name: str
    version: str
    extras: tuple[str, ...] = ()
    marker: str = ""
    direct: DirectReference | None = None
    hashes: tuple[str, ...] = ()
    files: tuple[OutputFile, ...] = ()
    parents: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    index: str = ""
    requires_python: str = ""


@frozen
class Style:
    """How a requirements file is written: ``annotation`` is :data:`SPLIT`, :data:`LINE`, or empty for none.

    ``header`` is the command to name in the header, empty for no header. ``options`` are lines such as
    ``--index-url URL``; ``excluded`` are names of packages to leave out. ``environments`` are the markers of
    those that the pins hold for, none if they are not to be written.
    """

    header: str = ""
    annotation: str = SPLIT
    extras: bool = False
    markers: bool = False
    index_annotation: bool = False
    options: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    environments: tuple[str, ...] = ()
