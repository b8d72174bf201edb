"""The choice among the files of one version: which to install, and whose metadata to read. Pure."""

from typing import NamedTuple

from puffin.stages.resolve.index_page import SDIST_ENDINGS, FileLink
from puffin.stages.resolve.locate_choose import Candidate, Target, hash_verdict
from puffin.stages.resolve.metadata_lenient import specifier
from puffin.stages.resolve.solve.request import FilePolicy
from puffin.stages.resolve.solve.universe import Release
from puffin.stages.resolve.tags import build_order, rank
from puffin.stages.resolve.universe_values import Chosen
from puffin.stages.urls import mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from puffin.stages.resolve.index_cache import Row

FILENAME, URL, HASHES, REQUIRES_PYTHON, YANKED, SIZE, UPLOAD_TIME, METADATA = range(8)


class Offered(NamedTuple):
    """One file of a version: its fields as a plain tuple (see :meth:`StoredPage.rows`) and where it was found.

    Thousands of these are made in a resolution, and a tuple takes a fifth of the time of a frozen value.
    """

    row: "tuple[Any, ...]"
    text: str
    place: str
    linked: bool = False

    def candidate(self) -> Candidate:
        """Return the file as other stages know it."""
        return Candidate(link=link_of(self.row), version=self.text, place=self.place, linked=self.linked)


def link_of(row: "Row") -> FileLink:
    """Return the link whose fields are *row*."""
    filename, url, hashes, requires_python, yanked, size, upload_time, metadata = row
    return FileLink(
        filename=filename,
        url=url,
        hashes=hashes,
        requires_python=requires_python,
        yanked=yanked,
        size=size,
        upload_time=upload_time,
        metadata=metadata,
    )


class Chooser:
    """Chooses files for one target, under one policy. ``cutoff`` is in seconds since the epoch, 0 for none."""

    def __init__(self, target: Target, files: FilePolicy, cutoff: float = 0.0) -> None:
        self.target = target
        self.files = files
        self.cutoff = cutoff
        self._ranks: dict[str, int | None] = {}
        self._any: dict[str, bool] = {}

    def release(
        self, name: str, version: str, offered: "Sequence[Offered]", hashes: tuple[str, ...] = ()
    ) -> Release:
        """Return what is known of a version with these files, of which *hashes* (if any) one must match."""
        visible = [each for each in offered if self._is_visible(each.row)]
        wheels = [each for each in visible if _is_wheel(each.row)]
        sdists = [each for each in visible if not _is_wheel(each.row)]
        ranked = [(self.rank(each.row[FILENAME]), each) for each in wheels]
        fitting = [(place, each) for place, each in ranked if place is not None]
        usable = fitting if self.files.wheels(name) else []
        if self.files.sdists(name):
            usable = [*usable, *[(-1, each) for each in sdists]]
        allowed = (
            [pair for pair in usable if hash_verdict(pair[1].row[HASHES], hashes) is not False]
            if hashes
            else usable
        )
        best = self._best(allowed, hashes)
        first = best or (visible[0] if visible else None)
        return Release(
            version=version,
            handle=None if best is None else self._chosen(name, version, best, wheels),
            wheel=bool(fitting),
            sdist=bool(sdists),
            tags=() if fitting else _tags(wheels),
            requires_python=specifier(first.row[REQUIRES_PYTHON]) if first else "",
            yanked=first.row[YANKED] if first else None,
            hashes_differ=bool(usable) and not allowed,
            upload_time=first.row[UPLOAD_TIME] if first else "",
            index=mask(first.place) if first else "",
        )

    def rank(self, filename: str) -> int | None:
        """Return the place of a wheel's best tag (lower is better), None if it does not fit."""
        tail = "-".join(filename.rsplit("-", 3)[1:])
        try:
            return self._ranks[tail]
        except KeyError:
            found = self._ranks[tail] = rank(filename, self.target.priorities)
            return found

    def _is_visible(self, row: "Row") -> bool:
        return not self.cutoff or timestamp(row[UPLOAD_TIME]) < self.cutoff

    def _best(self, allowed: "Sequence[tuple[int, Offered]]", hashes: tuple[str, ...]) -> Offered | None:
        if len(allowed) < 2:
            return allowed[0][1] if allowed else None

        def key(pair: tuple[int, Offered]) -> "tuple[Any, ...]":
            place, each = pair
            row = each.row
            said = bool(hashes) and hash_verdict(row[HASHES], hashes) is True
            fits = self._admits(row[REQUIRES_PYTHON])
            wheel = _is_wheel(row)
            form = build_order(row[FILENAME]) if wheel else (_form(row[FILENAME]), "")
            return said, fits, row[YANKED] is None, wheel, -place, form, each.linked

        return max(allowed, key=key)[1]

    def _admits(self, requires_python: str) -> bool:
        known = self._any.get(requires_python)
        if known is None:
            known = self._any[requires_python] = self.target.admits(specifier(requires_python))
        return known

    def _chosen(self, name: str, version: str, best: Offered, wheels: "Sequence[Offered]") -> Chosen:
        install = best.candidate()
        metadata = install
        if not _is_wheel(best.row) and wheels:
            told = next((each for each in wheels if each.row[METADATA]), wheels[0])
            metadata = told.candidate()
        return Chosen(name=name, version=version, install=install, metadata=metadata)


def timestamp(text: str) -> float:
    """Return an ISO 8601 time in seconds since the epoch; infinity for none, so that what is not told is new."""
    from datetime import UTC, datetime

    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return float("inf")
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def cutoff_of(text: str) -> float:
    """Return ``--exclude-newer`` in seconds since the epoch: a time, or a date, which counts whole (local time)."""
    from datetime import date, datetime, timedelta

    if len(text) == 10:
        day = date.fromisoformat(text) + timedelta(days=1)
        return datetime(day.year, day.month, day.day).astimezone().timestamp()
    return timestamp(text)


def _is_wheel(row: "Row") -> bool:
    filename: str = row[FILENAME]
    return filename.endswith((".whl", ".WHL"))


def _form(filename: str) -> int:
    """Return how well a kind of archive is liked: the earlier in the list, the better."""
    lower = filename.lower()
    return -next((place for place, ending in enumerate(SDIST_ENDINGS) if lower.endswith(ending)), 99)


def _tags(wheels: "Sequence[Offered]") -> tuple[str, ...]:
    tails = ["-".join(each.row[FILENAME][:-4].rsplit("-", 3)[1:]) for each in wheels]
    return tuple(dict.fromkeys(tails))
