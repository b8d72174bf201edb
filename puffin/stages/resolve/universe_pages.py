"""The pages of a resolution: found index by index, ahead of need, each asked for once."""

from puffin.errors import PuffinError
from puffin.stages.resolve.index_cache import ABSENT, StoredPage
from puffin.stages.resolve.index_config import IndexConfig
from puffin.stages.resolve.index_errors import NotInCache
from puffin.stages.resolve.index_page import splits
from puffin.stages.resolve.index_pages import Pages
from puffin.stages.resolve.universe_choose import Offered
from puffin.stages.resolve.universe_pool import Job, Pool
from puffin.value import astuple, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Flat = dict[str, list[Offered]]


@frozen
class Found:
    """The page of a project on the first index that has it; None, with an empty index, if none has.

    ``rest`` are the indexes behind it. ``unknown`` is why an index could not be asked while the network is off.
    """

    page: StoredPage | None
    index: str = ""
    rest: tuple[str, ...] = ()
    unknown: PuffinError | None = None


class Finder:
    """Finds pages by the first-index rule, and the files of find-links places."""

    def __init__(self, pages: Pages, config: IndexConfig, pool: Pool) -> None:
        self._pages = pages
        self._pool = pool
        self._indexes = config.indexes()
        self._places = config.find_links
        self._found: dict[str, Found] = {}
        self._jobs: dict[str, Job[Found]] = {}
        self._flat: dict[str, Flat] | None = None

    def expect(self, names: "Iterable[str]") -> None:
        """Have the pages of these packages fetched, those that are not in the cache."""
        for name in names:
            if name not in self._found and name not in self._jobs and not self._try_cache(name):
                self._jobs[name] = self._pool.submit(lambda name=name: self._walk(name))  # type: ignore[misc]

    def knows(self, name: str) -> bool:
        """Tell whether the page of a package that was expected has come."""
        return name in self._found or (name in self._jobs and self._jobs[name].done)

    def find(self, name: str) -> Found:
        """Return the page of a package; raises why an index could not answer."""
        self.expect((name,))
        if name not in self._found:
            self._found[name] = self._jobs.pop(name).result()
        return self._found[name]

    def again(self, name: str) -> Found:
        """Return the page fetched anew, because what the cache has of it is damaged."""
        old = self._found[name]
        page = self._pages.again(old.index, name)
        found = self._found[name] = Found(page=page, index=old.index, rest=old.rest)
        return found

    def flat(self, name: str) -> "Flat":
        """Return the files of a project in the find-links places, by the version text in their names."""
        if self._flat is None:
            self._flat = self._grouped()
        return self._flat.get(name, {})

    def _try_cache(self, name: str) -> bool:
        """Find the page without any request, if that can be done."""
        for at, index in enumerate(self._indexes):
            if not self._pages.ready(index, name):
                return False
            page = self._pages.page(index, name)
            if page.status != ABSENT:
                self._found[name] = Found(page=page, index=index, rest=self._indexes[at + 1 :])
                return True
        self._found[name] = Found(page=None)
        return True

    def _walk(self, name: str) -> Found:
        for at, index in enumerate(self._indexes):
            try:
                page = self._pages.page(index, name)
            except NotInCache as error:
                return Found(page=None, unknown=error)
            if page.status != ABSENT:
                return Found(page=page, index=index, rest=self._indexes[at + 1 :])
        return Found(page=None)

    def _grouped(self) -> "dict[str, Flat]":
        groups: dict[str, Flat] = {}
        for place in self._places:
            for link in self._pages.flat(place):
                for name, text in splits(link.filename):
                    each = Offered(row=astuple(link), text=text, place=place, linked=True)
                    groups.setdefault(name, {}).setdefault(text, []).append(each)
        return groups
