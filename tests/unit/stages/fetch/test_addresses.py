"""Where hosts are: asked once, and again when nobody answers there any more."""

from __future__ import annotations

import socket
import threading

import pytest

from puffin.stages.fetch.connections import Addresses


@pytest.fixture
def asked(monkeypatch):
    """The hosts that the system was asked for."""
    real, found = socket.getaddrinfo, []

    def ask(host, port, *words, **options):
        found.append(host)
        return real("127.0.0.1", port, *words, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return found


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0), backlog=32) as server:
        yield server.getsockname()[1]


def test_many_connections_ask_once_for_each_host(asked, port):
    addresses, made = Addresses(), []

    def connect(host):
        made.append(addresses.connect(host, port, 5.0))

    threads = [threading.Thread(target=connect, args=(host,)) for host in ("one.example", "other.example") * 8]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(asked) == [b"one.example", b"other.example"]
    assert len(made) == 16
    for each in made:
        assert each.gettimeout() == 5.0
        each.close()


def test_a_host_that_does_not_answer_is_asked_for_anew(asked, port):
    addresses = Addresses()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            addresses.connect("gone.example", nobody, 5.0)
    assert asked == [b"gone.example"] * 2


def test_the_next_address_is_tried_where_one_refuses(monkeypatch, port):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*kind, ("127.0.0.1", nobody)), (*kind, ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with Addresses().connect("two.example", 443, 5.0) as made:
        assert made.getpeername()[1] == port


def test_what_the_system_says_of_an_unknown_host_is_raised(monkeypatch):
    def unknown(*_words, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="not known"):
        Addresses().connect("none.example", 443, 5.0)
