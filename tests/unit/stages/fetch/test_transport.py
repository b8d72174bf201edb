import httpx
import pytest

from puffin.stages.fetch.answer import NotHttp
from puffin.stages.fetch.connections import ConnectionBroken
from puffin.stages.fetch.httpx_client import BODY, PooledTransport, transient
from puffin.stages.fetch.network import Network
from tests.helpers.scripted_server import Answer, ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer(lambda seen: Answer(b"0123456789" * 20_000, chunked=seen.path == "/chunked")) as server:
        yield server


@pytest.fixture
def http_client():
    with httpx.Client(transport=PooledTransport(Network()), trust_env=False) as client:
        yield client


def test_a_body_is_received_into_the_callers_buffer(server, http_client):
    with http_client.stream("GET", server.url()) as response:
        body = response.extensions[BODY]
        assert body.length == 200_000
        buffer, filled = bytearray(200_000), 0
        with memoryview(buffer) as view:
            while count := body.readinto(view[filled : filled + 70_000]):
                filled += count
                assert body.length == 200_000 - filled
    assert buffer == b"0123456789" * 20_000


def test_a_chunked_body_has_no_length(server, http_client):
    with http_client.stream("GET", server.url("/chunked")) as response:
        assert response.extensions[BODY].length is None
        assert response.read() == b"0123456789" * 20_000


def test_a_connection_returns_only_when_its_body_was_read(server, http_client):
    with http_client.stream("GET", server.url()) as response:
        response.read()
    with http_client.stream("GET", server.url()):
        pass  # unread: what is left on the connection must not become the next answer
    assert http_client.get(server.url()).content == b"0123456789" * 20_000
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


def test_connections_in_use_are_not_shared(server, http_client):
    with (
        http_client.stream("GET", server.url("/a")) as first,
        http_client.stream("GET", server.url("/b")) as second,
    ):
        assert second.read() == first.read()
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_closed_transport_keeps_no_connection(server):
    transport = PooledTransport(Network())
    with httpx.Client(transport=transport, trust_env=False) as client:
        client.get(server.url())
        response = client.send(client.build_request("GET", server.url()), stream=True)
    assert response.read() == b"0123456789" * 20_000  # one in use ends well
    response.close()
    assert not any(transport._connections._own.idle.values())


def test_the_status_line_and_repeated_headers_arrive(http_client):
    def script(_seen):
        return Answer(status=404, headers={"X-A": "1", "x-a": "2"})

    with ScriptedServer(script) as server:
        response = http_client.get(server.url())
    assert (response.status_code, response.reason_phrase, response.http_version) == (
        404,
        "Not Found",
        "HTTP/1.1",
    )
    assert response.headers.get_list("x-a") == ["1", "2"]


def test_other_schemes_are_unsupported(http_client):
    with pytest.raises(httpx.UnsupportedProtocol):
        http_client.get("ftp://127.0.0.1/")


@pytest.mark.parametrize(
    ("ours", "connecting", "theirs"),
    [
        (TimeoutError("x"), True, httpx.ConnectTimeout("x")),
        (TimeoutError("x"), False, httpx.ReadTimeout("x")),
        (ConnectionRefusedError("x"), True, httpx.ConnectError("x")),
        (ConnectionResetError("x"), False, httpx.ReadError("x")),
        (EOFError("x"), False, httpx.RemoteProtocolError("x")),
        (NotHttp("x"), False, httpx.RemoteProtocolError("x")),
    ],
)
def test_errors_are_worded_alike_with_and_without_a_proxy(ours, connecting, theirs):
    assert transient(ConnectionBroken(ours, connecting=connecting)).cause == transient(theirs).cause


def test_a_server_that_does_not_speak_http():
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-hello\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with (
            httpx.Client(transport=PooledTransport(Network()), trust_env=False) as client,
            pytest.raises(ConnectionBroken, match="SSH"),
        ):
            client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
