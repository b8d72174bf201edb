import json
import mmap
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.stages.fetch.client import PageResponse
from puffin.stages.resolve.index.config import IndexConfig, canonical
from puffin.stages.resolve.index.errors import (
    IndexAnswered,
    IndexRefused,
    IndexUnavailable,
    NotInCache,
    PlaceMissing,
)
from puffin.stages.resolve.index.page import FileLink, Groups, Policy
from puffin.stages.resolve.index.pages import Pages, page_path
from puffin.stages.resolve.index.stored import dump_groups, load_page
from puffin.value import astuple
from tests.helpers.cli import CHECKOUT
from tests.helpers.index_http import FakeHttp, Unreachable, json_reply
from tests.helpers.index_universe import scope_at

INDEX = "https://host.invalid/simple"
URL = INDEX + "/foo/"
WHEEL = "foo-1.0-py3-none-any.whl"
PAGE = b'{"meta": {"api-version": "1.0"}, "files": [{"url": "/f/foo-1.0-py3-none-any.whl", "hashes": {}}]}'
LINK = FileLink(filename=WHEEL, url=f"https://host.invalid/f/{WHEEL}")


def dumped(**versions: list[FileLink]) -> bytes:
    groups = {text: tuple(astuple(link) for link in links) for text, links in versions.items()}
    return dump_groups(Groups(url=URL, files=groups), fetched_at=5.0, policy=Policy(max_age=600, etag='"e"'))


def load_version(data: bytes, version: str) -> tuple[FileLink, ...] | None:
    page = load_page(data)
    return None if page is None else page.links(version)


def test_versions_load_one_by_one() -> None:
    other = FileLink(filename="x", url="y", hashes=("sha256:aa",), yanked="", size=3, metadata="true")
    data = dumped(one=[LINK], two=[other, LINK])
    page = load_page(data)
    assert page is not None
    assert list(page.versions) == ["one", "two"]
    assert load_version(data, "two") == (other, LINK)
    assert load_version(data, "three") == ()


def test_damage_is_seen_where_it_is() -> None:
    data = bytearray(dumped(one=[LINK], two=[LINK]))
    data[-3] ^= 1
    assert load_version(bytes(data), "one") == (LINK,)
    assert load_version(bytes(data), "two") is None
    assert load_page(bytes(data[:40])) is None


@given(st.binary(max_size=100))
def test_foreign_bytes_are_a_miss(data: bytes) -> None:
    assert load_page(data) is None
    assert load_version(data, "1") is None


def test_reading_imports_nothing_heavy() -> None:
    code = (
        "import sys, os; before = set(sys.modules); import puffin.stages.resolve.index.stored,"
        "puffin.stages.resolve.locate.tags, puffin.stages.resolve.index.config;"
        "heavy = ('httpx', 'selectolax', 'tomllib', 'zipfile', 'email', 'dask', 'click');"
        "print([m for m in set(sys.modules) - before if m.partition('.')[0] in heavy])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


class Run:
    """Pages of runs that share a cache and a fake server."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.http = FakeHttp({URL: json_reply(URL, PAGE, cache_control="max-age=60", etag='"e"')})

    def pages(
        self, now: float = 1000.0, *, refresh: bool | tuple[str, ...] = False, offline: bool = False
    ) -> Pages:
        return Pages(self.http, self.cache, scope_at(now, refresh=refresh, offline=offline))

    def links(self, pages: Pages) -> tuple[FileLink, ...]:
        return pages.links(INDEX, "foo", "1.0")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    cache = Cache(str(tmp_path / "cache"))
    cache.initialise()
    return Run(cache)


def test_fresh_pages_need_no_request(run: Run) -> None:
    pages = run.pages()
    assert run.links(pages) == run.links(pages) == (LINK,)
    assert run.links(run.pages(1059.0)) == (LINK,)
    assert run.http.urls() == [URL]
    assert run.http.asked[0][1]["accept"].startswith("application/vnd.pypi.simple.v1+json")


def make_large(run: Run, cache_control: str) -> None:
    files = [
        {"filename": f"foo-{at}.0-py3-none-any.whl", "url": f"/f/{at}", "hashes": {}} for at in range(3000)
    ]
    body = json.dumps({"meta": {"api-version": "1.0"}, "files": files}).encode()
    run.http.answers[URL] = json_reply(URL, body, cache_control=cache_control)


@pytest.mark.parametrize("kept", [True, False])
def test_other_process_tells_where_a_large_page_lies(run: Run, kept: bool) -> None:
    make_large(run, "max-age=60" if kept else "no-store")
    other, own = run.pages(), run.pages()
    page = other.page(INDEX, "foo")
    told = other.told(INDEX, "foo")
    assert told is not None
    assert bool(told[1]) is (not kept or sys.platform == "win32")
    own.adopt(INDEX, "foo", told)
    assert own.page(INDEX, "foo").versions == page.versions
    assert len(run.http.asked) == 1
    later = run.pages()
    Path(page_path(run.cache, INDEX, "foo")).unlink(missing_ok=True)
    later.adopt(INDEX, "foo", told)
    assert later.page(INDEX, "foo").versions == page.versions


def test_large_pages_are_read_as_small_ones(run: Run) -> None:
    make_large(run, "max-age=60")
    fetched = run.pages().page(INDEX, "foo")
    stored = run.pages().page(INDEX, "foo")
    if sys.platform != "win32":
        assert isinstance(stored.data, mmap.mmap)
    assert stored.versions == fetched.versions
    assert [stored.rows(version) for version in stored.versions] == [fetched.rows(v) for v in fetched.versions]


def test_stale_pages_are_asked_for_with_their_validators(run: Run) -> None:
    run.links(run.pages())
    run.http.answers[URL] = PageResponse(status=304, url=URL, headers={}, body=b"")
    assert run.links(run.pages(1060.0)) == (LINK,)
    assert run.http.asked[-1][1]["if-none-match"] == '"e"'
    assert run.links(run.pages(1119.0)) == (LINK,)  # the answer made it fresh for as long as before
    assert len(run.http.asked) == 2


def test_a_clock_that_went_back_makes_pages_stale(run: Run) -> None:
    run.links(run.pages())
    run.links(run.pages(900.0))
    assert len(run.http.asked) == 2


@pytest.mark.parametrize(("refresh", "requests"), [(True, 2), (("foo",), 2), (("bar",), 1)])
def test_refresh(run: Run, refresh: bool | tuple[str, ...], requests: int) -> None:
    run.links(run.pages())
    run.links(run.pages(refresh=refresh))
    assert len(run.http.asked) == requests


def test_offline_takes_pages_of_any_age_and_asks_nobody(run: Run) -> None:
    run.links(run.pages())
    assert run.links(run.pages(1e9, offline=True)) == (LINK,)
    with pytest.raises(NotInCache, match="`bar`"):
        run.pages(offline=True).page(INDEX, "bar")
    assert len(run.http.asked) == 1


def test_absent_names_are_remembered_for_offline_only(run: Run) -> None:
    assert run.pages().page(INDEX, "bar").status == "absent"
    assert run.pages().page(INDEX, "bar").status == "absent"
    assert len(run.http.asked) == 2
    assert run.pages(offline=True).page(INDEX, "bar").status == "absent"


def test_nothing_is_kept_of_what_must_not_be_stored(run: Run) -> None:
    run.http.answers[URL] = json_reply(URL, PAGE, cache_control="no-store")
    assert run.links(run.pages()) == (LINK,)
    with pytest.raises(NotInCache):
        run.links(run.pages(offline=True))


def test_damaged_pages_are_fetched_again(run: Run) -> None:
    run.links(run.pages())
    path = Path(page_path(run.cache, INDEX, "foo"))
    path.write_bytes(path.read_bytes()[:-2])
    assert run.links(run.pages()) == (LINK,)
    mended = load_page(path.read_bytes())
    assert mended is not None
    assert all(mended.links(version) for version in mended.versions)
    assert "if-none-match" not in run.http.asked[-1][1]
    path.write_bytes(b"")
    assert run.links(run.pages()) == (LINK,)


def test_page_that_was_cut_in_the_wrong_place_is_read_whole(run: Run) -> None:
    inner = b'{"filename": "foo-2.zip", "url": "x"}'
    entry = b'{"filename": "%s", "url": "/f/%s", "x": %s, "hashes": {}}' % (
        WHEEL.encode(),
        WHEEL.encode(),
        inner,
    )
    last = b'{"filename": "foo-3.zip", "url": "x"}'
    body = b'{"meta": {"api-version": "1.0"}, "files": [%s, %s]}' % (entry, last)
    run.http.answers[URL] = json_reply(URL, body)
    assert run.links(run.pages()) == (LINK,)
    assert len(run.http.asked) == 2


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    run = Run(Cache(str(tmp_path / "file")))
    assert run.links(run.pages()) == (LINK,)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, IndexRefused, 1),
        (403, IndexRefused, 1),
        (400, IndexAnswered, 1),
        (503, IndexUnavailable, 75),
        (304, IndexAnswered, 1),
    ],
)
def test_other_answers(run: Run, status: int, kind: type[IndexAnswered], code: int) -> None:
    url = "https://u:secret@host.invalid/simple/"
    run.http.answers[url + "foo/"] = PageResponse(status=status, url=url + "foo/", headers={}, body=b"")
    with pytest.raises(kind, match=str(status)) as caught:
        run.pages().page(url, "foo")
    assert caught.value.exit_code == code
    assert "secret" not in repr(caught.value.__dict__)


def test_an_index_that_is_down_is_not_asked_again(run: Run) -> None:
    run.http.answers[URL] = Unreachable(url=URL)
    pages = run.pages()
    with pytest.raises(Unreachable) as first:
        pages.page(INDEX, "foo")
    with pytest.raises(Unreachable) as second:
        pages.page(INDEX, "bar")
    assert first.value is second.value
    assert len(run.http.asked) == 1


def test_prefetch_asks_for_each_page_once(run: Run) -> None:
    pages = run.pages()
    pages.prefetch([(INDEX, "foo"), (INDEX, "bar"), (INDEX, "foo")])
    assert sorted(run.http.urls()) == [INDEX + "/bar/", URL]
    pages.page(INDEX, "foo")
    assert len(run.http.asked) == 2


def test_flat_pages_are_cached_too(run: Run) -> None:
    place = "https://host.invalid/links.html"
    html = f'<a href="{WHEEL}">x</a>'.encode()
    run.http.answers[place] = PageResponse(
        status=200, url=place, headers={"content-type": "text/html"}, body=html
    )
    assert [link.filename for link in run.pages().flat(place)] == [WHEEL]
    assert [link.filename for link in run.pages(offline=True).flat(place)] == [WHEEL]
    assert len(run.http.asked) == 1
    del run.http.answers[place]
    with pytest.raises(IndexAnswered, match="404"):
        run.pages(refresh=True).flat(place)


def test_local_places(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "my links"
    place.mkdir()
    (place / WHEEL).write_bytes(b"x")
    (place / "notes.txt").write_bytes(b"x")
    (place / "page.html").write_text(f'<A HREF="{WHEEL}">x</A>')
    for location in (
        str(place),
        place.as_uri().replace("file:", "FILE:"),
        str(place / "page.html"),
        str(place / WHEEL),
    ):
        (link,) = run.pages().flat(location)
        assert (link.filename, link.url) == (WHEEL, (place / WHEEL).as_uri())
    with pytest.raises(PlaceMissing, match="nowhere") as caught:
        run.pages().flat(str(tmp_path / "nowhere"))
    assert caught.value.exit_code == 2


def test_local_indexes(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "simple"
    (root / "foo").mkdir(parents=True)
    (root / "foo" / WHEEL).write_bytes(b"x")
    pages = run.pages(offline=True)
    assert [link.filename for link in pages.links(root.as_uri(), "foo", "1.0")] == [WHEEL]
    assert pages.page(root.as_uri(), "bar").status == "absent"
    (root / "foo" / "index.html").write_text(f'<a href="../f/{WHEEL}">x</a>')
    (link,) = run.pages().links(root.as_uri() + "/", "foo", "1.0")
    assert link.url == (root / "f" / WHEEL).as_uri()
    with pytest.raises(PlaceMissing, match="absent-index"):
        run.pages().page((tmp_path / "absent-index").as_uri(), "foo")


def test_configuration_digest_ignores_credentials_and_spelling() -> None:
    one = IndexConfig(index_url="https://u:p@Host.invalid:443/simple/", extra_index_urls=("http://b:80",))
    two = IndexConfig(index_url="https://host.invalid/simple", extra_index_urls=("http://b/",))
    assert one.digest() == two.digest()
    assert len(one.digest()) == 16
    assert one.digest() != IndexConfig(index_url="http://b", extra_index_urls=two.indexes()).digest()
    assert two.indexes() == ("http://b/", "https://host.invalid/simple")
    assert IndexConfig(find_links=("http://b",)).digest() != IndexConfig(index_url="http://b").digest()


def test_local_paths_have_one_form(tmp_path: Path) -> None:
    assert canonical(str(tmp_path)) == canonical(tmp_path.as_uri().replace("file", "FILE")) == tmp_path.as_uri()
