"""The choice of a pin's file among those that places offer: pure, no input or output."""

from puffin.names import normalise
from puffin.stages.resolve.index_page import FileLink, is_wheel
from puffin.stages.resolve.locate_errors import HashesDiffer, NoCompatibleWheel
from puffin.stages.resolve.locate_policy import ANY_FILES, sdists_option, wheels_option
from puffin.stages.resolve.locate_versions import parsed
from puffin.stages.resolve.solve.request import FilePolicy
from puffin.stages.resolve.tags import build_order, mismatch, priorities, rank, split_tags
from puffin.stages.urls import mask_text
from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol
else:
    Protocol = object

_SHOWN = 5


class Pin(Protocol):
    """What locating needs of a pin (see ``puffin.stages.resolve.pins``)."""

    @property
    def name(self) -> str:
        """The normalised name."""

    @property
    def version(self) -> str:
        """The pinned version; for a pin with a URL it may be empty."""

    @property
    def url(self) -> str:
        """The URL of a ``name @ URL`` pin, else empty."""

    @property
    def hashes(self) -> tuple[str, ...]:
        """The pinned hashes, ``"algorithm:hex"``: a file fits if one of them is its own."""

    @property
    def editable(self) -> bool:
        """Whether the pin is to be installed as an editable."""

    @property
    def text(self) -> str:
        """The pin as the user gave it."""

    @property
    def exact(self) -> bool:
        """Whether the version must be this very text (``===``)."""


def shown(pin: Pin) -> str:
    """Return a pin as messages show it: as the user gave it, with the credentials of its URL masked."""
    return mask_text(pin.text or pin.name)


@frozen
class Candidate:
    """A file that may satisfy a pin, and where it was found.

    ``place`` is the index or find-links place; ``linked`` tells that it is the latter.
    """

    link: FileLink
    version: str
    place: str
    linked: bool = False


class Target:
    """What the interpreter takes: its tags, best first, and its version as ``3.12.1``."""

    def __init__(self, tags: tuple[str, ...], python_version: str) -> None:
        self.tags = tags
        self.python_version = python_version
        self.priorities = priorities(tags)
        self._admitted: dict[str, bool] = {"": True}

    def admits(self, requires_python: str) -> bool:
        """Return whether the interpreter's version fits a ``Requires-Python``; a malformed one admits all."""
        known = self._admitted.get(requires_python)
        if known is None:
            known = self._admitted[requires_python] = self._contains(requires_python)
        return known

    def _contains(self, requires_python: str) -> bool:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            return SpecifierSet(requires_python).contains(self.python_version, prereleases=True)
        except InvalidSpecifier:  # old uploads have such values; their wheels have always been installed
            return True


def choose(
    pin: Pin, candidates: "Iterable[Candidate]", target: Target, files: FilePolicy = ANY_FILES
) -> Candidate:
    """Return the best wheel: by hash, yank, (local) version, tag, build tag, and find-links first.

    Where no wheel can be used it is the best source distribution, as far as *files* allows.
    Raises :class:`NoCompatibleWheel` or :class:`HashesDiffer`.
    """
    every = list(candidates)
    name = normalise(pin.name)
    fitting = [c for c in every if _fits(c, target)] if files.wheels(name) else []
    sources = [c for c in every if not is_wheel(c.link.filename)] if files.sdists(name) else []
    for usable in (fitting, sources):
        admitted = [c for c in usable if target.admits(c.link.requires_python)]
        allowed = [c for c in admitted if hash_verdict(c.link.hashes, pin.hashes) is not False]
        if allowed:
            order = version_order({c.version for c in allowed})
            return max(allowed, key=lambda c: _preference(c, pin, target, order))
    raise _nothing(pin, every, [*fitting, *sources], target, files)


def _fits(candidate: Candidate, target: Target) -> bool:
    filename = candidate.link.filename
    return is_wheel(filename) and rank(filename, target.priorities) is not None


def hash_verdict(offered: tuple[str, ...], pinned: tuple[str, ...]) -> bool | None:
    """Return whether a file's hashes are pinned ones; None if nothing can be said (no common algorithm)."""
    algorithms = {item.partition(":")[0] for item in pinned}
    common = [item for item in offered if item.partition(":")[0] in algorithms]
    return all(item in pinned for item in common) if common else None


def version_order(versions: set[str]) -> dict[str, int]:
    """Return the place of each version text in their order, -1 for malformed ones."""
    if len(versions) < 2:
        return dict.fromkeys(versions, 0)
    known = {text: parsed(text) for text in versions}
    places = {
        own: place for place, own in enumerate(sorted({own for own in known.values() if own is not None}))
    }
    return {text: -1 if own is None else places[own] for text, own in known.items()}


def _preference(c: Candidate, pin: Pin, target: Target, order: dict[str, int]) -> "tuple[object, ...]":
    """Return the sort key of a file among its kind: the greatest is taken, the first of equals."""
    said = hash_verdict(c.link.hashes, pin.hashes) is True
    filename = c.link.filename
    if is_wheel(filename):
        kind: tuple[object, ...] = (-(rank(filename, target.priorities) or 0), build_order(filename))
    else:
        kind = (filename.lower().endswith(".tar.gz"), filename.lower().endswith(".zip"))
    return (said, c.link.yanked is None, order[c.version], *kind, c.linked)


def _nothing(
    pin: Pin, every: list[Candidate], usable: list[Candidate], target: Target, files: FilePolicy
) -> "NoCompatibleWheel | HashesDiffer":
    """Return why none of *every* can be taken; *usable* are those of a kind and of tags that would do."""
    if not usable:
        return _no_file(pin, every, target, files)
    admitted = [c for c in usable if target.admits(c.link.requires_python)]
    return _hashes_differ(pin, admitted) if admitted else _no_python(pin, usable, target)


def _no_file(pin: Pin, every: list[Candidate], target: Target, files: FilePolicy) -> NoCompatibleWheel:
    name = normalise(pin.name)
    wheels = [c for c in every if is_wheel(c.link.filename)]
    source = len(wheels) < len(every)
    if option := wheels_option(files, name):
        other = sdists_option(files, name) if source else ""
        lacks = f"{other} forbids its source distribution" if other else "it has no source distribution"
        return NoCompatibleWheel(
            package=shown(pin),
            reason=f"{option} forbids its wheels, and {lacks}",
            hints=(f"to allow its wheels, leave out {option}",),
        )
    option = sdists_option(files, name) if source else ""
    if not wheels:
        reason = f"there is only a source distribution, and {option} forbids it"
        return NoCompatibleWheel(package=shown(pin), reason=reason, hints=(_leave_out(option),))
    return _no_tag(pin, wheels, target, option)


def _leave_out(option: str) -> str:
    return f"to build its source distribution, leave out {option}"


def _no_tag(pin: Pin, wheels: list[Candidate], target: Target, option: str) -> NoCompatibleWheel:
    names = [c.link.filename for c in wheels]
    parts = list(dict.fromkeys(mismatch(name, target.tags) for name in names))
    found = list(dict.fromkeys("-".join(split_tags(name)[1:]) or name for name in names))
    best = f" (its best tag is `{target.tags[0]}`)" if target.tags else ""
    hint = f"use an interpreter that fits one of these tags, or another version of `{pin.name}`"
    return NoCompatibleWheel(
        package=shown(pin),
        reason=f"no wheel's {' or '.join(parts)} fits Python {target.python_version}{best}",
        available=tuple(found[:_SHOWN]),
        total=len(found),
        hints=(hint, *((_leave_out(option),) if option else ())),
    )


def _no_python(pin: Pin, fitting: list[Candidate], target: Target) -> NoCompatibleWheel:
    wanted = list(dict.fromkeys(c.link.requires_python for c in fitting))
    reason = f"it requires Python {' or '.join(wanted)}, but the interpreter is Python {target.python_version}"
    hint = f"use another interpreter, or another version of `{pin.name}`"
    return NoCompatibleWheel(package=shown(pin), reason=reason, hints=(hint,))


def _hashes_differ(pin: Pin, admitted: list[Candidate]) -> HashesDiffer:
    offered = [f"{item} ({c.link.filename})" for c in admitted for item in c.link.hashes]
    hint = "if you trust the new files, write the pins with their hashes again"
    return HashesDiffer(package=shown(pin), expected=pin.hashes, offered=tuple(offered), hints=(hint,))
