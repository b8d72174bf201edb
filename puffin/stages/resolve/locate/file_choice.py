"""Which file of an index page a version means: one rule for pins, for resolutions and for what builds need.

Of the files of a version those count that are older than ``--exclude-newer``, of a kind that ``--no-binary``,
``--only-binary`` and ``--no-build`` leave, that have a tag of the target if they are wheels, and one of the demanded
hashes as far as the index has any. Of these the best is taken, by the first of these points that tells two apart:

1. its ``Requires-Python`` admits the target;
2. one of its hashes is a demanded one;
3. it is not yanked. A yanked file is used only if all usable files of an exactly pinned version are (PEP 592); that
   the pin is exact is for the caller to see to: a pin is, and in a resolution ``solve.eligible`` decides;
4. the later version, where ``==1.0`` also means ``1.0+local``;
5. a wheel rather than a source distribution, and of wheels that with the best tag, then build tag;
6. a file of a find-links place rather than of an index.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from puffin.stages.resolve.index.config import ANY_FILES, FilePolicy
from puffin.stages.resolve.index.page import SDIST_ENDINGS, FileLink, IndexFile, splits
from puffin.stages.resolve.locate.tags import build_order, priorities, rank
from puffin.stages.resolve.requirements.texts import version_of
from puffin.stages.resolve.solve.request import cutoff_of, exclude_newer_for, hash_verdict, timestamp
from puffin.stages.resolve.solve.specifiers import PythonRange
from puffin.value import astuple, from_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.version import Version

OfferedByText = dict[str, "list[Offered]"]

FILENAME, URL, HASHES, REQUIRES_PYTHON, YANKED, SIZE, UPLOAD_TIME, METADATA = range(8)


class Offered(NamedTuple):
    """The same as an :class:`IndexFile`, its fields as a plain tuple (see :meth:`StoredPage.rows`).

    Thousands of these are made in a resolution, and a tuple takes a fifth of the time of a frozen value.
    """

    row: "tuple[Any, ...]"
    text: str
    place: str
    linked: bool = False

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel, by its name."""
        filename: str = self.row[FILENAME]
        return filename.endswith((".whl", ".WHL"))

    def file(self) -> IndexFile:
        link = from_tuple(FileLink, self.row)
        return IndexFile(link=link, version=self.text, place=self.place, linked=self.linked)


def offered_by_name(links: "Iterable[tuple[str, FileLink]]") -> "dict[str, OfferedByText]":
    """Return the files of find-links places (place, link) by the names and version texts they may stand for."""
    found: dict[str, OfferedByText] = {}
    for place, link in links:
        row = astuple(link)
        for name, text in splits(link.filename):
            each = Offered(row=row, text=text, place=place, linked=True)
            found.setdefault(name, {}).setdefault(text, []).append(each)
    return found


class FileTarget:
    """What the interpreter takes: its tags, best first, and its version as ``3.12.1``.

    ``admits`` tells whether it takes a file with a ``Requires-Python``.
    """

    def __init__(self, tags: tuple[str, ...], python_version: str) -> None:
        self.tags = tags
        self.python_version = python_version
        self.priorities = priorities(tags)
        self.admits = PythonRange(python_version).admits


class Choice(NamedTuple):
    """The files of a version, sieved step by step, and the ``best``, None if none can be used.

    ``fitting`` are wheels for the target; ``usable`` those files that tags and options leave; ``allowed`` those of
    them that the demanded hashes do not rule out.
    """

    visible: "list[Offered]"
    wheels: "list[Offered]"
    sdists: "list[Offered]"
    fitting: "list[Offered]"
    usable: "list[Offered]"
    allowed: "list[Offered]"
    best: Offered | None


class FileChooser:
    """Chooses files for one target, under one policy. ``exclude_newer`` is as in ``exclude_newer_for``."""

    def __init__(self, target: FileTarget, files: FilePolicy = ANY_FILES, exclude_newer: str = "") -> None:
        self.target = target
        self.files = files
        self.exclude_newer = exclude_newer
        self._cutoffs: dict[str, float] = {}
        self._ranks: dict[str, int | None] = {}

    def choose(self, name: str, offered: "Sequence[Offered]", hashes: tuple[str, ...] = ()) -> Choice:
        """Return the choice among the files of one version; if there are *hashes*, one of them is demanded.

        *name* is normalised. The best may still not admit the target's Python: then none does.
        """
        cutoff = self.cutoff(name)
        visible = [each for each in offered if not cutoff or timestamp(each.row[UPLOAD_TIME]) < cutoff]
        wheels = [each for each in visible if each.is_wheel]
        sdists = [each for each in visible if not each.is_wheel]
        fitting = [each for each in wheels if self.rank(each.row[FILENAME]) is not None]
        usable = fitting if self.files.wheels(name) else []
        if sdists and self.files.sdists(name):
            usable = [*usable, *sdists]
        allowed = usable
        if hashes:
            allowed = [each for each in usable if hash_verdict(each.row[HASHES], hashes) is not False]
        return Choice(visible, wheels, sdists, fitting, usable, allowed, self._best(allowed, hashes))

    def rank(self, filename: str) -> int | None:
        """Return the place of a wheel's best tag (lower is better), None if it does not fit."""
        parts = filename.rsplit("-", 3)
        # all that the rank depends on: the tags, and whether what stands before them is a name of a wheel
        key = "-".join(parts[1:]) if parts[0].count("-") == 1 else filename
        try:
            return self._ranks[key]
        except KeyError:
            found = self._ranks[key] = rank(filename, self.target.priorities)
            return found

    def cutoff(self, name: str) -> float:
        """Return from when on files of a package do not exist, in seconds since the epoch; 0 for never."""
        if not self.exclude_newer:
            return 0.0
        known = self._cutoffs.get(name)
        if known is None:
            known = self._cutoffs[name] = cutoff_of(exclude_newer_for(self.exclude_newer, name))
        return known

    def _best(self, allowed: "list[Offered]", hashes: tuple[str, ...]) -> Offered | None:
        if len(allowed) < 2:
            return allowed[0] if allowed else None
        order = version_order({each.text for each in allowed})

        def key(each: Offered) -> "tuple[Any, ...]":
            """Return the points of the rule above, in their order; the greatest is taken, the first of equals."""
            row = each.row
            fits = self.target.admits(row[REQUIRES_PYTHON])
            said = bool(hashes) and hash_verdict(row[HASHES], hashes) is True
            form = self._wheel_form(row[FILENAME]) if each.is_wheel else _sdist_form(row[FILENAME])
            return fits, said, row[YANKED] is None, order[each.text], each.is_wheel, form, each.linked

        return max(allowed, key=key)

    def _wheel_form(self, filename: str) -> "tuple[Any, ...]":
        return -(self.rank(filename) or 0), build_order(filename)


def _sdist_form(filename: str) -> "tuple[Any, ...]":
    """Return how well a kind of archive is liked: the earlier in the list, the better."""
    lower = filename.lower()
    return (-next((place for place, ending in enumerate(SDIST_ENDINGS) if lower.endswith(ending)), 99),)


def version_order(texts: set[str]) -> dict[str, int]:
    """Return the place of each version text in their order, -1 for malformed ones."""
    if len(texts) < 2:
        return dict.fromkeys(texts, 0)
    known = {text: parsed(text) for text in texts}
    places = {
        own: place for place, own in enumerate(sorted({own for own in known.values() if own is not None}))
    }
    return {text: -1 if own is None else places[own] for text, own in known.items()}


def parsed(text: str) -> "Version | None":
    """Return a version text parsed, None if it is malformed."""
    try:
        return version_of(text)
    except ValueError:
        return None
