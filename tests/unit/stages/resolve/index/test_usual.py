"""The usual forms that are read without a parser mean what the parser says."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement

from puffin.stages.resolve.index.page import _climbed
from puffin.stages.resolve.index.parse import parse_html
from puffin.stages.resolve.index.usual import _said
from puffin.stages.resolve.metadata.parse import fields_of
from puffin.stages.resolve.requirements.lenient import _is_sure
from puffin.stages.resolve.requirements.markers import NAMES, Conditions, for_extra
from puffin.stages.unzip.names import _folded, fold

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


@given(
    base=st.sampled_from(
        [
            "http://h/simple/n/", "https://h:8/a/b/n/", "http://h/n/", "http://h/", "http://h/simple/n", "http://h//n//",
            "http://h/simple/n/?x=/", "http://h/a/../n/", "http://h", "http://h/a;b/n/", "HTTP://h/a/n/", "http://.h/a/b/",
        ]
    ),
    href=st.one_of(
        st.sampled_from(
            [
                "../../files/x.whl", "../x", "../../../../x", "", "/f/x", "f/x", "./x", "../.././f/x", "../x//y",
                "../..", "..", "../x/..", "../a;b/x", "../x?y=../z", "../:/x", "../a\\b", "../.x", "../[x", "//o/x",
                "../é/x",
            ]
        ),
        st.text("./ax:?;%", max_size=12),
    ),
)  # fmt: skip
def test_plain_relative_links_are_joined_as_the_standard_library_does(base: str, href: str) -> None:
    try:
        joined = urljoin(base, href)
    except ValueError:
        joined = ""
    assert _climbed(base, href) in ("", joined)


def test_links_to_files_above_the_page_are_plain() -> None:
    base = "https://index.example/simple/six/"
    assert _climbed(base, "../../packages/ab/six-1.0.zip") == "https://index.example/packages/ab/six-1.0.zip"


def test_header_fields() -> None:
    data = (
        b"\xef\xbb\xbfMetadata-Version: 2.1\r\nNAME: a\r\nVersion : 9\r\nVersion: 1.0\r\nClassifier: Name: b\r\n"
        b"Requires-Dist: x>=1;\r\n  python_version\r\n\t< '3'\r\nrequires-dist:y\r\nLicense: long\r\n Name: no\r\n"
        b"Provides-Extra: UNKNOWN\r\nX-Name: c\r\nDynamic:\r\n\r\nName: body\r\n"
    )
    assert fields_of(data) == {
        "metadata-version": ["2.1"],
        "name": ["a"],
        "version": ["1.0"],
        "requires-dist": ["x>=1; python_version < '3'", "y"],
        "provides-extra": [],
        "dynamic": [""],
    }


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


@given(
    paths=st.lists(
        st.sampled_from(["A/b", "a/B", "\u00c9", "e\u0301", "stra\u00dfe", "STRASSE", "x"]), unique=True
    )
)
def test_paths_that_are_one_where_case_counts_for_nothing(paths: list[str]) -> None:
    assert _folded(paths) == {fold(path) for path in paths}


HEAD = st.lists(
    st.sampled_from(
        [
            "<!DOCTYPE html>",
            "<html>",
            "<head>",
            "<title>Links for a</title>",
            "<body>",
            "<h1>Links for a</h1>",
            "</head>",
            '<meta name="pypi:repository-version" content="1.1">',
            '<meta name="pypi:repository-version" content="1.1" />',
            '<meta name="pypi:project-status" content="archived">',
            '<META name="pypi:project-status" content="deprecated">',
            "<meta name='pypi:project-status-reason' content='old'>",
            '<meta charset="utf-8">',
            "\n",
        ]
    )
).map("".join)


@given(head=HEAD)
def test_what_the_head_of_a_page_says(head: str) -> None:
    page = parse_html(head.encode(), name="", url="https://x.example/simple/a/")
    assert _said(head, "https://x.example/simple/a/") == (page.status, page.reason)
