"""Trees as archives, fit to be unpacked elsewhere; and which interpreters make wheels for which."""

import os

import pytest

from puffin.stages.build.remote import pack_tree, server_of
from puffin.stages.build.remote_here import Python, pack, unpacked_wire
from puffin.stages.build.unpack import unpack as unpack_source
from puffin.value import replace


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "src" / "inner").mkdir(parents=True)
    (root / "src" / "inner" / "module.py").write_text("X = 1\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "empty").mkdir()
    return root


def unpacked(data, place):
    top = unpack_source(data, "thing-source.tar.gz", str(place), package="thing")
    return {
        os.path.relpath(os.path.join(directory, name), top)
        for directory, names, files in os.walk(top)
        for name in (*names, *files)
    }


def test_a_tree_comes_out_as_it_went_in(tree, tmp_path):
    data, sha256 = pack_tree(str(tree))
    assert (data, sha256) == pack_tree(str(tree))
    found = unpacked(data, tmp_path / "out")
    assert found == {"src", "src/inner", "src/inner/module.py", "run.sh", "empty"}
    assert os.access(tmp_path / "out" / "source" / "run.sh", os.X_OK)
    (tree / "src" / "inner" / "module.py").write_text("X = 2\n")
    assert pack_tree(str(tree))[1] != sha256


def test_environments_caches_and_pipes_stay_at_home(tree, tmp_path):
    for name, mark in ((".venv", "pyvenv.cfg"), (".cache", "CACHEDIR.TAG"), ("__pycache__", "x.pyc")):
        (tree / name).mkdir()
        (tree / name / mark).write_text("")
    os.mkfifo(tree / "pipe")
    assert unpacked(pack_tree(str(tree))[0], tmp_path / "out") == {
        "src", "src/inner", "src/inner/module.py", "run.sh", "empty"}  # fmt: skip


def test_links_stay_links_inside_and_become_what_they_lead_to_outside(tree, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "common.py").write_text("Y = 2\n")
    (tree / "inside").symlink_to("src/inner")
    (tree / "outside").symlink_to("../shared")
    (tree / "absolute.py").symlink_to(tmp_path / "shared" / "common.py")
    (tree / "nowhere").symlink_to("missing-elsewhere/../../gone")
    (tree / "again").symlink_to("..")
    os.link(tree / "run.sh", tree / "hard.sh")
    place = tmp_path / "out"
    unpacked(pack_tree(str(tree))[0], place)
    top = place / "source"
    assert os.readlink(top / "inside") == "src/inner"
    assert not (top / "outside").is_symlink()
    assert (top / "outside" / "common.py").read_text() == "Y = 2\n"
    assert (top / "absolute.py").read_text() == "Y = 2\n"
    assert not (top / "absolute.py").is_symlink()
    assert (top / "hard.sh").read_text() == "#!/bin/sh\n"
    assert not (top / "nowhere").exists()


HERE = Python(
    implementation="cpython", version=(3, 12), abi="cp312", platforms=("manylinux_2_36_x86_64", "linux_x86_64")
)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"platforms": ("linux_x86_64",)}, True),
        ({"platforms": ("manylinux_2_39_x86_64", *HERE.platforms)}, False),
        ({"platforms": ("linux_aarch64",)}, False),
        ({"version": (3, 13)}, False),
        ({"abi": "cp312d"}, False),
        ({"implementation": "pypy"}, False),
    ],
)
def test_which_interpreters_make_wheels_for_which(changes, fits):
    assert replace(HERE, **changes).makes_for(HERE) is fits
    assert str(HERE) == "cpython 3.12 (cp312, manylinux_2_36_x86_64)"


def test_what_is_packed_cannot_be_read_by_looking():
    data = pack(("https://user:hunter2@example.org/simple", b"x" * 1000))
    assert b"hunter2" not in data
    assert unpacked_wire(data) == ("https://user:hunter2@example.org/simple", b"x" * 1000)


def test_servers_are_named_without_credentials():
    assert server_of("https://u:p@example.org:8443/a/b?c") == "https://example.org:8443"
