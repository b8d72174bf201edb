"""The usual forms that are read without a parser mean what the parser says."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from puffin.stages.resolve.index_anchor import _place
from puffin.stages.resolve.index_href import absolute
from puffin.stages.resolve.markers import NAMES, for_extra
from puffin.stages.resolve.metadata_lenient import _is_flat, _is_sure
from puffin.stages.resolve.metadata_parse import header_fields
from puffin.stages.resolve.solve.conditions import Conditions
from puffin.stages.resolve.solve.requirement import _parts, _usual

ENVIRONMENT = dict.fromkeys(NAMES, "x") | {
    "python_version": "3.12",
    "python_full_version": "3.12.1",
    "os_name": "nt",
}

EXTRA = st.sampled_from(
    ['extra == "a"', "extra == 'A_b'", "extra=='a'", 'extra == "1.0"', 'extra != "a"', "'a' == extra"]
)
OTHER = st.sampled_from(
    [
        'os_name == "nt"',
        'os_name == "posix"',
        'python_version < "3.9"',
        '(os_name == "x" or os_name == "nt")',
        "os_name ==",
    ]
)
MARKER = st.recursive(
    EXTRA | OTHER,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join) | inner.map("({})".format)
    ),
    max_leaves=4,
)


@given(marker=MARKER, extras=st.frozensets(st.sampled_from(["a", "a-b", "1-0", "other"])))
@example(marker='os_name == "nt" or os_name == "x" and extra == "b"', extras=frozenset())
@example(marker='os_name == "posix" and extra == "A_b"', extras=frozenset({"a-b"}))
def test_markers_for_extras(marker: str, extras: frozenset[str]) -> None:
    try:
        parsed = Marker(marker)
    except InvalidMarker:
        return
    asked = ["", *sorted(extras)]
    expected = any(parsed.evaluate({**ENVIRONMENT, "extra": extra}) for extra in asked)
    assert Conditions(ENVIRONMENT).hold(marker, extras) is expected


@pytest.mark.parametrize(
    ("marker", "parts"),
    [
        ('extra == "x"', ("", "x")),
        ("python_version<'3.9' and extra=='X.y'", ("python_version<'3.9'", "x-y")),
        ('extra == "x" or extra == "y"', None),
        ('os_name == "nt" or os_name == "x" and extra == "y"', None),
        ('extra == "a" and extra == "b"', None),
        ("extra == \"x'", None),
        ('"x" == extra', None),
    ],
)
def test_the_form_of_markers_for_extras(marker: str, parts: tuple[str, str] | None) -> None:
    assert for_extra(marker) == parts


NAME = st.sampled_from(["a", "Zope.Interface", "x-y_z", "a1", "-a", "a-", "b c"])
EXTRAS = st.sampled_from(["", "[x]", "[ x , Y.z ]", "[]", "[x,]", "[x y]", "[x"])
CLAUSE = st.sampled_from(
    [
        ">=1",
        "== 1.*",
        "~=1.2",
        "~=1",
        "!=1.0.post1",
        "===any",
        "<2.0a1",
        ">1.0+local",
        "=>1",
        "^1",
        ">= 1 0",
        ">=v1",
        "<",
        "",
    ]
)
CLAUSES = st.lists(CLAUSE, max_size=3).map(",".join)


@example(name="a", extras="", clauses="===any,== 1.*", blank="")
@example(name="a", extras="", clauses=">=1,,>=1", blank="")
@given(name=NAME, extras=EXTRAS, clauses=CLAUSES, blank=st.sampled_from(["", " ", "\t"]))
def test_requirements(name: str, extras: str, clauses: str, blank: str) -> None:
    head = f"{name}{blank}{extras}{blank}{clauses}"
    found = _usual(head)
    try:
        given, asked, specifier, url = _parts(head)
    except InvalidRequirement:
        assert found is None
        return
    if found is not None:
        assert canonicalize_name(found[0]) == canonicalize_name(given)
        assert (set(found[1]), found[2], found[3]) == (set(asked), specifier, url)


@pytest.mark.parametrize("head", ["a", "a>=1,<2", "Foo_bar[x,y] >= 1.0 , != 1.5.*", "a==1.0+cpu"])
def test_usual_requirements_take_no_parser(head: str) -> None:
    assert _usual(head) is not None


@given(
    base=st.sampled_from(
        [
            "http://h/simple/n/", "https://h:8/a/b/n/", "http://h/n/", "http://h/", "http://h/simple/n", "http://h//n//",
            "file:///srv/simple/n/", "http://h/simple/n/?x=/", "http://h/a/../n/", "http://h",
        ]
    ),
    relative=st.sampled_from(
        ["../../files/", "../", "../../../../", "", "/f/", "f/", "https://o/f/", "./", "../.././f/"]
    ),
)  # fmt: skip
def test_places_of_files(base: str, relative: str) -> None:
    assert _place(base, relative) == absolute(base, f"{relative}x").removesuffix("x")


def test_header_fields() -> None:
    data = (
        b"\xef\xbb\xbfMetadata-Version: 2.1\r\nNAME: a\r\nVersion : 9\r\nVersion: 1.0\r\nClassifier: Name: b\r\n"
        b"Requires-Dist: x>=1;\r\n  python_version\r\n\t< '3'\r\nrequires-dist:y\r\nLicense: long\r\n Name: no\r\n"
        b"Provides-Extra: UNKNOWN\r\nX-Name: c\r\nDynamic:\r\n\r\nName: body\r\n"
    )
    assert header_fields(data) == {
        "metadata-version": ["2.1"],
        "name": ["a"],
        "version": ["1.0"],
        "requires-dist": ["x>=1; python_version < '3'", "y"],
        "provides-extra": [],
        "dynamic": [""],
    }


PART = st.tuples(
    st.sampled_from(["python_version", "os_name", "extra", "python", "platform_release"]),
    st.sampled_from([" == ", "<", ">=", " ~= ", " === ", " in ", "!=", "="]),
    st.sampled_from(['"3.9"', "'nt'", '"a b"', "'x\"", '""', "3", "'3.*'"]),
).map("".join)
EXPRESSION = st.recursive(
    PART,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " or ", " xor ", ""]), inner).map("".join)
        | inner.map("({})".format)
        | inner.map("({}".format)
    ),
    max_leaves=5,
)


@given(marker=EXPRESSION)
def test_markers_that_are_surely_valid(marker: str) -> None:
    if _is_flat(marker):
        Marker(marker)


@given(
    clause=st.tuples(
        st.sampled_from(["==", ">=", "~=", "!=", "<", "===", "="]),
        st.sampled_from(
            ["1", "1.0", "1.0a1", "2.0a.0", "1.0.rc.2", "1.0.post1", "1.0a", "1..0", "1.*", "1.0a.1.dev2"]
        ),
    ).map("".join),
    rest=st.sampled_from(["", " ", " ; os_name == 'nt'", ";", "; x"]),
    bracket=st.booleans(),
)
def test_requirements_that_are_surely_valid(clause: str, rest: str, bracket: bool) -> None:
    text = f"name ({clause}){rest}" if bracket else f"name {clause}{rest}"
    if _is_sure(text):
        Requirement(text)


def test_what_real_uploads_have_is_surely_valid() -> None:
    for text in (
        'ipywidgets (>=7.5.1,<9) ; extra == "jupyter"',
        "botocore (<2.0a.0,>=1.37.4)",
        'a; (os_name == "nt" and python_version < "3.9") or sys_platform == "win32"',
    ):
        assert _is_sure(text)
