"""Requirements and markers as the resolver handles them: each distinct text is parsed once."""

from collections.abc import Iterable
from functools import lru_cache

from puffin.names import is_early, normalise, version_key
from puffin.stages.resolve.requirements.releases import is_plain_release, plain_pin
from puffin.stages.resolve.requirements.texts import (
    clauses_of,
    remembered,
    requirement_of,
    requirement_parts,
    version_of,
)
from puffin.stages.resolve.requirements.values import Entry

EXACT = ("==", "===")


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
    extras = [normalise(extra) for extra in root.extras]
    return Need(root.name, root.text, root.specifier, extras, root.url, root, kind)


@lru_cache(maxsize=20_000)
def split(text: str) -> tuple[str, str]:
    """Return a requirement's text without marker, and its marker. Raises :class:`InvalidRequirement`."""
    if "@" not in text and '"' not in text.partition(";")[0]:
        head, _, marker = text.partition(";")
        return head.strip(), marker.strip()
    requirement = requirement_of(text)  # a URL may hold a semicolon
    marker = str(requirement.marker or "")
    requirement.marker = None
    return str(requirement), marker


@lru_cache(maxsize=20_000)
def need(head: str) -> Need:
    """Return the need of a requirement without marker. Raises :class:`InvalidRequirement`."""
    name, extras, specifier, _, url = requirement_parts(head)
    shown = f"[{','.join(extras)}]" if extras else ""
    ordered = ",".join(sorted(specifier.split(","), key=_lower_bounds_first))
    text = f"{name}{shown} @ {url}" if url else f"{name}{shown}{ordered}"
    return Need(name, text, specifier, extras, url)


def _lower_bounds_first(single: str) -> tuple[int, str]:
    return "~=>!<".find(single[:1]), single


@remembered
def pinned(text: str) -> str:
    """Return the version that a specifier pins by ``==`` or ``===`` without a wildcard; else nothing."""
    if "==" not in text or plain_pin(text):
        return plain_pin(text)
    for operator, version in clauses_of(text):
        if operator in EXACT and not version.endswith(".*"):
            return version
    return ""


@remembered
def names_prerelease(text: str) -> bool:
    """Tell whether a specifier asks for a pre-release by naming one (``>=1.0a1``), other than to exclude it."""
    if not text or plain_pin(text):
        return False
    return any(operator != "!=" and is_prerelease(version) for operator, version in clauses_of(text))


def is_prerelease(version: str) -> bool:
    """Tell whether a version text is a pre-release or development release."""
    return not is_plain_release(version) and _is_prerelease(version)


@remembered
def _is_prerelease(version: str) -> bool:
    key = version_key(version)
    if key is not None:
        return is_early(key)
    try:
        return version_of(version.removesuffix(".*")).is_prerelease
    except ValueError:
        return False
