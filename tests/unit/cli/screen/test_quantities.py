"""How counts, sizes and times are written."""

import pytest

from puffin.cli.screen.quantities import counted, duration, sharing, size


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
