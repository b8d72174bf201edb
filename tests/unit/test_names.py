"""Names and versions as text."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from puffin.names import normalise, printable, same_version, shell_quoted


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
