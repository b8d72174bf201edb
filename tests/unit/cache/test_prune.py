"""What prune chooses, and ages and sizes as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puffin.cache.contents import ARCHIVE, ENTRY, Item, plan_prune
from puffin.cache.layout import Bucket
from puffin.cli.commands.cache import bytes_of, seconds_of
from puffin.errors import UsageError

ITEMS = st.lists(
    st.builds(
        Item,
        kind=st.sampled_from([ARCHIVE, ENTRY]),
        name=st.integers(0, 10**9).map(str),
        paths=st.just(()),
        bytes=st.integers(0, 1000),
        used=st.integers(0, 1000).map(float),
        reachable=st.booleans(),
        built=st.booleans(),
        bucket=st.sampled_from([Bucket.SIMPLE, Bucket.METADATA, Bucket.SDISTS]),
    ),
    max_size=12,
    unique_by=lambda item: item.name,
)


@settings(deadline=None, derandomize=True)
@given(
    ITEMS,
    st.none() | st.integers(0, 1000),
    st.none() | st.integers(0, 6000),
    st.integers(0, 500),
    st.booleans(),
)
def test_what_stays_is_reachable_young_and_fits(items, age, size, other, ci):
    going = plan_prune(items, now=1000.0, unused_for=age, max_size=size, other_bytes=other, ci=ci)
    assert len({each.name for each in going}) == len(going)
    left = [each for each in items if each not in going]
    assert all(each.reachable for each in left if each.kind == ARCHIVE)
    assert age is None or all(1000.0 - each.used < age for each in left)
    assert size is None or not left or sum(each.bytes for each in left) + other <= size
    assert not ci or all(
        each.built if each.kind == ARCHIVE else each.bucket == Bucket.METADATA for each in left
    )


def test_nothing_more_goes_than_must():
    def item(name, used, size, **more):
        return Item(kind=ARCHIVE, name=name, paths=(), bytes=size, used=used, **more)

    old, middle, new = item("old", 1.0, 10), item("middle", 2.0, 10), item("new", 3.0, 10)
    items = (new, old, middle)
    assert plan_prune(items, now=10.0) == ()
    assert plan_prune(items, now=10.0, max_size=30) == ()
    assert plan_prune(items, now=10.0, max_size=29) == (old,)
    assert plan_prune(items, now=10.0, max_size=29, other_bytes=15) == (old, middle)
    assert plan_prune(items, now=10.0, unused_for=8.5) == (old,)
    built = item("built", 0.0, 10, built=True)
    assert plan_prune((*items, built), now=10.0, ci=True) == items


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("14d", 1209600), ("12h", 43200), ("2w", 1209600), ("1.5h", 5400), ("90s", 90), (" 3M ", 180)],
)
def test_ages(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("2G", 2 << 30), ("500MiB", 500 << 20), ("1.5g", 3 << 29), ("7", 7), ("7b", 7), ("1kb", 1024), ("0", 0)],
)
def test_sizes(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "d", "14", "1x", "-1d", "1 2d", "1..2d", "1e3d", "\u0663d"])
def test_what_is_no_age(text):
    with pytest.raises(UsageError) as caught:
        seconds_of(text)
    assert str(caught.value) == f"`{text}` is not an age"


@pytest.mark.parametrize("text", ["", "G", "1Q", "-1", "1GG", "1.2.3G", "nan", "\u00b2"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError):
        bytes_of(text)
