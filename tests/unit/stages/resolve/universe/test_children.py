"""What children find for a resolution is as if this process had found it. Here they are another set of objects."""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from puffin.cache.layout import Cache
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.failures import NetworkFailed
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index.config import IndexConfig, Scope
from puffin.stages.resolve.metadata.wanted import MetadataNeedsBuild
from puffin.stages.resolve.solve.universe import NOT_FOUND, Metadata, Unusable
from puffin.stages.resolve.universe.children import MANY, MANY_IN_ALL, Children
from puffin.stages.resolve.universe.index import IndexUniverse
from puffin.value import replace
from tests.helpers.index_server import IndexServer
from tests.helpers.sdists import tar_bytes
from tests.helpers.wheels import forge_wheel

NAMES = [f"p{number}" for number in range(MANY)]


class Answer:
    """An answer that is found when it is asked for."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find
        self.done = True

    def result(self) -> Any:
        return self._find()


class Fake:
    """Children on the same thread: whatever goes to them and comes back passes through marshal, errors through pickle.

    With ``lost``, none of them answers.
    """

    def __init__(self, *, lost: bool = False) -> None:
        self.lost = lost
        self.asked: list[tuple[str, str]] = []
        self.closed = False
        self._serve: Any = None

    def __call__(self, serve: Any, begin: Any) -> Fake:
        self._serve = serve
        return self

    def ask(self, kind: str, question: Any, key: str) -> Answer:
        self.asked.append((kind, key))
        data = marshal.dumps(question)
        return Answer(lambda: self._find(kind, data))

    def _find(self, kind: str, data: bytes) -> Any:
        if self.lost:
            return None
        try:
            return marshal.loads(marshal.dumps(self._serve[kind](marshal.loads(data))))
        except Exception as error:
            raise pickle.loads(pickle.dumps(error)) from None

    def send(self) -> None:
        """There is nothing to send."""

    def close(self) -> None:
        self.closed = True


class World:
    """A universe here, and the children's own objects, over two caches: nothing is handed over but by answers."""

    def __init__(self, root: Path, index: IndexServer, **scope: Any) -> None:
        self.clients = [Client(Network(retries=0), sleep=lambda _: None) for _ in range(2)]
        fields = {"config": IndexConfig(index_url=index.url), "now": 1_800_000_000.0, **scope}
        self.scope = Scope(tags=("py3-none-any",), python_version="3.12.1", **fields)
        self.fake = Fake()
        early = replace(self.scope, tags=(), python_version="")
        there = Children(early, client=self.clients[0], cache=Cache(str(root / "there")), helping=self.fake)
        self.fake(there_serve(there), None)
        self.children = Children(
            early, client=self.clients[1], cache=Cache(str(root / "here")), helping=self._same
        )
        self.universe = IndexUniverse(
            self.scope, client=self.clients[1], cache=Cache(str(root / "here")), children=self.children
        )

    def _same(self, serve: Any, begin: Any) -> Fake:
        return self.fake


def there_serve(children: Children) -> Any:
    """Return what forked children would serve with these objects."""
    return {"page": children._look, "metadata": children._metadata}


@pytest.fixture
def world(tmp_path: Path, index: IndexServer) -> Iterator[World]:
    for name in NAMES:
        offer(index, name, requires=("idna>=2",))
    made = World(tmp_path, index)
    yield made
    made.universe.close()
    assert made.fake.closed == bool(made.fake.asked)
    for client in made.clients:
        client.close()


def offer(index: IndexServer, name: str, version: str = "1.0", **options: Any) -> None:
    index.add(*forge_wheel(name, version, **options))


def metadata(universe: IndexUniverse, name: str) -> Metadata:
    found = universe.versions(name)
    return universe.metadata(found.release(found.versions[0]).handle)


def test_pages_and_metadata_come_from_children_and_are_asked_for_once(world: World, index: IndexServer) -> None:
    world.universe.expect(NAMES)
    found = [metadata(world.universe, name) for name in NAMES]
    assert [(each.name, each.version, each.requires_dist) for each in found] == [
        (name, "1.0", ("idna>=2",)) for name in NAMES
    ]
    assert sorted(world.fake.asked) == sorted((kind, name) for name in NAMES for kind in ("page", "metadata"))
    assert len(index.paths()) == len(set(index.paths())) == 2 * len(NAMES)


def test_what_was_asked_early_is_not_asked_again(world: World, index: IndexServer) -> None:
    world.children.expect([*NAMES, *NAMES])
    world.universe.expect(NAMES)
    assert [metadata(world.universe, name).name for name in NAMES] == NAMES
    assert [kind for kind, _ in world.fake.asked].count("page") == len(NAMES)


def test_few_are_asked_for_here(world: World) -> None:
    world.universe.expect(NAMES[:-1])
    assert metadata(world.universe, NAMES[0]).version == "1.0"
    assert not world.fake.asked


def test_children_start_when_much_is_asked_after_threads_worked(world: World, index: IndexServer) -> None:
    for version in range(2, MANY + 2):
        offer(index, NAMES[0], f"{version}.0")
    assert metadata(world.universe, NAMES[0]).version == f"{MANY + 1}.0"
    assert not world.fake.asked
    found = world.universe.versions(NAMES[0])
    world.universe.expect_metadata([found.release(version).handle for version in found.versions])
    assert world.fake.asked == [("metadata", NAMES[0])] * MANY
    assert {world.universe.metadata(found.release(each).handle).version for each in found.versions} == set(
        found.versions
    )


def test_children_start_when_little_was_asked_many_times(world: World, index: IndexServer) -> None:
    names = [f"q{number}" for number in range(MANY_IN_ALL)]
    for name in names:
        offer(index, name)
        world.universe.expect([name])
        assert metadata(world.universe, name).name == name
    assert 0 < len(world.fake.asked) <= MANY_IN_ALL + 2


def test_no_child_starts_while_a_thread_works(world: World) -> None:
    assert not world.children.begun(MANY, lambda: False)
    assert world.children.begun(MANY, lambda: True)
    world.universe.expect(NAMES[:1])
    assert world.fake.asked == [("page", NAMES[0])]


def test_what_was_looked_at_is_told_for_pages_found_here_too(world: World, index: IndexServer) -> None:
    world.universe.expect(NAMES)
    for name in NAMES:
        assert world.universe.looked_at(name) is None
        world.universe.metadata(world.universe.versions(name).release("1.0").handle)
        looked = world.universe.looked_at(name)
        assert looked is not None
        assert [page[::2] for page in looked.pages] == [(index.url, 600)]
        assert [each.version for each in looked.releases] == list(looked.metadata) == ["1.0"]


def test_what_is_wrong_is_raised_here(world: World, index: IndexServer) -> None:
    filename, data = forge_wheel("broken", "1.0")
    index.add(filename, data, metadata=b"Metadata-Version: 2.1\nName: other\nVersion: 9\n\n")
    index.add("dynamic-1.0.tar.gz", tar_bytes({"dynamic-1.0/setup.py": "import os\n"}))
    index.fail("/simple/down/", [500], forever=True)
    world.universe.expect([*NAMES, "absent", "broken", "dynamic", "down"])
    assert world.universe.versions("absent").missing == NOT_FOUND
    with pytest.raises(Unusable):
        metadata(world.universe, "broken")
    with pytest.raises(MetadataNeedsBuild) as needs:
        metadata(world.universe, "dynamic")
    assert needs.value.package == "dynamic==1.0"
    with pytest.raises(NetworkFailed):
        world.universe.versions("down")


def test_an_index_that_failed_for_good_is_not_asked_again(world: World, index: IndexServer) -> None:
    index.fail("/simple/down/", [500], forever=True)
    world.universe.expect([*NAMES, "down"])
    for _ in range(2):
        with pytest.raises(NetworkFailed):
            world.universe.versions("down")
    asked = len(index.paths())
    with pytest.raises(NetworkFailed):
        world.universe.versions("never-asked")
    assert len(index.paths()) - asked <= 1


def test_lost_children_are_done_without(world: World) -> None:
    world.fake.lost = True
    world.universe.expect(NAMES)
    assert [metadata(world.universe, name).name for name in NAMES] == NAMES
