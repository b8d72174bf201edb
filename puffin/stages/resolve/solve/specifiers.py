"""The versions that match a specifier, as bit sets, computed once per package and text.

An offer's versions are sorted, and what a PEP 440 comparison admits is (but for some odd cases) one
stretch of them; so the ends of the stretch are found by halving, and few versions are ever parsed.
"""

from collections.abc import Iterable

from puffin.names import Key, is_early, is_post, release_numbers, version_key
from puffin.stages.resolve.requirements.releases import (
    is_plain_release,
    is_same_release,
    plain_pin,
    trimmed_release,
)
from puffin.stages.resolve.requirements.texts import clause_matches, clauses_of, remembered, version_of

_SIMPLE = (">=", "<=", "==", "<", ">")


class VersionTable:
    """The versions of one package, newest first, as bits: bit *i* stands for ``texts[i]``.

    *masks* has the versions that specifiers match, as far as they are known, and grows.
    """

    def __init__(self, texts: tuple[str, ...], masks: "dict[str, int] | None" = None) -> None:
        self.texts = texts
        self.full = (1 << len(texts)) - 1
        self._keys: dict[int, Key | None] = {}
        self._masks = {} if masks is None else masks
        self._masks[""] = self.full

    def mask(self, text: str) -> int:
        """Return the versions that the specifiers in *text* match, pre-releases included."""
        known = self._masks.get(text)
        if known is None:
            known = self.full
            if wanted := plain_pin(text):
                head = trimmed_release(wanted)
                near = [at for at, own in enumerate(self.texts) if own.startswith(head)]
                known = sum(1 << at for at in near if is_same_release(wanted, self.texts[at]))
            else:
                for operator, version in clauses_of(text):
                    known &= self._single(operator, version)
            self._masks[text] = known
        return known

    def _single(self, operator: str, wanted: str) -> int:
        text = operator + wanted
        known = self._masks.get(text)
        if known is None:
            known = self._masks[text] = self._matching(operator, wanted)
        return known

    def _matching(self, operator: str, wanted: str) -> int:
        if operator == "~=":
            return self._compatible(wanted)
        if operator == "!=":
            return self.full & ~self.mask(f"=={wanted}")
        if operator not in _SIMPLE:
            return self._scanned(operator, wanted)
        if operator in "<>" and _leaves_out(operator, wanted):
            return self._scanned(operator, wanted)
        return self._stretch(operator, wanted)

    def _compatible(self, wanted: str) -> int:
        numbers, epoch = release_numbers(wanted), ""
        if not numbers:
            version = version_of(wanted)
            numbers, epoch = version.release, f"{version.epoch}!" if version.epoch else ""
        prefix = ".".join(map(str, numbers[:-1]))
        return self.mask(f">={wanted}") & self.mask(f"=={epoch}{prefix}.*")

    def _stretch(self, operator: str, wanted: str) -> int:
        """Return the matching stretch, found by walking from the place of a version while (not) matching."""
        place = self._place(wanted.removesuffix(".*"))
        if operator == ">=":
            return _bits(0, self._down(operator, wanted, place, while_=True))
        if operator == "<":
            return _bits(self._down(operator, wanted, place, while_=False), len(self.texts))
        if operator == "<=":
            return _bits(self._up(operator, wanted, place, while_=True), len(self.texts))
        if operator == ">":
            return _bits(0, self._up(operator, wanted, place, while_=False))
        start = self._up(operator, wanted, place, while_=True)
        return _bits(start, self._down(operator, wanted, place, while_=True))

    def _place(self, wanted: str) -> int:
        """Return the index of the newest version that is not above *wanted*."""
        low, high, key = 0, len(self.texts), version_key(wanted)
        while low < high:
            middle = (low + high) // 2
            if not self._is_above(middle, wanted, key):
                high = middle
            else:
                low = middle + 1
        return low

    def _is_above(self, index: int, wanted: str, key: "Key | None") -> bool:
        """Tell whether a version is above *wanted*, whose key is *key*."""
        if index not in self._keys:
            self._keys[index] = version_key(self.texts[index])
        own = self._keys[index]
        return own > key if own and key else version_of(self.texts[index]) > version_of(wanted)

    def _down(self, operator: str, wanted: str, index: int, *, while_: bool) -> int:
        while index < len(self.texts) and clause_matches(operator, wanted, self.texts[index]) is while_:
            index += 1
        return index

    def _up(self, operator: str, wanted: str, index: int, *, while_: bool) -> int:
        while index > 0 and clause_matches(operator, wanted, self.texts[index - 1]) is while_:
            index -= 1
        return index

    def _scanned(self, operator: str, wanted: str) -> int:
        found = 0
        for index, text in enumerate(self.texts):
            if _matches(operator, wanted, text):
                found |= 1 << index
        return found


def _leaves_out(operator: str, wanted: str) -> bool:
    """Tell whether a comparison by ``<`` or ``>`` leaves out versions on the far side of others."""
    key = version_key(wanted)
    if key is not None:
        return is_post(key) or (is_early(key) and operator == ">")
    version = version_of(wanted)
    return bool((version.is_prerelease and operator == ">") or version.is_postrelease or version.local)


@remembered
def admits(text: str, version: str) -> bool:
    """Tell whether the specifiers in *text* match *version*, pre-releases included."""
    if is_plain_release(version) and (wanted := plain_pin(text)):
        return is_same_release(wanted, version)
    return all(_matches(operator, wanted, version) for operator, wanted in clauses_of(text))


def _matches(operator: str, wanted: str, text: str) -> bool:
    if operator == "===":
        return wanted.lower() in (text.lower(), str(version_of(text)))
    return clause_matches(operator, wanted, text)


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

    clauses = clauses_of(specifier(requires_python))
    return all(
        (onwards and operator == "!=") or clause_matches(operator, wanted, version)
        for operator, wanted in clauses
    )


def bits(mask: int) -> "Iterable[int]":
    """Yield the places of the bits in *mask*, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
