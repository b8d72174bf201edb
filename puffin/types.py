"""Names for annotations in modules that a quick ``sync`` imports, which does without ``typing`` and ``collections``.

All other modules import these names from where they are.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
    from typing import Any
else:
    from _collections_abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

    Any = object

__all__ = ["Any", "Callable", "Collection", "Container", "Iterable", "Iterator", "Mapping", "Sequence"]
