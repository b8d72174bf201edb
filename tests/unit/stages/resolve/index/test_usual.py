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
from puffin.stages.unzip import record
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


HASH = "sha256=" + "aB3-_" * 8 + "xyz"
OWN = "a-1.dist-info/RECORD"
ROW = st.sampled_from(
    [
        f"a/b.py,{HASH},12",
        f"c.py,{HASH},",
        f"c.py,{HASH},007",
        f"c.py,{HASH}, 7",
        f"c.py,{HASH[:-1]},7",
        f"c.py,{HASH}=,7",
        "c.py,md5=x,7",
        "c.py,,",
        f"d e.py,{HASH},1",
        f'"q,r.py",{HASH},1',
        f"a,b,{HASH},1",
        f",{HASH},1",
        "",
        f"{OWN},,",
        f"{OWN},{HASH},5",
        f"\u00e9.py,{HASH},1",
        f"x\x0by,{HASH},1",
        "x",
    ]
)


@given(
    rows=st.lists(ROW, max_size=6),
    own=st.sampled_from(
        [f"{OWN},,\n", f"{OWN},,", f"{OWN},,\n\n", "", f"z{OWN},,\n", f"{OWN},,\r", f"{OWN},,7\n"]
    ),
    more=st.lists(ROW, max_size=3),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[f"{OWN},,"], own=f"{OWN},,", more=[], newline="\n")  # the second without its end of line
def test_rows_of_record(rows: list[str], own: str, more: list[str], newline: str) -> None:
    text = "".join(f"{row}\n" for row in rows) + own + "".join(f"{row}\n" for row in more)
    text = text.replace("\n", newline)
    usual = record._usual(text, OWN)
    if usual is None:
        return
    found, plain = usual
    assert plain == "".join(f"{path},{row}\n" for path, row in found.items() if path != OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "_usual", lambda _text, _member: None)
        assert found == record.parse_record(text.encode(), OWN)[0]


def test_the_record_that_wheels_have_takes_no_parser() -> None:
    assert record._usual(f"a.py,{HASH},12\nb/c.py,{HASH},0\n{OWN},,\n", OWN) is not None
    assert record._usual(f"a.py,{HASH},12\r\n{OWN},,\r\nb/c.py,{HASH},0\r\n", OWN) is not None


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
