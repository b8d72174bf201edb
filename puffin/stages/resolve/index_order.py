"""The versions of a page in their order, found once and kept with the page."""

from puffin.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version


@frozen
class Order:
    """Version texts in the form of packaging, newest first; unparsable ones are left out, equal ones are one.

    ``texts`` maps those that file names spell otherwise, or in several ways, to the spellings.
    """

    names: tuple[str, ...]
    texts: "dict[str, tuple[str, ...]]"

    def spellings(self, name: str) -> tuple[str, ...]:
        """Return how file names spell one of ``names``."""
        return self.texts.get(name) or (name,)


def order_of(texts: "Iterable[str]") -> Order:
    """Return the order of the versions that file names spell as *texts*."""
    known: dict[Version, list[str]] = {}
    for text in texts:
        version = _parsed(text)
        if version is not None:
            known.setdefault(version, []).append(text)
    names = {version: str(version) for version in sorted(known, reverse=True)}
    odd = {name: tuple(known[own]) for own, name in names.items() if known[own] != [name]}
    return Order(names=tuple(names.values()), texts=odd)


def _parsed(text: str) -> "Version | None":
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text.replace("_", "-"))
    except InvalidVersion:
        return None
