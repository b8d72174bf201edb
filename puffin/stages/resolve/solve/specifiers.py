"""The versions that match a specifier, as bit sets, computed once per package and text.

An offer's versions are sorted, and what a PEP 440 comparison admits is (but for some odd cases) one
stretch of them; so the ends of the stretch are found by halving, and few versions are ever parsed.
"""

from collections.abc import Iterable

from puffin.stages.resolve.requirements.texts import (
    is_plain_release,
    is_same_release,
    plain_pin,
    remembered,
    specifiers_of,
    version_of,
)
from puffin.stages.resolve.solve.requirement import specifiers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.specifiers import Specifier
    from packaging.version import Version

_SIMPLE = (">=", "<=", "==", "<", ">")


class VersionTable:
    """The versions of one package, newest first, as bits: bit *i* stands for ``texts[i]``.

    *masks* has the versions that specifiers match, as far as they are known, and grows.
    """

    def __init__(self, texts: tuple[str, ...], masks: "dict[str, int] | None" = None) -> None:
        self.texts = texts
        self.full = (1 << len(texts)) - 1
        self._parsed: list[Version | None] = [None] * len(texts)
        self._masks = {} if masks is None else masks
        self._masks[""] = self.full

    def version(self, index: int) -> "Version":
        """Return a version, parsed once."""
        known = self._parsed[index]
        if known is None:
            known = self._parsed[index] = version_of(self.texts[index])
        return known

    def mask(self, text: str) -> int:
        """Return the versions that the specifiers in *text* match, pre-releases included."""
        known = self._masks.get(text)
        if known is None:
            known = self.full
            if wanted := plain_pin(text):
                head = wanted.partition(".")[0]
                near = [at for at, own in enumerate(self.texts) if own.startswith(head)]
                known = sum(1 << at for at in near if is_same_release(wanted, self.texts[at]))
            else:
                for single in specifiers(text):
                    known &= self._single(single)
            self._masks[text] = known
        return known

    def _single(self, specifier: "Specifier") -> int:
        text = str(specifier)
        known = self._masks.get(text)
        if known is None:
            known = self._masks[text] = self._matching(specifier)
        return known

    def _matching(self, specifier: "Specifier") -> int:
        operator, wanted = specifier.operator, specifier.version
        if operator == "~=":
            return self._compatible(wanted)
        if operator == "!=":
            return self.full & ~self.mask(f"=={wanted}")
        if operator not in _SIMPLE:
            return self._scanned(specifier)
        version = version_of(wanted.removesuffix(".*"))
        early = version.is_prerelease and operator == ">"
        if operator in "<>" and (early or version.is_postrelease or version.local):
            return self._scanned(specifier)  # these leave out versions on the far side of others
        return self._stretch(specifier, version)

    def _compatible(self, wanted: str) -> int:
        version = version_of(wanted)
        epoch = f"{version.epoch}!" if version.epoch else ""
        prefix = ".".join(map(str, version.release[:-1]))
        return self.mask(f">={wanted}") & self.mask(f"=={epoch}{prefix}.*")

    def _stretch(self, specifier: "Specifier", version: "Version") -> int:
        """Return the matching stretch, found by walking from the place of *version* while (not) matching."""
        place = self._place(version)
        operator = specifier.operator
        if operator == ">=":
            return _bits(0, self._down(specifier, place, while_=True))
        if operator == "<":
            return _bits(self._down(specifier, place, while_=False), len(self.texts))
        if operator == "<=":
            return _bits(self._up(specifier, place, while_=True), len(self.texts))
        if operator == ">":
            return _bits(0, self._up(specifier, place, while_=False))
        start = self._up(specifier, place, while_=True)
        return _bits(start, self._down(specifier, place, while_=True))

    def _place(self, version: "Version") -> int:
        """Return the index of the newest version that is not above *version*."""
        low, high = 0, len(self.texts)
        while low < high:
            middle = (low + high) // 2
            if self.version(middle) <= version:
                high = middle
            else:
                low = middle + 1
        return low

    def _down(self, specifier: "Specifier", index: int, *, while_: bool) -> int:
        while index < len(self.texts) and self._admits(specifier, index) is while_:
            index += 1
        return index

    def _up(self, specifier: "Specifier", index: int, *, while_: bool) -> int:
        while index > 0 and self._admits(specifier, index - 1) is while_:
            index -= 1
        return index

    def _admits(self, specifier: "Specifier", index: int) -> bool:
        return specifier.contains(self.version(index), prereleases=True)

    def _scanned(self, specifier: "Specifier") -> int:
        found = 0
        for index, text in enumerate(self.texts):
            if _contains(specifier, text, self.version(index)):
                found |= 1 << index
        return found


@remembered
def admits(text: str, version: str) -> bool:
    """Tell whether the specifiers in *text* match *version*, pre-releases included."""
    if is_plain_release(version) and (wanted := plain_pin(text)):
        return is_same_release(wanted, version)
    return not text or all(_contains(single, version, version_of(version)) for single in specifiers(text))


def _contains(specifier: "Specifier", text: str, version: "Version") -> bool:
    if specifier.operator == "===":
        return specifier.version.lower() in (text.lower(), str(version))
    return specifier.contains(version, prereleases=True)


def _bits(start: int, stop: int) -> int:
    return (1 << stop) - (1 << start) if stop > start else 0


class PythonRange:
    """Tells whether a ``Requires-Python`` admits one Python version.

    *onwards*: it stands for those that follow it too. Then versions that are left out (``!=3.9.0``) do not count.
    """

    def __init__(self, version: str, *, onwards: bool = False) -> None:
        self.version = version
        self._onwards = onwards

    def admits(self, requires_python: str) -> bool:
        """Return whether the version fits a ``Requires-Python``, read leniently."""
        return not requires_python or _admits_python(requires_python, self.version, self._onwards)


@remembered
def _admits_python(requires_python: str, version: str, onwards: bool) -> bool:
    from puffin.stages.resolve.requirements.lenient import specifier

    wanted = specifiers_of(specifier(requires_python))
    if not onwards:
        return wanted.contains(version, prereleases=True)
    return all(each.operator == "!=" or each.contains(version, prereleases=True) for each in wanted)


def bits(mask: int) -> "Iterable[int]":
    """Yield the places of the bits in *mask*, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
