"""Markers that are read without packaging say what packaging says of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker

from puffin.stages.resolve.requirements.markers import Conditions
from puffin.stages.resolve.requirements.texts import written_marker
from puffin.stages.resolve.requirements.usual_markers import canonical_text, marker_holds, usual_marker

ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.1",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.1-generic",
    "platform_system": "Linux",
    "platform_version": "#1 SMP",
    "python_full_version": "3.12.1",
    "python_version": "3.12",
    "sys_platform": "linux",
}
OTHER = {**ENVIRONMENT, "python_full_version": "3.13.0rc1", "platform_release": "6.1", "os_name": "nt"}
VARIABLES = st.sampled_from([*ENVIRONMENT, "extra", "os.name", "python_implementation", "extras", "spam"])
OPERATORS = st.sampled_from(
    ["==", "!=", ">=", "<", ">", "<=", "~=", "===", "in", "not in", "not  in", "is", ""]
)
TEXTS = [
    "3.12",
    "3.12.1",
    "3",
    "3.12.*",
    "3.13.0rc1",
    "linux",
    "posix nt",
    "3.8 3.12",
    "A_b",
    "x86_64",
    "",
    " 3",
    "é",
]
QUOTED = st.builds(lambda quote, text: quote + text + quote, st.sampled_from("\"'"), st.sampled_from(TEXTS))
OPERANDS = st.one_of(QUOTED, VARIABLES, st.sampled_from(["'a\\tb'", '"it\'s"', "'say \"x\"'", '"open']))
BLANKS = st.sampled_from(["", " ", " ", "  ", "\t", "\n"])
COMPARISONS = st.one_of(
    st.builds("{1}{0}{2}{0}{3}".format, BLANKS, VARIABLES, OPERATORS, QUOTED),
    st.builds("{1}{0}{2}{0}{3}".format, BLANKS, OPERANDS, OPERATORS, OPERANDS),
    st.builds("extra == {}".format, QUOTED),
)
JOINTS = st.sampled_from([" and ", " or ", " and ", " xor ", "and", ") and (", " "])
MARKERS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds("({}{}{})".format, BLANKS, inner, BLANKS), st.builds("{}{}{}".format, inner, JOINTS, inner)
    ),
    max_leaves=6,
)


def by_packaging(text: str) -> Marker | None:
    try:
        return Marker(text)
    except InvalidMarker:
        return None


@settings(max_examples=500, deadline=None)
@given(text=MARKERS, extra=st.sampled_from(["", "a-b", "3"]))
def test_usual_markers_are_read_as_packaging_reads_them(text: str, extra: str) -> None:
    told, found = by_packaging(text), usual_marker(text)
    if found is None:
        return
    assert told is not None
    assert canonical_text(found) == str(told)
    for environment in (ENVIRONMENT, OTHER):
        said = marker_holds(found, {**environment, "extra": extra})
        assert said in (None, told.evaluate({**environment, "extra": extra}))


@pytest.mark.parametrize(
    "text",
    [
        'python_version < "3.13"',
        "extra == 'Some_Extra'",
        "(sys_platform == 'win32' or os_name=='nt') and extra == \"x\"",
        "python_full_version >= '3.8' and platform_python_implementation not in 'PyPy'",
        "python_version in '2.7 3.12'",
    ],
)
def test_usual_forms_take_no_packaging(text: str) -> None:
    marker = usual_marker(text)
    assert canonical_text(marker) == written_marker(text) == str(Marker(text))
    assert marker_holds(marker, {**ENVIRONMENT, "extra": "x"}) is Marker(text).evaluate(
        {**ENVIRONMENT, "extra": "x"}
    )


def test_what_is_not_usual_is_left_to_packaging() -> None:
    for text in (
        "'linux' == sys_platform",
        "os.name == 'nt'",
        "python_version == 'x'",
        "(" * 30 + "a",
        "",
        "()",
    ):
        assert usual_marker(text) is None
    assert Conditions(ENVIRONMENT).hold("'linux' == sys_platform")
    with pytest.raises(ValueError, match="cannot be evaluated"):
        Conditions(ENVIRONMENT).hold("os_name ~= 'nt'")
