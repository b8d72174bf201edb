"""Where commands work: directories, prefixes, other platforms, the system's Python, and what names a Python."""

import os
import subprocess
import sys

import pytest

from tests.helpers.cli import PYTHON, checked, lines, told
from tests.helpers.pythons import base_python, real_python
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(
        *forge_wheel("alpha", "1.0", {"alpha/__init__.py": "def main(): print('alpha runs')\n", "ns/a.py": ""},
                     entry_points={"alpha": "alpha:main"}, data={"share/alpha.txt": "text"})
    )  # fmt: skip
    index.add(*forge_wheel("beta", "1.0", {"beta.py": "B = 1\n", "ns/b.py": ""}))
    return index


PINS = "alpha==1.0\nbeta==1.0\n"
BOTH = ("+ alpha==1.0", "+ beta==1.0")


def _run(python, path, code):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, "-c", code], env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_directory(puffin, env, shop):
    place = puffin.cwd / "vendored"
    words = ("--target", "vendored", "-i", shop.url)
    assert puffin.sync(PINS, *words).err == told(*BOTH, pins=2, prepared=2, installed=2)
    assert env.installed() == {}
    assert sorted(path.name for path in place.iterdir()) == [
        ".puffin", "alpha", "alpha-1.0.dist-info", "beta-1.0.dist-info", "beta.py", "bin", "ns", "share",
    ]  # fmt: skip
    assert _run(env.python, place, "import alpha, beta; print(beta.B)") == "1"
    script = (place / "bin" / "alpha").read_text()
    assert script.startswith(f"#!{env.python}\n")
    assert puffin.sync(None, *words).err == checked(2)
    assert puffin("pip", "freeze", "--target", "vendored").out == lines("alpha==1.0", "beta==1.0")
    assert puffin("pip", "list", "-t", "vendored", "--format=freeze").out == lines("alpha==1.0", "beta==1.0")
    assert puffin("pip", "show", "-f", "alpha", "-t", "vendored").out.splitlines()[-1] == "  share/alpha.txt"
    assert puffin("pip", "check", env={"PUFFIN_TARGET": "vendored"}).code == 0
    assert puffin("pip", "tree", "-t", "vendored").out == lines("alpha v1.0", "beta v1.0")
    assert puffin("verify", "-t", "vendored").code == 0
    (place / "share" / "alpha.txt").unlink()
    assert puffin("verify", "-t", "vendored").out == "alpha==1.0: `share/alpha.txt` is missing\n"
    again = puffin.sync(None, *words)
    assert again.err == told("~ alpha==1.0", pins=2, uninstalled=1, installed=1)
    (place / "mine.py").write_text("")
    assert puffin("pip", "uninstall", "alpha", "beta", "-t", "vendored").code == 0
    assert sorted(path.name for path in place.iterdir()) == [".puffin", "bin", "mine.py"]


def test_install_into_a_directory_without_any_environment(puffin, shop):
    done = puffin("pip", "install", "alpha", "-t", "x/y", "-i", shop.url, "--compile-bytecode")
    assert done.code == 0, done.err
    assert (puffin.cwd / "x/y/alpha/__init__.py").exists()
    assert list((puffin.cwd / "x/y/alpha/__pycache__").glob("__init__.*.pyc"))


def test_a_prefix(puffin, env, shop):
    root = puffin.cwd / "prefix"
    words = ("--prefix", "prefix", "-i", shop.url)
    assert puffin.sync(PINS, *words).err == told(*BOTH, pins=2, prepared=2, installed=2)
    site = root / f"lib/{PYTHON}/site-packages"
    assert sorted(path.name for path in root.iterdir()) == [".puffin", "bin", "lib", "share"]
    assert _run(env.python, site, "import alpha, beta; print(beta.B)") == "1"
    assert puffin.sync(None, *words).err == checked(2)
    assert puffin("pip", "freeze", "--prefix", root).out == lines("alpha==1.0", "beta==1.0")
    assert puffin("pip", "uninstall", "alpha", env={"PUFFIN_PREFIX": str(root)}).code == 0
    assert not (root / "bin" / "alpha").exists()


def test_another_version_and_platform(puffin, env, index):
    def wheel(tag, text):
        index.add(*forge_wheel("alpha", "1.0", {"alpha.py": text}, tag=tag))

    wheel("cp38-cp38-win_amd64", "W38 = 1\n")
    wheel("cp313-cp313-manylinux_2_17_aarch64", "ARM = 1\n")
    wheel("py3-none-any", "ANY = 1\n")
    index.add(*forge_wheel("beta", "1.0"), requires_python="<3.9")
    for words, text in (
        (("--python-version", "3.8", "--python-platform", "windows"), "W38 = 1\n"),
        (("--python-version", "3.13", "--python-platform", "aarch64-unknown-linux-gnu"), "ARM = 1\n"),
        (("--python-platform", "macos"), "ANY = 1\n"),
    ):
        done = puffin.sync(
            "alpha==1.0\nbeta==1.0 ; python_version < '3.9'\n", "-t", "t", *words, "-i", index.url
        )
        assert done.code == 0, done.err
        assert (puffin.cwd / "t/alpha.py").read_text() == text
        assert (puffin.cwd / "t/beta").exists() == ("3.8" in words)
    done = puffin("pip", "install", "beta", "-t", "u", "--python-version", "3.8", "-i", index.url)
    assert done.code == 0, done.err
    done = puffin("pip", "install", "beta", "-t", "w", "-i", index.url)
    assert done.code == 1


@pytest.mark.parametrize("where", [("-p", ".venv"), ("--prefix", "there")])
@pytest.mark.parametrize("words", [("pip", "sync"), ("pip", "install", "-r")])
def test_another_platform_in_an_environment(puffin, env, index, words, where):
    for tag in ("py3-none-win_amd64", "py3-none-any"):
        index.add(*forge_wheel("alpha", "1.0", {"alpha.py": f"TAG = {tag!r}\n"}, tag=tag))
    index.add(*forge_wheel("beta", "1.0"))
    puffin.file("r.txt", "alpha==1.0\nbeta==1.0 ; sys_platform == 'win32'\n")
    platform = ("--python-platform", "windows", *where, "-i", index.url)
    assert puffin(*words, "r.txt", *platform).code == 0
    site = (puffin.cwd / where[1]) / f"lib/{PYTHON}/site-packages"
    assert (site / "alpha.py").read_text() == "TAG = 'py3-none-win_amd64'\n"
    assert (site / "beta").exists()
    assert puffin(*words, "r.txt", *platform).err == checked(2)
    puffin.file("r.txt", "only==1.0\n")
    index.add(*forge_wheel("only", "1.0", tag="py3-none-manylinux_2_17_x86_64"))
    done = puffin(*words, "r.txt", *platform)
    assert (done.code, "win_amd64" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--python-version", "3.8"), ("`--python-version` is for a directory, not for an environment",
                                       "say where to install with `--target DIR`")),
        (("-t", "a", "--prefix", "b"), ("`--target` cannot be used with `--prefix`", "leave out one of them")),
        (("--prefix", "b", "--python-version", "3.8"), ("A prefix is for the interpreter that installs into it",
                                                        "use `--target DIR` instead of `--prefix`")),
    ],
)  # fmt: skip
def test_what_does_not_go_together(puffin, env, shop, words, said):
    done = puffin.sync(PINS, *words, "-i", shop.url)
    assert (done.code, done.err) == (2, lines(f"error: {said[0]}", "", f"hint: {said[1]}"))


def test_bytecode_of_another_version(puffin, env, shop):
    done = puffin.sync(PINS, "-t", "t", "--python-version", "3.8", "--compile-bytecode", "-i", shop.url)
    assert done.code == 2
    assert "`--compile-bytecode` cannot be used with `--python-version`" in done.err


def test_the_systems_python(puffin, env, shop):
    """``--system`` is the first Python on PATH; here one that belongs to somebody else."""
    directory = os.path.dirname(base_python())
    variables = {"PATH": f"{env.bin}{os.pathsep}{directory}"}
    done = puffin("pip", "list", "--system", "--format", "freeze", env=variables)
    theirs = subprocess.run(
        [base_python(), "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True
    )
    if theirs.returncode:
        pytest.skip("the Python behind the tests has no pip to compare with")
    assert done.raw_out == theirs.stdout
    assert puffin("pip", "list", env={**variables, "PUFFIN_SYSTEM": "1"}).out != puffin("pip", "list").out


def test_conda(puffin, shop):
    env = puffin.venv(name="conda")
    variables = {"CONDA_PREFIX": str(env.root), "CONDA_DEFAULT_ENV": "science"}
    assert puffin.sync(PINS, "-i", shop.url, env=variables).code == 0
    assert env.installed() == {"alpha": "1.0", "beta": "1.0"}
    done = puffin.sync(PINS, "-i", shop.url, env={**variables, "CONDA_DEFAULT_ENV": "base"})
    assert done.code == 2, "conda itself lives in its base environment"
    assert done.err.startswith("error: No virtual environment found")
    near = puffin.venv()
    assert puffin.sync(PINS, "-i", shop.url, env={**variables, "CONDA_DEFAULT_ENV": "base"}).code == 0
    assert near.installed() == {"alpha": "1.0", "beta": "1.0"}


@pytest.mark.parametrize("text", ["{0}\n", "# which one\n\n  cpython-{0}  \n3.99\n", "python{0}"])
def test_a_python_version_file(puffin, text):
    other = real_python("3.11")
    if not other or sys.version_info[:2] == (3, 11):
        pytest.skip("there is no other Python")
    variables = {"PYENV_ROOT": os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(other))))}
    puffin.file(".python-version", text.format("3.11"))
    below = puffin.cwd / "below"
    below.mkdir()
    assert puffin("venv", "v", env=variables, cwd=below).code == 0
    assert (below / "v/lib/python3.11").exists()
    assert puffin("venv", "w", "-p", base_python(), env=variables).code == 0
    assert (puffin.cwd / "w/lib" / PYTHON).exists()
    puffin.file("x.in", "")
    done = puffin("pip", "compile", "x.in", env={**variables, "PATH": "/nowhere"})
    assert done.code == 0, done.err


def test_a_python_version_file_that_asks_for_what_is_not_there(puffin):
    puffin.file(".python-version", "3.99\n")
    done = puffin("venv")
    assert done.code != 0
    assert "3.99" in done.err
    assert "hint: `.python-version` asks for it; `--python` overrides the file" in done.err
    for text in ("system\n", "my-env\n", "", "# nothing\n", "3.12/envs/mine\n"):
        puffin.file(".python-version", text)
        assert puffin("venv", "--clear").code == 0, text
