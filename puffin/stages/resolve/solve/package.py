"""One package: its versions as bits, the excluded ones with reasons, and the requirements of each."""

from collections.abc import Callable, Iterator

from puffin.errors import Cause, PuffinError
from puffin.stages.resolve.solve.eligible import (
    BUILDS,
    FOREIGN_URL,
    MOST_BUILDS,
    NEEDS,
    PYTHON,
    REQUIRED,
    TAGS,
    UNUSABLE,
    Eligibility,
    Rejection,
    may_prerelease,
)
from puffin.stages.resolve.solve.given import Given, UrlMetadata
from puffin.stages.resolve.solve.request import ALLOW, HIGHEST, LOWEST
from puffin.stages.resolve.solve.requirement import Need, is_prerelease, need, split
from puffin.stages.resolve.solve.specifiers import VersionTable, admits, bits
from puffin.stages.resolve.solve.universe import Metadata, Offer, Place, Release, Unusable
from puffin.value import frozen

INSTALLED = 0
OFFERED = 64
"""Bits below are for what no index offers: the installed version, then what URLs point to."""

Requires = tuple[tuple[Need, str], ...]
_NONE: frozenset[str] = frozenset()


@frozen
class Candidate:
    """A version of a package, by its bit, with the extras that were asked for."""

    name: str
    version: str
    index: int
    extras: frozenset[str]


class Package:
    """What is known of one package.

    ``allowed`` has a bit for each version that is not ruled out for good (negative: all of those not met yet
    are allowed); ``dead`` says why one is. ``places`` are what URLs point to, by bit. ``located`` tells that
    the user names a URL, so that no index is asked.
    """

    def __init__(
        self, name: str, given: Given, urls: UrlMetadata, why: "Callable[[str], str]" = lambda name: ""
    ) -> None:
        self.name = name
        self.allowed = -1
        self.dead: dict[int, Rejection] = {}
        self.places: dict[int, Place] = {}
        self._special: dict[int, str] = {}
        self._given = given
        self._urls = urls
        self._why = why
        self._table: VersionTable | None = None
        self._offer: Offer | None = None
        self._releases: dict[int, Release] = {}
        self._metadata: dict[int, Metadata | None] = {}
        self._builds = 0
        self._requires: dict[tuple[int, frozenset[str]], Requires | None] = {}
        self._masks: dict[str, int] = {}
        self._eligibility = Eligibility(given.request, given.python)
        self._preferred: int | None = None
        self.located = name in given.located
        self._with_installed()
        for own in given.pointing(name):
            self.locate(own, late=False)  # nothing has been learned of the package

    def _with_installed(self) -> None:
        own = self._given.preferences.get(self.name)
        if own is not None and own.installed is not None and not self.located:
            self._special[INSTALLED] = own.version

    # What there is

    @property
    def _loaded(self) -> bool:
        """Whether the universe has been asked for the versions."""
        return self._offer is not None

    @property
    def offer(self) -> Offer:
        """What the universe offers; asked on first use."""
        if self._offer is None:
            self._offer = self._urls.universe.versions(self.name)
        return self._offer

    @property
    def table(self) -> VersionTable:
        """The offered versions as bits, still without the distance :data:`OFFERED`."""
        if self._table is None:
            self._table = VersionTable(self.offer.versions, self.offer.masks)
        return self._table

    @property
    def known(self) -> int:
        """All versions there are, dead ones included."""
        special = sum(1 << index for index in self._special)
        return special if self.located else self.table.full << OFFERED | special

    def version(self, index: int) -> str:
        return self._special[index] if index < OFFERED else self.table.texts[index - OFFERED]

    def release(self, index: int) -> Release:
        known = self._releases.get(index)
        if known is None:
            known = self._releases[index] = self.offer.release(self.version(index))
        return known

    def has_wheel(self, index: int) -> bool:
        """Tell whether a version has a wheel: then its metadata is few bytes, and takes no build."""
        return index >= OFFERED and self.release(index).wheel

    def handle(self, index: int) -> object:
        """Return the universe's handle of one version."""
        if index in self.places:
            return self.places[index]
        return (
            self._given.preferences[self.name].installed if index == INSTALLED else self.release(index).handle
        )

    # What matches

    def mask(self, own: Need) -> int:
        """Return the versions that a need admits, whether they are ruled out or not."""
        if own.url:
            at = self.locate(own)
            return 1 << at if admits(own.specifier, self._special[at]) else 0
        known = self._masks.get(own.specifier)
        if known is None:
            offered = 0 if self.located else self.table.mask(own.specifier) << OFFERED
            known = self._masks[own.specifier] = offered | self._special_mask(own.specifier)
        return known

    def _special_mask(self, specifier: str) -> int:
        return sum(1 << at for at, version in self._special.items() if admits(specifier, version))

    def fits(self, own: Need, index: int) -> bool:
        """Tell whether a need admits one version; the universe is not asked for the others."""
        if index < OFFERED and not own.url:
            return admits(own.specifier, self._special[index])
        return bool(self.mask(own) >> index & 1)

    def locate(self, own: Need, *, late: bool = True) -> int:
        """Return the bit of what a need's URL points to; its metadata is read for the version."""
        known = next((at for at, place in self.places.items() if place.url == own.url), None)
        if known is not None:
            return known
        place, metadata = self._urls.at(own, late=late)
        spelling = self._urls.spelling(own.url)
        same = next((at for at, each in self.places.items() if self._urls.spelling(each.url) == spelling), None)
        if same is not None:
            return same
        at = len(self.places) + 1
        self._metadata[at] = metadata
        self.places[at] = place
        self._special[at] = metadata.version
        self._masks.clear()
        return at

    def best(self, needs: list[Need], extras: frozenset[str]) -> Candidate | None:
        """Return the best candidate for *needs* that is not ruled out, None if there is none."""
        if self._keeps_installed(needs):
            return self.candidate(INSTALLED, extras)
        mask = self._matching(needs)
        for index in self.ordered(mask):
            if self.admitted(index, mask):
                return self.candidate(index, extras)
        return None

    def _keeps_installed(self, needs: list[Need]) -> bool:
        """Tell whether the installed version will do, without asking the universe for others."""
        if self._is_upgraded or INSTALLED not in self._special or not self.allowed & 1 << INSTALLED:
            return False
        wanted = [*needs, *self._given.constraining(self.name)]
        return all(not own.url and admits(own.specifier, self._special[INSTALLED]) for own in wanted)

    def _matching(self, needs: list[Need]) -> int:
        wanted = [*needs, *self._given.constraining(self.name)]
        located = [own for own in wanted if own.url]
        mask = self.allowed
        for own in [*located, *wanted]:
            mask &= self.mask(own)
        return mask if located else mask & ~sum(1 << at for at in self.places)

    def candidate(self, index: int, extras: frozenset[str]) -> Candidate:
        return Candidate(name=self.name, version=self.version(index), index=index, extras=extras)

    def named(self, version: str) -> Candidate | None:
        """Return an offered version as a candidate, None if there is none that may be taken."""
        at = self._find(version)
        return self.candidate(at, _NONE) if at >= OFFERED and self.admitted(at) else None

    # In which order

    def ordered(self, mask: int) -> Iterator[int]:
        """Yield the bits of *mask*, best first: the preferred version, then stable versions, then pre-releases."""
        if self._is_upgraded and mask & 1 << INSTALLED:
            yield from self._newer(mask)
            yield INSTALLED
            mask &= ~(1 << INSTALLED)
        preferred = self._preference()
        if preferred is not None and mask >> preferred & 1:
            yield preferred
            mask &= ~(1 << preferred)
        for group in self._groups(mask):
            yield from self._stable_first(group)

    @property
    def _is_upgraded(self) -> bool:
        own = self._given.preferences.get(self.name)
        return own is not None and own.upgrade

    def _newer(self, mask: int) -> Iterator[int]:
        """Yield the bits of *mask* that go before the installed version where that is to be upgraded."""
        if self._given.request.resolution != HIGHEST:
            return
        version = self._special[INSTALLED]
        try:
            newer = mask & self.table.mask(f">{version}") << OFFERED
        except ValueError:
            newer = mask & ~((1 << OFFERED) - 1)
        for group in self._groups(newer):
            for index in self._directed(group):
                if self._equal_prereleases() or not is_prerelease(self.version(index)):
                    yield index

    def _stable_first(self, mask: int) -> Iterator[int]:
        if self._equal_prereleases():
            yield from self._directed(mask)
            return
        later = []
        for index in self._directed(mask):
            if is_prerelease(self.version(index)) and index >= OFFERED:
                later.append(index)
            else:
                yield index
        yield from later

    def _equal_prereleases(self) -> bool:
        return self._given.request.prereleases_of(self.name) == ALLOW

    def _directed(self, mask: int) -> Iterator[int]:
        resolution = self._given.request.resolution
        lowest = resolution == LOWEST or (resolution != HIGHEST and self.name in self._given.direct)
        while mask:
            index = mask.bit_length() - 1 if lowest else (mask & -mask).bit_length() - 1
            yield index
            mask &= ~(1 << index)

    def _groups(self, mask: int) -> list[int]:
        if not mask >> OFFERED or self.located or not self.offer.groups:
            return [mask]
        parts: dict[int, int] = {-1: mask & (1 << OFFERED) - 1}
        for at, group in enumerate(self.offer.groups):
            parts[group] = parts.get(group, 0) | (mask & 1 << (at + OFFERED))
        return [parts[group] for group in sorted(parts)]

    def _preference(self) -> int | None:
        """Return the bit of the version to be kept, or None; a local part given is told apart."""
        own = self._given.preferences.get(self.name)
        if own is None or own.installed is not None or self.located:
            return None
        if self._preferred is None:
            self._preferred = self._find(own.version)
        return self._preferred if self._preferred >= 0 else None

    def _find(self, version: str) -> int:
        if version in self.table.texts:
            return self.table.texts.index(version) + OFFERED
        try:
            equal = self.table.mask(f"=={version}")
        except ValueError:
            return -1
        # `==1.0` matches 1.0+local too, which sorts before it: the last one is the plain one.
        return equal.bit_length() - 1 + OFFERED if equal else -1

    # What is ruled out

    def admitted(self, index: int, among: int = 0) -> bool:
        """Tell whether a version is not excluded by its release on the index; *among* are others that would do.

        Raises :class:`Divided` if it is excluded in a part of the region.
        """
        if not self.allowed >> index & 1:
            return False
        if index < OFFERED:
            return True
        release = self.release(index)
        may_yank = release.yanked is not None and self._may_yank(index)
        reason = self._eligibility.refusal(release, may_yank, self._may_prerelease, self.name)
        if reason is None and release.where:
            reason = self._without_wheel(release, among)
        if reason is not None:
            self._divide(reason)
            self.kill(index, reason)
        return reason is None

    def _divide(self, reason: Rejection) -> None:
        """Divide the region if newer Pythons in it can use a version. Raises :class:`Divided`."""
        if self._given.request.region and reason.kind == PYTHON:
            self._given.divide_for(reason.detail)

    def _without_wheel(self, release: Release, among: int) -> Rejection | None:
        """Return why a version with nothing but wheels cannot be taken: there is none for the region.

        Raises :class:`Divided` if there is none for a part of it which is required, or where the same version without
        its local part has one.
        """
        given = self._given
        for marker in given.request.required:
            if given.conditions.meet(marker) and not given.conditions.meet(marker, release.where):
                given.divide_without(marker)
                return Rejection(kind=REQUIRED, detail=marker)
        if not given.conditions.meet(release.platforms):
            return Rejection(kind=TAGS, detail=f"`{release.platforms}`")
        plain = self._find(release.version.partition("+")[0]) if "+" in release.version else -1
        if plain >= OFFERED and among >> plain & 1 and self.admitted(plain):
            given.divide_beyond(release.platforms, self.release(plain).platforms)
        return None

    def _may_yank(self, index: int) -> bool:
        """Tell whether a pin admits a version that is yanked, and of all others only such that cannot be taken."""
        masks = [self.table.mask(pin) << OFFERED for pin in self._given.pins.get(self.name, ())]
        return any(mask >> index & 1 and not self._has_better(mask) for mask in masks)

    def _has_better(self, mask: int) -> bool:
        may_prerelease = self._may_prerelease
        return any(
            self._eligibility.refusal(self.release(at), False, may_prerelease, self.name) is None
            for at in bits(mask)
        )

    @property
    def _may_prerelease(self) -> bool:
        return may_prerelease(self._given.request, self.name, explicit=self.name in self._given.explicit)

    def kill(self, index: int, reason: Rejection) -> None:
        """Rule one version out for good."""
        if index not in self.dead:
            self.dead[index] = reason
            self.allowed &= ~(1 << index)

    # What it needs

    def metadata(self, index: int) -> Metadata | None:
        """Return the metadata of a version, or None if that rules it out."""
        if index not in self._metadata:
            self._metadata[index] = self._read(index)
        return self._metadata[index]

    def _read(self, index: int) -> Metadata | None:
        try:
            if self._builds >= MOST_BUILDS and self._urls.universe.needs_build(self.handle(index)):
                self.kill(index, Rejection(kind=BUILDS))
                return None
            found = self._urls.universe.metadata(self.handle(index))
        except Unusable as problem:
            self.kill(index, Rejection(kind=UNUSABLE, detail=problem.reason, offline=problem.offline))
            return None
        except PuffinError as error:
            why = self._why(self.name) if error.stage == "build" else ""
            error.causes = (*error.causes, Cause(text=why)) if why else error.causes
            raise
        self._builds += found.built
        if index != INSTALLED and not self._given.python.admits(found.requires_python):
            reason = Rejection(kind=PYTHON, detail=found.requires_python)
            self._divide(reason)
            self.kill(index, reason)
            return None
        return found

    @property
    def needs(self) -> "set[str]":
        """The names of what versions that have been read need."""
        return {own.name for found in self._requires.values() for own, _ in found or ()}

    def read(self, index: int) -> bool:
        return index in self._metadata

    def requires(self, index: int, extras: frozenset[str] = _NONE) -> Requires | None:
        """Return the needs of a version with *extras*, each with its marker; None if it turns out to be unusable."""
        key = (index, extras)
        if key not in self._requires:
            metadata = self.metadata(index)
            self._requires[key] = None if metadata is None else self._parsed(index, metadata, extras)
        return self._requires[key]

    def asked_of_itself(self, index: int, extras: frozenset[str]) -> list[tuple[Need, str]]:
        """Return the needs of a version of itself, by which extras ask for others, each with its marker."""
        metadata = self.metadata(index)
        if metadata is None or self._given.request.no_deps:
            return []
        return [(own, marker) for own, marker in self._holding(metadata, extras) if own.name == self.name]

    def foreseen(self, index: int, extras: frozenset[str]) -> list[Need]:
        """Return the probable needs of a version, from metadata that has arrived; nothing is concluded from it."""
        metadata = self._urls.universe.metadata(self.handle(index))
        if self._given.request.no_deps or not self._given.python.admits(metadata.requires_python):
            return []
        try:
            found = self._overridden(self._holding(metadata, extras))
        except ValueError:
            return []
        return [own for own, _ in found if own.name != self.name and not own.url]

    def _parsed(self, index: int, metadata: Metadata, extras: frozenset[str]) -> Requires | None:
        if self._given.request.no_deps:
            return ()
        try:
            found = self._holding(metadata, extras)
        except ValueError as problem:
            clause = f"its metadata has an invalid requirement ({problem})".partition("\n")[0]
            self.kill(index, Rejection(kind=UNUSABLE, detail=clause))
            return None
        if index in self.places:
            found = [(self._given.freed(each, self.places[index].url), marker) for each, marker in found]
        own = [each for each, _ in found if each.name == self.name]
        if any(not each.url and not admits(each.specifier, metadata.version) for each in own):
            texts = " and ".join(each.text for each in own)
            self.kill(index, Rejection(kind=NEEDS, detail=texts, other=self.name))
            return None
        needed = self._overridden([item for item in found if item[0].name != self.name])
        foreign = next((each for each, _ in needed if each.url and not self._may_point(index, each)), None)
        if foreign is not None:
            self.kill(index, Rejection(kind=FOREIGN_URL, detail=foreign.text, other=foreign.name))
            return None
        return needed

    def _may_point(self, index: int, own: Need) -> bool:
        """Tell whether a version may need what a URL points to: if it comes from a URL itself, or the user does."""
        return index < OFFERED or own.root is not None or self._given.points_to(own.url)

    def _holding(self, metadata: Metadata, extras: frozenset[str]) -> list[tuple[Need, str]]:
        """Return what holds for *extras*, and for those that the package asks of itself."""
        parts = [split(text) for text in metadata.requires_dist]
        while True:
            hold = self._given.conditions.hold
            found = [(need(head), marker) for head, marker in parts if hold(marker, extras)]
            asked = extras.union(*(own.extras for own, _ in found if own.name == self.name))
            if asked == extras:
                return found
            extras = asked

    def _overridden(self, found: list[tuple[Need, str]]) -> Requires:
        replaced = self._given.replaced
        return tuple((each, marker) for own, marker in found for each in replaced(own))
