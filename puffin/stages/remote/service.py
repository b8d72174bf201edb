"""What the process beside a run does with a remote cache: questions and answers are made of builtins."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from puffin.cache.layout import Cache
from puffin.stages.build.kept import SoughtBuild
from puffin.stages.remote.backend import Unavailable
from puffin.stages.remote.builds import bring_builds
from puffin.stages.remote.store import RemoteStore, store_of
from puffin.stages.remote.upload import Uploader, uploads_of
from puffin.value import astuple, from_tuple

_THREADS = 16


class RemoteService:
    """Answers questions about one remote cache. Each method takes one value of builtins and returns one."""

    def __init__(self, remote: "tuple[Any, ...]", network: "tuple[Any, ...]", cache_root: str) -> None:
        self._remote = remote
        self._network = network
        self._cache_root = cache_root

    @property
    def _store(self) -> RemoteStore:
        return store_of(self._remote, self._network)

    def probe(self, _nothing: object) -> "tuple[float, str]":
        """Return how many seconds an answer takes, and why the cache is unusable, ``""`` if it is not."""
        began = time.perf_counter()
        store = self._store
        try:
            if store.has_content(os.urandom(32).hex()):
                store.give_up("it claims to have what nobody put there")
        except Unavailable as error:
            store.give_up(str(error))
        return time.perf_counter() - began, store.broken

    def present(self, hashes: "list[str]") -> "tuple[list[str], str]":
        """Return those of *hashes* that the cache has, and why it is unusable."""
        store = self._store

        def has(sha256: str) -> bool:
            try:
                return not store.broken and store.has_content(sha256)
            except Unavailable as error:
                store.give_up(str(error))
                return False

        with ThreadPoolExecutor(min(_THREADS, max(1, len(hashes)))) as threads:
            found = [sha256 for sha256, yes in zip(hashes, threads.map(has, hashes), strict=True) if yes]
        return found, store.broken

    def builds(self, sought: "list[tuple[Any, ...]]") -> "list[tuple[Any, ...]]":
        """Put wheels that were built elsewhere to the kept builds (``bring_builds``)."""
        wanted = [from_tuple(SoughtBuild, (*each[:2], tuple(each[2]))) for each in sought]
        return list(
            bring_builds(remote=self._remote, network=self._network, cache_root=self._cache_root, sought=wanted)
        )

    def upload(self, uploads: "tuple[Any, ...]") -> "tuple[Any, ...]":
        """Upload (``Uploader``)."""
        return astuple(Uploader(self._store, Cache(self._cache_root)).upload(uploads_of(uploads)))
