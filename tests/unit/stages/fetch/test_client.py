"""What the HTTP client does with answers, redirects, proxies and failures."""

import base64
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from puffin.artifact.urls import file_url
from puffin.errors import UsageError
from puffin.stages.fetch.failures import FileFailed, NetworkFailed, OfflineError, RequestRefused
from tests.helpers.fetching import client, get, redirects, script
from tests.helpers.scripted_server import Answer, ScriptedServer, gzipped
from tests.helpers.waiting import SECONDS


def test_a_page():
    with ScriptedServer(
        script(Answer(b"hello", headers={"X-Thing": "a", "Content-Type": "text/html"}))
    ) as server:
        reply = get(server, "/simple/x/?a=b%2Fc", {"Accept": "text/html"})
        assert (reply.status, reply.body, reply.url) == (200, b"hello", server.url("/simple/x/?a=b%2Fc"))
        assert reply.headers["x-thing"] == "a"
        (seen,) = server.seen
        assert seen.path == "/simple/x/?a=b%2Fc"
        assert seen.headers["accept"] == "text/html"
        assert seen.headers["user-agent"].startswith("puffin/")
        assert seen.headers["host"] == f"127.0.0.1:{server.port}"
        assert "gzip" in seen.headers["accept-encoding"]
        assert "authorization" not in seen.headers


@pytest.mark.parametrize("body", [b"", b"x", b"page " * 100_000])
def test_chunked_gzipped_and_empty_pages(body):
    padded = Answer(gzipped(body).body + bytes(7), headers={"Content-Encoding": "gzip"})
    answers = [Answer(body, chunked=True), gzipped(body), Answer(body), padded]
    with ScriptedServer(script(*answers)) as server, client() as mine:
        assert [mine.get(server.url()).body for _ in answers] == [body] * 4
        assert server.connections == 1


def test_a_page_that_a_proxy_has_changed():
    with ScriptedServer(script(Answer(b"page", status=203))) as server:
        assert (get(server).status, get(server).body) == (200, b"page")


def test_zstandard_pages():
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(b"page " * 1000)
    with ScriptedServer(script(Answer(packed, headers={"Content-Encoding": "zstd"}))) as server:
        assert get(server).body == b"page " * 1000
        assert "zstd" in server.seen[0].headers["accept-encoding"]


@pytest.mark.parametrize("status", [304, 404, 410])
def test_some_refusals_are_replies(status):
    with ScriptedServer(script(Answer(status=status, headers={"ETag": '"x"'}))) as server, client() as mine:
        reply = mine.get(server.url())
        assert (reply.status, reply.headers["etag"]) == (status, '"x"')
        assert mine.get(server.url()).status == status
        assert server.connections == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_status_that_may_pass_is_tried_again(status):
    slept = []
    with ScriptedServer(script(Answer(status=status), Answer(status=status), Answer(b"ok"))) as server:
        assert get(server, slept=slept).body == b"ok"
        assert slept == [0.1, 0.2]
        assert server.connections == 1


def test_the_server_says_when_to_come_back():
    slept = []
    answers = [Answer(status=503, headers={"Retry-After": seconds}) for seconds in ("3", "9999")]
    with ScriptedServer(script(*answers, Answer(b"ok"))) as server:
        get(server, slept=slept)
    assert slept == [3.0, 10.0]


def test_always_503():
    slept = []
    problem = json.dumps({"title": "Closed", "detail": "Back\nat nine"}).encode()
    answer = Answer(problem, status=503, headers={"Content-Type": "application/problem+json; charset=utf-8"})
    with ScriptedServer(script(answer)) as server:
        with pytest.raises(NetworkFailed) as raised:
            get(server, url=server.url("/x", userinfo="me:secret@"), slept=slept, retries=2)
        assert (
            raised.value.summary()
            == f"Failed to fetch `http://****@127.0.0.1:{server.port}/x` after 3 attempts"
        )
        cause = raised.value.causes[0].summary()
        assert cause == "the server answered 503 Service Unavailable: Closed: Back at nine"
        assert raised.value.status == 503
        assert len(server.seen) == 3


@pytest.mark.parametrize(
    "broken",
    [
        Answer(cut=-1),
        Answer(b"half of it", cut=4),
        Answer(b"half of it" * 1000, cut=1500, chunked=True),
        Answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["hung up", "cut", "cut in a chunk", "not decodable"],
)
def test_broken_answers_are_tried_again(broken):
    slept = []
    with ScriptedServer(script(broken, Answer(b"ok"))) as server:
        assert get(server, slept=slept).body == b"ok"
    assert slept == [0.1]


def test_nobody_listens():
    with ScriptedServer(script(Answer())) as server:
        url = server.url()
    slept = []
    with pytest.raises(NetworkFailed) as raised:
        get(None, url=url, slept=slept)
    assert slept == [0.1, 0.2, 0.4]
    assert raised.value.attempts == 4
    assert "refused" in raised.value.causes[0].summary()


def test_a_server_that_falls_silent():
    release = threading.Event()

    def silent(_seen):
        release.wait(10)
        return Answer()

    with ScriptedServer(silent) as server:
        with pytest.raises(NetworkFailed) as raised:
            get(server, timeout=0.05, retries=1)
        release.set()
        assert "timeout" in raised.value.causes[0].summary()
        assert raised.value.attempts == 2


def test_a_stale_connection_is_replaced_without_counting_as_a_failure():
    slept = []
    with (
        ScriptedServer(script(Answer(b"1", hang_up=True), Answer(b"2"), Answer(b"3"))) as server,
        client(slept) as mine,
    ):
        assert [mine.get(server.url()).body for _ in range(3)] == [b"1", b"2", b"3"]
        assert server.connections == 2
        assert slept == []


def test_other_refusals_are_final():
    with ScriptedServer(script(Answer(status=406))) as server, pytest.raises(RequestRefused) as raised:
        get(server, "/other")
    assert raised.value.summary() == f"Failed to fetch `{server.url('/other')}`: HTTP 406 Not Acceptable"
    assert len(server.seen) == 1


def test_redirects_without_end():
    with ScriptedServer(script(Answer(status=302, headers={"Location": "/"}))) as server:
        with pytest.raises(RequestRefused) as raised:
            get(server)
        assert "redirects" in raised.value.causes[0].summary()
        assert len(server.seen) == 21


def test_a_redirect_cannot_reach_files(tmp_path):
    (tmp_path / "x").write_text("mine")
    with ScriptedServer(redirects) as server, pytest.raises(UsageError, match="file"):
        get(server, f"/to/{file_url(str(tmp_path / 'x'))}")


@pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http://[::1/x", "http://user:hunter2@h\x00st/"])
def test_urls_that_cannot_be_fetched(url):
    with pytest.raises(UsageError) as raised:
        get(None, url=url)
    assert "hunter2" not in str(raised.value)


def test_offline_asks_nobody():
    with ScriptedServer(script(Answer())) as server:
        with pytest.raises(OfflineError) as raised:
            get(server, url=server.url("/x", userinfo="a:b@"), offline=True)
        assert server.seen == []
    assert f"`http://****@127.0.0.1:{server.port}/x`" in raised.value.summary()
    assert "--offline" in raised.value.hints[0]


def test_file_urls(tmp_path):
    (tmp_path / "index.html").write_bytes(b"<html>")
    (tmp_path / "page.JSON").write_bytes(b"{}")
    with client(offline=True) as mine:
        directory = mine.get(file_url(str(tmp_path)))
        assert (directory.status, directory.body) == (200, b"<html>")
        assert directory.url.endswith("/")
        assert (
            mine.get("FILE" + file_url(str(tmp_path / "page.JSON"))[4:]).headers["content-type"]
            == "application/json"
        )
        assert mine.get(file_url(str(tmp_path / "none"))).status == 404
        with pytest.raises(FileFailed):
            mine.get(file_url(str(tmp_path / ("x" * 300))))


def test_many_threads_share_one_client():
    wrong = []
    with ScriptedServer(lambda seen: Answer(seen.path.encode() * 1000, chunked="odd" in seen.path)) as server:
        with client() as mine:

            def work(number):
                for turn in range(20):
                    path = f"/{number}/{'odd' if turn % 2 else 'even'}/{turn}"
                    if mine.get(server.url(path)).body != path.encode() * 1000:
                        wrong.append(path)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []
        assert len(server.seen) == 160
        assert server.connections <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_shares_no_connection():
    program = textwrap.dedent("""
        import os, sys
        from puffin.stages.fetch.client import Client
        from puffin.stages.fetch.network import Network

        client = Client(Network())
        url = sys.argv[1]
        assert client.get(url + "first").body == b"/first"
        child = os.fork()
        if not child:
            os._exit(client.get(url + "child").body != b"/child")
        status = os.waitpid(child, 0)[1]
        assert client.get(url + "parent").body == b"/parent"
        sys.exit(status != 0)
    """)
    with ScriptedServer(lambda seen: Answer(seen.path.encode())) as server:
        command = [sys.executable, "-c", program, server.url("/")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert {seen.path: seen.connection for seen in server.seen} == {"/first": 1, "/child": 2, "/parent": 1}


def test_a_proxy_is_used_where_it_should_be():
    with (
        ScriptedServer(lambda seen: Answer(b"proxied " + seen.path.encode())) as proxy,
        ScriptedServer(script(Answer(b"direct"))) as server,
    ):
        settings = {"http_proxy": f"http://u:p@127.0.0.1:{proxy.port}", "no_proxy": "127.0.0.1"}
        assert get(None, url="http://index.invalid/x", **settings).body == b"proxied http://index.invalid/x"
        assert get(server, **settings).body == b"direct"
        assert base64.b64decode(proxy.seen[0].headers["proxy-authorization"].split()[1]) == b"u:p"
        assert len(proxy.seen) == 1


def test_an_error_of_a_proxy_names_the_proxy():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NetworkFailed) as raised:
        get(None, url="http://index.invalid/x", proxy=f"http://u:hunter2@127.0.0.1:{port}", retries=0)
    (cause,) = raised.value.causes
    assert str(cause).startswith(f"no connection to the proxy `http://****@127.0.0.1:{port}`: ")


def test_a_proxy_that_refuses_a_tunnel_is_named():
    with ScriptedServer(script()) as proxy, pytest.raises(NetworkFailed) as raised:
        get(None, url="https://index.invalid/x", proxy=proxy.url(""), retries=0)
    (cause,) = raised.value.causes
    assert str(cause).startswith(f"the proxy `{proxy.url('')}` refused: 501")


def test_a_proxy_that_cannot_be_used_is_a_matter_of_configuration():
    with pytest.raises(UsageError) as raised:
        get(None, url="http://index.invalid/x", proxy="gopher://u:hunter2@p")
    assert "gopher" in str(raised.value)
    assert "hunter2" not in str(raised.value)
