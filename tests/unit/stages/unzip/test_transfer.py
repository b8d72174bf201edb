"""Archives that travel in pieces: they arrive as they were, or not at all."""

import ast
import os
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puffin.cache.layout import Cache
from puffin.stages.unzip.manifest import read_manifest
from puffin.stages.unzip.ready import archive_ready, recheck
from puffin.stages.unzip.transfer import Arrival, BrokenTransfer, manifest_of, piece_of
from puffin.stages.unzip.unzip import unzip
from puffin.value import replace
from tests.helpers.wheels import forge_wheel

FILES = {
    "pkg/__init__.py": "x = 1\n" * 500,
    "pkg/empty.py": "",
    "pkg/deep/er/data.bin": "\0" * 5000,
    "pkg-1.0.data/scripts/run": "#!python\nprint(1)\n",
    "pkg-1.0.data/data/share/deep/pkg.txt": "text",
}


@pytest.fixture(scope="module")
def sender(tmp_path_factory):
    """A cache with one archive: the cache, and the archive."""
    name, data = forge_wheel("pkg", "1.0", FILES)
    root = str(tmp_path_factory.mktemp("sender"))
    return Cache(root, lower=()), unzip(
        data=data, filename=name, sha256=sha256(data).hexdigest(), cache_root=root
    )


def send(sender, cache, size, change=lambda piece, _at: piece):
    """Send the archive in pieces of *size* bytes, which *change* may damage."""
    source, archive = sender
    manifest = manifest_of(source, archive)
    with Arrival(cache, archive, manifest) as arrival:
        while arrival.taken < manifest.bytes:
            arrival.add(change(piece_of(source, archive, manifest, arrival.taken, size), arrival.taken))
        arrival.finish()


def receive(cache, archive, manifest, body):
    """Take an archive in one piece."""
    with Arrival(cache, archive, manifest) as arrival:
        arrival.add(body)
        arrival.finish()


def listed(root):
    """Return path, mode and content of all files at *root*, and its directories."""
    found = {}
    for at, directories, names in os.walk(root):
        found.update({os.path.relpath(f"{at}/{each}", root): None for each in directories})
        for each in names:
            path = f"{at}/{each}"
            with open(path, "rb") as file:
                found[os.path.relpath(path, root)] = os.stat(path).st_mode & 0o777, file.read()
    return found


@given(size=st.integers(min_value=1, max_value=30_000))
def test_an_archive_arrives_as_it_was(sender, tmp_path_factory, size):
    cache = Cache(str(tmp_path_factory.mktemp("cache")), lower=())
    source, archive = sender
    send(sender, cache, max(size, 300))
    assert listed(cache.archive(archive)) == listed(source.archive(archive))
    assert read_manifest(cache.manifest(archive)) == read_manifest(source.manifest(archive))
    assert archive_ready(cache, archive)
    assert recheck(cache, archive)
    assert os.listdir(f"{cache.root}/tmp-v0") == []
    send(sender, cache, 4000)  # a second time does no harm
    assert recheck(cache, archive)


@given(at=st.integers(min_value=0, max_value=8000), how=st.sampled_from(["flip", "cut", "more"]))
def test_a_damaged_one_leaves_nothing(sender, tmp_path_factory, at, how):
    cache = Cache(str(tmp_path_factory.mktemp("cache")), lower=())
    source, archive = sender
    manifest = manifest_of(source, archive)
    whole = bytearray(piece_of(source, archive, manifest, 0, manifest.bytes))
    assert len(whole) == manifest.bytes
    at = at % len(whole)
    if how == "flip":
        whole[at] ^= 0x55
    body = bytes(whole[:at] if how == "cut" else whole) + (b"x" if how == "more" else b"")
    with pytest.raises(BrokenTransfer):
        receive(cache, archive, manifest, body)
    assert not archive_ready(cache, archive)
    assert not os.path.exists(cache.archive(archive))
    assert os.listdir(f"{cache.root}/tmp-v0") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pkg/deep", "../evil"),
        ("pkg/deep", "pkg"),
        ("__init__.py", "../../evil"),
        ("__init__.py", "deep"),
        ("share", "../../evil"),
        ("run", "python"),
    ],
)
def test_an_archive_whose_files_would_lie_elsewhere_leaves_nothing(sender, tmp_path, old, new):
    source, archive = sender
    manifest = manifest_of(source, archive)
    changed = ast.literal_eval(repr((manifest.tree, manifest.outside)).replace(f"'{old}'", f"'{new}'"))
    assert changed != (manifest.tree, manifest.outside)
    cache = Cache(str(tmp_path / "cache"), lower=())
    with pytest.raises(BrokenTransfer):
        receive(cache, archive, replace(manifest, tree=changed[0], outside=changed[1]), b"")
    assert not list(tmp_path.rglob("*evil*"))
    assert not os.path.exists(cache.archive(archive))
