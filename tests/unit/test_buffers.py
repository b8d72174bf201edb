"""Buffers that are used again."""

import pytest

from puffin.stages import buffers


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(buffers, "_free", [])


def test_a_buffer_that_was_given_back_is_taken_again():
    first = buffers.take(3_000_000)
    buffers.give(first)
    assert buffers.take(2_000_000) is first


def test_the_smallest_that_will_do_is_taken():
    large, small = buffers.take(8_000_000), buffers.take(2_000_000)
    buffers.give(large)
    buffers.give(small)
    assert buffers.take(1_500_000) is small


def test_one_that_is_too_small_is_left():
    buffers.give(buffers.take(1_000_000))
    assert len(buffers.take(5_000_000)) >= 5_000_000


def test_no_more_is_kept_than_the_bound(monkeypatch):
    monkeypatch.setattr(buffers, "_MOST_KEPT", 4 << 20)
    for buffer in [buffers.take(2 << 20) for _ in range(4)]:
        buffers.give(buffer)
    assert sum(map(len, buffers._free)) <= 4 << 20


@pytest.mark.parametrize("size", [1, 2 << 20, 5_000_000])
def test_all_of_a_buffer_can_be_written(size):
    buffer = buffers.take(size)
    with memoryview(buffer)[:size] as view:
        view[:] = b"x" * size
    assert buffer[:size] == b"x" * size


def test_what_is_no_buffer_is_not_kept():
    buffers.give(b"bytes of somebody else")
    buffers.give(None)
    assert not buffers._free
