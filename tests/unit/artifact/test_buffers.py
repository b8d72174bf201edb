"""Buffers that are used again."""

import mmap

import pytest

from puffin.artifact import buffers


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(buffers, "_free", [])


def _give(buffer):
    buffers.give(memoryview(buffer))


def test_a_buffer_that_was_given_back_is_taken_again():
    first = buffers.take(3_000_000)
    _give(first)
    assert buffers.take(2_000_000) is first


def test_the_smallest_that_will_do_is_taken():
    large, small = buffers.take(8_000_000), buffers.take(2_000_000)
    _give(large)
    _give(small)
    assert buffers.take(1_500_000) is small


def test_the_largest_grows_where_none_is_large_enough():
    small, large, heap = buffers.take(3_000_000), buffers.take(5_000_000), buffers.take(10)
    for buffer in (small, large, heap):
        _give(buffer)
    grown = buffers.take(9_000_000)
    assert len(grown) >= 9_000_000
    if isinstance(large, mmap.mmap):
        assert grown is large
        assert buffers._free == [small, heap]
    grown[8_999_999] = 1


def test_one_that_is_still_looked_at_does_not_grow():
    buffer = buffers.take(3_000_000)
    buffer[:3] = b"old"
    seen = memoryview(buffer)[:3]
    _give(buffer)
    assert buffers.take(9_000_000) is not buffer
    assert bytes(seen) == b"old"


def test_a_view_that_was_given_back_cannot_be_used():
    view = memoryview(buffers.take(100))
    buffers.give(view)
    with pytest.raises(ValueError, match="released"):
        view[0]


def test_no_more_is_kept_than_the_bound(monkeypatch):
    monkeypatch.setattr(buffers, "_MOST_KEPT", 4 << 20)
    for buffer in [buffers.take(2 << 20) for _ in range(4)]:
        _give(buffer)
    assert sum(map(len, buffers._free)) <= 4 << 20


@pytest.mark.parametrize("size", [1, 2 << 20, 5_000_000])
def test_all_of_a_buffer_can_be_written(size):
    buffer = buffers.take(size)
    with memoryview(buffer)[:size] as view:
        view[:] = b"x" * size
    assert buffer[:size] == b"x" * size


def test_what_is_no_buffer_is_not_kept():
    view = memoryview(b"bytes of somebody else")
    buffers.give(view)
    assert not buffers._free
    assert view[:5] == b"bytes"
