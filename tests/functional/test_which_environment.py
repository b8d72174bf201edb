"""Which environment a command changes, which it refuses to change, and what it never takes out of one."""

import os
import subprocess
import sys
import sysconfig

import pytest

from tests.helpers.cli import CHECKOUT, Env, checked, lines, told
from tests.helpers.pythons import base_python, real_python
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "pip", "setuptools", "packaging"):
        index.add(*forge_wheel(name, "1.0"))
    index.add(*forge_wheel("wheel", "1.0", requires=["packaging>=1"]))
    return index


@pytest.fixture
def foreign(puffin, shop):
    """An environment of the standard library's, with pip, setuptools, wheel and what that needs."""
    subprocess.run([base_python(), "-m", "venv", "--without-pip", puffin.cwd / "foreign"], check=True)
    env = Env(puffin.cwd / "foreign")
    seeds = ("pip", "setuptools", "wheel", "beta")
    assert puffin("pip", "install", *seeds, "-p", env.root, "-i", shop.url).code == 0
    return env


def _refused(done, first, hint):
    assert done.code == 2, done.err
    assert done.err.startswith(f"error: {first}"), done.err
    assert hint in done.err


def test_an_environment_that_puffin_did_not_make_keeps_its_seeds_and_what_they_need(puffin, shop, foreign):
    done = puffin.sync("alpha==1.0\n", "-p", foreign.root, "-i", shop.url)
    assert done.err == told("+ alpha==1.0", "- beta==1.0", pins=1, prepared=1, uninstalled=1, installed=1)
    seeds = dict.fromkeys(("packaging", "pip", "setuptools", "wheel"), "1.0")
    assert foreign.installed() == {"alpha": "1.0", **seeds}
    assert puffin("pip", "check", "-p", foreign.root).code == 0
    assert puffin.sync(None, "-p", foreign.root, "-i", shop.url).err == checked(1)
    done = puffin("pip", "install", "alpha", "--exact", "-p", foreign.root, "-i", shop.url)
    assert foreign.installed() == {"alpha": "1.0", **seeds}


def test_seeds_go_where_that_is_asked_for(puffin, shop, foreign):
    done = puffin.sync("alpha==1.0\n", "-p", foreign.root, "-i", shop.url, "--remove-seeds")
    assert (done.code, foreign.installed()) == (0, {"alpha": "1.0"}), done.err
    puffin("pip", "install", "pip", "-p", foreign.root, "-i", shop.url)
    words = ("pip", "install", "alpha", "--exact", "--remove-seeds", "-p", foreign.root, "-i", shop.url)
    assert puffin(*words).code == 0
    assert foreign.installed() == {"alpha": "1.0"}


@pytest.fixture
def installation(puffin):
    """A Python on ``PATH`` that says it is installed in a directory of this test; returned with its version."""
    others = [each for each in ("3.12", "3.13", "3.10", "3.9") if real_python(each)]
    version = next((each for each in others if each != "{}.{}".format(*sys.version_info)), "")
    if not version:
        pytest.skip("no second Python here")
    real = real_python(version)
    prefix = os.path.dirname(os.path.dirname(real))
    root = puffin.root / "installation"
    (root / "bin").mkdir(parents=True)
    (root / f"lib/python{version}/site-packages").mkdir(parents=True)
    for name in ("python", "python3", f"python{version}"):
        (root / "bin" / name).write_text(f'#!/bin/sh\n"{real}" "$@" | sed "s#{prefix}#{root}#g"\n')
        (root / "bin" / name).chmod(0o755)
    return version, {"PATH": f"{root}/bin:/usr/bin:/bin"}, Env(root)


def test_a_version_that_only_an_installation_has_is_refused(puffin, shop, installation):
    version, path, env = installation
    puffin.file("r.txt", "alpha==1.0\n")
    commands = (
        ("pip", "install", "alpha", "-i", shop.url),
        ("pip", "uninstall", "pip"),
        ("pip", "sync", "r.txt", "-i", shop.url),
    )
    for words in commands:
        done = puffin(*words, "-p", version, env=path)
        first = "The Python that was asked for by its version, `[TMP]/installation/bin/"
        _refused(done, first, "\nhint: or pass `--system` to change this installation\n")
    assert puffin("pip", "list", "-p", version, env=path).code == 0, "looking is no change"
    assert env.installed() == {}
    for option in ("--system", "--break-system-packages"):
        done = puffin(*commands[0], "-p", version, option, "--reinstall", env=path)
        assert done.code == 0, done.err
    assert env.installed() == {"alpha": "1.0"}
    assert puffin("pip", "uninstall", "alpha", "-p", env.root, env=path).code == 0, "who names a place means it"
    assert env.installed() == {}


@pytest.fixture
def below(puffin, shop):
    """A directory below one with an environment, where a command would take that one."""
    above = puffin.venv()
    directory = puffin.cwd / "below"
    directory.mkdir()
    (directory / "r.txt").write_text("alpha==1.0\n")
    return above, directory


def _sync(puffin, shop, directory, *words):
    return puffin("pip", "sync", "r.txt", "-i", shop.url, *words, cwd=directory)


def test_a_link_that_leads_nowhere_is_an_error(puffin, shop, below):
    above, directory = below
    (directory / ".venv").symlink_to("/nowhere/at/all")
    done = _sync(puffin, shop, directory)
    _refused(
        done, "`[TMP]/here/below/.venv` is a link to `/nowhere/at/all`, which does not exist", "puffin venv"
    )
    assert above.installed() == {}
    assert puffin("pip", "compile", "r.txt", "-i", shop.url, cwd=directory).code == 0, (
        "it changes no environment"
    )


def test_a_file_that_holds_the_path_of_an_environment_is_followed(puffin, shop, below):
    above, directory = below
    env = puffin.venv(name="elsewhere")
    (directory / ".venv").write_text("../elsewhere\n")
    assert _sync(puffin, shop, directory).code == 0
    assert (env.installed(), above.installed()) == ({"alpha": "1.0"}, {})
    assert _sync(puffin, shop, directory).err == checked(1)
    (directory / ".venv").write_text(f"{above.root}\n")
    assert _sync(puffin, shop, directory).code == 0, "the no-op of the other environment does not count"
    assert above.installed() == {"alpha": "1.0"}
    (directory / ".venv").write_text("a name\n")
    done = _sync(puffin, shop, directory)
    _refused(
        done, "`[TMP]/here/below/.venv` is a file that does not point to a virtual environment", "--python"
    )


@pytest.fixture
def lost(puffin, shop, installation):
    """An environment of the private installation, with a package each; pyvenv.cfg can be taken from it."""
    _, _, base = installation
    assert puffin("venv", "v", "-p", base.root).code == 0
    env = Env(puffin.cwd / "v")
    puffin.file("r.txt", "alpha==1.0\n")
    assert puffin("pip", "sync", "r.txt", "-p", env.root, "-i", shop.url).code == 0
    assert (
        puffin("pip", "install", "beta", "-p", base.root, "--break-system-packages", "-i", shop.url).code == 0
    )
    return env, base


def _damages(config):
    """Yield what can happen to a pyvenv.cfg, and a word of the message about that."""
    text = config.read_text()
    config.unlink()
    yield "is missing"
    config.mkdir()
    yield "is not a file"
    config.rmdir()
    config.write_text("")
    yield "has no `home`"
    config.write_text(text.replace("home = ", "home = /gone"))
    yield "does not exist"
    config.write_text(text)


def test_an_environment_without_pyvenv_cfg_is_refused_and_the_installation_behind_it_kept(puffin, shop, lost):
    env, base = lost
    root = str(env.root)
    commands = (
        ("pip", "sync", "r.txt", "-i", shop.url),
        ("pip", "install", "pip", "-i", shop.url),
        ("pip", "uninstall", "beta"),
        *(("pip", "list"), ("pip", "freeze"), ("pip", "check"), ("verify",)),
    )
    ways = [(each, ("-p", root), {}) for each in commands]
    ways.append((commands[0], ("-p", env.bin / "python"), {}))
    ways += [(commands[0], (), {name: root}) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    on_path = (commands[0], ("--system",), {"PATH": f"{env.bin}:/usr/bin:/bin"})
    assert puffin(*commands[0], "-p", env.root).err == checked(1), "an answer is kept"
    for reason in _damages(env.root / "pyvenv.cfg"):
        for words, where, environ in (*ways, on_path) if reason.startswith("is") else ways[:1]:
            done = puffin(*words, *where, env=environ)
            assert done.code == 2, (reason, where, words, done)
            assert reason in done.err, (reason, where, words, done)
            assert "hint: write it again with `puffin venv --allow-existing" in done.err
        assert base.installed() == {"beta": "1.0"}
        assert env.installed() == {"alpha": "1.0"}


def test_a_dot_venv_without_pyvenv_cfg_is_refused_and_the_one_above_kept(puffin, shop, below):
    above, directory = below
    (directory / ".venv").mkdir()
    assert _sync(puffin, shop, directory, "--dry-run").code == 0, "an empty directory is none"
    (directory / ".venv/lib").mkdir()
    _refused(
        _sync(puffin, shop, directory),
        "`[TMP]/here/below/.venv` is a directory without the file `pyvenv.cfg`",
        "",
    )
    assert above.installed() == {}


def test_a_lost_environment_of_a_workspace_is_refused(puffin, shop, lost):
    env, base = lost
    puffin.file("puffin.toml", '[envs.v]\npath = "v"\nrequirements = ["r.txt"]\n')
    (env.root / "pyvenv.cfg").unlink()
    done = puffin("sync", "-i", shop.url)
    assert done.code in (1, 2), done.err
    assert "is neither empty nor a virtual environment" in done.err
    assert (base.installed(), env.installed()) == ({"beta": "1.0"}, {"alpha": "1.0"})


def test_the_hint_restores_a_lost_environment(puffin, shop, lost):
    env, _ = lost
    (env.root / "pyvenv.cfg").unlink()
    done = puffin("pip", "list", "-p", env.root)
    command = done.raw_err.partition("hint: write it again with `puffin ")[2].partition("`")[0]
    assert puffin(*command.split()).code == 0
    assert puffin("pip", "sync", "r.txt", "-p", env.root, "-i", shop.url).err == checked(1)


def test_a_link_to_an_installation_may_be_named(puffin, shop, installation):
    _, _, base = installation
    link = puffin.cwd / "links/bin/python"
    link.parent.mkdir(parents=True)
    link.symlink_to(base.bin / "python")
    assert puffin("pip", "list", "-p", link).code == 0
    assert puffin("pip", "list", "-p", link.parent.parent).code == 2, "the directory is none"


@pytest.fixture
def own(puffin, env):
    """Run puffin from within an environment, as one that is installed there with click and what that needs."""
    site = env.site
    (site / "borrowed.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_paths()['purelib']}\n")
    for name, requires in (("puffin_installer", "click"), ("click", "needed"), ("needed", ""), ("other", "")):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        wants = f"Requires-Dist: {requires}\n" if requires else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{wants}")
        (info / "RECORD").write_text(f"{info.name}/METADATA,,\n{info.name}/RECORD,,\n")

    def run(*words):
        environ = {**puffin.environ(), "VIRTUAL_ENV": str(env.root)}
        del environ["PYTHONPATH"]
        command = [str(env.python), "-m", "puffin", *map(str, words)]
        done = subprocess.run(command, env=environ, cwd=puffin.cwd, capture_output=True, text=True)
        return done.returncode, puffin.plain(done.stderr)

    return run


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the tests run outside of an environment")
def test_puffin_does_not_remove_itself_or_what_it_needs(puffin, env, shop, own):
    before = env.installed()
    puffin.file("r.txt", "other==1.0\n")
    code, err = own("pip", "sync", "r.txt", "--no-index")
    assert code == 2
    assert err == lines(
        "error: Refused to remove `puffin-installer`, `click` and `needed`: "
        "the puffin that is running needs that in `[TMP]/here/.venv`",
        "",
        "hint: choose the environment, for example `--python .venv`",
    )
    code, err = own("pip", "uninstall", "needed", "other")
    assert (code, "Refused to remove `needed`: " in err) == (2, True), err
    assert env.installed() == before
    assert own("pip", "uninstall", "other")[0] == 0
    puffin.file("r.txt", "alpha==1.0\n")
    code, err = own("pip", "sync", "r.txt", "-i", shop.url, "-p", puffin.venv(name="that").root)
    assert code == 0, err


def test_a_target_before_python_3_8_has_the_abi_of_its_allocator(puffin, index):
    index.add(*forge_wheel("native", "1.0", tag="cp37-cp37m-manylinux1_x86_64"))
    words = ("--python-version", "3.7", "--python-platform", "linux", "-i", index.url)
    puffin.file("in.txt", "native\n")
    assert puffin("pip", "compile", "in.txt", *words).out.count("native==1.0\n") == 1


def _project(puffin, bounds):
    puffin.file("pyproject.toml", f'[project]\nname = "p"\nversion = "1"\nrequires-python = "{bounds}"\n')


def _version(root):
    rows = dict(row.split(" = ", 1) for row in (root / "pyvenv.cfg").read_text().splitlines())
    return tuple(map(int, rows["version_info"].split(".")[:2]))


def test_an_environment_is_made_from_a_python_that_the_project_allows(puffin):
    others = [each for each in ("3.10", "3.12", "3.13", "3.9") if real_python(each)]
    other = next((each for each in others if each != "{}.{}".format(*sys.version_info)), "")
    if not other:
        pytest.skip("no second Python here")
    _project(puffin, f"=={other}.*")
    path = os.pathsep.join((os.path.dirname(real_python(other)), os.environ["PATH"]))
    (puffin.cwd / "sub").mkdir()
    done = puffin("venv", env={"PATH": path}, cwd=puffin.cwd / "sub")
    assert (done.code, "warning" in done.err) == (0, False), done.err
    assert _version(puffin.cwd / "sub/.venv") == tuple(map(int, other.split(".")))
    done = puffin("venv", "-p", sys.executable, "asked", env={"PATH": path})
    assert done.code == 0
    assert f"which `requires-python` (=={other}.*) does not allow\n" in done.err
    puffin.file(".python-version", "{}.{}\n".format(*sys.version_info))
    done = puffin("venv", "file", env={"PATH": path})
    assert done.err.startswith("warning: `.python-version` asks for Python 3."), done.err
    _project(puffin, "==2.7.*")
    (puffin.cwd / ".python-version").unlink()
    done = puffin("venv", "none", env={"PATH": path})
    assert (done.code, "`pyproject.toml` requires it" in done.err) == (2, True), done.err


def test_a_command_changes_to_a_directory_first(puffin, shop, below):
    above, _ = below
    env = puffin.venv(name="below/.venv")
    words = ("r.txt", "-i", shop.url)
    assert puffin("pip", "sync", *words, "--directory", "below").code == 0
    assert (env.installed(), above.installed()) == ({"alpha": "1.0"}, {})
    assert puffin("--directory=below", "pip", "sync", *words).err == checked(1)
    assert puffin("pip", "list", "-q", env={"PUFFIN_DIRECTORY": "below"}).out.endswith("alpha   1.0\n")
    done = puffin("pip", "list", "--directory", "nowhere")
    assert (done.code, done.err) == (
        2,
        "error: Failed to change to the directory `nowhere`: No such file or directory\n",
    )
    done = puffin("pip", "list", "--project", "below")
    assert done.err == "warning: `--project` has no effect on `pip` commands; use `--directory`\n"


@pytest.mark.parametrize(
    "request_",
    [
        "cpython@{0}", "cpython-{0}", "cpython-{0}-linux-x86_64-gnu", "cpython{0}", "python{0}", ">={0},<{0}.999",
        "=={0}.*",
    ],
)  # fmt: skip
def test_ways_to_ask_for_a_python(puffin, request_):
    version = "{}.{}".format(*sys.version_info)
    env = puffin.venv("-p", request_.format(version))
    assert _version(env.root) == sys.version_info[:2]


def test_without_a_home_nothing_is_called_by_a_tilde(puffin, shop, env):
    code = (
        "import pwd, sys\n"
        "def nobody(_): raise KeyError\n"
        "pwd.getpwuid = nobody\n"
        "from puffin.cli.entry import run\n"
        "run()"
    )
    environ = puffin.environ()
    for name in ("HOME", "PUFFIN_CACHE_DIR"):
        environ.pop(name)
    for words in (["cache", "dir"], ["pip", "install", "alpha", "-i", shop.url, "--no-cache"], ["pip", "list"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], env=environ, cwd=puffin.cwd, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert not (puffin.cwd / "~").exists()
        if words[0] == "cache":
            assert done.stdout == f"{os.devnull}/.cache/puffin\n"
