import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from puffin.errors import PuffinError
from puffin.stages.fetch.client import PageResponse
from puffin.stages.resolve.index.errors import PageUnreadable, UnknownApiVersion
from puffin.stages.resolve.index.http import content_type, parse_reply, policy
from puffin.stages.resolve.index.page import FileLink, file_version, grouped, is_safe
from puffin.stages.resolve.index.parse import parse_html, parse_json

URL = "https://host.invalid/simple/foo/"
WHEEL = "foo-1.0-py3-none-any.whl"
SHA = "a" * 64


def html_files(text: str, url: str = URL) -> tuple[FileLink, ...]:
    return parse_html(text.encode(), name="foo", url=url).files


def json_page(*files: object, **page: object) -> bytes:
    return json.dumps({"meta": {"api-version": "1.0"}, "name": "foo", "files": files, **page}).encode()


def json_file(**fields: object) -> dict[str, object]:
    return {"filename": WHEEL, "url": f"/f/{WHEEL}", "hashes": {}, **fields}


def test_html_link_with_everything() -> None:
    (link,) = html_files(
        f"""<A HREF="../../f/{WHEEL}#sha256={SHA.upper()}&amp;egg=foo"
        DATA-REQUIRES-PYTHON="&gt;=3.8" data-yanked="bad &amp; broken" data-core-metadata="sha256={SHA}"
        data-upload-time="2024-01-02T03:04:05Z">
          {WHEEL} </A>"""
    )
    assert link == FileLink(
        filename=WHEEL,
        url=f"https://host.invalid/f/{WHEEL}",
        hashes=(f"sha256:{SHA}",),
        requires_python=">=3.8",
        yanked="bad & broken",
        upload_time="2024-01-02T03:04:05Z",
        metadata=f"sha256:{SHA}",
    )


def test_html_bare_attributes() -> None:
    (link,) = html_files(f'<a href="{WHEEL}" data-yanked data-dist-info-metadata="true">x</a>')
    assert (link.yanked, link.metadata, link.hashes) == ("", "true", ())
    (link,) = html_files(f'<a href="{WHEEL}">x</a>')
    assert (link.yanked, link.metadata) == (None, "")


def test_html_base_and_whitespace() -> None:
    (link,) = html_files(f'<base href="/other/"><a href=" \n{WHEEL}\n">x</a>')
    assert link.url == f"https://host.invalid/other/{WHEEL}"


def test_credentials_of_the_page_are_not_in_its_links() -> None:
    page = parse_html(
        f'<a href="{WHEEL}">x</a>'.encode(), name="foo", url="https://u:secret@host.invalid/simple/foo/"
    )
    assert "secret" not in repr(page)


@pytest.mark.parametrize(
    "href",
    [
        f"%2e%2e%2f{WHEEL}",
        f"..%2F{WHEEL}",
        f"..%5c{WHEEL}",
        f"%252e%252e%252f{WHEEL}",
        f".{WHEEL}",
        f"foo%00{WHEEL}",
        f"foo%0a{WHEEL}",
        f"ftp://host/{WHEEL}",
        f"https:///{WHEEL}",
        f"http://[x/{WHEEL}",
        "x" * 300 + ".whl",
    ],
)
def test_unsafe_links_are_refused_in_html_and_json(href: str) -> None:
    page = parse_html(
        f'<a href="{href}">x</a><a href="ok-1-py3-none-any.whl">x</a>'.encode(), name="ok", url=URL
    )
    assert [link.filename for link in page.files] == ["ok-1-py3-none-any.whl"]
    assert len(page.refused) == 1
    loaded = parse_json(json_page({"url": href, "hashes": {}}), name="foo", url=URL)
    assert (loaded.files, len(loaded.refused)) == ((), 1)


def test_a_page_may_name_local_files() -> None:
    href = f"file:///srv/{WHEEL}"
    page = parse_html(f'<a href="{href}">x</a>'.encode(), name="foo", url=URL)
    loaded = parse_json(json_page({"url": href, "hashes": {}}), name="foo", url=URL)
    assert [link.url for link in (*page.files, *loaded.files)] == [href, href]


@pytest.mark.parametrize(
    "name", [f"../{WHEEL}", f"a\\{WHEEL}", f"c:{WHEEL}", f"\x1b[31m{WHEEL}", f"\ud800{WHEEL}"]
)
def test_json_filename_is_checked(name: str) -> None:
    page = parse_json(json_page(json_file(filename=name)), name="foo", url=URL)
    assert page.files == ()
    assert len(page.refused) == 1


def test_links_that_are_no_archives_are_passed_over() -> None:
    page = parse_html(
        b'<a href="../">up</a><a href="?C=N">n</a><a>no</a><a href="foo-1.egg">e</a>', name="foo", url=URL
    )
    assert (page.files, page.refused) == ((), ())


def test_json_file_with_everything() -> None:
    file = json_file(
        hashes={"sha256": SHA, "weird": "x"},
        size=12,
        yanked="no good\nreally",
        **{"requires-python": ">=3.8", "upload-time": "2024", "core-metadata": {"sha256": SHA}},
    )
    (link,) = parse_json(json_page(file), name="foo", url=URL).files
    assert link == FileLink(
        filename=WHEEL,
        url=f"https://host.invalid/f/{WHEEL}",
        hashes=(f"sha256:{SHA}",),
        requires_python=">=3.8",
        yanked="no good really",
        size=12,
        upload_time="2024",
        metadata=f"sha256:{SHA}",
    )


@pytest.mark.parametrize(
    ("value", "yanked"), [(True, ""), (False, None), ("", None), ("why", "why"), (None, None)]
)
def test_json_yanked(value: object, yanked: str | None) -> None:
    (link,) = parse_json(json_page(json_file(yanked=value)), name="foo", url=URL).files
    assert link.yanked == yanked


def test_quarantined_projects_have_no_files() -> None:
    body = json_page(json_file(), **{"project-status": {"status": "quarantined", "reason": "malware"}})
    page = parse_json(body, name="foo", url=URL)
    assert (page.files, page.status, page.reason) == ((), "quarantined", "malware")
    meta = '<meta name="pypi:project-status" content="quarantined">'
    assert html_files(f'{meta}<a href="{WHEEL}">x</a>') == ()
    archived = json_page(json_file(), **{"project-status": {"status": "archived"}})
    assert len(parse_json(archived, name="foo", url=URL).files) == 1


def test_later_api_versions_are_refused() -> None:
    with pytest.raises(UnknownApiVersion, match=r"version 2.0"):
        parse_json(b'{"meta": {"api-version": "2.0"}, "files": []}', name="foo", url=URL)
    with pytest.raises(UnknownApiVersion, match=r"version 2.1"):
        html_files('<meta name="pypi:repository-version" content="2.1">')
    assert parse_json(b'{"meta": {"api-version": "1.9"}, "files": []}', name="foo", url=URL).files == ()


def reply(kind: str, body: bytes) -> PageResponse:
    return PageResponse(
        status=200, url="https://u:secret@host.invalid/simple/foo/", headers={"content-type": kind}, body=body
    )


@pytest.mark.parametrize(
    "kind", ["text/html; charset=UTF-8", "application/vnd.pypi.simple.v1+html", "TEXT/HTML"]
)
def test_html_is_dispatched_by_content_type(kind: str) -> None:
    assert len(parse_reply(reply(kind, f'<a href="{WHEEL}">'.encode()), name="foo").files) == 1


def test_other_character_sets() -> None:
    body = f'<a href="{WHEEL}" data-yanked="caf\xe9">'.encode("latin-1")
    (link,) = parse_reply(reply("text/html; charset=latin-1", body), name="foo").files
    assert link.yanked == "café"
    assert len(parse_reply(reply("text/html; charset=nonsense", body), name="foo").files) == 1
    assert len(parse_reply(reply("text/html; charset=zlib_codec", body), name="foo").files) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/pdf", b"%PDF"),
        ("", b"{}"),
        ("text/html", b"\x00\xff garbage"),
        ("application/vnd.pypi.simple.v1+json", b"<html>"),
        ("application/vnd.pypi.simple.v1+json", b"[" * 100_000),
        ("application/vnd.pypi.simple.v1+json", b"[]"),
        ("application/json", b'{"files": 3}'),
    ],
)
def test_garbage_names_url_and_content_type(kind: str, body: bytes) -> None:
    with pytest.raises(PageUnreadable) as caught:
        parse_reply(reply(kind, body), name="foo")
    assert "host.invalid/simple/foo/" in str(caught.value)
    assert kind in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_foreign(body: bytes) -> None:
    for kind in ("text/html", "application/vnd.pypi.simple.v1+json", "application/octet-stream"):
        try:
            parse_reply(reply(kind, body), name="foo")
        except PuffinError:
            pass
    parse_html(body, name="foo", url=URL)


@given(st.text(max_size=60))
@example("\ud800.whl")
@example("//[.whl")
@example("http://[::1.whl")
@example("http:// .whl")
def test_arbitrary_links_raise_nothing_and_stay_safe(href: str) -> None:
    text = f'<a href="{href}">x</a>'.encode("utf-8", "surrogatepass")
    names = list(parse_html(text, name="", url=URL).files)
    names += parse_json(json_page({"url": href}, {"filename": href, "url": href}), name="", url=URL).files
    assert all(is_safe(link.filename) and link.url.startswith(("https://", "http://")) for link in names)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = ("filename", "url", "hashes", "requires-python", "yanked", "size", "upload-time", "core-metadata")


@given(st.dictionaries(st.sampled_from(keys), values), values, values)
def test_arbitrary_json_values_raise_nothing_foreign(
    file: dict[str, object], meta: object, status: object
) -> None:
    page = {"meta": meta, "files": [{"url": WHEEL, **file}, meta], "project-status": status}
    try:
        parse_json(json.dumps(page).encode(), name="foo", url=URL)
    except PuffinError:
        pass


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("foo_bar-1.0-py3-none-any.whl", "1.0"),
        ("Foo.Bar-1.0+cpu-1-py3-none-any.whl", "1.0+cpu"),
        ("foo-bar-1.0.tar.gz", "1.0"),
        ("foo_bar-1.0-1.zip", "1.0-1"),
        ("foo-bar-baz-1.0.tar.gz", "baz-1.0"),
        ("foo-1.0.tar.gz", ""),
        ("foo_bar-1.0-any.whl", ""),
        ("foo_bar.tar.gz", ""),
        ("foo_bar-1.0.exe", ""),
    ],
)
def test_version_of_a_file_name(filename: str, version: str) -> None:
    assert file_version(filename, "foo-bar") == version


def test_pages_group_only_their_own_project() -> None:
    text = (
        '<a href="foo-1-py3-none-any.whl"></a><a href="bar-1-py3-none-any.whl"></a><a href="foo-1.tar.gz"></a>'
    )
    files = grouped(parse_html(text.encode(), name="foo", url=URL)).files
    assert {version: [row[0] for row in rows] for version, rows in files.items()} == {
        "1": ["foo-1-py3-none-any.whl", "foo-1.tar.gz"]
    }


@pytest.mark.parametrize(
    ("headers", "age", "store"),
    [
        ({}, 600, True),
        ({"cache-control": "max-age=60, public"}, 60, True),
        ({"cache-control": "Max-Age=60", "age": "20"}, 40, True),
        ({"cache-control": "no-cache, max-age=60"}, 0, True),
        ({"cache-control": "no-store"}, 0, False),
        ({"cache-control": "max-age=x"}, 0, True),
        ({"etag": '"x"'}, 0, True),
        ({"expires": "0"}, 0, True),
        ({"expires": "0", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0, True),
        ({"expires": "Thu, 01 Jan 2026 00:05:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 300, True),
        (
            {"expires": "Thu, 01 Jan 2026 00:05:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT", "age": "60"},
            240,
            True,
        ),
        ({"expires": "Thu, 01 Jan 2026 00:05:00 GMT"}, 0, True),
        ({"cache-control": "max-age=60", "expires": "0", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 60, True),
        ({"cache-control": "max-age=60", "vary": "*"}, 0, True),
        ({"cache-control": "max-age=60", "vary": "Accept"}, 60, True),
        ({"cache-control": "s-maxage=60", "etag": "x"}, 0, True),
    ],
)
def test_policy(headers: dict[str, str], age: int, store: bool) -> None:
    said = policy(headers)
    assert (said.max_age, said.store) == (age, store)


def test_content_type() -> None:
    assert content_type({"content-type": 'Text/HTML ; Charset="ISO-8859-1"'}) == ("text/html", "ISO-8859-1")
    assert content_type({}) == ("", "utf-8")
