"""How counts, sizes and times are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cli.screen.quantities import clock, counted, duration, sharing, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00ms"),
        (0.0004, "0.40ms"),
        (0.087, "87ms"),
        (0.9996, "1.00s"),
        (9.996, "10.00s"),
        (59.996, "1m 00s"),
        (119.7, "2m 00s"),
        (125, "2m 05s"),
    ],
)
def test_times(value, text):
    assert duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (1023, "1.0 KiB"),
        (3565158, "3.4 MiB"),
        (297_000_000, "283 MiB"),
        (2**40, "1.0 TiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_sizes(value, text):
    assert size(value) == text


def test_what_environments_share():
    assert sharing(1208, 186, 297_000_000) == "1208 packages from 186 distinct files (283 MiB downloaded)"
    assert sharing(1, 1, None) == "1 package from 1 distinct file"


def test_counts():
    assert [counted(number) for number in (0, 1, 2)] == ["0 packages", "1 package", "2 packages"]


_DURATION = re.compile(r"(?:(\d+)m )?(\d+(?:\.\d+)?)(ms|s)")
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def seconds_of(text):
    found = _DURATION.fullmatch(text)
    assert found, text
    minutes, amount, unit = found.groups()
    assert float(amount) < (1000 if unit == "ms" else 60), text
    return 60 * int(minutes or 0) + float(amount) / (1000 if unit == "ms" else 1)


@given(st.floats(0.001, 1e6))
def test_a_time_is_read_as_what_it_was(seconds):
    assert seconds_of(duration(seconds)) == pytest.approx(seconds, rel=0.05, abs=0.0006)
    assert seconds - 1 <= seconds_of(clock(seconds)) <= seconds


@given(st.integers(0, 1 << 50))
def test_a_size_is_read_as_what_it_was(count):
    amount, unit = size(count).split(" ")
    assert float(amount) * _UNITS[unit] == pytest.approx(count, rel=0.05)
    assert float(amount) < 1000 or unit == "TiB"
