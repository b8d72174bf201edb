"""The interface of the resolver to the world: the versions of a package and the metadata of one.

Whoever implements :class:`Universe` chooses among files (tags, hashes, upload dates, index strategy,
:class:`~puffin.stages.resolve.solve.request.FilePolicy`); the resolver chooses among versions.
"""

from collections.abc import Callable, Iterable

from puffin.errors import PuffinError
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

# Why an offer is empty (``Offer.missing``).
NOT_FOUND = "not-found"
OFFLINE = "offline"
QUARANTINED = "quarantined"
INDEX_ERROR = "index-error"
EMPTY = "empty"

OFFLINE_HINT = "run the command once without `--offline` to fill the cache"


@frozen
class Release:
    """What is known of one version of a package before its metadata is read.

    ``version`` is the text by which the offer lists it. ``handle`` is opaque to the resolver: the universe's
    own value that tells which file to read metadata from and which to install (they may differ); None if no
    file is usable. ``wheel`` and ``sdist`` tell whether there is a wheel whose tags fit the target, and
    a source distribution, whatever the file policy. An incompatible wheel's metadata may serve where
    ``sdist`` holds. ``tags`` are the tags (``py3-none-win_amd64``) of wheels that do not fit, where none
    does. ``requires_python`` is that of the file in ``handle``: if any file admits the target, of one
    that does. ``yanked`` is None, or the reason, which may be empty (PEP 592); a version is yanked if all
    usable files are. ``hashes_differ`` tells that no file has one of the hashes that were demanded;
    ``hashes`` (``"algorithm:hex"``) are those that the index has of the file in ``handle``.
    ``upload_time`` is ISO 8601, empty if the index does not tell. For a target of all platforms, ``where`` and
    ``platforms`` are the markers of the environments and of the platforms that the files are for, empty if one is for
    all. ``index`` is the index or find-links
    place (credentials masked), for messages and annotations.
    """

    version: str
    handle: object
    wheel: bool = True
    sdist: bool = False
    tags: tuple[str, ...] = ()
    requires_python: str = ""
    yanked: str | None = None
    hashes_differ: bool = False
    hashes: tuple[str, ...] = ()
    upload_time: str = ""
    where: str = ""
    platforms: str = ""
    index: str = ""


@frozen
class Offer:
    """All versions of one package; answered even if there is nothing.

    ``versions`` are version texts (PEP 440; unparsable ones left out, no version twice), newest first: the
    resolver searches by halving. ``release`` gives what is known of one of them; it is called once per
    version that is looked at, so files need not be parsed before. ``groups``, where given, has a number for
    each version: all of a lower number are tried before those of a higher one (``unsafe-first-match``).
    ``newer`` are version texts that ``exclude_newer`` hides completely, ``undated`` those of them of which the index
    tells no date; ``elsewhere`` are other indexes
    (masked) that have the package but do not count, because an earlier one has it too, with the versions there
    if known: both only for messages.

    ``missing`` is empty, or one of :data:`NOT_FOUND`, :data:`OFFLINE`, :data:`QUARANTINED`,
    :data:`INDEX_ERROR`, :data:`EMPTY` (the page is there and lists nothing usable); ``reason`` words it
    further, and ``hints`` say what may help. ``masks``, if not None, has the bits of ``versions`` that specifiers
    match, as far as they are known; whoever finds out more adds them.
    """

    name: str
    versions: tuple[str, ...]
    release: "Callable[[str], Release]"
    groups: tuple[int, ...] = ()
    newer: tuple[str, ...] = ()
    undated: frozenset[str] = frozenset()
    elsewhere: "Iterable[tuple[str, tuple[str, ...]]]" = ()
    missing: str = ""
    reason: str = ""
    hints: tuple[str, ...] = ()
    masks: "dict[str, int] | None" = None


def no_release(version: str) -> Release:
    """Stand for ``Offer.release`` of an offer without versions."""
    raise LookupError(version)


def nothing(name: str, missing: str, reason: str = "", hints: tuple[str, ...] = ()) -> Offer:
    """Return the offer of a package of which there is nothing."""
    return Offer(name=name, versions=(), release=no_release, missing=missing, reason=reason, hints=hints)


@frozen
class Place:
    """The handle of a requirement that names its distribution by URL, path or repository.

    The fields are those of :class:`~puffin.stages.resolve.requirements.values.Entry`. ``name`` may be empty: the
    metadata tells it.
    """

    url: str
    name: str = ""
    editable: bool = False
    hashes: tuple[str, ...] = ()
    config_settings: tuple[tuple[str, str], ...] = ()
    text: str = ""


@frozen
class Metadata:
    """The core metadata that resolution needs, as texts.

    ``name`` is normalised. ``requires_dist`` are requirement texts (PEP 508), unparsed; ``provides_extras``
    are normalised. ``built`` tells that it took a build. ``source``, if not None, replaces the handle in the answer:
    a git commit in place of a branch, a built wheel.
    """

    name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""
    provides_extras: tuple[str, ...] = ()
    built: bool = False
    source: object = None


class Unusable(PuffinError):
    """One distribution's metadata cannot be had or used, which rules out this version and no other.

    For example malformed metadata, a name or version that disagrees with the file's, a file that is offline
    and not in the cache, a build that needs another Python. ``reason`` completes "`a==1` cannot be used,
    because …". Whatever else :meth:`Universe.metadata` raises ends the resolution.
    """

    sentence = "`{package}` cannot be used, because {reason}"
    reason: str
    offline: bool = False


class Universe(Protocol):
    """Where packages come from. The resolver asks from one thread, and each question once."""

    def versions(self, name: str) -> Offer:
        """Return all versions of a package by its normalised name."""

    def metadata(self, handle: object) -> Metadata:
        """Return the metadata of a release's handle, a :class:`Place`, or a ``Preference.installed``.

        Raises :class:`Unusable`.
        """

    @property
    def asks(self) -> bool:
        """Whether answers may be on their way; until then everything is at hand, and none is asked for ahead."""

    def needs_build(self, handle: object) -> bool:
        """Tell whether :meth:`metadata` of a handle takes a build, or took one before.

        Raises what it raises without a build.
        """

    def knows(self, name: str) -> bool | None:
        """Tell whether :meth:`versions` of a package that was expected would answer now; None if one had to wait.

        False if it would raise.
        """

    def knows_metadata(self, handle: object) -> bool | None:
        """Tell whether :meth:`metadata` of a handle that was expected would answer now; None if one had to wait.

        False if it would raise, or if it takes more than what was expected.
        """

    def news(self, *, wait: bool) -> bool:
        """Take note of what has come of what was expected, or *wait* until something does.

        False where nothing is to come, or where nobody can wait for all of it at once.
        """

    def came(self) -> "Iterable[str]":
        """Return the packages of which what was expected has come since the last call, each perhaps more than once."""

    def expect(self, names: "Iterable[str]") -> None:
        """Take note that the versions of these packages will be asked for soon; must return at once."""

    def expect_metadata(self, handles: "Iterable[object]") -> None:
        """Take note that the metadata of these handles will probably be asked for; must return at once."""
