"""``puffin cache dir`` and ``puffin cache clean``."""

import re

import pytest

from tests.helpers.cli import told
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def filled(puffin, env, index):
    for name in ("alpha", "beta"):
        index.add(*forge_wheel(name, "1.0"))
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", index.url).code == 0
    return puffin.cache


def test_dir_by_option_variable_and_default(puffin):
    assert puffin("cache", "dir")[:3] == (0, "[TMP]/cache\n", "")
    assert puffin("cache", "dir", "--cache-dir", "here").out == "[TMP]/here/here\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": "~/mine"}).out == "[TMP]/home/mine\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": "", "XDG_CACHE_HOME": "/xdg"}).out == "/xdg/puffin\n"
    assert puffin("cache", "dir", env={"PUFFIN_CACHE_DIR": ""}).out == "[TMP]/home/.cache/puffin\n"
    assert not (puffin.cwd / "here").exists()


def test_the_cache_is_marked_as_one(filled):
    assert (filled / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert (filled / ".gitignore").read_text() == "*\n"


def test_clean_of_all(puffin, filled, env):
    done = puffin("cache", "clean")
    assert (done.code, done.out) == (0, "")
    assert re.fullmatch(r"Removed \d+ files \(\d+\.\d[KM]iB\) from \[TMP\]/cache\n", done.err), done.err
    assert not filled.exists()
    assert env.run("-c", "import alpha; print(alpha.__version__)") == "1.0", "environments live on"
    assert puffin("clean").err == "No cache found at [TMP]/cache\n"


def test_clean_of_packages(puffin, filled, env, index):
    done = puffin("cache", "clean", "Alpha")
    assert done.err.startswith("Removed ")
    names = {path.name.partition("-")[0] for path in filled.rglob("*.dist-info")}
    assert names == {"beta"}
    assert not list(filled.rglob("*alpha*"))
    assert puffin("cache", "clean", "nobody").err == "No cache entries found\n"
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-p", other.root, "-i", index.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=1, installed=2)


def test_clean_does_not_follow_links_out_of_the_cache(puffin, filled):
    outside = puffin.root / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    (filled / "wheels-v0" / "link").symlink_to(outside)
    (filled / "archive-v0" / "link").symlink_to(outside)
    assert puffin("cache", "clean", "alpha").code == 0
    assert puffin("cache", "clean").code == 0
    assert (outside / "precious.txt").read_text() == "precious"
    assert not filled.exists()


def test_quiet(puffin, filled):
    assert puffin("cache", "clean", "-q")[:3] == (0, "", "")
