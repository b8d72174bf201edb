"""Answers and archives that do not end, or become too much: one clear error, soon, and little memory."""

import contextlib
import gzip
import socket
import threading
import time
import zlib

import pytest
import zstandard

from puffin.artifact.limits import HEAD, AnswerTooLarge, inflated
from puffin.stages.fetch import answer
from puffin.stages.fetch.client import Client
from puffin.stages.fetch.download import download
from puffin.stages.fetch.failures import NetworkFailed
from puffin.stages.fetch.network import Network
from puffin.stages.resolve.index.errors import PageUnreadable
from puffin.stages.resolve.index.parse import parse_html
from puffin.stages.unzip.errors import BadArchive
from puffin.stages.unzip.unzip import read_metadata
from tests.helpers.waiting import SOON
from tests.helpers.wheels import forge_wheel

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PIECE = b"10000\r\n" + bytes(0x10000) + b"\r\n"
LINK = b'<a href="x-1-py3-none-any.whl">x-1-py3-none-any.whl</a>'


@contextlib.contextmanager
def server(*parts, again=b"", pause=0.0):
    """Send *parts* to each client, then *again* for ever; yield the URL."""

    def talk(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(b"".join(parts))
            while again and not done.wait(pause):
                connection.sendall(again)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x.whl"
        done.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.fixture
def client():
    with contextlib.closing(Client(Network(retries=0, timeout=5.0))) as made:
        yield made


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setenv("PUFFIN_MAX_PAGE_BYTES", str(1 << 20))
    monkeypatch.setenv("PUFFIN_MAX_UNTOLD_BYTES", str(1 << 20))


@pytest.mark.parametrize(
    ("head", "again"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", PIECE),
        (OK + b"\r\n", bytes(0x10000)),
        (OK + b"Content-Length: 99999999999999\r\n\r\n", bytes(0x10000)),
    ],
)
def test_a_page_without_end(client, head, again):
    with server(head, again=again) as url, pytest.raises(AnswerTooLarge) as caught:
        client.get(url)
    assert caught.value.exit_code == 1
    assert caught.value.most == 1 << 20
    assert "`PUFFIN_MAX_PAGE_BYTES`" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(bytes(64 << 20))),
        ("zstd", zstandard.compress(bytes(64 << 20))),
        ("deflate", zlib.compress(bytes(64 << 20))),
    ],
)
def test_a_page_that_is_a_bomb(client, coding, packed):
    head = OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(head, packed) as url, pytest.raises(AnswerTooLarge):
        client.get(url)


def test_a_file_without_end(client):
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    with server(head, again=PIECE) as url, pytest.raises(AnswerTooLarge) as caught:
        download(client, url)
    assert "`PUFFIN_MAX_UNTOLD_BYTES`" in caught.value.hints[0]


@pytest.mark.parametrize(
    "parts",
    [
        (OK + b"X: " + b"x" * 2 * HEAD,),
        (OK + b"A: b\r\n" * HEAD,),
        (b"HTTP/1.1 103 Early\r\n\r\n" * HEAD,),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 2 * HEAD),
    ],
    ids=["a long field", "many fields", "many heads", "a long extension"],
)
def test_a_head_without_end(client, parts):
    began = time.monotonic()
    with server(*parts) as url, pytest.raises(NetworkFailed) as caught:
        client.get(url)
    assert f"has more than {HEAD} bytes" in str(caught.value.causes[0])
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("head", [OK + b"Content-Length: 9999\r\n\r\n", OK, b""])
def test_a_server_that_drips(client, head, monkeypatch):
    monkeypatch.setattr(answer, "RATE_WINDOW", 0.3)
    with server(head, again=b"X", pause=0.05) as url, pytest.raises(NetworkFailed) as caught:
        client.get(url)
    assert caught.value.exit_code == 75


def test_a_slow_server_may_be_allowed(client, monkeypatch):
    monkeypatch.setattr(answer, "RATE_WINDOW", 0.1)
    monkeypatch.setenv("PUFFIN_MIN_RATE", "0")
    with server(OK + b"Content-Length: 10\r\n\r\n", again=b"X", pause=0.05) as url:
        assert client.get(url).body == b"X" * 10


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table>", "<ul><li>", "<svg><g>"])
def test_elements_without_end(tag):
    with pytest.raises(PageUnreadable) as caught:
        parse_html(tag.encode() * 100_000 + LINK, name="x", url="http://x.example/")
    assert "within each other" in str(caught.value.causes[0])


def test_attributes_without_end():
    many = " ".join(f'x{number}="1"' for number in range(100_000)).encode()
    with pytest.raises(PageUnreadable):
        parse_html(b"<a " + many + b">" + LINK, name="x", url="http://x.example/")


@pytest.mark.parametrize("tag", ["<p>", "<br>", "<li>", "<a name=x>", "<div></div>"])
def test_a_long_page_is_none_that_is_deep(tag):
    page = parse_html(tag.encode() * 3000 + LINK, name="x", url="http://x.example/")
    assert [each.filename for each in page.files] == ["x-1-py3-none-any.whl"]


def test_a_wheel_that_is_a_bomb(monkeypatch):
    monkeypatch.setattr("puffin.artifact.limits._HARMLESS_BYTES", 1 << 20)
    name, data = forge_wheel("bomb", "1.0", {"bomb/z": bytes(8 << 20)})
    with pytest.raises(BadArchive) as caught:
        read_metadata(data, name)
    assert "as only an archive bomb does" in caught.value.reason
    monkeypatch.setenv("PUFFIN_MAX_UNPACKED_BYTES", str(9 << 20))
    assert b"Name: bomb" in read_metadata(data, name)
    monkeypatch.setenv("PUFFIN_MAX_UNPACKED_BYTES", str(7 << 20))
    assert "it holds more than 7340032 bytes" in inflated(len(data), 8 << 20)
