"""Names for annotations in modules that a quick ``sync`` or an edited ``pip compile`` imports.

Both do without ``typing``, and ``sync`` without ``collections``.

Other modules import from here only ``Buffer``, which ``collections.abc`` has since Python 3.12.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from _typeshed import ReadableBuffer as Buffer
else:
    from _collections_abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

    Any = Buffer = TracebackType = object

__all__ = [
    "Any", "Buffer", "Callable", "Collection", "Container", "Iterable", "Iterator", "Mapping", "Sequence",
    "TracebackType",
]  # fmt: skip
