"""The index pages of one run: from the cache while they are fresh, else from the index, each at most once."""

import mmap
import os
import sys
from collections.abc import Callable

from puffin import depends, meter
from puffin.artifact.urls import mask
from puffin.cache.atomic import publish_file, read
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.fetch.client import Client, PageResponse
from puffin.stages.fetch.turns import Crew, turns_of
from puffin.stages.resolve.index.config import FIRST_INDEX, IndexConfig, Scope, is_local, page_path
from puffin.stages.resolve.index.errors import IndexFailure, NotInCache
from puffin.stages.resolve.index.http import ACCEPT, local_links, local_page, parse_reply, policy, status_error
from puffin.stages.resolve.index.page import NOT_FRESH, Collector, FileLink, Groups, Policy, grouped, is_archive
from puffin.stages.resolve.index.stored import ABSENT, Row, StoredPage, dump_groups, load_page, renewed
from puffin.value import frozen, replace

Told = tuple[bool, bytes]

THREADS = 50  # answers are small and far away: what counts is how many are on their way
_LARGE = 128 << 10  # bytes
_FLAT = "find-links"  # the place of flat pages, which belong to no project; one version, the empty text


@frozen
class ProjectPages:
    """The pages of a project as pairs (index, page): of the first index that has it, or of all, by the strategy.

    ``rest`` are the indexes after the first, which were not asked. ``unknown`` is the error of an index whose page
    is not in the cache while the network is off.
    """

    pages: tuple[tuple[str, StoredPage], ...] = ()
    rest: tuple[str, ...] = ()
    unknown: PuffinError | None = None

    @property
    def page(self) -> StoredPage | None:
        """The first page, None if no index has the project."""
        return self.pages[0][1] if self.pages else None


class Pages:
    """The index pages of one run.

    Offline, cached pages of any age are used and nothing is fetched. With ``ordered`` pages are stored with the order
    of their versions, for resolutions.
    """

    def __init__(self, http: Client, cache: Cache, scope: Scope, *, ordered: bool = False) -> None:
        self._http = http
        self._cache = cache
        self._scope = scope
        self._ordered = ordered
        self._homes: dict[str, str] = {}
        self._seen: dict[tuple[str, str], StoredPage | PuffinError] = {}
        self._old: dict[tuple[str, str], StoredPage | None] = {}  # in the cache, where it is not fresh
        self._broken: dict[str, PuffinError] = {}

    def prefetch(self, wanted: "list[tuple[str, str]]") -> None:
        """Get the pages of all (index, name), many at once; :meth:`page` raises what went wrong."""
        missing = [key for key in dict.fromkeys(wanted) if not self._is_ready(*key)]
        if not missing:
            return

        def look(key: tuple[str, str]) -> "Callable[[], object]":
            return lambda: self._look(*key)

        Crew(turns_of(self._http), THREADS).do_all([look(key) for key in missing])

    def ready(self, index: str, name: str) -> bool:
        """Return whether :meth:`page` answers without a request: known, fresh in the cache, or local."""
        return self._is_ready(index, name) or is_local(index)

    def page(self, index: str, name: str) -> StoredPage:
        """Return the page of a project; raises what went wrong with it (:class:`NotInCache` and others)."""
        found = self._look(index, name)
        if isinstance(found, PuffinError):
            raise found
        return found

    def find(self, config: IndexConfig, name: str) -> ProjectPages:
        """Return the pages of a project, asked for index by index; raises why an index could not answer."""
        indexes = config.for_package(name)
        found: list[tuple[str, StoredPage]] = []
        for at, index in enumerate(indexes, 1):
            try:
                page = self.page(index, name)
            except NotInCache as error:
                return ProjectPages(pages=tuple(found), unknown=None if found else error)
            if page.status != ABSENT:
                found.append((index, page))
                if config.strategy == FIRST_INDEX:
                    return ProjectPages(pages=tuple(found), rest=indexes[at:])
        return ProjectPages(pages=tuple(found))

    def validity(self, name: str) -> "tuple[tuple[str, float, int], ...]":
        """Return the pages of a project that were used: the index, when it was fetched, for how many seconds it lasts.

        Nothing if one could not be had.
        """
        seen = [(index, self._seen.get((index, name))) for index in self._scope.config.for_package(name)]
        if any(isinstance(page, PuffinError) for _, page in seen):
            return ()
        return tuple(
            [(index, page.fetched_at, page.max_age) for index, page in seen if isinstance(page, StoredPage)]
        )

    def told(self, index: str, name: str) -> "Told | None":
        """Return the page, or the error, for :meth:`adopt` in another process; None if it was not asked for.

        A page that is mapped from the cache is only referred to, by no bytes.
        """
        found = self._seen.get((index, name))
        if isinstance(found, PuffinError):
            import pickle

            return False, pickle.dumps(found)
        return None if found is None else (True, found.data if isinstance(found.data, bytes) else b"")

    def adopt(self, index: str, name: str, told: "Told") -> None:
        """Take over the result of :meth:`told` from another process."""
        depends.unsure("an index was asked")
        good, data = told
        if good:
            page = load_page(data or _mapped(self._path(index, name)))
            if page is not None:  # else it is fetched here
                self._seen[index, name] = page
            return
        import pickle

        error = self._seen[index, name] = pickle.loads(data)
        if _concerns_all(error):
            self._broken.setdefault(index, error)

    def rows(self, index: str, name: str, version: str) -> "tuple[Row, ...]":
        """Return the files of one version text as plain tuples; a page that is damaged is fetched again."""
        found = self.page(index, name).rows(version)
        return (self.again(index, name).rows(version) or ()) if found is None else found

    def links(self, index: str, name: str, version: str) -> tuple[FileLink, ...]:
        """Return the files of one version text; a page whose stored bytes are damaged is fetched again."""
        links = self.page(index, name).links(version)
        return (self.again(index, name).links(version) or ()) if links is None else links

    def again(self, index: str, name: str) -> StoredPage:
        """Fetch the page of a project again and parse all of it, because the stored one cannot be read."""
        page = self._seen[index, name] = self._fetch(index, name, None, cut=False)
        return page

    def flat(self, location: str) -> tuple[FileLink, ...]:
        """Return all files of a find-links place, local or not."""
        if is_local(location):
            return local_links(location)
        if is_archive(location.partition("#")[0]):
            return _single(location)
        return self.links(location, _FLAT, "")

    def _look(self, index: str, name: str) -> "StoredPage | PuffinError":
        if not self._is_ready(index, name):
            try:
                self._seen[index, name] = self._obtain(index, name)
            except PuffinError as error:
                self._seen[index, name] = error
        return self._seen[index, name]

    def _is_ready(self, index: str, name: str) -> bool:
        """Return whether the page needs no request, having loaded it from the cache if so."""
        if (index, name) in self._seen:
            return True
        if (index, name) in self._old or is_local(index):
            return False
        own = self._path(index, name)
        path = self._cache.find(own)
        depends.file(own, content=False)
        depends.file(path, content=False)
        old = load_page(_mapped(path))
        if old is None or not self._scope.trusts(name, old.fetched_at, old.max_age):
            self._old[index, name] = old
            return False
        self._seen[index, name] = old
        if meter.notes(meter.REQUESTS):
            meter.note(f"Page of `{name}` on {mask(index)}: fresh in the cache")
        return True

    def _path(self, index: str, name: str) -> str:
        if index not in self._homes:
            self._homes[index] = page_path(self._cache, index, "")
        return f"{self._homes[index]}{name}"

    def _obtain(self, index: str, name: str) -> StoredPage:
        if is_local(index):
            page = local_page(index, name)
            return _loaded(_absent(index, self._scope.now) if page is None else self._dumped(grouped(page)))
        return self._fetch(index, name, self._old.get((index, name)))

    def _fetch(self, index: str, name: str, old: "StoredPage | None", *, cut: bool = True) -> StoredPage:
        if self._scope.offline:
            hint = "run the command once without `--offline` to fill the cache"
            raise NotInCache(package=name, index=mask(index), hints=(hint,))
        if index in self._broken:  # it has failed for good; asking it for every package would only take time
            raise self._broken[index]
        place, mark, query = index.partition("?")  # a query may be a token
        url = index if name == _FLAT else f"{place.rstrip('/')}/{name}/{mark}{query}"
        try:
            meter.share()
            with meter.at("page", name):
                reply = self._http.get(url, self._headers(old, name))
                return self._take(reply, old, index, name, cut)
        except PuffinError as error:
            if _concerns_all(error):
                raise self._broken.setdefault(index, error) from None
            raise

    def _headers(self, old: "StoredPage | None", name: str) -> dict[str, str]:
        headers = {"accept": ACCEPT}
        if self._scope.refreshes(name):
            headers["cache-control"] = "no-cache"
        if old is not None and old.etag:
            headers["if-none-match"] = old.etag
        if old is not None and old.last_modified:
            headers["if-modified-since"] = old.last_modified
        return headers

    def _take(
        self, reply: "PageResponse", old: "StoredPage | None", index: str, name: str, cut: bool
    ) -> StoredPage:
        said = policy(reply.headers)
        if reply.status == 304 and old is not None:
            told = "cache-control" in reply.headers or "expires" in reply.headers
            data = renewed(
                old, fetched_at=self._scope.now, policy=said if told else replace(said, max_age=old.max_age)
            )
        elif reply.status in (404, 410) and name != _FLAT:
            data = _absent(index, self._scope.now)
        elif reply.status != 200:
            raise status_error(reply, index)
        else:
            from puffin.stages.resolve.index.usual import group_reply

            page = (
                grouped(parse_reply(reply, name=""))
                if name == _FLAT
                else group_reply(reply, name=name, cut=cut)
            )
            data = self._dumped(page, said)
        if said.store and self._store(self._path(index, name), data) and len(data) >= _LARGE:
            return load_page(_mapped(self._path(index, name))) or _loaded(data)
        return _loaded(data)

    def _dumped(self, page: Groups, policy: Policy = NOT_FRESH) -> bytes:
        return dump_groups(page, fetched_at=self._scope.now, policy=policy, ordered=self._ordered)

    def _store(self, path: str, data: bytes) -> bool:
        try:
            publish_file(self._cache, path, data)
        except OSError:
            return False  # a cache that is full or read-only costs the next run a request, and this one nothing
        return True


def _concerns_all(error: PuffinError) -> bool:
    """Return whether *error* would be the same for every page of its index."""
    status: int = getattr(error, "status", -1 if isinstance(error, IndexFailure) else 0)
    return status in (0, 401, 429) or status >= 500


def _mapped(path: str) -> "bytes | mmap.mmap | None":
    """Return the content of a stored page; a large one is mapped, so that only the parts in use are read."""
    try:
        if sys.platform == "win32" or os.stat(path).st_size < _LARGE:  # Windows replaces no file that is mapped
            return read(path)
        with open(path, "rb", buffering=0) as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None


def _absent(index: str, now: float) -> bytes:
    """Return the stored page of a name that the index does not have. It is never fresh, but serves ``--offline``."""
    return dump_groups(Groups(url=mask(index), files={}, status=ABSENT), fetched_at=now)


def _loaded(data: bytes) -> StoredPage:
    page = load_page(data)
    if page is None:
        raise AssertionError("a page that was just written cannot be read")
    return page


def _single(location: str) -> tuple[FileLink, ...]:
    collector = Collector(location)
    collector.add("", location)
    return collector.files
