"""While a search waits, the scout goes ahead; in whatever order answers come, the result is the same."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.resolve.solve.errors import NoSolution
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.solve.universe import Metadata, Offer
from tests.helpers.replay import Replay
from tests.helpers.universe import everywhere, pins, request

Packages = dict[str, dict[str, dict[str, Any]]]


class Distant(Replay):
    """A stored scenario far away: what is expected comes when it is waited for, one answer at a time.

    ``log`` has what was expected, and what came, in this order.
    """

    def __init__(self, packages: Packages, order: random.Random | None = None) -> None:
        super().__init__(packages)
        self.log: list[str] = []
        self._order = order
        self._coming: list[str] = []
        self._came: set[str] = set()
        self._news: list[str] = []

    def expect(self, names: Iterable[str]) -> None:
        self._expect(names)

    def expect_metadata(self, handles: Iterable[object]) -> None:
        self._expect(map(str, handles))

    def _expect(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self._came and key not in self._coming:
                self.log.append(f"? {key}")
                self._coming.append(key)

    def knows(self, name: str) -> bool | None:
        return None if name in self._coming else name in self._came

    def knows_metadata(self, handle: object) -> bool | None:
        return self.knows(str(handle))

    def news(self, *, wait: bool) -> bool:
        if wait and self._coming:
            at = self._order.randrange(len(self._coming)) if self._order else 0
            self._arrive(self._coming[at])
            return True
        return bool(self._coming)

    def came(self) -> Iterable[str]:
        names, self._news = self._news, []
        return names

    def versions(self, name: str) -> Offer:
        self._arrive(name)
        return super().versions(name)

    def metadata(self, handle: object) -> Metadata:
        self._arrive(str(handle))
        return super().metadata(handle)

    def _arrive(self, key: str) -> None:
        if key in self._coming:
            self._coming.remove(key)
        if key not in self._came:
            self._came.add(key)
            self._news.append(key.partition("==")[0])
            self.log.append(f"! {key}")


def needing(*needs: str) -> dict[str, dict[str, Any]]:
    return {"1.0": {"requires_dist": list(needs)}}


def test_what_a_later_package_needs_is_asked_for_while_an_earlier_one_is_on_its_way() -> None:
    packages = {
        "a": needing("c"),
        "b": needing("d[x]"),
        "c": needing(),
        "d": needing("e; extra == 'x'"),
        "e": needing(),
    }
    universe = Distant(packages)
    universe.expect(["b"])
    universe._arrive("b")  # of two packages, the second answers first
    universe.expect_metadata(["b==1.0"])
    universe._arrive("b==1.0")
    assert pins(resolve(request("a", "b"), universe)) == dict.fromkeys("abcde", "1.0")
    log = universe.log
    assert log.index("? d") < log.index("! a==1.0")
    assert log.index("? e") < log.index("! c==1.0") or log.index("? e") < log.index("! c")
    assert len(log) == len(set(log)) == 4 * len(packages)


def test_all_that_can_be_asked_for_is_under_way_at_once() -> None:
    packages: Packages = {f"p{i}": needing(f"q{i}") for i in range(5)} | {f"q{i}": needing() for i in range(5)}
    universe = Distant(packages)
    resolve(request(*[f"p{i}" for i in range(5)]), universe)
    waits = [line for line in universe.log if line.startswith("!")]
    assert universe.log[:5] == [f"? p{i}" for i in range(5)]
    before = universe.log[: universe.log.index("! q0==1.0")]
    assert {f"? q{i}" for i in range(5)} <= set(before)
    assert len(waits) == 20


class Kept(Distant):
    """A universe that has part of what it is asked for at hand, and asks for the rest only then."""

    def __init__(self, packages: Packages, *kept: str) -> None:
        super().__init__(packages)
        self._came.update(kept)
        self.likely_first: list[str] = []

    @property
    def asks(self) -> bool:
        return bool(self.log)

    def expect_metadata(self, handles: Iterable[object]) -> None:
        names = [str(each) for each in handles]
        self.likely_first += names
        super().expect_metadata(names)

    def metadata(self, handle: object) -> Metadata:
        self.likely_first.append(f"read {handle}")
        return super().metadata(handle)


def test_nobody_looks_ahead_while_all_is_at_hand() -> None:
    packages = {"a": needing(), "b": needing()}
    universe = Kept(packages, "a", "b", "a==1.0", "b==1.0")
    resolve(request("a", "b"), universe)
    assert universe.likely_first == ["a==1.0", "read a==1.0", "b==1.0", "read b==1.0"]


def test_the_first_that_is_not_at_hand_brings_all_others_under_way() -> None:
    names = [f"p{i}" for i in range(5)]
    universe = Kept({name: needing() for name in names}, *names, "p0==1.0")
    resolve(request(*names), universe)
    assert universe.log[:4] == [f"? {name}==1.0" for name in names[1:]]


def test_what_is_only_foreseen_concludes_nothing() -> None:
    """`b` 2.0 needs what is not there: it is found out when its turn comes, by the search."""
    packages = {
        "a": needing("b<2"),
        "b": {"1.0": {}, "2.0": {"requires_dist": ["gone", "not a requirement!"], "requires_python": ">=4"}},
        "z": needing("b"),
    }
    for seed in range(20):
        assert pins(resolve(request("z", "a"), Distant(packages, random.Random(seed)))) == {
            "a": "1.0",
            "b": "1.0",
            "z": "1.0",
        }


def test_what_is_only_foreseen_divides_no_region() -> None:
    """`b` 2.0 is for newer Pythons, and `c` forbids it; in a divided region, newer Pythons would get `d` 2.0."""
    packages = {
        "a": needing("b"),
        "b": {"1.0": {}, "2.0": {"requires_python": ">=3.13"}},
        "c": needing("b<2"),
        "d": {"1.0": {}, "2.0": {}},
    }
    asked = request("a", "c", "d<2 ; python_version < '3.13'", "d")
    expected = everywhere(asked, Replay(packages))
    assert {each.package.name for each in expected if each.package.version == "2.0"} == set()
    for seed in range(20):
        assert everywhere(asked, Distant(packages, random.Random(seed))) == expected


NAMES = st.sampled_from("abcdef")
NEEDS = st.lists(st.tuples(NAMES, st.sampled_from(["", "<2", ">=2", "==1.0", "[x]"])).map("".join), max_size=3)
OPTIONAL = st.lists(NAMES.map("{}; extra == 'x'".format), max_size=1)
FACTS = st.fixed_dictionaries(
    {"requires_dist": st.tuples(NEEDS, OPTIONAL).map(lambda both: [*both[0], *both[1]])},
    optional={"requires_python": st.sampled_from([">=3.8", ">=4"]), "yanked": st.booleans()},
)
PACKAGES = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from(["1.0", "1.5", "2.0"]), FACTS, min_size=1), min_size=3
)


@given(packages=PACKAGES, seed=st.integers(0, 1 << 32))
def test_the_order_in_which_answers_come_changes_nothing(packages: Packages, seed: int) -> None:
    assert outcome(Distant(packages, random.Random(seed))) == outcome(Replay(packages))


def outcome(universe: Replay) -> object:
    try:
        return pins(resolve(request("a", "b"), universe))
    except NoSolution as error:
        return error.summary(), error.causes, error.hints
