"""What is read without packaging is what packaging reads, and what one run found out serves the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from puffin.stages.resolve.requirements import texts
from puffin.stages.resolve.requirements.lenient import requirement
from puffin.stages.resolve.requirements.releases import plain_pin
from puffin.stages.resolve.requirements.texts import (
    clause_matches,
    clauses_of,
    is_plain_requirement,
    requirement_parts,
)
from puffin.stages.resolve.solve.requirement import is_prerelease, pinned
from puffin.stages.resolve.solve.specifiers import VersionTable, admits

NUMBERS = st.sampled_from(["0", "1", "01", "1.0", "1.0.0", "1.0.1", "1.10", "10", "2024.1", "0.0"])
SUFFIXES = [
    "a1",
    ".a.0",
    "rc1",
    "rc01",
    ".post1",
    "post.2",
    ".dev2",
    "dev.0",
    "b1.post2.dev3",
    "rc1.dev0",
    "+local",
]
ENDINGS = st.sampled_from(["", "", "", *SUFFIXES, "a", "-1", "RC1", ".*"])
VERSIONS = st.builds(str.__add__, NUMBERS, ENDINGS)
OPERATORS = st.sampled_from(["==", "===", ">=", "<=", "!=", "<", ">", "~=", "=", ""])
BLANKS = st.sampled_from(["", "", " ", "\t"])
CLAUSE = st.builds("".join, st.tuples(BLANKS, OPERATORS, BLANKS, VERSIONS, BLANKS))
NAMES = st.sampled_from(["a", "A.b__c", "zope.interface", "x-", "-x", "1", "é", "a b"])
ENCLOSED = st.sampled_from(["{}", "{}", "({})", " ( {} ) ", "({}"])
EXTRAS = st.sampled_from(["", "", "[x]", "[b,a]", "[B_c]", "[]", "[x,]", "[x", " [x , y] ", "[a-b]"])
MARKERS = st.sampled_from(
    ["", "", "; python_version>'3'", ";", ' ; os_name == "nt"', " @ https://example.org/a"]
)
REQUIREMENTS = st.builds(
    lambda name, extras, clauses, enclosed, marker: (
        f"{name}{extras}{enclosed.format(','.join(clauses))}{marker}"
    ),
    NAMES,
    EXTRAS,
    st.lists(CLAUSE, max_size=3),
    ENCLOSED,
    MARKERS,
)


@given(REQUIREMENTS)
def test_requirements_are_read_as_packaging_reads_them(text: str) -> None:
    try:
        told = Requirement(text)
    except InvalidRequirement:
        with pytest.raises(InvalidRequirement):
            requirement_parts(text)
        return
    extras = tuple(sorted({canonicalize_name(each) for each in told.extras}))
    marker, url = str(told.marker or ""), told.url or ""
    assert requirement_parts(text) == (canonicalize_name(told.name), extras, str(told.specifier), marker, url)


@given(REQUIREMENTS)
def test_what_packaging_reads_is_left_as_it_is(text: str) -> None:
    """Of requirements in metadata: the usual ones are told and read in one way."""
    try:
        Requirement(text)
    except InvalidRequirement:
        assert not is_plain_requirement(text)
        return
    assert requirement(text) == text.strip()


@given(st.lists(CLAUSE, max_size=3).map(",".join), VERSIONS.filter(lambda text: "*" not in text))
def test_comparisons_are_made_as_packaging_makes_them(text: str, version: str) -> None:
    try:
        told = SpecifierSet(text)
    except InvalidSpecifier:
        with pytest.raises(InvalidSpecifier):
            clauses_of(text)
        return
    clauses = clauses_of(text)
    assert set(clauses) == {(each.operator, each.version) for each in told}
    for operator, wanted in [each for each in clauses if each[0] != "==="]:  # it compares texts
        alone = SpecifierSet(operator + wanted)
        assert clause_matches(operator, wanted, version) is alone.contains(version, prereleases=True)


@given(NUMBERS, ENDINGS, st.lists(VERSIONS.filter(lambda text: "*" not in text), unique_by=Version, max_size=8))
def test_pins_match_as_packaging_says(number: str, ending: str, versions: list[str]) -> None:
    text = f"=={number}{ending}"
    ordered = tuple(str(each) for each in sorted(map(Version, versions), reverse=True))
    told = SpecifierSet(text)
    matching = [told.contains(each, prereleases=True) for each in ordered]
    assert VersionTable(ordered).mask(text) == sum(1 << at for at, holds in enumerate(matching) if holds)
    assert [admits(text, each) for each in ordered] == matching
    assert pinned(text) == ("" if ending == ".*" else f"{number}{ending}")
    assert [is_prerelease(each) for each in ordered] == [Version(each).is_prerelease for each in ordered]
    assert plain_pin(text) in ("", number)


def test_what_was_found_out_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_memory", {})
    asked: list[str] = []

    def function(text: str) -> str:
        asked.append(text)
        if not text:
            raise InvalidRequirement(text)
        return text.upper()

    first = texts.remembered(function)
    assert [first("a"), first("b"), first("a"), *asked] == ["A", "B", "A", "a", "b"]
    for _ in range(2):
        with pytest.raises(InvalidRequirement):
            first("")
    former = texts.memory()
    monkeypatch.setattr(texts, "_memory", {})
    texts.remind(former)
    del asked[:]
    assert [texts.remembered(function)("b"), *asked] == ["B"]
    monkeypatch.setattr(texts, "_MOST", 2)
    assert texts.memory() == {}
