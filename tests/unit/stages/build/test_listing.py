"""What a build environment held when it was made."""

import os
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from puffin.cache.layout import Cache
from puffin.stages.build.environment import build_environment, has_listing, is_damaged, is_whole, write_listing
from puffin.stages.link.interpreter.known import inspect_interpreter
from puffin.stages.link.linker import ArchiveGone
from puffin.stages.unzip.store import store
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def root(tmp_path):
    (tmp_path / "lib/a/__pycache__").mkdir(parents=True)
    (tmp_path / "lib/a/one.py").write_text("1")
    (tmp_path / "lib/a/empty.py").write_text("")
    (tmp_path / "lib/a/__pycache__/one.pyc").write_bytes(b"x")
    (tmp_path / "python").symlink_to("/nowhere/python")
    (tmp_path / "lib64").symlink_to("lib")
    write_listing(str(tmp_path))
    return tmp_path


def test_what_is_as_it_was_is_whole_whatever_bytecode_there_is(root):
    assert is_whole(str(root))
    (root / "lib/a/__pycache__/one.pyc").unlink()
    (root / "lib/a/__pycache__/two.pyc").write_bytes(b"xx")
    (root / "lib/new.py").write_text("added")
    assert is_whole(str(root))


@pytest.mark.parametrize("gone", ["lib/a/one.py", "lib/a/empty.py", "python", "lib64"])
def test_what_lost_a_file_or_a_link_is_damaged(root, gone):
    (root / gone).unlink()
    assert not is_whole(str(root))
    assert is_damaged(str(root))


def test_what_has_a_file_of_another_size_is_damaged(root):
    os.truncate(root / "lib/a/one.py", 0)
    assert is_damaged(str(root))


@pytest.mark.parametrize("listing", [b"", b"nonsense", b"puffin1\n"])
def test_a_listing_that_cannot_be_read_vouches_for_nothing(root, listing):
    (root / ".listing").write_bytes(listing)
    assert not is_whole(str(root))


def test_an_environment_without_a_listing_is_not_whole_but_was_not_damaged(root):
    (root / ".listing").unlink()
    assert (is_whole(str(root)), has_listing(str(root)), is_damaged(str(root))) == (False, False, False)


@pytest.fixture
def make(tmp_path):
    """Make sure of the build environment with one wheel, as the task does; return its path."""
    cache = Cache(str(tmp_path / "cache"))
    cache.initialise()
    filename, data = forge_wheel("toy", "1.0", {"toy.py": "told = 1"})
    interpreter = inspect_interpreter(sys.executable, cache).wire()
    archive = sha256(data).hexdigest()

    def run(*, bring=True):
        if bring:
            fetched = (archive, len(data), memoryview(bytearray(data)))
            store(fetched=fetched, filename=filename, name="toy", source="index/x", cache_root=cache.root)
        return Path(build_environment(interpreter=interpreter, cache_root=cache.root, archive0=archive))

    return run


def test_the_task_makes_a_damaged_environment_anew_and_leaves_a_whole_one(make):
    root = make()
    before = root.stat().st_ino
    assert make().stat().st_ino == before
    (module,) = root.glob("lib/python*/site-packages/toy.py")
    module.unlink()
    assert make().stat().st_ino != before
    assert module.read_text() == "told = 1"
    assert is_whole(str(root))


def test_the_task_links_no_archive_that_has_the_same_damage(make):
    root = make()
    (module,) = root.glob("lib/python*/site-packages/toy.py")
    os.truncate(module, 2)
    with pytest.raises(ArchiveGone):
        make(bring=False)
    make()
    assert module.read_text() == "told = 1"
    assert is_whole(str(root))
