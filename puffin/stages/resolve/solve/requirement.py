"""Requirements and markers as the resolver handles them: each distinct text is parsed once."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from puffin.stages.resolve.requirements.values import Entry

Parts = tuple[str, Collection[str], str, str]

EXACT = ("==", "===")
_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
_CLAUSE = r"[ \t]*(?:[~=!]=|[<>]=?)[ \t]*[\w.*+!-]+[ \t]*"
_USUAL = re.compile(
    rf"({_NAME})[ \t]*(?:\[[ \t]*({_NAME}(?:[ \t]*,[ \t]*{_NAME})*)[ \t]*\])?[ \t]*({_CLAUSE}(?:,{_CLAUSE})*)?",
    re.ASCII,
).fullmatch


class Need:
    """Something wanted of one package. Compared by identity: the same text gives the same object.

    ``specifier`` is in packaging's form, ``text`` for messages; ``root`` is what the user gave, if this is such,
    and ``kind`` what it was given as.
    """

    __slots__ = ("exact", "extras", "kind", "name", "root", "specifier", "text", "url")

    def __init__(
        self,
        name: str,
        text: str,
        specifier: str = "",
        extras: "Iterable[str]" = (),
        url: str = "",
        root: Entry | None = None,
        kind: str = "",
    ) -> None:
        self.name = name
        self.text = text
        self.specifier = specifier
        self.extras = frozenset(extras)
        self.url = url
        self.root = root
        self.kind = kind
        self.exact = bool(url) or bool(pinned(specifier))

    def __repr__(self) -> str:
        return f"Need({self.text!r})"


def of_root(root: Entry, kind: str) -> Need:
    """Return the need of a requirement, constraint or override that the user gave."""
    extras = [str(canonicalize_name(extra)) for extra in root.extras]
    return Need(root.name, root.text, root.specifier, extras, root.url, root, kind)


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str, str]:
    """Return a requirement's text without marker, and its marker. Raises :class:`InvalidRequirement`."""
    if "@" not in text and '"' not in text.partition(";")[0]:
        head, _, marker = text.partition(";")
        return head.strip(), marker.strip()
    requirement = Requirement(text)  # a URL may hold a semicolon
    marker = str(requirement.marker or "")
    requirement.marker = None
    return str(requirement), marker


@lru_cache(maxsize=20_000)
def need(head: str) -> Need:
    """Return the need of a requirement without marker. Raises :class:`InvalidRequirement`."""
    given, asked, specifier, url = _usual(head) or _parts(head)
    name = str(canonicalize_name(given))
    extras = sorted(str(canonicalize_name(extra)) for extra in asked)
    shown = f"[{','.join(extras)}]" if extras else ""
    ordered = ",".join(sorted(specifier.split(","), key=_lower_bounds_first))
    text = f"{name}{shown} @ {url}" if url else f"{name}{shown}{ordered}"
    return Need(name, text, specifier, extras, url)


def _parts(head: str) -> "Parts":
    """Return name, extras, specifier and URL of a requirement. Raises :class:`InvalidRequirement`."""
    requirement = Requirement(head)
    return requirement.name, requirement.extras, str(requirement.specifier), requirement.url or ""


def _usual(head: str) -> "Parts | None":
    """Return the same of a requirement in the usual form, in a third of the time; None for any other."""
    found = _USUAL(head)
    if found is None:
        return None
    try:
        return (
            found[1],
            [each.strip() for each in (found[2] or "").split(",") if each],
            str(SpecifierSet(found[3] or "")),
            "",
        )
    except InvalidSpecifier:
        return None


def _lower_bounds_first(single: str) -> tuple[int, str]:
    return "~=>!<".find(single[:1]), single


@lru_cache(maxsize=20_000)
def specifiers(text: str) -> tuple[Specifier, ...]:
    """Return the single comparisons of a specifier text."""
    return tuple(SpecifierSet(text)) if text else ()


@lru_cache(maxsize=20_000)
def pinned(text: str) -> str:
    """Return the version that a specifier pins by ``==`` or ``===`` without a wildcard; else nothing."""
    if "==" not in text:
        return ""
    for single in specifiers(text):
        if single.operator in EXACT and not single.version.endswith(".*"):
            return single.version
    return ""


@lru_cache(maxsize=20_000)
def names_prerelease(text: str) -> bool:
    """Tell whether a specifier asks for a pre-release by naming one (``>=1.0a1``), other than to exclude it."""
    return any(single.operator != "!=" and is_prerelease(single.version) for single in specifiers(text))


def is_prerelease(version: str) -> bool:
    """Tell whether a version text is a pre-release or development release."""
    if version.replace(".", "").isdigit():
        return False
    try:
        return Version(version.removesuffix(".*")).is_prerelease
    except InvalidVersion:
        return False
