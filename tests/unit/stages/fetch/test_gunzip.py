"""Compressed pages are read by libdeflate as zlib reads them."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.stages.fetch import plain_request
from puffin.stages.fetch.plain_request import _all_members, _gunzipped, _one_member
from puffin.stages.fetch.retry import Transient

BODIES = st.one_of(
    st.binary(max_size=300), st.builds(bytes.__mul__, st.binary(max_size=9), st.integers(0, 5000))
)
TAILS = st.sampled_from([b"", b"\0", b"trailing", gzip.compress(b"more"), b"\x1f\x8b\x08"])


def outcome(read, data):
    try:
        return read(data)
    except Transient:
        return Transient


@given(st.lists(BODIES, max_size=2), TAILS, st.data())
def test_generated_bodies(bodies: list[bytes], tail: bytes, draw: st.DataObject) -> None:
    data = b"".join(map(gzip.compress, bodies)) + tail
    at = draw.draw(st.integers(0, len(data)))
    damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if at < len(data) else data
    for each in (data, damaged, data[:at]):
        assert outcome(_gunzipped, each) == outcome(_all_members, each)


def test_one_member_takes_no_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("deflate")
    body = b"page " * 1000
    assert _one_member(gzip.compress(body)) == body
    assert _one_member(gzip.compress(body) * 2) == b""
    monkeypatch.setattr(plain_request, "gzip_decompress", None)
    assert _one_member(gzip.compress(body)) == b""
    assert _gunzipped(gzip.compress(body)) == body
