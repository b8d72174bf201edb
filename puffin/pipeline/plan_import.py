"""Imports that much work will need, made while this process waits for another."""

import os

from puffin.cache.layout import Bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from puffin.cache.layout import Cache


class importing:  # noqa: N801 - reads as the function that it is to its callers
    """Do *imports* on a thread during the ``with`` block, if the cache knows no interpreter.

    With such a cache the block must ask one, which takes about 50 ms, and much will have to be fetched.
    """

    def __init__(self, cache: "Cache", imports: "Callable[[], None]") -> None:
        self._cache = cache
        self._imports = imports
        self._thread: Any = None

    def __enter__(self) -> None:
        if os.path.isdir(self._cache.find(self._cache.path(Bucket.INTERPRETER))):
            return
        import threading

        self._thread = threading.Thread(target=self._imports, name="puffin-imports")
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        if self._thread is not None:
            self._thread.join()


def import_fetching() -> None:
    """Import what asking an index and fetching need, before there are children that would each import it."""
    import http.client  # noqa: F401

    import packaging.specifiers  # noqa: F401 - for Requires-Python, which real pages state of most files

    import puffin.stages.fetch.client
    import puffin.stages.fetch.download
    import puffin.stages.resolve.index_html
    import puffin.stages.resolve.locate  # noqa: F401


def import_resolving() -> None:
    """Import what reading requirements, asking an index and resolving need."""
    import http.client  # noqa: F401

    import packaging.requirements  # noqa: F401

    import puffin.stages.fetch.client
    import puffin.stages.fetch.digests
    import puffin.stages.resolve.index_html
    import puffin.stages.resolve.metadata_wheel
    import puffin.stages.resolve.solve.resolve
    import puffin.stages.resolve.universe_index  # noqa: F401
