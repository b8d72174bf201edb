"""``--atomic always``: every command that changes an environment exchanges its site-packages as a whole."""

import os

import pytest

from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta"):
        for version in ("1.0", "2.0"):
            files = {f"{name}.py": f"v = {version}\n"}
            index.add(*forge_wheel(name, version, files, entry_points={name: f"{name}:main"}))
    return index


@pytest.fixture
def changed(puffin, env, shop):
    """Tell whether a command that must succeed has made another directory of site-packages; and what is installed."""
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url).code == 0
    (env.site / "_virtualenv.py").write_text("mine")
    (env.site / "other.pth").write_text("/nowhere\n")

    def change(*words, **environ):
        before = os.stat(env.site).st_ino
        done = puffin(*words, env=environ)
        assert done.code == 0, done.err
        assert (env.site / "_virtualenv.py").read_text() == "mine"
        assert (env.site / "other.pth").read_text() == "/nowhere\n"
        assert puffin("verify").code == 0
        return os.stat(env.site).st_ino != before, env.installed()

    return change


def test_all_commands_that_change_an_environment(puffin, env, shop, changed):
    index = ("-i", shop.url)
    assert changed("pip", "install", "alpha==2.0", *index) == (False, {"alpha": "2.0", "beta": "1.0"})
    words = ("pip", "install", "alpha==1.0", *index, "--atomic", "always")
    assert changed(*words) == (True, {"alpha": "1.0", "beta": "1.0"})
    assert puffin(*words).err.endswith("Checked 1 package in [TIME]\n")
    puffin.file("r.txt", "alpha==2.0\nbeta==2.0\n")
    sync = ("pip", "sync", "r.txt", *index)
    assert changed(*sync, PUFFIN_ATOMIC="always") == (True, {"alpha": "2.0", "beta": "2.0"})
    assert changed(*sync)[0] is False
    puffin.file("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    assert changed("sync", "requirements.txt", *index, "--atomic=always") == (
        True,
        {"alpha": "1.0", "beta": "1.0"},
    )
    assert changed("pip", "uninstall", "beta", "--atomic", "auto") == (False, {"alpha": "1.0"})
    puffin.file("puffin.toml", 'atomic = "always"\n')
    assert changed("pip", "uninstall", "alpha") == (True, {})
    assert {path.name for path in env.site.iterdir()} == {"_virtualenv.py", "other.pth"}
    assert changed(*sync)[0] is True


def test_an_empty_environment_is_filled_by_one_call(puffin, env, shop):
    before = os.stat(env.site).st_ino
    assert puffin.sync("alpha==1.0\n", "-i", shop.url).code == 0
    assert os.stat(env.site).st_ino != before
    assert puffin.sync("alpha==1.0\n", "-i", shop.url).err.endswith("Checked 1 package in [TIME]\n")


def test_a_directory_that_holds_puffins_own_files_is_refused(puffin, shop):
    done = puffin("pip", "install", "alpha", "-t", "there", "-i", shop.url, "--atomic", "always")
    assert done.code == 1
    assert (
        "Failed to prepare an exchange of `[TMP]/here/there`: puffin's own files have to be in it" in done.err
    )
    assert "hint: `--atomic always` needs" in done.err
    assert not (puffin.cwd / "there/alpha.py").exists()
    assert puffin("pip", "install", "alpha", "-t", "there", "-i", shop.url).code == 0


@pytest.mark.parametrize("settings", ["[install]\ntarget = elsewhere\n", "[global]\nno-input = true\n"])
def test_uninstall_reads_no_settings_of_install(puffin, env, shop, changed, settings):
    config = puffin.file("own.conf", settings)
    assert changed("pip", "uninstall", "alpha", PIP_CONFIG_FILE=str(config)) == (False, {"beta": "1.0"})
