"""Which file a version means where some are yanked: the same one, by whichever command it is asked for."""

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


def pip_sync(puffin, index, text):
    puffin.file("requirements.txt", text)
    return puffin("pip", "sync", "requirements.txt", "-i", index.url)


def pip_install(puffin, index, text):
    puffin.file("requirements.txt", text)
    return puffin("pip", "install", "-r", "requirements.txt", "-i", index.url)


def sync(puffin, index, text):
    puffin.file("requirements.txt", text)
    return puffin("sync", "requirements.txt", "-i", index.url)


def compiled(puffin, index, text):
    puffin.file("requirements.in", text)
    done = puffin("pip", "compile", "requirements.in", "-o", "requirements.txt", "-i", index.url)
    return puffin("pip", "sync", "requirements.txt", "-i", index.url) if done.code == 0 else done


WAYS = {"pip sync": pip_sync, "pip install": pip_install, "sync": sync, "compile, pip sync": compiled}
EVERY_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@EVERY_WAY
def test_the_file_that_is_not_yanked_is_taken_though_it_has_to_be_built(puffin, env, shop, tmp_path, way):
    told = tmp_path / "told"
    shop.add(*forge_wheel("a", "1.0"), yanked="broken")
    shop.add(*forge_sdist("a", told=told, static=True))
    done = way(puffin, shop, "a==1.0\n")
    assert done.code == 0, done.err
    assert "yanked" not in done.err
    assert env.installed() == {"a": "1.0"}
    assert "wheel a" in told.read_text()
    assert shop.count("/files/a-1.0-py3-none-any.whl") == 0


@EVERY_WAY
def test_a_yanked_file_is_taken_under_an_exact_pin_where_all_are_yanked(puffin, env, shop, way):
    shop.add(*forge_wheel("a", "1.0"), yanked="broken")
    shop.add(*forge_sdist("a", static=True), yanked="broken")
    done = way(puffin, shop, "a==1.0\n")
    assert done.code == 0, done.err
    assert "`a==1.0` is yanked (reason: broken)" in done.err
    assert env.installed() == {"a": "1.0"}
    assert shop.count("/files/a-1.0.tar.gz") == 0


@EVERY_WAY
def test_a_pin_that_something_else_satisfies_takes_nothing_yanked(puffin, env, shop, way):
    shop.add(*forge_wheel("a", "1.0"))
    shop.add(*forge_wheel("a", "1.0+cpu"), yanked="broken")
    done = way(puffin, shop, "a==1.0\n")
    assert done.code == 0, done.err
    assert env.installed() == {"a": "1.0"}


@pytest.mark.parametrize("way", [pip_install, sync, compiled], ids=["pip install", "sync", "compile, pip sync"])
def test_no_yanked_version_is_taken_without_an_exact_pin(puffin, env, shop, way):
    shop.add(*forge_wheel("a", "1.0"))
    shop.add(*forge_wheel("a", "2.0"), yanked="broken")
    assert way(puffin, shop, "a>=1\n").code == 0
    assert env.installed() == {"a": "1.0"}
    refused = way(puffin, shop, "a>=2\n")
    assert refused.code == 1
    assert "`a` 2.0 cannot be used: yanked (reason: broken)." in refused.err
