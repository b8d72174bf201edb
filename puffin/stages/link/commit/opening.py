"""Directories of sealed trees that packages come to share: opened in a staging area, so that they can be changed.

A directory of a sealed tree is a symlink while only one distribution has files in it. If another one adds files, or
other files lie there, the plan opens it: its files become hard links, and its directories symlinks. RECORD then lists
the files.
"""

import os

from puffin.cache.atomic import write
from puffin.stages.bytecode.layer import CACHE
from puffin.stages.link.files import HARDLINK, Placer
from puffin.stages.link.sealed import Sealed, as_rows, full_record
from puffin.stages.link.staging import DIRECTORY
from puffin.stages.unzip.record import read_record
from puffin.types import Iterable, Sequence
from puffin.value import frozen


@frozen
class Opening:
    """A *directory* of a sealed tree that is staged at *staged*, with its ``files`` and ``links`` to its directories.

    ``name`` is that of the distribution.
    """

    name: str
    staged: str
    sealed: "Sealed"
    directory: str
    files: tuple[str, ...]
    links: tuple[str, ...]


@frozen
class Preparation:
    """The work in the staging area before a commit: openings, directories built of them, and ``(former, new)`` RECORDs.

    Directories get the time ``stamp`` (ns).
    """

    openings: tuple[Opening, ...]
    building: tuple[tuple[str, str], ...]
    records: tuple[tuple[str, str, tuple[Opening, ...]], ...]
    stamp: int


def prepare(preparation: Preparation) -> None:
    """Do the work before a commit (``OSError``)."""
    for opening in preparation.openings:
        _open(opening)
    for former, new, openings in preparation.records:
        data = as_rows(_rows(read_record(former), openings)).encode("utf-8", "surrogateescape")
        write(new, data)
        _stamp(new, preparation.stamp)
    for opening in preparation.openings:
        place = f"{opening.staged}/{opening.directory}"
        _stamp(place, preparation.stamp)
        _stamp(os.path.dirname(place), preparation.stamp)
    made = [place for staged, place in preparation.building if not staged]
    for staged, place in preparation.building:
        if staged:
            os.rename(staged, place)
        else:
            os.mkdir(place)
    for place in reversed(made):
        _stamp(place, preparation.stamp)


def _open(opening: Opening) -> None:
    place = f"{opening.staged}/{opening.directory}"
    if os.path.islink(place):
        os.unlink(place)
    os.makedirs(place)
    source = f"{opening.sealed.root}/{opening.directory}"
    here = os.open(source, DIRECTORY)
    try:
        there = os.open(place, DIRECTORY)
        try:
            Placer(HARDLINK).place_all(opening.files, here, there)
        finally:
            os.close(there)
    finally:
        os.close(here)
    for name in opening.links:
        os.symlink(f"{source}/{name}", f"{place}/{name}", target_is_directory=True)


def _rows(
    former: "Iterable[tuple[str, str, str]]", openings: "Sequence[Opening]"
) -> "list[tuple[str, str, str]]":
    """Return the rows of a RECORD in which the links that were opened are replaced by their files."""
    opened = frozenset([each.directory for each in openings])
    sealed = openings[0].sealed
    rows = [row for row in full_record(sealed.root, sealed) if row[0].rpartition("/")[0] in opened]
    for each in openings:
        rows += [(f"{each.directory}/{name}", "", "") for name in each.links]
        if each.directory.endswith(CACHE):
            rows += [(f"{each.directory}/{name}", "", "") for name in each.files]
    return [*{row[0]: row for row in (*rows, *former) if row[0] not in opened}.values()]


def _stamp(path: str, stamp: int) -> None:
    os.utime(path, ns=(stamp, stamp))
