import os

import pytest

from puffin.cache.layout import Cache
from puffin.stages.unzip import names
from puffin.stages.unzip.errors import BadArchive
from puffin.stages.unzip.manifest import read_manifest
from puffin.stages.unzip.unzip import read_metadata, unzip
from tests.helpers.wheels import Raw, forge_wheel, hostile_wheels, wheels_by_case

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


@pytest.mark.parametrize("label", wheels_by_case())
def test_names_that_differ_by_case_are_refused_where_file_systems_ignore_it(label, tmp_path, monkeypatch):
    filename, data = wheels_by_case()[label]
    monkeypatch.setattr(names, "IGNORES_CASE", True)
    with pytest.raises(BadArchive) as caught:
        unzip(data=data, filename=filename, sha256="ab" * 32, cache_root=str(tmp_path))
    assert "only by case or Unicode normalisation" in caught.value.reason
    monkeypatch.setattr(names, "IGNORES_CASE", False)
    unzip(data=data, filename=filename, sha256="ab" * 32, cache_root=str(tmp_path))
    manifest = read_manifest(Cache(str(tmp_path)).manifest("ab" * 32))
    assert manifest.files == 7  # both, one package, METADATA, WHEEL, RECORD and INSTALLER


def test_a_member_that_is_there_twice_with_the_same_bytes_is_one(tmp_path):
    same = [Raw("pkg/a.txt", b"same" * 50), Raw("pkg/a.txt", b"same" * 50)]
    filename, data = forge_wheel("pkg", "1", raw_members=same)
    unzip(data=data, filename=filename, sha256="ab" * 32, cache_root=str(tmp_path))
    archive = Cache(str(tmp_path)).archive("ab" * 32)
    assert sorted(os.listdir(f"{archive}/pkg")) == ["__init__.py", "a.txt"]
    filename, data = forge_wheel("pkg", "1", raw_members=[*same, Raw("pkg/a.txt", b"other" * 40)])
    with pytest.raises(BadArchive):
        unzip(data=data, filename=filename, sha256="cd" * 32, cache_root=str(tmp_path))


def test_metadata_of_a_hostile_wheel_is_not_read():
    filename, data, _ = HOSTILE["METADATA version"]
    with pytest.raises(BadArchive):
        read_metadata(data, filename)
