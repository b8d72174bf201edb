import os

import pytest

from puffin.stages.unzip.errors import BadArchive
from puffin.stages.unzip.unzip import read_metadata, unzip
from tests.helpers.wheels import hostile_wheels

HOSTILE = hostile_wheels()


def _visible(root):
    return [os.path.join(at, name) for at, _, names in os.walk(root) for name in names if "v0" in at]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_wheel_is_refused_and_nothing_stays_in_the_cache(label, tmp_path):
    filename, data, reason = HOSTILE[label]
    with pytest.raises(BadArchive) as caught:
        unzip(data=data, filename=filename, sha256="ab" * 32, cache_root=str(tmp_path))
    assert reason in caught.value.reason
    assert caught.value.reason in str(caught.value.causes[0])
    assert str(caught.value) == f"`{filename}` has an invalid package format"
    assert all(c.isprintable() for c in str(caught.value.causes[0]))
    assert _visible(tmp_path) == []
    assert os.listdir(tmp_path) in ([], ["tmp-v0"]) or os.listdir(tmp_path / "tmp-v0") == []


def test_metadata_of_a_hostile_wheel_is_not_read():
    filename, data, _ = HOSTILE["METADATA version"]
    with pytest.raises(BadArchive):
        read_metadata(data, filename)
