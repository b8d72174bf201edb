"""Whose metadata counts: that of the file that is installed, not that of another one of its version."""

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist, tar_bytes
from tests.helpers.wheels import forge_wheel

FOREIGN = "cp312-cp312-win_amd64"


@pytest.fixture
def shop(index):
    """Three packages whose source distribution needs ``source``, and whose wheel needs ``binary``."""
    index.add(*forge_backend())
    for name in ("source", "binary"):
        index.add(*forge_wheel(name, "1.0"))
    for name, tag, yanked in (("foreign", FOREIGN, None), ("yanked", None, "bad"), ("barred", None, None)):
        options = {"tag": tag} if tag else {}
        index.add(*forge_wheel(name, "1.0", requires=["binary"], **options), yanked=yanked)
        index.add(*forge_sdist(name, requires=["source"]))
    return index


@pytest.mark.parametrize("words", [("foreign",), ("yanked",), ("barred", "--no-binary", "barred")])
def test_what_a_built_wheel_needs_is_installed(puffin, env, shop, words):
    done = puffin("pip", "install", *words, "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {words[0]: "1.0", "source": "1.0"}
    assert puffin("pip", "check").code == 0


def test_a_compilation_reads_a_source_distribution_that_tells(puffin, shop):
    info = "Metadata-Version: 2.2\nName: static\nVersion: 1.0\nRequires-Dist: source\n"
    shop.add("static-1.0.tar.gz", tar_bytes({"static-1.0/PKG-INFO": info, "static-1.0/setup.py": ""}))
    shop.add(*forge_wheel("static", "1.0", requires=["binary"], tag=FOREIGN))
    done = puffin("pip", "compile", "-", "--no-header", "--no-annotate", "-i", shop.url, stdin="static\n")
    assert (done.code, done.out) == (0, "source==1.0\nstatic==1.0\n"), done.err


def test_a_wheel_for_another_major_version_tells_nothing(puffin, shop, index):
    for tag, needs in (
        ("cp26-cp26mu-linux_x86_64", "farthest"),
        ("cp27-cp27mu-linux_x86_64", "far"),
        ("cp36-cp36m-linux_x86_64", "binary"),
        ("cp35-cp35m-linux_x86_64", "farther"),
    ):
        index.add(*forge_wheel("old", "1.0", requires=[needs], tag=tag))
        if tag.startswith("cp2"):
            index.add(*forge_wheel("older", "1.0", requires=[needs], tag=tag))
    index.add(*forge_sdist("old", requires=["source"]))
    index.add(*forge_sdist("older", requires=["source"]))
    done = puffin("pip", "compile", "-", "--no-header", "--no-annotate", "-i", index.url, stdin="old\n")
    assert (done.code, done.out) == (0, "binary==1.0\nold==1.0\n"), done.err
    done = puffin("pip", "compile", "-", "--no-header", "--no-annotate", "-i", index.url, stdin="older\n")
    assert (done.code, done.out) == (0, "older==1.0\nsource==1.0\n"), done.err


def test_a_source_distribution_is_fetched_once(puffin, env, index):
    index.add(*forge_backend())
    index.add(*forge_sdist("thing"))
    assert puffin("pip", "install", "thing", "-i", index.url).code == 0
    assert index.count("/files/thing-1.0.tar.gz") == 1
