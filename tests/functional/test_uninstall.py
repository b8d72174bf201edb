"""``puffin pip uninstall``, and what other installers left: all of it goes, or nothing does and the reason is told."""

import os
import shutil

import pytest

from tests.helpers.cli import checked, lines
from tests.helpers.wheels import forge_wheel


def _put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _gone(*paths):
    return [str(path) for path in paths if os.path.lexists(path)] == []


def _info(env, name, version="1.0", **files):
    """Put a dist-info of another installer into the environment."""
    info = env.site / f"{name}-{version}.dist-info"
    _put(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, text in files.items():
        _put(info / file, text)
    return info


@pytest.fixture
def shop(index):
    for version in ("1.0", "2.0"):
        index.add(*forge_wheel("alpha", version))
    return index


def test_what_has_no_list_of_its_files_is_neither_removed_nor_replaced(puffin, env, shop):
    info = _info(env, "alpha", INSTALLER="conda\n")
    module = _put(env.site / "alpha/__init__.py")
    done = puffin("pip", "uninstall", "alpha")
    assert done.code == 1
    assert done.err == lines(
        "error: Cannot uninstall `alpha`: `alpha-1.0.dist-info` (installed by conda) has no list of its files",
        "",
        "hint: put it there again with `conda`, which then lists its files",
        "hint: or remove its files by hand",
    )
    for words in (("install", "alpha==2.0"), ("install", "alpha", "--reinstall")):
        done = puffin("pip", *words, "-i", shop.url)
        assert (done.code, "Cannot uninstall `alpha`" in done.err) == (1, True), done.err
    assert "Cannot uninstall `alpha`" in puffin.sync("alpha==2.0\n", "-i", shop.url).err
    assert "Cannot uninstall `alpha`" in puffin("pip", "uninstall", "alpha", "--dry-run").err
    assert info.exists()
    assert module.exists()
    (info / "RECORD").write_text("")
    assert puffin("pip", "uninstall", "alpha").code == 1, "a list of nothing is none"


def test_the_cache_lists_the_files_of_what_puffin_installed(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    (env.info("alpha") / "RECORD").unlink()
    assert puffin("pip", "uninstall", "alpha").code == 0
    assert _gone(env.site / "alpha", env.site / "alpha-1.0.dist-info")


@pytest.fixture
def developed(puffin, env):
    """A project of ``setup.py develop``, beside another one and an egg."""
    project, other = puffin.cwd / "project", puffin.cwd / "other"
    _put(project / "devd.py")
    _put(other / "devq.py")
    info = project / "devd.egg-info"
    _put(info / "PKG-INFO", "Metadata-Version: 1.0\nName: devd\nVersion: 1.0\n")
    _put(info / "entry_points.txt", "[console_scripts]\ndevd-main = devd:main\n[other]\nx = y\n")
    _put(info / "scripts/devd-raw")
    _put(env.site / "devd.egg-link", f"{project}\n.\n")
    _put(env.site / "egg-1.0-py3.12.egg/EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: egg\nVersion: 1.0\n")
    _put(env.site / "egg-1.0-py3.12.egg/egg.py")
    _put(env.site / "easy-install.pth", f"{project}\n./egg-1.0-py3.12.egg\n{other}\n")
    for name in ("devd-main", "devd-raw", "mine"):
        _put(env.bin / name)
    return project, other


def test_what_setup_py_develop_left_goes_and_the_project_stays(puffin, env, developed):
    project, other = developed
    assert env.run("-c", "import devd, devq, egg") == ""
    assert puffin("pip", "uninstall", "devd").code == 0
    assert (env.site / "easy-install.pth").read_text() == f"./egg-1.0-py3.12.egg\n{other}\n"
    assert _gone(env.bin / "devd-main", env.bin / "devd-raw", env.site / "devd.egg-link")
    assert (env.bin / "mine").exists()
    assert (project / "devd.py").exists()
    assert env.run("-c", "import devq, egg") == ""
    assert puffin("pip", "uninstall", "egg").code == 0
    assert (env.site / "easy-install.pth").read_text() == f"{other}\n"
    assert _gone(env.site / "egg-1.0-py3.12.egg")


def test_the_last_line_goes_with_its_file_and_a_wheel_takes_the_place(puffin, env, developed, index):
    index.add(*forge_wheel("devd", "2.0", {"devd.py": "v = 2\n"}))
    _put(env.site / "easy-install.pth", f"{developed[0]}\n")
    assert puffin.sync("devd==2.0\n", "-i", index.url).code == 0
    assert _gone(env.site / "easy-install.pth", env.site / "devd.egg-link", env.bin / "devd-main")
    assert env.run("-c", "import devd; print(devd.v)") == "2"
    assert puffin.sync(None, "-i", index.url).err == checked(1)


def test_eggs_by_their_lists(puffin, env):
    listed, tops, none = (env.site / f"{name}-1.0-py3.12.egg-info" for name in ("listed", "tops", "none"))
    for info in (listed, tops, none):
        _put(info / "PKG-INFO", "Metadata-Version: 1.0\n")
    _put(
        listed / "installed-files.txt",
        "../listed.py\n../../../../bin/listed-script\nPKG-INFO\ninstalled-files.txt\n",
    )
    _put(tops / "top_level.txt", "tops\n")
    _put(tops / "entry_points.txt", "[console_scripts]\ntops-main = tops:main\n")
    files = (
        env.site / "listed.py",
        env.bin / "listed-script",
        env.site / "tops/__init__.py",
        env.bin / "tops-main",
    )
    for path in (*files, env.site / "none.py"):
        _put(path)
    assert puffin("pip", "uninstall", "listed", "tops").code == 0
    assert _gone(*files, listed, tops)
    done = puffin("pip", "uninstall", "none")
    assert (done.code, "Cannot uninstall `none`" in done.err, none.exists()) == (1, True, True)


def _leftovers(site):
    """Return ways in which a dist-info is none."""
    (site / "alpha-1.0.dist-info").mkdir()
    yield "empty"
    (site / "alpha-1.0.dist-info").symlink_to("/nowhere/at/all")
    yield "dangling"
    _put(site / "alpha-1.0.dist-info")
    yield "a file"
    _put(site / "alpha-1.0.dist-info/METADATA")
    yield "empty METADATA"
    _put(site / "alpha-0.9.dist-info/RECORD", "alpha/old.py,,\nalpha-0.9.dist-info/RECORD,,\n")
    _put(site / "alpha/old.py")
    yield "without METADATA, and of another version"


def test_what_only_looks_like_a_distribution_is_not_installed(puffin, env, shop):
    for number, kind in enumerate(_leftovers(env.site)):
        assert puffin("pip", "freeze").out == "", kind
        done = puffin("pip", "check")
        assert (
            done.code,
            ".dist-info` is not an installed distribution: it has no METADATA\n" in done.out,
        ) == (1, True)
        assert "Skipped `alpha`: it is not installed" in puffin("pip", "uninstall", "alpha").err
        if number % 2:
            done = puffin.sync("alpha==1.0\n", "-i", shop.url)
        else:
            done = puffin("pip", "install", "alpha==1.0", "-i", shop.url)
        assert done.code == 0, (kind, done.err)
        assert "is not an installed distribution: it has no METADATA\n" in done.err
        assert env.run("-c", "import alpha; print(alpha.__version__)") == "1.0"
        assert env.installed() == {"alpha": "1.0"}
        assert _gone(env.site / "alpha/old.py")
        assert puffin("pip", "check").code == 0
        assert puffin("pip", "uninstall", "alpha").code == 0
        assert _gone(env.site / "alpha", env.site / "alpha-1.0.dist-info")


def test_bytecode_of_modules_in_shared_directories_goes_with_them(puffin, env, index):
    init = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    for name in ("one", "two"):
        index.add(*forge_wheel(f"shared-{name}", "1.0", {"shr/__init__.py": init, f"shr/{name}.py": ""}))
    puffin.sync("shared-one==1.0\nshared-two==1.0\n", "-i", index.url)
    env.run("-c", "import shr.one, shr.two", bytecode=True)
    (env.site / "shr/__pycache__/forgotten.cpython-312.pyc").write_text("of a module that is long gone")
    assert puffin("pip", "uninstall", "shared-two").code == 0
    left = [path.name.partition(".")[0] for path in (env.site / "shr/__pycache__").iterdir()]
    assert sorted(left) == ["__init__", "one"]
    assert env.run("-c", "import shr.one") == ""
    assert puffin("pip", "uninstall", "shared-one").code == 0
    assert _gone(env.site / "shr")


def test_what_came_from_a_place_is_removed_by_it(puffin, env, index):
    filename, data = forge_wheel("local", "1.0")
    puffin.file(f"w/{filename}", data)
    url = index.add(*forge_wheel("remote", "1.0"))
    assert puffin("pip", "install", f"./w/{filename}", f"remote @ {url}").code == 0
    assert puffin("pip", "uninstall", f"w/{filename}", url).code == 0
    assert env.installed() == {}
    index.add(*forge_wheel("local", "1.0"))
    puffin("pip", "install", "local", "-i", index.url)
    assert puffin("pip", "uninstall", f"./w/{filename}").code == 0, (
        "the name of a file tells that of the package"
    )
    assert env.installed() == {}
    shutil.rmtree(puffin.cwd / "w")
    done = puffin("pip", "uninstall", f"./w/{filename}")
    assert (done.code, "No installed package came from `" in done.err) == (2, True)


def test_a_project_is_removed_by_its_directory(puffin, env, index):
    index.add(*forge_wheel("proj", "1.0"))
    puffin.file("p/pyproject.toml", '[project]\nname = "proj"\nversion = "1"\n')
    puffin("pip", "install", "proj", "-i", index.url)
    assert puffin("pip", "uninstall", "./p").code == 0
    assert env.installed() == {}
    assert puffin("pip", "uninstall", "no-such*name").code == 2


def test_what_is_for_another_platform_is_named_by_check(puffin, env):
    info = _info(
        env, "odd", RECORD="odd-1.0.dist-info/RECORD,,\n", WHEEL="Wheel-Version: 1.0\nTag: cp27-cp27mu-win32\n"
    )
    done = puffin("pip", "check")
    assert info.exists()
    assert done.code == 1
    assert "`odd` is for another Python or platform: none of its tags fits (cp27-cp27mu-win32)\n" in done.out


def test_the_quick_answer_ends_when_a_distribution_of_others_is_broken(puffin, env, shop):
    info = _info(env, "beta", RECORD="beta-1.0.dist-info/RECORD,,\n")
    for _ in range(3):
        assert puffin("pip", "install", "beta", "--no-index").code == 0
    (info / "METADATA").unlink()
    assert puffin("pip", "install", "beta", "--no-index").code != 0
