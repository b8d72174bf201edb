"""Child processes that fetch and read pages and metadata while the resolution runs in this process.

Their answers count as if this process had fetched them; they are in the cache too. If a child is lost, or none
can be started, threads do the same.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from puffin import depends
from puffin.cache.layout import Cache
from puffin.errors import PuffinError
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.turns import Crew
from puffin.stages.resolve.index.config import Scope
from puffin.stages.resolve.index.page import FileLink, IndexFile
from puffin.stages.resolve.index.pages import THREADS, Pages
from puffin.stages.resolve.metadata.obtain import Obtainer
from puffin.stages.resolve.metadata.wanted import NotWhole, Unbuilt
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.universe.values import Chosen
from puffin.value import astuple, from_tuple

T = TypeVar("T")
Serve = Mapping[str, Callable[[Any], Any]]
Begin = Callable[[], Callable[[Callable[[], None]], object]]


class ChildAnswer(Protocol):
    """What a child answers to one question."""

    @property
    def done(self) -> bool:
        """Whether it is known to have come, so that :meth:`result` answers at once."""

    def result(self) -> Any:
        """Wait, and return the answer or raise its error; None if the child was lost."""


class ChildProcesses(Protocol):
    """Children that answer questions."""

    def ask(self, kind: str, question: Any, key: str) -> ChildAnswer:
        """Ask one of them. Questions and answers are made of builtins. They may wait for :meth:`send`.

        *key* is what :meth:`came` tells.
        """

    def send(self) -> None:
        """Send the questions."""

    def listen(self, *, wait: bool) -> bool:
        """Take in answers that have come, or *wait* for the next; False if none is to come."""

    def came(self) -> list[str]:
        """Return the keys of the answers that have come, or cannot come, since the last call."""

    def close(self) -> None:
        """End them."""


class StartChildren(Protocol):
    """The seam to the processes. *serve* maps a kind of question to what answers it.

    *begin* is called in each child and returns what has work done there. None where no child can be had.
    """

    def __call__(self, serve: Serve, begin: Begin) -> ChildProcesses | None:
        """Start the children."""


def pages_of(scope: Scope, client: Client, cache: Cache) -> Pages:
    """Return the index pages of a resolution, and initialise the cache for them."""
    try:
        cache.initialise()
    except OSError:
        pass  # a cache that cannot be written to makes this slower, not wrong
    return Pages(client, cache, scope, ordered=True)


def obtain(obtainer: Obtainer, handle: Chosen, hashes: tuple[str, ...]) -> Metadata | Unbuilt:
    """Return the metadata of a version; *hashes* are those demanded. Raises what ``Obtainer.obtain`` raises."""
    try:
        return obtainer.obtain(handle.request(hashes))
    except NotWhole:
        return obtainer.obtain(handle.request(hashes, handle.install))


MANY, MANY_IN_ALL = 18, 60  # questions at once and of a resolution, from which on children pay


class Asked(Generic[T]):
    """A question to a child, with the interface of :class:`~puffin.stages.resolve.universe.pages.PoolJob`."""

    def __init__(self, answer: "ChildAnswer", take: "Callable[[Any], T]", instead: "Callable[[], T]") -> None:
        self._answer = answer
        self._take = take
        self._instead = instead

    @property
    def done(self) -> bool:
        return self._answer.done

    def result(self) -> T:
        """Wait for the answer and return its result or raise its error; if the child was lost, do its work here."""
        said = self._answer.result()
        return self._instead() if said is None else self._take(said)


class Children:
    """The children of one resolution. They start when enough is asked at once to be worth it.

    They never start in a process that has threads. *client* is the fetch stage's; *helping* starts processes.
    """

    def __init__(self, scope: "Scope", *, client: "Client", cache: Cache, helping: StartChildren) -> None:
        self.pages = pages_of(scope, client, cache)
        self.obtainer = Obtainer(client, cache, scope)
        self._config = scope.config
        self._helping: StartChildren | None = helping
        self._client = client
        self._helpers: ChildProcesses | None = None
        self._early: dict[str, ChildAnswer] = {}
        self._asked = 0

    def expect(self, names: "Iterable[str]") -> None:
        """Have the children get the pages of these packages now, if enough of them are not in the cache."""
        missing = [
            name
            for name in dict.fromkeys(names)
            if not all(self.pages.ready(index, name) for index in self._config.for_package(name)[:1])
        ]
        if self.begun(len(missing)):
            self._early = {name: self._ask("page", name, name) for name in missing}
            self.send()

    def begun(self, count: int, rest: "Callable[[], bool]" = lambda: True) -> bool:
        """Tell whether there are children; they are started if *count* questions are worth it.

        *rest* ends the threads of this process and tells whether there are none, as a fork takes.
        """
        self._asked += count
        pays = count >= MANY or self._asked >= MANY_IN_ALL
        if pays and self._helpers is None and self._helping is not None and rest():
            depends.unsure("indexes are asked")
            helping, self._helping = self._helping, None
            self._helpers = helping({"page": self._look, "metadata": self._metadata}, self._begin)
        return self._helpers is not None

    def ask_page(self, name: str, take: "Callable[[Any], T]", instead: "Callable[[], T]") -> "Asked[T]":
        answer = self._early.pop(name) if name in self._early else self._ask("page", name, name)
        return Asked(answer, take, instead)

    def ask_metadata(
        self, handle: Chosen, hashes: tuple[str, ...], instead: "Callable[[], Metadata | Unbuilt]"
    ) -> "Asked[Metadata | Unbuilt]":
        return Asked(self._ask("metadata", (_packed(handle), hashes), handle.name), _read, instead)

    def send(self) -> None:
        if self._helpers is not None:
            self._helpers.send()

    def listen(self, *, wait: bool) -> bool:
        """Take in answers that have come, or *wait* for the next; False if none is to come."""
        return self._helpers is not None and self._helpers.listen(wait=wait)

    def came(self) -> list[str]:
        """Return the packages of which something has come since the last call."""
        return [] if self._helpers is None else self._helpers.came()

    def close(self) -> None:
        if self._helpers is not None:
            self._helpers.close()

    def _ask(self, kind: str, question: "Any", key: str) -> "ChildAnswer":
        if self._helpers is None:
            raise RuntimeError("there are no children")
        return self._helpers.ask(kind, question, key)

    def _begin(self) -> "Callable[[Callable[[], None]], object]":
        return Crew(self._client.take_turns(), THREADS // 2).submit  # there are two children

    def _look(self, name: str) -> "tuple[Any, ...]":
        """Get the pages of a package and return them with their indexes."""
        try:
            self.pages.find(self._config, name)
        except PuffinError:
            pass  # it is told with the page
        told = [(index, self.pages.told(index, name)) for index in self._config.for_package(name)]
        return tuple([each for each in told if each[1] is not None])

    def _metadata(self, question: "Any") -> "Any":
        fields, hashes = question
        found = obtain(self.obtainer, _unpacked(fields), hashes)
        if isinstance(found, Metadata) and found.source is None:
            return astuple(found)[:-1]
        import pickle

        return pickle.dumps(found)


def _read(said: "Any") -> "Metadata | Unbuilt":
    if isinstance(said, bytes):
        import pickle

        found: Metadata | Unbuilt = pickle.loads(said)
        return found
    return from_tuple(Metadata, (*said, None))


def _packed(handle: Chosen) -> "tuple[Any, ...]":
    kinds = (handle.install,) if handle.install is handle.metadata else (handle.install, handle.metadata)
    return handle.name, handle.version, *[(astuple(each.link), *astuple(each)[1:]) for each in kinds]


def _unpacked(fields: "tuple[Any, ...]") -> Chosen:
    name, version, *files = fields
    found = [from_tuple(IndexFile, (from_tuple(FileLink, row[0]), *row[1:])) for row in files]
    return Chosen(name=name, version=version, install=found[0], metadata=found[-1])
