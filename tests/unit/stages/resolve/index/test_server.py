import http.client
import io
import threading
import zipfile
from pathlib import Path

import pytest

from puffin.cache.layout import Cache
from puffin.stages.resolve.index.errors import IndexRefused, IndexUnavailable, PageUnreadable
from puffin.stages.resolve.index.pages import Pages
from tests.helpers.index_http import LoopbackHttp, Unreachable
from tests.helpers.index_server import HTML, IndexServer
from tests.helpers.index_universe import scope_at

WHEEL = "foo_bar-1.0-py3-none-any.whl"
DATA = bytes(range(256)) * 8


def pages(tmp_path: Path, now: float = 1000.0) -> Pages:
    cache = Cache(str(tmp_path / "cache"))
    cache.initialise()
    return Pages(LoopbackHttp(), cache, scope_at(now))


def ask(
    server: IndexServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.root.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    finally:
        connection.close()


def wheel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo_bar-1.0.dist-info/METADATA", "Name: foo-bar\n")
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["auto", "html", "json"])
@pytest.mark.parametrize("relative", [False, True])
def test_both_kinds_of_pages_say_the_same(tmp_path: Path, mode: str, relative: bool) -> None:
    with IndexServer(mode=mode, relative=relative) as server:
        url = server.add(WHEEL, wheel_bytes(), requires_python=">=3.8", yanked="old & bad")
        (link,) = pages(tmp_path).links(server.url, "foo-bar", "1.0")
        assert (link.url, link.requires_python, link.yanked) == (url, ">=3.8", "old & bad")
        assert link.hashes[0].startswith("sha256:")
        assert link.metadata.startswith("sha256:")
        assert pages(tmp_path).page(server.url, "nope").status == "absent"
        assert [flat.url for flat in pages(tmp_path).flat(server.links)] == [url]
        assert ask(server, f"/files/{WHEEL}.metadata")[2] == b"Name: foo-bar\n"
        server.remove(WHEEL)
        assert ask(server, f"/files/{WHEEL}")[0] == 404


def test_a_query_of_the_index_is_one_of_its_pages(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        assert len(pages(tmp_path).links(f"{server.url}?sig=a%2Fb", "foo-bar", "1.0")) == 1
        assert server.requests[0].path == "/simple/foo-bar/?sig=a%2Fb"


def test_stale_pages_are_answered_with_304(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        pages(tmp_path).page(server.url, "foo-bar")
        assert len(pages(tmp_path, 5000.0).links(server.url, "foo-bar", "1.0")) == 1
        assert "if-none-match" in server.requests[1].headers
        assert server.count("/simple/foo-bar/") == 2


def test_ranges_and_heads() -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        path = f"/files/{WHEEL}"
        status, headers, body = ask(server, path, range="bytes=10-19")
        assert (status, body, headers["content-range"]) == (206, DATA[10:20], f"bytes 10-19/{len(DATA)}")
        assert ask(server, path, range="bytes=2040-")[2] == DATA[2040:]
        assert ask(server, path, range="bytes=-5")[2] == DATA[-5:]
        assert ask(server, path, range="bytes=9999-")[0] == 416
        assert ask(server, path, range="bytes=1-2", if_range='"other"')[0] == 200
        status, headers, body = ask(server, path, "HEAD")
        assert (status, headers["content-length"], body) == (200, str(len(DATA)), b"")
        server.fail(path, ["shift:3"])
        assert ask(server, path, range="bytes=10-19")[2] == DATA[13:23]


def test_faults_are_used_up_one_by_one() -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        path = f"/files/{WHEEL}"
        server.fail(path, [503, "garbage", "ok", f"redirect:{server.root}/x"])
        answers = [ask(server, path) for _ in range(5)]
        assert [status for status, _, _ in answers] == [503, 200, 200, 302, 200]
        assert answers[1][2] != DATA == answers[2][2]
        server.fail(path, [404], forever=True)
        assert [ask(server, path)[0] for _ in range(3)] == [404] * 3


def test_broken_connections() -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        path = f"/files/{WHEEL}"
        server.fail(path, ["drop:100", "reset"])
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask(server, path)
        assert len(caught.value.partial) == 100
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            ask(server, path)
        assert ask(server, path)[2] == DATA


def test_slow_answers_wait_until_they_are_released() -> None:
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        server.fail(f"/files/{WHEEL}", ["slow"])
        threading.Timer(0.05, server.released.set).start()
        assert ask(server, f"/files/{WHEEL}")[2] == DATA


def test_connections_are_kept_alive_and_ended_with_the_server() -> None:
    with IndexServer() as server:
        connection = http.client.HTTPConnection(server.root.removeprefix("http://"), timeout=10)
        for _ in range(2):
            connection.request("GET", "/simple/")
            assert connection.getresponse().read()
            kept = connection.sock
        assert connection.sock is kept is not None
    connection.close()


def test_index_trouble_becomes_errors(tmp_path: Path) -> None:
    with IndexServer(auth=("user", "secret")) as server:
        server.add(WHEEL, DATA)
        with pytest.raises(IndexRefused):
            pages(tmp_path).page(server.url, "foo-bar")
        assert "secret" in server.url_with("user", "secret")
    with IndexServer() as server:
        server.add(WHEEL, DATA)
        server.fail("/simple/foo-bar/", [503, "garbage", "reset"])
        for kind in (IndexUnavailable, PageUnreadable, Unreachable):
            with pytest.raises(kind):
                pages(tmp_path).page(server.url, "foo-bar")
        assert pages(tmp_path).page(server.url, "foo-bar").versions


def test_pages_of_ones_own() -> None:
    with IndexServer() as server:
        url = server.serve("/odd.html", b"<html>", HTML, cache_control="no-store", x_test="1")
        assert url == server.root + "/odd.html"
        status, headers, body = ask(server, "/odd.html?x=1")
        assert (status, body, headers["cache-control"], headers["x-test"]) == (200, b"<html>", "no-store", "1")
