"""The final check: it refuses what breaks a rule, every search's answer passes it, and the searches agree."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from puffin.stages.resolve.solve import resolve as gather
from puffin.stages.resolve.solve.check import Facts, broken_rules
from puffin.stages.resolve.solve.errors import AnswerRefused, NoSolution
from puffin.stages.resolve.solve.given import Given, UrlMetadata
from puffin.stages.resolve.solve.greedy import Greedy
from puffin.stages.resolve.solve.package import Candidate
from puffin.stages.resolve.solve.pubgrub import PubGrub, Unsolvable
from puffin.stages.resolve.solve.request import DISALLOW, Preference, Resolution, Resolved, ResolveRequest
from puffin.stages.resolve.solve.resolve import resolve
from puffin.stages.resolve.solve.universe import Metadata
from puffin.stages.resolve.solve.world import World
from puffin.value import replace
from tests.helpers.replay import Replay
from tests.helpers.universe import package, pins, request, root, solved

Packages = dict[str, dict[str, dict[str, Any]]]

PYTHON = "3.12.1"
RULES: Packages = {
    "a": {"1.0": {"requires_dist": ["b>=1", "x; extra == 'more'"], "provides_extras": ["more"]}, "2.0": {}},
    "b": {"1.0": {}, "2.0rc1": {}, "3.0": {"yanked": "bad"}, "4.0": {"requires_python": ">=3.99"}},
    "x": {"1.0": {}},
}


def metadata(packages: Packages, each: Resolved) -> Metadata:
    return Replay(packages).metadata(f"{each.name}=={each.version}")


def broken(asked: ResolveRequest, answer: Resolution, packages: Packages, **known: Facts) -> tuple[str, ...]:
    def facts(each: Resolved) -> Facts:
        told = packages[each.name][each.version].get("requires_python", "")
        return known.get(each.name) or Facts(requires_python=(told,), metadata=metadata(packages, each))

    return broken_rules(asked, answer, facts)


def answer(**versions: str) -> Resolution:
    packages = [
        Resolved(name=name, version=version, handle=None, yanked=RULES[name][version].get("yanked"))
        for name, version in versions.items()
    ]
    return Resolution(packages=tuple(packages))


def changed(found: Resolution, name: str, **fields: Any) -> Resolution:
    packages = [replace(each, **fields) if each.name == name else each for each in found.packages]
    return replace(found, packages=tuple(packages))


BROKEN: list[tuple[ResolveRequest, Resolution, str]] = [
    (request("a<2"), answer(a="2.0"), "you require `a<2`, and it has `a==2.0`"),
    (request("a"), answer(), "you require `a`, which is left out"),
    (request("a<2"), answer(a="1.0"), "`a==1.0` needs `b>=1`, which is left out"),
    (request("a"), answer(a="2.0", b="1.0"), "`b==1.0` is there, and nobody needs it"),
    (request("a", constraints=["a<0.4"]), answer(a="2.0"), "your constraints say `a<0.4`, and it has `a==2.0`"),
    (request("a<2", overrides=["b<1"]), answer(a="1.0", b="1.0"), "`a==1.0` needs `b<1`, and it has `b==1.0`"),
    (
        request("a[more]<2"),
        changed(answer(a="1.0", b="1.0"), "a", extras=("more",)),
        "`a==1.0` needs `x`, which is left out",
    ),
    (request("a[more]<2"), answer(a="1.0", b="1.0", x="1.0"), "the extras of `a==1.0` are not those asked for"),
    (request("b>1"), answer(b="3.0"), "`b==3.0` is yanked, and nobody pins it"),
    (
        request("b>=2.0rc1", prereleases=DISALLOW),
        answer(b="2.0rc1"),
        "`b==2.0rc1` is a pre-release, and these are not allowed",
    ),
    (request("b"), answer(b="4.0"), f"`b==4.0` requires Python >=3.99, and the target is Python {PYTHON}"),
    (
        request("a"),
        changed(answer(a="2.0"), "a", url="https://one.example/a-2.0.whl"),
        "`a==2.0` is from a URL that nobody names",
    ),
]


@pytest.mark.parametrize(("asked", "found", "words"), BROKEN, ids=[words for _, _, words in BROKEN])
def test_each_rule_is_held(asked: ResolveRequest, found: Resolution, words: str) -> None:
    assert broken(asked, found, RULES) == (words,)


def test_an_answer_that_keeps_the_rules_passes() -> None:
    assert not broken(request("a<2"), answer(a="1.0", b="1.0"), RULES)
    assert not broken(request("b==3.0"), answer(b="3.0"), RULES)
    assert not broken(request("b", constraints=["b==3.0"]), answer(b="3.0"), RULES)
    asked = replace(request("b"), preferences=(Preference(name="b", version="3.0"),), keep_yanked=True)
    assert not broken(asked, answer(b="3.0"), RULES)
    assert not broken(request("b>=2.0rc1"), answer(b="2.0rc1"), RULES)
    installed = changed(answer(b="4.0"), "b", installed=True)
    assert not broken(request("b"), installed, RULES)


def test_hashes_of_a_file_are_among_those_demanded() -> None:
    asked = replace(
        request(), requirements=(root("x", hashes=("sha256:aa",)), root("x", hashes=("sha256:bb",)))
    )
    found = answer(x="1.0")
    facts = [
        Facts(hashes=(f"sha256:{own}",), metadata=Metadata(name="x", version="1.0")) for own in ("bb", "cc")
    ]
    assert not broken(asked, found, RULES, x=facts[0])
    words = ("no hash of `x==1.0` is among those that are demanded",)
    assert broken(asked, found, RULES, x=facts[1]) == words
    narrowed = replace(asked, constraints=(root("x", hashes=("sha256:aa",)),))
    assert broken(narrowed, found, RULES, x=facts[0]) == words
    assert not broken(asked, found, RULES, x=Facts(metadata=Metadata(name="x", version="1.0")))


@pytest.mark.parametrize(
    ("former", "versions"),
    [
        ({"a": "1.0", "b": "1.0"}, {"a": "1.0", "b": "1.0"}),
        ({"a": "2.0", "b": "1.0"}, {"a": "1.0", "b": "2.0"}),
        ({"a": "1.0"}, {"a": "1.0", "b": "2.0"}),
        ({"a": "1.0", "b": "9.0"}, {"a": "1.0", "b": "2.0"}),
        ({"a": "1.0", "b": "1.0", "c": "1.0"}, {"a": "1.0", "b": "1.0"}),
    ],
    ids=["kept", "outside", "incomplete", "gone", "more"],
)
def test_a_former_answer_counts_if_it_keeps_the_rules(former: dict[str, str], versions: dict[str, str]) -> None:
    packages: Packages = {
        "a": package({"2.0": [], "1.0": ["b>=1"]}),
        "b": package({"2.0": [], "1.0": []}),
        "c": package({"1.0": []}),
    }
    assert pins(resolve(request("a<2"), Replay(packages), former)) == versions


def test_the_next_search_decides_where_an_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Greedy) -> bool:
        self.chosen = {"a": self._world.package("a").candidate(64, frozenset())}
        return True

    packages: Packages = {"a": package({"2.0": [], "1.0": []})}
    monkeypatch.setattr(Greedy, "run", wrong)
    assert solved(packages, "a<2") == {"a": "1.0"}


def test_no_search_is_believed_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    packages: Packages = {"a": package({"2.0": [], "1.0": []})}
    monkeypatch.setattr(Greedy, "run", lambda self: False)
    monkeypatch.setattr(PubGrub, "run", lambda self: {"a": self._world.package("a").candidate(64, frozenset())})
    with pytest.raises(AnswerRefused) as caught:
        solved(packages, "a<2")
    assert caught.value.details() == ("You require `a<2`, and it has `a==2.0`.",)


# Generated universes

VERSIONS = ("1.0", "1.1rc1", "1.1", "2.0")
SPECIFIERS = ("", "", "", ">=1.1", "<2", "<1.1", "==1.0", "!=1.1", ">=1.1rc1", "==1.1")


def generated(seed: int) -> tuple[Packages, ResolveRequest]:
    """A small universe in which all rules occur, and a request for it."""
    rnd = random.Random(seed)
    names = [f"q{i}" for i in range(rnd.randrange(2, 6))]

    def wanted(own: str = "") -> str:
        name = rnd.choice([each for each in names if each != own])
        extra = "[x]" if rnd.random() < 0.15 else ""
        return f"{name}{extra}{rnd.choice(SPECIFIERS)}"

    def needed(own: str) -> str:
        end = rnd.choice(["", "", "", "; os_name == 'nt'", "; extra == 'x'", "; python_version > '3'"])
        return f"{wanted(own)}{end}"

    def facts(own: str) -> dict[str, Any]:
        return {
            "requires_dist": [needed(own) for _ in range(rnd.randrange(0, 3))],
            "requires_python": rnd.choice(["", "", "", "", "", ">=3.13"]),
            "yanked": rnd.random() < 0.12,
            "provides_extras": ["x"],
        }

    packages = {
        name: {version: facts(name) for version in rnd.sample(VERSIONS, rnd.randrange(1, 5))} for name in names
    }
    asked = request(
        *[wanted() for _ in range(rnd.randrange(1, 4))],
        constraints=[wanted().replace("[x]", "") for _ in range(rnd.randrange(0, 3))],
        overrides=[wanted() for _ in range(rnd.randrange(0, 2) * rnd.randrange(0, 2))],
        prereleases=rnd.choice(["if-necessary-or-explicit", "disallow", "allow", "explicit"]),
    )
    return packages, asked


class Trying:
    """All answers of a request, found by trying everything, with nothing of the resolver's."""

    def __init__(self, packages: Packages, asked: ResolveRequest) -> None:
        self.packages = packages
        self.overrides: dict[str, list[Requirement]] = {}
        for each in asked.overrides:
            self.overrides.setdefault(each.name, []).append(Requirement(each.text))
        roots = [Requirement(each.text) for each in asked.requirements]
        self.roots = [own for each in roots for own in self.overrides.get(each.name, [each])]
        self.constraints = [Requirement(each.text) for each in asked.constraints]
        given = [*self.roots, *self.constraints, *[own for each in self.overrides.values() for own in each]]
        self.pins = [each for each in given if "==" in str(each.specifier)]
        self.explicit = {each.name for each in given if "rc" in str(each.specifier)}
        self.mode = asked.prereleases

    def answers(self) -> Iterator[dict[str, str]]:
        yield from self._extend({}, {}, self.roots)

    def _extend(
        self, chosen: dict[str, str], extras: dict[str, set[str]], pending: list[Requirement]
    ) -> Iterator[dict[str, str]]:
        if not pending:
            yield chosen
            return
        wanted, *rest = pending
        known = chosen.get(wanted.name)
        asked = extras.get(wanted.name, set()) | wanted.extras
        for version in (known,) if known else self.packages[wanted.name]:
            if not wanted.specifier.contains(version, prereleases=True):
                continue
            if known is None and not self._may(wanted.name, version):
                continue
            more = self._needs(wanted.name, version, asked) if asked != extras.get(wanted.name) else []
            yield from self._extend(
                {**chosen, wanted.name: version}, {**extras, wanted.name: asked}, [*rest, *more]
            )

    def _needs(self, name: str, version: str, extras: set[str]) -> list[Requirement]:
        found = []
        for text in self.packages[name][version]["requires_dist"]:
            each = Requirement(text)
            environment = {"os_name": "posix", "python_version": "3.12"}
            holds = each.marker is None or any(
                each.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
            )
            if holds:
                found += self.overrides.get(each.name, [each])
        return found

    def _may(self, name: str, version: str) -> bool:
        facts = self.packages[name][version]
        if not SpecifierSet(facts["requires_python"]).contains("3.12.1"):
            return False
        if Version(version).is_prerelease and not (
            self.mode == "allow"
            or (self.mode == "if-necessary-or-explicit")
            or (self.mode == "explicit" and name in self.explicit)
        ):
            return False
        if any(
            each.name == name and not each.specifier.contains(version, prereleases=True)
            for each in self.constraints
        ):
            return False
        pinned = [each for each in self.pins if each.name == name]
        return not facts["yanked"] or any(each.specifier.contains(version, prereleases=True) for each in pinned)


def world_of(packages: Packages, asked: ResolveRequest) -> World:
    return World(Given(asked), UrlMetadata(Replay(packages)))


def by_greedy(world: World) -> "dict[str, Candidate] | None":
    greedy = Greedy(world)
    return greedy.chosen if greedy.run() else None


def by_pubgrub(world: World) -> "dict[str, Candidate] | None":
    try:
        return PubGrub(world, 10_000).run()
    except Unsolvable:
        return None


SEARCHES: dict[str, Callable[[World], Any]] = {"greedy": by_greedy, "pubgrub": by_pubgrub}


@pytest.mark.parametrize("start", range(0, 1500, 250))
def test_all_searches_agree_and_every_answer_passes(start: int) -> None:
    ends = set()
    for seed in range(start, start + 250):
        packages, asked = generated(seed)
        answers = list(Trying(packages, asked).answers())
        for name, search in SEARCHES.items():
            world = world_of(packages, asked)
            chosen = search(world)
            ends.add((name, chosen is not None))
            if chosen is None:
                assert name != "pubgrub" or not answers, (seed, name)
                continue
            found = gather.gathered(world, chosen, 0)
            told = broken_rules(asked, found, lambda each: gather.facts(world, chosen, each))  # noqa: B023 - called here
            assert not told, (seed, name, told)
            assert pins(found) in answers, (seed, name, pins(found))
        try:
            assert pins(resolve(asked, Replay(packages))) in answers, seed
        except NoSolution:
            assert not answers, seed
    assert len(ends) == 4  # each search found something, and not always


@pytest.mark.parametrize("start", range(0, 600, 200))
def test_the_check_refuses_every_other_set_of_versions(start: int) -> None:
    refused = 0
    for seed in range(start, start + 200):
        packages, asked = generated(seed)
        answers = list(Trying(packages, asked).answers())
        if not answers:
            continue
        found = resolve(asked, Replay(packages))
        for each in found.packages:
            for version, facts in packages[each.name].items():
                other = changed(found, each.name, version=version, yanked="" if facts["yanked"] else None)
                right = pins(other) in answers
                told = [clause for clause in broken(asked, other, packages) if "the extras" not in clause]
                assert (not told) == right, (seed, each.name, version)
                refused += not right
    assert refused > 200
