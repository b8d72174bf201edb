"""What is asked of the universe, in which order, and what comes back with the resolution."""

import pickle
from typing import Any

import pytest

from puffin.stages.resolve.requirements.errors import ConflictingUrls
from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.given import NameMismatch
from puffin.stages.resolve.solve.request import Parent, Preference
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.solve.universe import INDEX_ERROR, Metadata, Place
from puffin.stages.resolve.solve.world import World
from puffin.value import replace
from tests.helpers.replay import Replay
from tests.helpers.universe import package, pins, request, root

URL = "https://example.org/b-2.0-py3-none-any.whl"
OTHER = "https://example.org/b-3.0-py3-none-any.whl"
PLACES = {URL: {"name": "b", "version": "2.0", "requires_dist": ["c"]}, OTHER: {"name": "b", "version": "3.0"}}
SMALL = {"a": package({"1.0": ["b"], "0.9": []}), "b": package({"1.0": [], "2.0": []}), "c": package({"1": []})}


def test_each_question_is_asked_once_and_announced_before() -> None:
    universe = Replay(SMALL)
    assert pins(resolve(request("a", "c"), universe)) == {"a": "1.0", "b": "2.0", "c": "1"}
    assert sorted(universe.asked) == ["a", "b", "c"]
    assert sorted(map(str, universe.read)) == ["a==1.0", "b==2.0", "c==1"]
    assert universe.announced == ["a", "c", "b"]
    assert sorted(map(str, universe.likely)) == ["a==1.0", "b==2.0", "c==1"]


def test_names_are_announced_before_the_first_question() -> None:
    order: list[str] = []

    class Ordered(Replay):
        def versions(self, name: str) -> Any:
            order.append(f"versions {name}")
            return super().versions(name)

        def expect(self, names: Any) -> None:
            order.append(f"expect {' '.join(names)}")

    resolve(request("a", "c"), Ordered(SMALL))
    assert order == ["expect a c", "versions a", "versions c", "expect b", "versions b"]


def test_who_wants_what() -> None:
    packages = {"a": package({"1.0": ["b>=1 ; os_name == 'posix'", "c[x]"]}), "b": package({"1": ["c"]})}
    packages["c"] = package({"1": ["d; extra == 'x'"]})
    packages["d"] = package({"1": []})
    found = {own.name: own for own in resolve(request("a", "b>0"), Replay(packages)).packages}
    assert list(found) == ["a", "b", "c", "d"]
    assert found["a"].via == (Parent(origin="requirements.in:1", requirement="a"),)
    assert found["b"].via == (
        Parent(name="a", version="1.0", requirement="b>=1", marker="os_name == 'posix'"),
        Parent(origin="requirements.in:2", requirement="b>0"),
    )
    assert [parent.name for parent in found["c"].via] == ["a", "b"]
    assert found["c"].extras == ("x",)
    assert found["a"].requires == ("b", "c")
    assert [own.direct for own in found.values()] == [True, True, False, False]
    assert found["d"].handle == "d==1"


def test_hashes_of_requirements_and_constraints_come_along() -> None:
    asked = request("a", constraints=[])
    hashed = (replace(asked.requirements[0], hashes=("sha256:aa",)),)
    limits = (root("a<2", "constraints.txt:1", hashes=("sha256:bb", "sha256:aa")),)
    found = resolve(replace(asked, requirements=hashed, constraints=limits), Replay({"a": package({"1": []})}))
    assert found.packages[0].hashes == ("sha256:aa", "sha256:bb")


# What is installed


class Installed(Replay):
    def metadata(self, handle: object) -> Metadata:
        if isinstance(handle, tuple):
            self.read.append(handle)
            return Metadata(name=handle[0], version=handle[1], requires_dist=handle[2])
        return super().metadata(handle)


def installed(name: str, version: str, *requires: str) -> Preference:
    return Preference(name=name, version=version, installed=(name, version, requires))


def test_what_is_installed_and_fits_needs_no_index() -> None:
    universe = Installed(SMALL)
    kept = (installed("a", "0.5a1", "b<2"), installed("b", "1.5"))
    found = resolve(request("a", preferences=kept), universe)
    assert pins(found) == {"a": "0.5a1", "b": "1.5"}
    assert all(own.installed for own in found.packages)
    assert (universe.asked, universe.announced, universe.likely) == ([], [], [])


def test_what_is_installed_and_does_not_fit_is_replaced() -> None:
    universe = Installed(SMALL)
    kept = (installed("a", "0.5", "b>=2"), installed("b", "1.5"))
    found = resolve(request("a", preferences=kept), universe)
    assert pins(found) == {"a": "0.5", "b": "2.0"}
    assert [(own.installed, own.handle) for own in found.packages][1] == (False, "b==2.0")
    assert universe.asked == universe.announced == ["b"]


def test_what_is_installed_may_need_what_is_nowhere() -> None:
    universe = Installed(SMALL)
    found = resolve(request("a", preferences=(installed("a", "0.5", "gone"),)), universe)
    assert pins(found) == {"a": "1.0", "b": "2.0"}


# URLs, paths and repositories


def test_a_url_gives_the_only_version() -> None:
    universe = Replay(SMALL, places=PLACES)
    found = resolve(request("a", f"b @ {URL}"), universe)
    assert pins(found) == {"a": "1.0", "b": "2.0", "c": "1"}
    own = found.packages[1]
    assert (own.url, isinstance(own.handle, Place)) == (URL, True)
    assert "b" not in universe.asked


def test_a_url_without_a_name_is_asked_for_it() -> None:
    asked = request("a")
    nameless = (replace(root(f"b @ {URL}"), name="", text=URL), *asked.requirements)
    universe = Replay(SMALL, places=PLACES)
    found = resolve(replace(asked, requirements=nameless), universe)
    assert pins(found) == {"a": "1.0", "b": "2.0", "c": "1"}
    assert [each for each in universe.read if isinstance(each, Place)] == [Place(url=URL, text=URL)]


def test_a_url_in_a_constraint_counts_where_the_package_is_needed() -> None:
    universe = Replay(SMALL, places=PLACES)
    assert pins(resolve(request("a", constraints=[f"b @ {URL}"]), universe)) == {
        "a": "1.0",
        "b": "2.0",
        "c": "1",
    }
    assert pins(resolve(request("c", constraints=[f"b @ {URL}"]), Replay(SMALL, places=PLACES))) == {"c": "1"}


def test_a_place_of_a_local_project_does_not_begin_the_search_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "renew", lambda _world: pytest.fail("the search begins again"))
    asked = replace(request("a"), reached=(root(f"b @ {URL}"),))
    assert pins(resolve(asked, Replay(SMALL, places=PLACES))) == {"a": "1.0", "b": "2.0", "c": "1"}


def test_a_source_put_in_place_of_a_url_is_the_handle() -> None:
    class Git(Replay):
        def metadata(self, handle: object) -> Metadata:
            return replace(super().metadata(handle), source="commit")

    found = resolve(request(f"b @ {OTHER}"), Git(SMALL, places=PLACES))
    assert found.packages[0].handle == "commit"


def test_a_url_against_a_specifier() -> None:
    with pytest.raises(NoSolution) as caught:
        resolve(request(f"b @ {URL}", "b<2"), Replay(SMALL, places=PLACES))
    assert f"No version of `b` meets `b<2`: `b @ {URL}` is 2.0." in str(caught.value)


def test_two_urls_for_one_package() -> None:
    with pytest.raises(ConflictingUrls) as caught:
        resolve(request(f"b @ {URL}", f"b @ {OTHER}"), Replay(SMALL, places=PLACES))
    assert caught.value.requirements == (
        (f"b @ {URL}", "requirements.in:1"),
        (f"b @ {OTHER}", "requirements.in:2"),
    )


def test_the_same_url_editable_and_plain_is_editable() -> None:
    asked = request(f"b @ {OTHER}", f"b @ {OTHER}")
    first = (replace(asked.requirements[0], editable=True), asked.requirements[1])
    found = resolve(replace(asked, requirements=first), Replay(SMALL, places=PLACES))
    assert found.packages[0].editable


def test_a_url_to_a_distribution_of_another_name() -> None:
    with pytest.raises(NameMismatch) as caught:
        resolve(request(f"a @ {URL}"), Replay(SMALL, places=PLACES))
    assert caught.value.summary().endswith("the distribution there is called `b`")


def test_packages_of_an_index_may_not_name_urls() -> None:
    packages = {**SMALL, "a": package({"1.0": [f"b @ {URL}"], "0.9": []})}
    assert pins(resolve(request("a"), Replay(packages, places=PLACES))) == {"a": "0.9"}
    with pytest.raises(NoSolution) as caught:
        resolve(request("a==1.0"), Replay(packages, places=PLACES))
    assert caught.value.hints == (f"add `b @ {URL}` to your requirements",)
    both = resolve(request("a==1.0", f"b @ {URL}"), Replay(packages, places=PLACES))
    assert pins(both) == {"a": "1.0", "b": "2.0", "c": "1"}


def test_a_url_may_name_a_url() -> None:
    places = {**PLACES, "file:///src/p": {"name": "p", "version": "1", "requires_dist": ["a", f"b @ {URL}"]}}
    found = resolve(request("p @ file:///src/p"), Replay(SMALL, places=places))
    assert pins(found) == {"a": "1.0", "b": "2.0", "c": "1", "p": "1"}


def test_errors_of_the_universe_pass() -> None:
    class Broken(Replay):
        def metadata(self, handle: object) -> Metadata:
            raise ConflictingUrls(package="a", requirements=())

    with pytest.raises(ConflictingUrls):
        resolve(request("a"), Broken(SMALL))


def test_no_solution_survives_pickling() -> None:
    with pytest.raises(NoSolution) as caught:
        resolve(request("a"), Replay({"a": {"missing": INDEX_ERROR}}))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.hints, again.names) == (str(caught.value), caught.value.hints, ("a",))
