"""Pages that are only cut say the same as pages that are read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from puffin.names import parsed_version
from puffin.stages.fetch.client import PageResponse
from puffin.stages.resolve.index.errors import PageUnreadable
from puffin.stages.resolve.index.http import parse_reply
from puffin.stages.resolve.index.page import FileLink, Groups, file_version, grouped
from puffin.stages.resolve.index.stored import dump_groups, load_page, order_of
from puffin.stages.resolve.index.usual import HTML, JSON, UncutEntries, _versions, group_reply
from puffin.value import astuple, from_tuple, replace

URL = "https://host/simple/a-b/"
SHA = "0123456789abcdef" * 4


def html(*links: str, head: str = "<!DOCTYPE html><html><head></head><body><h1>Links</h1>\n") -> PageResponse:
    body = head + "\n".join(links) + "\n</body></html>\n"
    return PageResponse(status=200, url=URL, headers={"content-type": "text/html"}, body=body.encode())


def as_json(*files: object, **more: object) -> PageResponse:
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "a-b", "files": files, **more}).encode()
    kind = "application/vnd.pypi.simple.v1+json"
    return PageResponse(status=200, url=URL, headers={"content-type": kind}, body=body)


PLAIN = (
    f'<a href="https://files/x/a_b-1.0-py3-none-any.whl#sha256={SHA}">a_b-1.0-py3-none-any.whl</a><br/>',
    f'<a href="https://files/x/a_b-1.0.tar.gz#sha256={SHA}" data-requires-python="&gt;=3.8,&lt;4">a_b-1.0.tar.gz</a>',
    '<a href="https://files/x/a-b-2.0.tar.gz" data-yanked="">a-b-2.0.tar.gz</a><br>',
    f'<a href="https://files/x/A.B-2.0-1-py3-none-any.whl" data-core-metadata="sha256={SHA}">x</a>',
    '<a href="https://files/x/a_b-3-py3-none-any.whl" data-yanked="bad &amp; &eacute;" data-core-metadata="true">x</a>',
    '<a href="https://files/x/a_b-4-py3-none-any.whl" data-upload-time="2024-01-02T03:04:05Z" rel="nofollow">x</a>',
    '<a href="https://files/x/other-4-py3-none-any.whl">x</a>',
    '<a href="../files/a_b-5-py3-none-any.whl#md5=00">relative</a>',
    '<a href="../../../../files/a_b-6-py3-none-any.whl">relative</a>',
    '<a href="/files/a_b-7-py3-none-any.whl">relative</a>',
    '<a href="a_b-8-py3-none-any.whl">relative</a>',
    '<a href="//other/files/a_b-9-py3-none-any.whl">relative</a>',
    '<a href="x/../y/a_b-10-py3-none-any.whl">relative</a>',
    '<a href="https://files/x/readme.txt">x</a>',
)
ODD = (
    '<a href="https://files/x/a_b-6-py3-none-any.whl"><b>bold</b></a> <p>text &lt;',
    '<a href="https://files/x/a_b-6-py3-none-any.whl>no quote</a>',
    '<a href="https://files/x/a_b-6-py3-none-any.whl">x</a><title>',
    '<a href="javascript:a_b-7-py3-none-any.whl">x</a>',
    '<A HREF="https://files/x/a_b-8-py3-none-any.whl">upper case</A>',
    '<!-- <a href="https://files/x/a_b-9-py3-none-any.whl">commented</a> -->',
    "<a href='https://files/x/a_b-8-py3-none-any.whl'>single quotes</a>",
    '<a class="x" href="https://files/x/a_b-8-py3-none-any.whl">later</a>',
    '<a href="https://files/x/a_b-8%2Blocal-py3-none-any.whl">encoded</a>',
    '<a href="https://files/x/a_b-8&#43;local-py3-none-any.whl">reference</a>',
    '<a href="https://files/x/a_b-8-py3-none-any.whl?query">query</a>',
    '<a href="https://files/x/..%2Fa_b-8-py3-none-any.whl">unsafe</a>',
    '<script>"<a href="https://files/x/a_b-9-py3-none-any.whl">"</script>',
)


BEGINS = st.sampled_from(["a_b", "A.B", "a-b", "a", "other", "a--b", ""])
MIDDLES = st.sampled_from(["-1.0", "-1.0-1", "-2", "--1", "-", "", "-1.0-2.0"])
FILE_ENDS = st.sampled_from(
    ["-py3-none-any.whl", "-1-py3-none-any.whl", "-x.whl", ".tar.gz", ".zip", ".TAR.GZ", ".exe"]
)


@given(st.lists(st.builds("{}{}{}".format, BEGINS, MIDDLES, FILE_ENDS), max_size=8))
def test_generated_file_names(names: list[str]) -> None:
    version = _versions("a-b")
    assert [version(name) for name in names] == [file_version(name, "a-b") for name in names]
    for order in (lambda entry: entry, keys_in_order):
        check(as_json(*[order({"filename": name, "url": "x"}) for name in names]))


def check(reply: PageResponse) -> Groups:
    """Check that cutting and reading agree, and return what the page was cut into."""
    groups = group_reply(reply, name="a-b")
    page = parse_reply(reply, name="a-b")
    stored = load_page(dump_groups(groups, fetched_at=0.0, ordered=True))
    assert stored is not None
    wanted = {
        version: tuple([from_tuple(FileLink, row) for row in rows])
        for version, rows in grouped(page).files.items()
    }
    found = {version: stored.links(version) for version in stored.versions}
    assert {version: links for version, links in found.items() if links} == wanted
    assert (groups.status, groups.reason) == (page.status, page.reason)
    assert stored.order() == order_of(groups.files)
    uploads = {
        version: min([x.upload_time for x in links if x.upload_time], default="")
        for version, links in wanted.items()
    }
    if not page.refused:
        told = stored.uploads()
        assert told is not None
        assert {version: told[version] for version in wanted} == uploads
    return groups


def test_usual_html_is_cut() -> None:
    files = check(html(*PLAIN)).files
    assert {value[0] for value in files.values()} == {HTML}  # type: ignore[index]


@pytest.mark.parametrize("link", ODD)
def test_unusual_html_is_read(link: str) -> None:
    files = check(html(*PLAIN, link)).files
    assert all(value[0] != HTML for value in files.values())  # type: ignore[index]


PLACES = [
    "",
    "../",
    "../../../../",
    "/f/",
    "f/",
    "./",
    "../.././f/",
    "https://o/f/",
    "HTTPS://O/f/",
    "//o/",
    "x:/",
    "a b/",
]
NAMES = [
    "a_b-1.0-py3-none-any.whl",
    "A.B-1-2-py3-none-any.whl",
    "a-b-2.0.tar.gz",
    "a_b-3.zip",
    "other-1.tar.gz",
    "a_b.txt",
]
FRAGMENTS = ["", f"#sha256={SHA}", f"#SHA256={SHA.upper()}", "#md5=00&x=y", "#egg=a", "?q", "%2B.whl"]
VALUES = [
    "",
    "true",
    "True",
    f"sha256={SHA}",
    "&gt;=3.8,&lt;4",
    "&amp;",
    "&eacute;",
    "a\nb",
    "2024-01-02T03:04:05Z",
]
KEYS = ["requires-python", "yanked", "core-metadata", "dist-info-metadata", "upload-time", "x"]
ATTRIBUTES = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=3, unique_by=lambda x: x[0]
)
BEHIND = ["<br/>", "<br />\n", "", "</p><p>", "<li>", " text", "<!-- -->", "<b>", "</body>"]


@st.composite
def anchors(draw: st.DrawFn) -> str:
    place, name, fragment = (draw(st.sampled_from(each)) for each in (PLACES, NAMES, FRAGMENTS))
    attributes = "".join(f' data-{key}="{value}"' for key, value in draw(ATTRIBUTES))
    text = draw(st.sampled_from([name, "x", "x &amp; y", ""]))
    return f'<a href="{place}{name}{fragment}"{attributes}>{text}</a>{draw(st.sampled_from(BEHIND))}'


@given(links=st.lists(anchors(), max_size=5))
def test_generated_html(links: list[str]) -> None:
    check(html(*links))


@pytest.mark.parametrize(
    "head",
    [
        "<html><head><title>never closed",
        '<html><head><base href="https://elsewhere/"></head>',
        '<html><head><meta name="pypi:project-status" content="quarantined"></head>',
        '<html><head><meta name="pypi:project-status" content="archived">'
        '<meta name="pypi:repository-version" content="1.4">',
    ],
)
def test_what_the_head_says_counts(head: str) -> None:
    check(html(*PLAIN, head=head))


def test_json_is_cut() -> None:
    entries = [
        {"filename": "a_b-1.0-py3-none-any.whl", "url": "https://files/1", "hashes": {"sha256": SHA}},
        {"filename": "a_b-1.0.tar.gz", "url": "https://files/2", "hashes": {}, "yanked": "why", "size": 5},
        {
            "filename": "a_b-2-py3-none-any.whl",
            "url": "x",
            "upload-time": "2024-01-02T03:04:05Z",
            "yanked": True,
        },
        {"filename": "a_b-2-py3-none-win.whl", "url": "y", "core-metadata": {"sha256": SHA}, "upload-time": 5},
        {"filename": "other-2-py3-none-any.whl", "url": "y"},
        {"filename": "a_b-3/../x-py3-none-any.whl", "url": "y"},
        {"url": "https://files/a_b-4-py3-none-any.whl"},
        {"filename": "a_b-5-py3-none-any.whl"},
        None,
        5,
    ]
    files = check(as_json(*entries)).files
    assert {value[0] for value in files.values()} == {JSON}  # type: ignore[index]
    assert group_reply(as_json(*entries), name="a-b").refused == ("a_b-3/../x-py3-none-any.whl",)
    assert (
        check(as_json(*entries, **{"project-status": {"status": "quarantined", "reason": "bad"}})).files == {}
    )


USUAL = (
    {
        "filename": "a_b-1.0-py3-none-any.whl",
        "hashes": {"sha256": SHA},
        "url": "https://files/1",
        "yanked": False,
    },
    {"filename": "a_b-1.0.tar.gz", "url": "https://files/2", "yanked": 'said "no", {"filename": } \\ \u2019'},
    {
        "filename": "A.B-2-1-py3-none-any.whl",
        "url": "x",
        "core-metadata": {"sha256": SHA},
        "upload-time": "2024",
    },
    {"filename": "other-2-py3-none-any.whl", "url": "y"},
    {"filename": "a_b-1.0.zip", "url": "https://files/3"},
    {"filename": "a_b-3.exe", "url": "z"},
)
OTHERS: tuple[dict[str, object], ...] = (
    {"url": "https://files/a_b-4-py3-none-any.whl"},
    {"url": "u", "filename": "a_b-4-py3-none-any.whl"},
    {"filename": "a_b-4/../x-py3-none-any.whl", "url": "y"},
    {"filename": "a_b-4.zip"},
    {"filename": "a_b-4.zip", "url": {"url": "x"}},
    {"filename": "a_b-4.zip", "url": "y", "yanked": "\x1f"},
    {"filename": 4, "url": "a_b-6.zip"},
)


def keys_in_order(entry: dict[str, object]) -> dict[str, object]:
    """Return an entry as indexes write it that sort the keys, the same one first in all entries."""
    return dict(sorted({"core-metadata": False, **entry}.items()))


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("compact", [False, True])
def test_usual_json_is_cut(compact: bool, in_order: bool) -> None:
    reply = as_json(*map(keys_in_order, USUAL)) if in_order else as_json(*USUAL)
    if compact:
        body = json.dumps(json.loads(reply.body), separators=(",", ":"), ensure_ascii=False)
        reply = replace(reply, body=body.encode())
    groups = check(reply)
    assert list(groups.files) == ["1.0", "2"]
    assert groups.entries in reply.body
    assert groups.entries


@pytest.mark.parametrize("entry", OTHERS)
def test_unusual_json_is_read(entry: object) -> None:
    reply = as_json(*USUAL, entry, *USUAL)
    assert not check(reply).entries


def test_json_that_cannot_be_read_is_refused() -> None:
    for body in (as_json(*USUAL).body[:-9], as_json(*USUAL).body + b"]"):
        with pytest.raises(PageUnreadable):
            group_reply(replace(as_json(), body=body), name="a-b")


ENTRIES = [*USUAL, *map(keys_in_order, USUAL), *OTHERS, *map(keys_in_order, OTHERS), None, {}, "x"]


@given(entries=st.lists(st.sampled_from(ENTRIES), max_size=6))
def test_generated_json(entries: list[object]) -> None:
    check(as_json(*entries))


def test_key_outside_the_entries_is_not_taken_for_one_of_an_entry() -> None:
    entry = {"core-metadata": False, "url": "https://files/a_b-4-py3-none-any.whl"}
    check(as_json(*map(keys_in_order, USUAL), entry, more={"filename": "a_b-5.zip"}))
    check(as_json({"core-metadata": False, "filename": "a_b-4.zip"}, {"url": "https://files/a_b-5.zip"}))


def test_entry_in_an_entry_cannot_be_read_from_its_piece() -> None:
    inner = {"filename": "a_b-5.zip", "url": "x"}
    reply = as_json({"filename": "a_b-4.zip", "url": "y", "x": inner}, *USUAL)
    stored = load_page(dump_groups(group_reply(reply, name="a-b"), fetched_at=0.0))
    assert stored is not None
    assert stored.rows("4") is None
    whole = group_reply(reply, name="a-b", cut=False).files
    assert whole == grouped(parse_reply(reply, name="a-b")).files


@given(
    entries=st.lists(st.sampled_from(USUAL), min_size=1, max_size=12),
    asked=st.permutations(["1.0", "2", "3", "1", "0", "b"]),
)
def test_entries_that_are_searched_for_are_those_that_are_cut(
    entries: list[dict[str, object]], asked: list[str]
) -> None:
    whole = group_reply(as_json(*map(keys_in_order, entries)), name="a-b").entries
    searched = [UncutEntries(b"x" + whole, 1, "a-b").piece(text) for text in asked]
    cut = UncutEntries(b"x" + whole, 1, "a-b")
    assert [cut.piece(text) for text in asked] == searched
    assert [cut.piece(text) for text in asked] == searched


def test_entries_that_are_not_whole_give_no_other_version_a_file() -> None:
    url = "https://files/{}".format
    whole = {"filename": "a_b-1.0.zip", "url": url("a_b-1.0.zip"), "hashes": {}}
    reply = as_json(
        whole,
        {"filename": "a_b-2.zip", "hashes": {}},
        {"hashes": {}, "url": url("a_b-3.zip"), "filename": "a_b-3.zip"},
        {"filename": "a_b-4.zip", "url": url("a_b-4.zip"), "more": {"filename": 1, "url": 2}},
    )
    stored = load_page(dump_groups(group_reply(reply, name="a-b"), fetched_at=0.0))
    assert stored is not None
    read = grouped(parse_reply(reply, name="a-b")).files
    for version in stored.versions:
        wanted = [from_tuple(FileLink, row) for row in read.get(version, ())]
        assert all(link in wanted for link in stored.links(version) or ()), version


def test_damaged_entries_are_not_read() -> None:
    data = dump_groups(group_reply(as_json(*USUAL), name="a-b"), fetched_at=0.0)
    stored = load_page(data[:-1] + b"x")
    assert stored is not None
    assert stored.links("1.0") is None
    assert stored.uploads() is None


RELEASES = ["1", "1.0", "01.0", "0", "0.0.0", "1.0.1", "1.10", "2", "1..2", "1.", "\u00b2", "1!1", "v1", "x"]
ENDINGS = [
    "",
    "a1",
    ".dev1",
    ".post1",
    "rc1.post2",
    ".post1.dev2",
    "+local",
    "+1",
    "a1+x",
    "-1",
    "_1",
    ".0",
    "dev.1",
    "RC1",
    "b01.dev2",
]
SPELLINGS = st.builds("{}{}".format, st.sampled_from(RELEASES), st.sampled_from(ENDINGS))


@given(texts=st.lists(SPELLINGS, max_size=30, unique=True))
def test_generated_versions_are_in_the_order_of_packaging(texts: list[str]) -> None:
    known: dict[Version, list[str]] = {}
    for text in texts:
        if (version := parsed_version(text)) is not None:
            known.setdefault(version, []).append(text)
    order = order_of(texts)
    newest_first = sorted(known, reverse=True)
    assert order.names == tuple(str(version) for version in newest_first)
    assert [list(order.spellings(name)) for name in order.names] == [known[version] for version in newest_first]


def test_versions_in_order() -> None:
    order = order_of(["1.0", "1.0.0", "2.0_1", "v3", "nonsense", "1!0.1", "2.0.post1"])
    assert order.names == ("1!0.1", "3", "2.0.post1", "1.0")
    assert order.spellings("1.0") == ("1.0", "1.0.0")
    assert order.spellings("2.0.post1") == ("2.0_1", "2.0.post1")
    assert order.spellings("1!0.1") == ("1!0.1",)
    assert astuple(order)[0] == order.names
