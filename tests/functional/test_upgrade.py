"""``-U`` and ``-P``: what is installed is a candidate like all others."""

import pytest

from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_wheel("lib", "2.0"))
    return index


def install(puffin, name, version):
    filename, data = forge_wheel(name, version)
    place = puffin.file(f"{name}-{version}/{filename}", data).parent
    assert puffin("pip", "install", f"{name}=={version}", "--no-index", "-f", place).code == 0


@pytest.mark.parametrize("words", [("-U",), ("-P", "lib")])
@pytest.mark.parametrize(
    ("installed", "after"),
    [("1.0", "2.0"), ("2.0", "2.0"), ("5.0", "5.0"), ("1.0+local", "2.0"), ("2.0.post1", "2.0.post1")],
)
def test_an_upgrade_never_goes_back(puffin, env, shop, words, installed, after):
    install(puffin, "lib", installed)
    shop.add(*forge_wheel("lib", "6.0a1"))
    done = puffin("pip", "install", "lib", *words, "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"lib": after}
    assert ("Checked" in done.err) is (installed == after)


def test_what_no_index_has_stays(puffin, env, shop):
    install(puffin, "mine", "1.0")
    done = puffin("pip", "install", "mine", "lib", "-U", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == {"lib": "2.0", "mine": "1.0"}


def test_what_is_required_decides(puffin, env, shop):
    install(puffin, "lib", "5.0")
    assert puffin("pip", "install", "lib<3", "-U", "-i", shop.url).code == 0
    assert env.installed() == {"lib": "2.0"}


def test_what_is_to_be_installed_anew_is_no_candidate(puffin, env, shop):
    install(puffin, "lib", "5.0")
    assert puffin("pip", "install", "lib", "-U", "--reinstall", "-i", shop.url).code == 0
    assert env.installed() == {"lib": "2.0"}


def test_why_a_wheel_is_refused_is_told(puffin, env, index):
    _, data = forge_wheel("lib", "1.0")
    puffin.file("lib-2.0-py3-none-any.whl", data)
    done = puffin("pip", "install", "lib", "--no-index", "-f", ".")
    assert done.code == 1
    assert "its archive is not valid (`lib-1.0.dist-info`: the directory does not belong to lib 2.0" in done.err
    done = puffin("pip", "install", "nothing", "--no-index")
    assert "no index is asked (`--no-index`)" in done.err
    assert "check the spelling" not in done.err
    other, data = forge_wheel("lib", "1.0", tag="cp27-cp27mu-win32")
    puffin.file(other, data)
    done = puffin("pip", "install", f"./{other}")
    assert "does not fit Python 3." in done.err
    assert "(its best tag is `cp3" in done.err
