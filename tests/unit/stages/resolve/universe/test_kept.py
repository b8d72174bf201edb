"""What is kept of a universe: edits have the answers that they have without it, and only what changed is read again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puffin.cache.layout import Bucket, Cache
from puffin.errors import PuffinError
from puffin.stages.resolve.index.config import IndexConfig, page_path
from puffin.stages.resolve.metadata.wanted import BuildSource
from puffin.stages.resolve.requirements import texts
from puffin.stages.resolve.solve.eligible import MOST_BUILDS
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.request import Preference, Resolution, ResolveRequest
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.universe.index import IndexUniverse
from puffin.stages.resolve.universe.kept import KeptUniverse
from puffin.stages.resolve.universe.values import Built
from tests.helpers.index_server import IndexServer
from tests.helpers.index_universe import NOW, Make, offer, scope_at, sdist, universes
from tests.helpers.universe import pins, request

NAMES = ("a", "b", "c", "d", "e")
VERSIONS = ("0.9", "1.0", "1.1rc1", "1.1", "2.0")
LIMITS = ("", "", ">=1", "<2", "==1.0", "!=1.1", "<1.1", ">=1.1rc1", "~=1.0")
MARKERS = ("", "", "", "; python_version<'3'", "; extra=='x'", "; sys_platform=='linux'")
Answer = tuple[dict[str, str], tuple[str, ...]]


def fill(index: IndexServer) -> None:
    """Upload packages that need each other in all kinds of ways."""
    rnd = random.Random(18)
    for name in NAMES:
        for version in VERSIONS:
            others = rnd.sample([each for each in NAMES if each != name], rnd.randrange(3))
            needs = [f"{each}{rnd.choice(LIMITS)}{rnd.choice(MARKERS)}" for each in others]
            python = rnd.choice((None, None, None, ">=3.8", "<3"))
            yanked = rnd.choice((None,) * 5 + ("broken",))
            extra = "Provides-Extra: x\n"
            offer(
                index,
                name,
                version,
                requires=needs,
                requires_python=python,
                yanked=yanked,
                metadata_extra=extra,
            )
    filename, data = sdist("e", "3.0", {"PKG-INFO": "Metadata-Version: 2.2\nName: e\nVersion: 3.0\n\n"})
    index.add(filename, data)


@pytest.fixture(scope="module")
def shop() -> Iterator[IndexServer]:
    with IndexServer() as server:
        fill(server)
        yield server


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "cache"


Solve = Callable[[ResolveRequest], Answer]


def answer_of(solve: Callable[[], Resolution]) -> Answer:
    try:
        found = solve()
    except PuffinError as error:
        return {"": error.summary()}, error.details()
    return pins(found), (*found.warnings, *map(repr, found.packages))


def kept_universe(cache: Path, index: IndexServer, make: Make, **scope: object) -> KeptUniverse:
    fields = {"config": IndexConfig(index_url=index.url), **scope}
    return KeptUniverse(Cache(str(cache)), scope_at(fields.pop("now", NOW), **fields), lambda: make(**scope))


def compile_(cache: Path, index: IndexServer, make: Make, asked: ResolveRequest, **scope: object) -> Resolution:
    """Resolve as a command does in a process of its own."""
    for known in texts.memory().values():
        known.clear()
    with kept_universe(cache, index, make, **scope) as universe:
        found = resolve(asked, universe, universe.answer(asked))
        universe.keep(asked, found)
    return found


EDITS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(NAMES), st.sampled_from((*LIMITS, "[x]", "[x]<2"))),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("loosen"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("upgrade"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("again"), st.just("a"), st.just("")),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(EDITS, min_size=1, max_size=5), st.booleans())
def test_edits_have_the_answers_that_they_have_without(
    cache: Path, shop: IndexServer, edits: list[tuple[str, str, str]], output: bool
) -> None:
    wanted: dict[str, str] = {"a": ""}
    former: dict[str, str] = {}
    with universes(cache, shop) as make:
        for kind, name, limit in edits:
            if kind == "remove":
                wanted.pop(name, None)
            elif kind != "upgrade":
                wanted |= {name: limit} if kind == "add" or name in wanted else {}
            kept = [each for each in former.items() if output and (kind, name) != ("upgrade", each[0])]
            preferences = tuple([Preference(name=own, version=version) for own, version in kept])
            asked = request(*[f"{own}{text}" for own, text in wanted.items()], preferences=preferences)
            plain = answer_of(lambda: resolve(asked, make()))  # noqa: B023 - called here
            assert answer_of(lambda: compile_(cache, shop, make, asked)) == plain  # noqa: B023 - called here
            former = {} if "" in plain[0] else plain[0]


def used(
    make: Make, cache: Path, index: IndexServer, *words: str, **scope: object
) -> tuple[dict[str, str], bool]:
    """The answer, and whether the universe behind was needed."""
    made: list[object] = []

    def opened(**options: object) -> object:
        made.append(options)
        return make(**options)

    found = compile_(cache, index, opened, request(*words), **scope)  # type: ignore[arg-type]
    return pins(found), bool(made)


def test_only_what_is_new_is_read(make: Make, tmp_path: Path, index: IndexServer) -> None:
    cache = tmp_path / "cache"
    offer(index, "a", "1.0", requires=["b"])
    offer(index, "b", "1.0")
    offer(index, "c", "1.0")
    assert used(make, cache, index, "a") == ({"a": "1.0", "b": "1.0"}, True)
    for path in (cache / Bucket.METADATA).glob("*/*"):
        path.unlink()
    count = len(index.paths())
    assert used(make, cache, index, "a") == ({"a": "1.0", "b": "1.0"}, False)
    assert used(make, cache, index, "a", "b==1.0") == ({"a": "1.0", "b": "1.0"}, False)
    assert len(index.paths()) == count
    assert used(make, cache, index, "a", "c") == ({"a": "1.0", "b": "1.0", "c": "1.0"}, True)
    assert len(index.paths()) == count + 2
    assert used(make, cache, index, "c", "b") == ({"b": "1.0", "c": "1.0"}, False)


@pytest.mark.parametrize("change", ["replaced", "stale", "refreshed", "refreshed-one", "hashes", "another"])
def test_a_page_that_may_have_changed_is_looked_at(
    make: Make, tmp_path: Path, index: IndexServer, change: str
) -> None:
    cache = tmp_path / "cache"
    offer(index, "a", "1.0")
    offer(index, "b", "1.0")
    assert used(make, cache, index, "a", "b") == ({"a": "1.0", "b": "1.0"}, True)
    scope: dict[str, object] = {}
    if change == "replaced":
        Path(page_path(Cache(str(cache)), index.url, "a")).unlink()
    elif change == "hashes":
        scope = {"hashes": {"a": ("sha256:" + "0" * 64,)}}
    else:
        kinds = {
            "stale": {"now": NOW + 700},
            "refreshed": {"refresh": True},
            "refreshed-one": {"refresh": {"a"}},
        }
        scope = kinds.get(change, {"python_version": "3.12.2"})
    if change == "hashes":
        with pytest.raises(PuffinError):
            used(make, cache, index, "a", "b", **scope)
        return
    offer(index, "a", "1.1")
    found, asked = used(make, cache, index, "a", "b", **scope)
    assert asked
    assert found == {"a": "1.0" if change == "another" else "1.1", "b": "1.0"}
    assert used(make, cache, index, "a", "b", now=NOW + 100_000, offline=True)[0] == found


def test_builds_and_files_without_hashes_are_not_kept(make: Make, tmp_path: Path, index: IndexServer) -> None:
    cache = tmp_path / "cache"
    offer(index, "a", "1.0", hashes=False)
    assert used(make, cache, index, "a")[1]
    assert used(make, cache, index, "a")[1]


def test_what_a_former_run_built_counts_as_built(make: Make, tmp_path: Path, index: IndexServer) -> None:
    """The answer is the same whatever the cache has: a run does not begin to build where the one before ended."""
    asked: list[str] = []

    def build(source: BuildSource) -> Built:
        asked.append(source.version)
        need = "b" if source.version == "1.12" else "b<1"
        text = f"Metadata-Version: 2.1\nName: a\nVersion: {source.version}\nRequires-Dist: {need}\n\n"
        return Built(metadata=text.encode())

    for minor in range(MOST_BUILDS + 5):
        index.add(*sdist("a", f"1.{minor}", {"setup.py": ""}))
    for version in ("0.5", "1.0"):
        offer(index, "b", version)

    def opened(**options: object) -> IndexUniverse:
        return make(build=build, **options)

    cache = tmp_path / "cache"
    first = compile_(cache, index, opened, request("a", "b>=1"))
    assert (pins(first), asked) == ({"a": "1.12", "b": "1.0"}, ["1.14", "1.13", "1.12"])
    with pytest.raises(NoSolution) as caught:
        compile_(cache, index, opened, request("a!=1.12", "b>=1"))
    assert "`a` 1.0 to 1.3 cannot be used: only a build tells its dependencies" in str(caught.value)
    assert asked[3:] == [f"1.{minor}" for minor in range(11, 3, -1)]
