"""Bits of matching versions, against packaging asked for each version."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from puffin.names import version_key
from puffin.stages.resolve.solve import specifiers
from puffin.stages.resolve.solve.errors import in_words
from puffin.stages.resolve.solve.requirement import is_prerelease
from puffin.stages.resolve.solve.specifiers import PythonRange, VersionTable, admits

PARTS = st.sampled_from(["0", "1", "1.0", "1.1", "1.2", "2", "2.0", "2.0.0", "2.0.1", "3", "1!0.5", "1!1"])
SUFFIXES = st.sampled_from(["", "", "", "a1", "rc2", ".dev3", ".post1", ".post1.dev1", "+x", "+y", "b1.post2"])
VERSIONS = st.builds(lambda part, suffix: part + suffix, PARTS, SUFFIXES)
PUBLIC = VERSIONS.filter(lambda text: "+" not in text)
FINAL = st.sampled_from(["0.1", "1.0", "1.1", "2.0.0", "2.0.1", "1!0.5"])
SINGLES = st.one_of(
    st.builds(lambda op, version: op + version, st.sampled_from([">=", "<=", ">", "<"]), PUBLIC),
    st.builds(lambda op, version: op + version, st.sampled_from(["==", "!=", "==="]), VERSIONS),
    st.builds(lambda op, version: f"{op}{version}.*", st.sampled_from(["==", "!="]), FINAL),
    st.builds(lambda version: f"~={version}", FINAL),
)
SETS = st.lists(SINGLES, min_size=1, max_size=3).map(",".join)


def newest_first(texts: list[str]) -> tuple[str, ...]:
    return tuple(sorted({Version(text): text for text in texts}.values(), key=Version, reverse=True))


@settings(max_examples=600, deadline=None)
@given(st.lists(VERSIONS, max_size=25), SETS)
def test_bits_are_what_packaging_says_of_each_version(texts: list[str], specifier: str) -> None:
    table = VersionTable(newest_first(texts))
    found = {text for index, text in enumerate(table.texts) if table.mask(specifier) >> index & 1}
    whole = SpecifierSet(specifier)
    wanted = {text for text in table.texts if whole.contains(text, prereleases=True)}
    assert found == wanted
    assert {text for text in table.texts if admits(specifier, text)} == wanted


def test_few_versions_are_compared_for_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(specifiers, "version_key", lambda text: asked.append(text) or version_key(text))
    table = VersionTable(tuple(f"1.{minor}" for minor in range(999, -1, -1)))
    assert table.mask(">=1.300,<1.700").bit_count() == 400
    assert len(set(asked)) < 50


def test_arbitrary_equality_compares_texts() -> None:
    table = VersionTable(("1.0", "0.9"))
    assert table.mask("===1.0") == 0b01
    assert table.mask("===1.0.0") == 0


def test_a_malformed_requires_python_admits_all() -> None:
    python = PythonRange("3.12.1")
    assert python.admits("")
    assert python.admits(">=3.8,<4")
    assert not python.admits(">=3.13")
    assert python.admits(">=3.x.y nonsense")
    assert PythonRange("3.13.0rc1").admits(">=3.12")


def test_prereleases_are_told_from_their_text() -> None:
    assert [
        is_prerelease(text) for text in ("1.0", "1.0.post1", "1.0+cpu", "1.0a1", "1.0.dev1", "nonsense")
    ] == [False, False, False, True, True, False]


def test_stretches_of_versions() -> None:
    texts = ("2.0", "1.4", "1.3", "1.2rc1", "1.2", "1.1", "1.0")
    assert in_words(texts, {"1.0", "1.1", "1.2", "1.3"}) == "1.0 to 1.3"
    assert in_words(texts, {"1.0", "1.1", "2.0"}) == "1.0 and 1.1, 2.0"
    assert in_words(texts, {"1.2rc1"}) == "1.2rc1"
    many = tuple(f"1.{minor}" for minor in range(20, -1, -1))
    assert in_words(many, {f"1.{minor}" for minor in range(0, 21, 2)}) == "1.0, 1.2, 1.4 and 8 more"
