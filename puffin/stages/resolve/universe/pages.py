"""The pages of a resolution, fetched ahead of need, each once."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from threading import Event
from typing import Any, Generic, TypeVar

from puffin.errors import PuffinError
from puffin.stages.fetch.turns import Crew, NetworkTurns
from puffin.stages.resolve.index.config import FIRST_INDEX, IndexConfig
from puffin.stages.resolve.index.pages import Pages, ProjectPages
from puffin.stages.resolve.index.stored import ABSENT
from puffin.stages.resolve.locate.file_choice import OfferedByText, offered_by_name
from puffin.stages.resolve.universe.children import Asked, Children

T = TypeVar("T")

_PATIENCE = 1.0  # seconds for threads to end that have nothing to do


class Dropped(Exception):
    """The pool was closed before the job was begun."""


class PoolJob(Generic[T]):
    """One piece of work, and its result or error when it is done."""

    def __init__(self, work: "Callable[[], T]") -> None:
        self._work: Callable[[], T] | None = work
        self._done = Event()
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work; its error is kept for :meth:`result`."""
        work, self._work = self._work, None
        if work is None:
            return
        try:
            self._result.append(work())
        except BaseException as error:
            self._error = error
        self._done.set()

    def drop(self) -> None:
        """Give the work up if it has not begun; :meth:`result` raises :class:`Dropped` then."""
        work, self._work = self._work, None
        if work is not None:
            self._error = Dropped()
            self._done.set()

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def result(self) -> T:
        """Wait for the work to be done, and return its result or raise its error."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]


class Pool:
    """At most *size* threads that do jobs in order and take *turns*; they start with the jobs.

    Threads do not keep the interpreter from exiting, and a forked child has none of them.
    """

    def __init__(self, size: int, turns: "NetworkTurns | None" = None) -> None:
        self._turns = turns or NetworkTurns()
        self._crew = Crew(self._turns, size)
        self._pending: list[PoolJob[Any]] = []
        self._came: deque[str] = deque()
        self._closed = False
        self._process = os.getpid()

    def submit(self, work: "Callable[[], T]", *, aside: bool = False, name: str = "") -> "PoolJob[T]":
        """Have *work* done, and return its job at once; what waits for processes or long answers is done *aside*.

        *name* is the package that :meth:`came` tells when it is done.
        """
        job = PoolJob(partial(self._aside, work) if aside else work)
        if self._closed or self._process != os.getpid():
            job.drop()
            return job
        self._pending.append(job)
        self._crew.submit(partial(self._run, job, name))
        return job

    def _run(self, job: "PoolJob[T]", name: str) -> None:
        job.run()
        self._came.append(name)

    def came(self) -> list[str]:
        """Return the packages whose jobs were done since the last call."""
        return [self._came.popleft() for _ in range(len(self._came))]

    def _aside(self, work: "Callable[[], T]") -> T:
        with self._turns.aside():
            return work()

    @property
    def busy(self) -> bool:
        """Whether a job was submitted that is not done."""
        self._pending = [job for job in self._pending if not job.done]
        return bool(self._pending)

    def rest(self) -> bool:
        """End the threads if all jobs are done; tell whether there are none. They start again with the next job."""
        if self.busy:
            return False
        self._crew.end(_PATIENCE)
        return not self._crew.alive

    def close(self, patience: float) -> None:
        """Drop the jobs that have not begun and wait for the rest, up to *patience* seconds."""
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        for job in self._pending:
            job.drop()
        self._crew.end(patience)


class Finder:
    """Finds the pages of packages by the strategy of a configuration, and the files of find-links places.

    ``asks`` tells whether there is any index.
    """

    def __init__(
        self, pages: Pages, config: IndexConfig, pool: Pool, children: "Children | None" = None
    ) -> None:
        self._children = children
        self._pages = pages
        self._pool = pool
        self._config = config
        self.strategy = config.strategy
        self.asks = bool(config.indexes())
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
        remote = bool(missing) and self.asks_children(len(missing))
        for name in missing:
            self._jobs[name] = (
                self._asked(name) if remote else self._pool.submit(partial(self._walk, name), name=name)
            )
        if self._children is not None and remote:
            self._children.send()

    def asks_children(self, count: int) -> bool:
        """Tell whether children are asked; they are started if *count* questions are worth it and no thread works."""
        return self._children is not None and self._children.begun(count, self._pool.rest)

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
        several = [name for name in names if len(self._config.for_package(name)) > 1]
        unasked = {name: found for name in several if (found := self.find(name)).rest}
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
