"""The choice of a pin's wheel among the files that places offer: pure, no input or output."""

from puffin.stages.resolve.index_page import FileLink, is_wheel
from puffin.stages.resolve.locate_errors import HashesDiffer, NoCompatibleWheel
from puffin.stages.resolve.locate_versions import parsed
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


def choose(pin: Pin, candidates: "Iterable[Candidate]", target: Target) -> Candidate:
    """Return the best wheel: by hash, yank, (local) version, tag, build tag, and find-links first.

    Raises :class:`NoCompatibleWheel` or :class:`HashesDiffer`.
    """
    every = list(candidates)
    fitting = _tagged(pin, every, target)
    admitted = [c for c in fitting if target.admits(c.link.requires_python)]
    if not admitted:
        raise _no_python(pin, fitting, target)
    allowed = [c for c in admitted if hash_verdict(c.link.hashes, pin.hashes) is not False]
    if not allowed:
        raise _hashes_differ(pin, admitted)
    order = version_order({c.version for c in allowed})
    return max(allowed, key=lambda c: _preference(c, pin, target, order))


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
    """Return the sort key of a wheel: the greatest is taken, the first of equals."""
    said = hash_verdict(c.link.hashes, pin.hashes) is True
    place = rank(c.link.filename, target.priorities) or 0
    return (said, c.link.yanked is None, order[c.version], -place, build_order(c.link.filename), c.linked)


def _tagged(pin: Pin, candidates: list[Candidate], target: Target) -> list[Candidate]:
    wheels = [c for c in candidates if is_wheel(c.link.filename)]
    fitting = [c for c in wheels if rank(c.link.filename, target.priorities) is not None]
    if fitting:
        return fitting
    if not wheels:
        reason = "there is only a source distribution, and building is not supported yet"
        hint = f"pin a version of `{pin.name}` that has a wheel, or name one built elsewhere by `--find-links`"
        raise NoCompatibleWheel(package=shown(pin), reason=reason, hints=(hint,))
    raise _no_tag(pin, wheels, target, source=len(wheels) < len(candidates))


def _no_tag(pin: Pin, wheels: list[Candidate], target: Target, *, source: bool) -> NoCompatibleWheel:
    names = [c.link.filename for c in wheels]
    parts = list(dict.fromkeys(mismatch(name, target.tags) for name in names))
    found = list(dict.fromkeys("-".join(split_tags(name)[1:]) or name for name in names))
    best = f" (its best tag is `{target.tags[0]}`)" if target.tags else ""
    hints = [f"use an interpreter that fits one of these tags, or another version of `{pin.name}`"]
    if source:
        hints.append("there is a source distribution too, but building is not supported yet")
    return NoCompatibleWheel(
        package=shown(pin),
        reason=f"no wheel's {' or '.join(parts)} fits Python {target.python_version}{best}",
        available=tuple(found[:_SHOWN]),
        total=len(found),
        hints=tuple(hints),
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
