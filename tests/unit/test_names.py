"""Names and versions as text."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from puffin.names import (
    is_early,
    is_post,
    normalise,
    printable,
    same_version,
    shell_quoted,
    usual_version,
    version_key,
)

ENDS = [
    "",
    "",
    "a1",
    ".a.0",
    "b02",
    "rc1",
    "c1",
    "alpha1",
    ".post1",
    "post.0",
    "-1",
    "dev3",
    ".dev.0",
    "+x",
    ".",
    "a",
]
SPELLINGS = st.builds(
    "".join, st.tuples(st.sampled_from(["0", "1", "1.0", "01.2", "1!1", "v1"]), *[st.sampled_from(ENDS)] * 3)
)


@given(st.text(alphabet="aB1-_.", max_size=12))
def test_names_are_normalised_as_packaging_does(name):
    assert normalise(name) == canonicalize_name(name)


@given(st.text(alphabet="aB1é _@%+=:,./-'\"\\$\n*", max_size=12))
def test_words_are_quoted_as_the_standard_library_does(word):
    assert shell_quoted(word) == shlex.quote(word)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.0", "1.0.0", True),
        ("1.0_1", "1.0.post1", True),
        ("1.0", "1.0_1", False),
        ("1.0", "1.1", False),
        ("1.0", "one", False),
        ("one", "one", True),
        ("one", "two", False),
    ],
)
def test_versions_are_compared_as_pep_440_has_it(one, other, same):
    assert same_version(one, other) is same
    assert same_version(other, one) is same


@given(SPELLINGS, SPELLINGS)
def test_versions_are_compared_as_packaging_compares_them(one, other):
    try:
        version, others = Version(one), Version(other)
    except InvalidVersion:
        assert usual_version(one) is None or usual_version(other) is None
        assert same_version(one, other) is (one == other)
        return
    assert same_version(one, other) is (version == others)
    key, second = version_key(one), version_key(other)
    if key is not None and second is not None:
        assert (key < second, key == second) == (version < others, version == others)
        assert (is_early(key), is_post(key)) == (version.is_prerelease, version.is_postrelease)
        assert usual_version(one) == (str(version), key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mb", "a?[31mb"),
        ("a\nb\r\u2028c", "a b  c"),
        ("\tcolumn", "\tcolumn"),
        ("\udcff", "?"),
        ("naïve", "naïve"),
    ],
)
def test_nothing_printed_steers_a_terminal(text, shown):
    assert printable(text) == shown
    assert len(printable(text)) == len(text)


def test_a_long_text_is_cut_in_its_middle():
    assert printable("a" * 100 + "b" * 100, 120) == "a" * 80 + "…" + "b" * 39
    assert printable("a" * 120, 120) == "a" * 120
