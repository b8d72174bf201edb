"""Answers, as servers may send them: in pieces, announced, chunked, without a length, and not in HTTP at all."""

from __future__ import annotations

import gc
import socket
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.fetch.answer import HttpResponse, NotHttp, request_bytes


class Wire:
    """The receiving end of a connection: hands out *pieces*, then the end."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def recv(self, most):
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > most:
            self.pieces.insert(0, piece[most:])
        return piece[:most]

    def recv_into(self, view):
        piece = self.recv(len(view))
        view[: len(piece)] = piece
        return len(piece)


def answer(*pieces, method="GET"):
    return HttpResponse(Wire(*pieces), method)


def test_a_head_and_a_body():
    found = answer(b"HTTP/1.1 200 Fine by me\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello")
    assert (found.status, found.reason, found.length, found.keeps) == (200, "Fine by me", 5, True)
    assert found.headers == {"content-length": "5", "x-a": "1, 2"}
    assert found.fields == [(b"Content-Length", b"5"), (b"X-A", b"1"), (b"x-a", b"2")]
    assert not found.done
    assert found.read() == b"hello"
    assert found.done


WHOLE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=1\r\n, world\r\n0\r\nX-T: 1\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world"
UNMEASURED = b"HTTP/1.0 200 OK\r\n\r\nhello, world"


@given(
    raw=st.sampled_from([WHOLE, PLAIN, UNMEASURED]),
    cuts=st.lists(st.integers(1, 90), max_size=8),
    most=st.integers(1, 20),
)
def test_a_body_is_the_same_however_it_is_cut_and_received(raw, cuts, most):
    places = [0, *sorted({cut for cut in cuts if cut < len(raw)}), len(raw)]
    found = answer(*[raw[a:b] for a, b in pairwise(places)])
    parts, buffer = [], bytearray(most)
    with memoryview(buffer) as view:
        while count := found.readinto(view):
            parts.append(bytes(view[:count]))
    assert b"".join(parts) == b"hello, world"
    assert found.done
    assert found.keeps is (raw is not UNMEASURED)


def test_what_only_announces_an_answer_is_passed_over():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    found = answer(hints, hints + b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert (found.status, found.headers, found.done) == (404, {"content-length": "0"}, True)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_answers_that_have_no_body(method, status):
    found = answer(b"HTTP/1.1 %d X\r\nContent-Length: 100\r\n\r\n" % status, method=method)
    assert found.read() == b""
    assert (found.done, found.keeps) == (True, True)


def test_the_server_says_that_it_closes():
    assert not answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").keeps


def test_lines_may_end_without_a_carriage_return():
    found = answer(b"HTTP/1.1 200 OK\nContent-Length: 2\nETag: x\n\nab")
    assert (found.headers["etag"], found.read()) == ("x", b"ab")


def test_what_follows_an_answer_is_not_its_business_but_ends_the_connection():
    found = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHELLO")
    assert found.read() == b"ab"
    assert not found.keeps


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-hello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: unknown\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_not_http(raw):
    with pytest.raises(NotHttp, match=raw[:3].decode()):
        answer(raw)


def test_a_bad_chunk():
    found = answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n")
    with pytest.raises(NotHttp, match="zz"):
        found.read()


@pytest.mark.parametrize(
    ("raw", "error", "told"),
    [
        (b"", ConnectionResetError, "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", EOFError, "in the head"),
        (PLAIN[:-4], EOFError, "with 4 bytes still to come"),
        (WHOLE[:-30], EOFError, "middle of a body"),
    ],
)
def test_a_connection_that_ends_too_early(raw, error, told):
    with pytest.raises(error, match=told):
        answer(raw).read()


@pytest.mark.parametrize("raw", [WHOLE, PLAIN, UNMEASURED])
def test_answers_leave_no_cycles(raw):
    gc.disable()
    try:
        found = answer(raw)
        found.read()
        alive = weakref.ref(found)
        del found
        assert alive() is None
    finally:
        gc.enable()


def test_a_request():
    headers = [("host", "x.example"), (b"accept", b"*/*")]
    assert (
        request_bytes("GET", "/a?b", headers) == b"GET /a?b HTTP/1.1\r\nhost: x.example\r\naccept: */*\r\n\r\n"
    )
    assert request_bytes("POST", "/", [], b"body").endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize(
    ("target", "value"), [("/a\r\nX: y", "b"), ("/a\n", "b"), ("/a", "b\rc"), ("/a", "b\0")]
)
def test_a_request_cannot_smuggle_another(target, value):
    with pytest.raises(NotHttp, match="line break"):
        request_bytes("GET", target, [("x", value)])


def test_a_real_connection():
    here, there = socket.socketpair()
    with here, there:
        there.sendall(PLAIN)
        assert HttpResponse(here, "GET").read() == b"hello, world"
