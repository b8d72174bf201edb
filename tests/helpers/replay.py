"""A universe from a stored scenario: resolutions without a network, for tests, bug reports and benchmarks.

The scenario is JSON: package → version → what is known of it, all of it optional::

    {"a": {"1.0": {"requires_dist": ["b>=1; extra == 'x'"], "requires_python": ">=3.8", "provides_extras": ["x"],
                   "yanked": true | "reason", "wheel": true, "sdist": true, "wheel_tags": ["py3-none-any"],
                   "built": true, "upload_time": "2024-01-01T00:00:00Z", "metadata_error": "why it cannot be had"}}}

A package may also be ``{"missing": "offline"}``. ``wheel_tags`` are compared with the tags given, if any.
"""

from collections.abc import Collection, Iterable, Mapping

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from puffin.stages.resolve.solve.requirement import split
from puffin.stages.resolve.solve.universe import (
    EMPTY,
    NOT_FOUND,
    Metadata,
    Offer,
    Place,
    Release,
    Unusable,
    nothing,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Versions = Mapping[str, Mapping[str, Any]]

MISSING = "missing"


class Replay:
    """Answers from a scenario; records what was asked (``asked`` and ``read``) and what was announced."""

    def __init__(
        self,
        packages: "Mapping[str, Versions]",
        tags: Collection[str] = (),
        places: "Mapping[str, Mapping[str, Any]] | None" = None,
        exclude_newer: str = "",
    ) -> None:
        self._packages = {str(canonicalize_name(name)): own for name, own in packages.items()}
        self._tags = frozenset(tags)
        self._places = places or {}
        self._exclude_newer = exclude_newer
        self.asked: list[str] = []
        self.read: list[object] = []
        self.announced: list[str] = []
        self.likely: list[object] = []

    def versions(self, name: str) -> Offer:
        """Return what the scenario has of a package."""
        self.asked.append(name)
        own = self._packages.get(name)
        if own is None:
            return nothing(name, NOT_FOUND)
        if MISSING in own:
            return nothing(name, str(own[MISSING]))
        texts = _newest_first(own)
        newer = [text for text in texts if self._is_newer(own[text])]
        kept = tuple([text for text in texts if text not in newer])
        return Offer(
            name=name,
            versions=kept,
            release=lambda version: self._release(name, version),
            newer=tuple(newer),
            missing="" if kept else EMPTY,
        )

    def metadata(self, handle: object) -> Metadata:
        """Return the metadata that the scenario has for a version, or for a URL under ``places``."""
        self.read.append(handle)
        if isinstance(handle, Place):
            facts = self._places[handle.url]
            return _metadata(str(facts["name"]), str(facts["version"]), facts)
        name, version = str(handle).split("==")
        return _metadata(name, version, self._packages[name][version])

    def needs_build(self, handle: object) -> bool:
        """Tell whether the scenario says that a version is to be built."""
        name, version = str(handle).split("==")
        return bool(self._packages[name][version].get("built"))

    def expect(self, names: Iterable[str]) -> None:
        """Record the announcement."""
        self.announced += names

    @property
    def asks(self) -> bool:
        """Tell that versions are looked at ahead, as where they come from afar."""
        return True

    def knows(self, name: str) -> bool:
        """Tell that nobody ever waits for a stored scenario."""
        return True

    def knows_metadata(self, handle: object) -> bool:
        """Tell the same of metadata."""
        return True

    def news(self, *, wait: bool) -> bool:
        """Tell that nothing is to come."""
        return False

    def came(self) -> Iterable[str]:
        """Tell that nothing came late."""
        return ()

    def expect_metadata(self, handles: Iterable[object]) -> None:
        """Record the announcement."""
        self.likely += handles

    def _is_newer(self, facts: "Mapping[str, Any]") -> bool:
        return bool(self._exclude_newer) and str(facts.get("upload_time", "")) >= self._exclude_newer

    def _release(self, name: str, version: str) -> Release:
        facts = self._packages[name][version]
        tags = tuple(facts.get("wheel_tags", ()))
        wheel = bool(facts.get("wheel", True)) and (not tags or self._fits(tags))
        sdist = bool(facts.get("sdist", False))
        yanked = facts.get("yanked")
        return Release(
            version=version,
            handle=f"{name}=={version}",
            wheel=wheel,
            sdist=sdist,
            tags=() if wheel else tags,
            requires_python=str(facts.get("requires_python") or ""),
            yanked=(yanked if isinstance(yanked, str) else "") if yanked not in (None, False) else None,
            upload_time=str(facts.get("upload_time", "")),
        )

    def _fits(self, tags: Iterable[str]) -> bool:
        from packaging.tags import parse_tag

        return any(str(tag) in self._tags for text in tags for tag in parse_tag(text))


def _newest_first(own: "Versions") -> list[str]:
    parsed = {}
    for text in own:
        try:
            parsed[text] = Version(text)
        except InvalidVersion:
            continue
    return sorted(parsed, key=parsed.__getitem__, reverse=True)


def _metadata(name: str, version: str, facts: "Mapping[str, Any]") -> Metadata:
    if "metadata_error" in facts:
        raise Unusable(package=f"{name}=={version}", reason=str(facts["metadata_error"]))
    requires = tuple(facts.get("requires_dist", ()))
    extras = facts.get("provides_extras")
    return Metadata(
        name=str(canonicalize_name(name)),
        version=version,
        requires_dist=requires,
        requires_python=str(facts.get("requires_python") or ""),
        provides_extras=_named_in(requires) if extras is None else tuple(extras),
        built=bool(facts.get("built")),
    )


def _named_in(requires: Iterable[str]) -> tuple[str, ...]:
    """Return the extras that markers name, for scenarios that do not list them."""
    found: dict[str, None] = {}
    for text in requires:
        _, _, clause = split(text)[1].partition("extra ==")
        name = clause.replace('"', "'").strip().partition("'")[2].partition("'")[0]
        if name:
            found[str(canonicalize_name(name))] = None
    return tuple(found)
