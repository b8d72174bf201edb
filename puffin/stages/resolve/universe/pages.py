"""The pages of a resolution, fetched ahead of need, each once."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from puffin.errors import PuffinError
from puffin.stages.resolve.index.config import FIRST_INDEX, IndexConfig
from puffin.stages.resolve.index.pages import Pages, ProjectPages
from puffin.stages.resolve.index.stored import ABSENT
from puffin.stages.resolve.locate.file_choice import OfferedByText, offered_by_name
from puffin.stages.resolve.universe.children import Asked, Children
from puffin.stages.resolve.universe.pool import Pool, PoolJob


class Finder:
    """Finds the pages of packages by the strategy of a configuration, and the files of find-links places."""

    def __init__(
        self, pages: Pages, config: IndexConfig, pool: Pool, children: "Children | None" = None
    ) -> None:
        self._children = children
        self._pages = pages
        self._pool = pool
        self._config = config
        self.strategy = config.strategy
        self._first = config.strategy == FIRST_INDEX
        self._places = config.find_links
        self._found: dict[str, ProjectPages] = {}
        self._jobs: dict[str, PoolJob[ProjectPages] | Asked[ProjectPages]] = {}
        self._failed: dict[str, PuffinError] = {}
        self._flat: dict[str, OfferedByText] | None = None

    def expect(self, names: "Iterable[str]") -> None:
        """Start to fetch the pages of these packages that are not in the cache."""
        unknown = [name for name in dict.fromkeys(names) if name not in self._found and name not in self._jobs]
        missing = [name for name in unknown if not self._try_cache(name)]
        remote = self._children is not None and bool(missing) and self._children.begun(len(missing))
        for name in missing:
            self._jobs[name] = self._asked(name) if remote else self._pool.submit(partial(self._walk, name))
        if self._children is not None and remote:
            self._children.send()

    def knows(self, name: str) -> bool | None:
        """Tell whether the page of a package that was expected has come; None if it is being fetched."""
        if name in self._jobs:
            if not self._jobs[name].done:
                return None
            self._settle(name)
        return name in self._found

    def find(self, name: str) -> ProjectPages:
        """Return the pages of a package; raises the error of an index that could not answer."""
        if name not in self._failed:
            self.expect((name,))
        if name in self._jobs:
            self._settle(name)
        if name in self._failed:
            raise self._failed.pop(name)
        return self._found[name]

    def again(self, name: str, index: str) -> ProjectPages:
        """Return the pages after fetching that of *index* again, because the stored one is damaged."""
        old = self._found[name]
        page = self._pages.again(index, name)
        pages = tuple([(own, page if own == index else other) for own, other in old.pages])
        found = self._found[name] = ProjectPages(pages=pages, rest=old.rest)
        return found

    def versions_on(self, indexes: "Iterable[str]", name: str) -> "Iterable[tuple[str, tuple[str, ...]]]":
        """Yield each of *indexes* that has the project, with its versions; indexes that fail are left out."""
        for index in indexes:
            try:
                page = self._pages.page(index, name)
            except PuffinError:
                continue
            if page.status != ABSENT:
                yield index, page.order().names

    def others(self, names: "Iterable[str]") -> "dict[str, tuple[str, ...]]":
        """Return the projects that unused indexes have too, with all indexes that have them."""
        unasked = {name: self._found[name] for name in names if name in self._found and self._found[name].rest}
        self._pages.prefetch([(index, name) for name, found in unasked.items() for index in found.rest])
        also = {
            name: [each for each, _ in self.versions_on(found.rest, name)] for name, found in unasked.items()
        }
        return {name: (unasked[name].pages[0][0], *more) for name, more in also.items() if more}

    def flat(self, name: str) -> "OfferedByText":
        """Return the files of a project in the find-links places, by the version text in their names."""
        if self._flat is None:
            links = [(place, link) for place in self._places for link in self._pages.flat(place)]
            self._flat = offered_by_name(links)
        return self._flat.get(name, {})

    def _settle(self, name: str) -> None:
        try:
            self._found[name] = self._jobs.pop(name).result()
        except PuffinError as error:
            self._failed[name] = error

    def _asked(self, name: str) -> "Asked[ProjectPages]":
        def take(told: "Any") -> ProjectPages:
            for index, found in told:
                self._pages.adopt(index, name, found)
            return self._walk(name)

        if self._children is None:
            raise RuntimeError("there are no children")
        return self._children.ask_page(name, take, lambda: self._walk(name))

    def _try_cache(self, name: str) -> bool:
        """Find the pages without a request, if possible."""
        for index in self._config.for_package(name):
            if not self._pages.ready(index, name):
                return False
            if self._first and self._pages.page(index, name).status != ABSENT:
                break
        self._found[name] = self._walk(name)
        return True

    def _walk(self, name: str) -> ProjectPages:
        return self._pages.find(self._config, name)
