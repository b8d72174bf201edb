"""Builds that begin ahead of need: all that can be foreseen goes on at once, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from puffin.artifact.urls import file_url
from puffin.errors import PuffinError
from puffin.stages.resolve.metadata.wanted import BuildSource
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.solve.universe import Unusable
from puffin.stages.resolve.universe.pages import PoolJob
from puffin.stages.resolve.universe.values import Built
from tests.helpers.index_server import IndexServer
from tests.helpers.index_universe import Make, offer, sdist
from tests.helpers.universe import pins, request
from tests.helpers.waiting import SECONDS


class Elsewhere:
    """Builds on threads, each of which first waits for those that must go on at the same time."""

    def __init__(self, requires: dict[str, tuple[str, ...]], together: dict[str, int]) -> None:
        self._requires = requires
        self._barriers = {level: Barrier(count) for level, count in together.items()}
        self._threads: list[Thread] = []
        self.begun: list[str] = []
        self.dropped: list[str] = []

    def begin(self, source: BuildSource) -> PoolJob[Built]:
        self.begun.append(source.name)
        job = PoolJob(lambda: self._built(source))
        self._threads.append(Thread(target=job.run))
        self._threads[-1].start()
        return job

    def _built(self, source: BuildSource) -> Built:
        barrier = self._barriers.get(source.name[0])
        if barrier is not None:
            barrier.wait(SECONDS)
        if "broken" in source.name:
            raise Unusable(package=source.package, reason="it is broken")
        version = source.version or "1.0"
        lines = [f"Metadata-Version: 2.1\nName: {source.name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {each}" for each in self._requires.get(source.name, ())]
        return Built(metadata="\n".join((*lines, "", "")).encode())

    def end(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS)


Start = Callable[..., Elsewhere]


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[Elsewhere] = []

    def elsewhere(*options: Any) -> Elsewhere:
        made.append(Elsewhere(*options))
        return made[-1]

    yield elsewhere
    for each in made:
        each.end()


def never(source: BuildSource) -> Built:
    raise AssertionError(f"{source.name} is built here")


def add(index: IndexServer, *names: str) -> None:
    for name in names:
        index.add(*sdist(name, "1.0", {"setup.py": ""}))


@pytest.mark.parametrize("count", [2, 5])
def test_roots_and_then_what_they_need_are_built_at_once(
    make: Make, index: IndexServer, start: Start, count: int
) -> None:
    roots, needs = [f"a{n}" for n in range(count)], [f"b{n}" for n in range(count)]
    add(index, *roots, *needs)
    builds = start({root: (need,) for root, need in zip(roots, needs, strict=True)}, {"a": count, "b": count})
    universe = make(build=never, begin=builds.begin)
    assert pins(resolve(request(*roots), universe)) == dict.fromkeys([*roots, *needs], "1.0")
    assert sorted(builds.begun) == sorted([*roots, *needs]), "each once"


def test_the_search_that_learns_builds_at_once_too(make: Make, index: IndexServer, start: Start) -> None:
    """A pinned root conflicts with what another one needs, so that the greedy pass gives up."""
    for version in ("1.0", "2.0"):
        offer(index, "lib", version)
    offer(index, "top", "2.0", requires=["lib<2", "lib>=2"])
    offer(index, "top", "1.0", requires=["a0", "a1", "a2"])
    add(index, "a0", "a1", "a2")
    builds = start({}, {"a": 3})
    found = resolve(request("top"), make(build=never, begin=builds.begin))
    assert pins(found) == {"top": "1.0", "a0": "1.0", "a1": "1.0", "a2": "1.0"}


def test_places_are_built_at_once(make: Make, index: IndexServer, start: Start, tmp_path: Path) -> None:
    texts = []
    for name in ("a0", "a1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(f'[project]\nname = "{name}"\ndynamic = ["version"]\n')
        texts.append(f"{name} @ {file_url(str(tmp_path / name))}")
    builds = start({}, {"a": 2})
    found = resolve(request(*texts), make(build=never, begin=builds.begin))
    assert pins(found) == {"a0": "1.0", "a1": "1.0"}


def test_an_error_is_that_of_what_is_asked_for_and_each_build_is_tried_once(
    make: Make, index: IndexServer, start: Start
) -> None:
    add(index, "broken0", "c")
    offer(index, "broken0", "0.9", requires=["c"])
    builds = start({}, {})
    found = resolve(request("broken0", "c"), make(build=never, begin=builds.begin))
    assert pins(found) == {"broken0": "0.9", "c": "1.0"}
    assert builds.begun.count("broken0") == 1


def test_what_does_not_begin_ahead_is_built_here(make: Make, index: IndexServer) -> None:
    add(index, "a")
    text = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\n"
    universe = make(build=lambda _: Built(metadata=text), begin=lambda _: None)
    assert pins(resolve(request("a"), universe)) == {"a": "1.0"}


def test_a_universe_that_is_closed_gives_up_what_did_not_start(make: Make, index: IndexServer) -> None:
    add(index, "a", "b")
    jobs = {name: PoolJob[Built](lambda: Built(metadata=b"")) for name in ("a", "b")}

    def begin(source: BuildSource) -> PoolJob[Built]:
        if source.name == "a":
            jobs["a"] = PoolJob(_fails)
            jobs["a"].run()
        return jobs[source.name]

    universe = make(build=never, begin=begin)
    handles = [universe.versions(name).release("1.0").handle for name in ("b", "a")]
    universe.expect_metadata(handles)
    while universe.knows_metadata(handles[0]) is None and not universe._begun:
        universe.news(wait=True)
    with pytest.raises(PuffinError):
        universe.metadata(handles[1])
    universe.close()
    assert jobs["b"].done


def _fails() -> Built:
    raise PuffinError(package="a")
