"""``puffin venv``."""

import os
import subprocess

import pytest

from tests.helpers.cli import lines
from tests.helpers.pythons import real_python
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


def _config(env):
    rows = (env.root / "pyvenv.cfg").read_text().splitlines()
    return dict(row.split(" = ", 1) for row in rows)


def test_an_environment_is_made_in_the_usual_place(puffin):
    done = puffin("venv")
    assert (done.code, done.out) == (0, "")
    using, *rest = done.err.splitlines()
    assert using.startswith("Using CPython 3.")
    assert rest == ["Created the virtual environment `.venv`", "Activate it with: source .venv/bin/activate"]
    root = puffin.cwd / ".venv"
    assert (root / ".gitignore").read_text() == "*\n"
    assert (root / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    names = {
        "activate",
        "activate.csh",
        "activate.fish",
        "activate.nu",
        "activate.ps1",
        "activate.bat",
        "activate.xsh",
    }
    assert names <= set(os.listdir(root / "bin"))


def test_its_configuration(puffin):
    config = _config(puffin.venv("--prompt", "my prompt", "--system-site-packages", "--relocatable"))
    assert set(config) == {"home", "implementation", "puffin", "version_info", "include-system-site-packages",
                           "relocatable", "prompt"}  # fmt: skip
    assert config["implementation"] == "CPython"
    assert config["prompt"] == "my prompt"
    assert config["include-system-site-packages"] == config["relocatable"] == "true"
    assert os.path.isdir(config["home"])


def test_its_python_is_its_own(puffin):
    env = puffin.venv(name="deep/er/env")
    assert env.run("-c", "import sys; print(sys.prefix)") == str(env.root)
    assert env.run("-c", "import sys; print(sys.prefix != sys.base_prefix)") == "True"


@pytest.mark.parametrize("name", ["with space", "it's", "dollar$HOME", "unicode-\u00e9\u4e16"])
def test_activation_in_sh_from_any_path(puffin, name):
    env = puffin.venv(name=name)
    told = puffin("venv", "--clear", name).raw_err.splitlines()[-1].removeprefix("Activate it with: ")
    script = f'set -e; {told.replace("source", ".", 1)}; command -v python; echo "$VIRTUAL_ENV"; '
    script += 'deactivate; echo "[$VIRTUAL_ENV]"'
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=puffin.cwd,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.stdout.splitlines() == [str(env.bin / "python"), str(env.root), "[]"], done.stderr


def test_what_is_there_is_not_replaced_unless_told_so(puffin, env):
    (env.root / "mine.txt").write_text("mine")
    done = puffin("venv")
    assert done.code == 2
    assert lines(*done.err.splitlines()[1:]) == lines(
        "error: Failed to create a virtual environment at `.venv`: there is a virtual environment already",
        "",
        "hint: pass `--clear` to replace it",
    )
    assert (env.root / "mine.txt").exists()
    assert puffin("venv", "--clear").code == 0
    assert not (env.root / "mine.txt").exists()
    puffin.file("full/file.txt", "")
    done = puffin("venv", "full")
    assert done.code == 2
    assert "the directory is neither empty nor a virtual environment" in done.err
    puffin.file("plain", "")
    assert "there is a file of that name" in puffin("venv", "plain").err
    (puffin.cwd / "empty").mkdir()
    assert puffin("venv", "empty").code == 0
    assert sorted(name for name in os.listdir(puffin.cwd) if name.startswith(".")) == [".venv"]


def test_an_unknown_python_says_where_it_looked(puffin):
    done = puffin("venv", "-p", "3.7")
    assert done.code == 2
    first, *rest = done.err.splitlines()
    assert first == "error: No interpreter found for Python `3.7`"
    assert rest[0].startswith("  looked in the Python that runs puffin (3.")
    assert rest[1].startswith("  looked in `PATH`: `")
    assert rest[-1].startswith("hint: install it, or use another one, for example `puffin venv --python 3.")
    assert not (puffin.cwd / ".venv").exists()
    done = puffin("venv", "-p", "3.1x.y")
    assert done.code == 2
    assert done.err.startswith("error: Invalid Python request `3.1x.y`")
    done = puffin("venv", "-p", "./nowhere")
    assert done.code == 2
    assert "there is no such file or directory" in done.err


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_seeds_by_version_of_python(puffin, index, version):
    python = real_python(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    for name in ("pip", "setuptools", "wheel"):
        index.add(*forge_wheel(name, "1.0"))
        index.add(*forge_wheel(name, "2.0"))
        index.add(*forge_wheel(name, "3.0rc1"))
        index.add(*forge_wheel(name, "4.0", requires_python=">=4"), requires_python=">=4")
    env = puffin.venv("--seed", "-p", python, "-i", index.url)
    expected = {"pip": "2.0"} if int(version[2:]) >= 12 else {"pip": "2.0", "setuptools": "2.0", "wheel": "2.0"}
    assert env.installed() == expected
    assert _config(env)["seed"] == "true"


def test_seeding_says_what_it_installs_and_fails_clearly(puffin, index):
    index.add(*forge_wheel("pip", "2.0"))
    done = puffin("venv", "--seed", "-p", real_python("3.12") or "3.12", "-i", index.url)
    assert done.code == 0
    assert " + pip==2.0\n" in done.err
    index.remove("pip-2.0-py3-none-any.whl")
    done = puffin("venv", "--seed", "--clear", "--refresh", "-i", index.url)
    assert done.code == 1
    assert "error: Failed to find" in done.err


def test_a_nested_environment_has_the_base_for_a_home(puffin, env):
    nested = puffin.venv("-p", env.root, name="nested")
    assert _config(nested)["home"] == _config(env)["home"]
    env.root.rename(puffin.cwd / "gone")
    assert nested.run("-c", "print(1)") == "1"


def test_quiet(puffin):
    done = puffin("venv", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system in which nothing can be made")
def test_a_place_where_nothing_can_be_made_is_not_a_matter_of_time(puffin):
    done = puffin("venv", "/proc/v")
    assert done.code == 1
    assert done.err.split("\n", 1)[1] == lines(
        "error: Failed to create a virtual environment at `/proc/v`",
        "  ╰─▶ No such file or directory (`/proc/.v.lock`)",
        "",
        "hint: choose a place where this user can make directories",
    )


def test_only_an_environment_is_cleared_unless_forced(puffin, env):
    thesis = puffin.file("work/thesis.txt", "words")
    done = puffin("venv", "--clear", "work")
    assert done.code == 2
    assert done.err.endswith(
        lines(
            "error: Failed to create a virtual environment at `work`: "
            "the directory is neither empty nor a virtual environment",
            "",
            "hint: choose another place; `--clear --force` would remove all that is in this one",
        )
    )
    assert thesis.read_text() == "words"
    assert puffin("venv", "--force", "work").code == 2, "it says how to clear, and not to"
    assert puffin("venv", "--clear", "--force", "work").code == 0
    assert not thesis.exists()
    done = puffin("venv", "--no-clear", env={"PUFFIN_CLEAR": "1"})
    assert (done.code, "there is a virtual environment already" in done.err) == (2, True)
    assert puffin("venv", env={"PUFFIN_CLEAR": "1"}).code == 0


def test_what_is_there_stays_beside_the_environment_where_that_is_allowed(puffin, index, env):
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.sync("alpha==1.0\n", "-i", index.url)
    (env.bin / "activate").write_text("broken")
    (env.bin / "python").unlink()
    done = puffin("venv", "--allow-existing", "--prompt", "again")
    assert done.code == 0, done.err
    assert env.run("-c", "import alpha; print(alpha.__version__)") == "1.0"
    assert _config(env)["prompt"] == "again"
    assert "VIRTUAL_ENV" in (env.bin / "activate").read_text()
    puffin.file("work/notes.txt", "words")
    assert puffin("venv", "--allow-existing", "work").code == 0
    assert (puffin.cwd / "work/notes.txt").read_text() == "words"
    assert os.path.exists(puffin.cwd / "work/bin/python")
    assert puffin("venv", "--allow-existing", "fresh").code == 0
    assert puffin("venv", "--allow-existing", "--clear").code == 2
    assert sorted(name for name in os.listdir(puffin.cwd) if name.startswith(".")) == [".venv"]


def test_an_option_turns_off_what_a_variable_turns_on(puffin):
    env = puffin.venv()
    assert "relocatable" not in _config(env)
    assert puffin("venv", "a", env={"PUFFIN_RELOCATABLE": "1"}).code == 0
    assert puffin("venv", "b", "--no-relocatable", env={"PUFFIN_RELOCATABLE": "1"}).code == 0
    texts = [(puffin.cwd / name / "pyvenv.cfg").read_text() for name in "ab"]
    assert ["relocatable" in text for text in texts] == [True, False]


def test_seeds_need_nothing_that_is_not_there(puffin, index):
    python = next(filter(None, map(real_python, ("3.11", "3.10", "3.9", "3.8"))), "")
    if not python:
        pytest.skip("no Python here that is seeded with more than pip")
    for name in ("pip", "setuptools"):
        index.add(*forge_wheel(name, "1.0"))
    index.add(*forge_wheel("wheel", "1.0", requires=["setuptools; extra == 'x'", "pip"]))
    for version in ("2.0", "3.0"):
        index.add(*forge_wheel("wheel", version, requires=["packaging>=24"]))
    env = puffin.venv("--seed", "-p", python, "-i", index.url)
    assert env.installed() == {"pip": "1.0", "setuptools": "1.0", "wheel": "1.0"}
    assert puffin("pip", "check", "-p", env.root).code == 0
    index.remove("wheel-1.0-py3-none-any.whl")
    done = puffin("venv", "--seed", "--clear", "--refresh", "-p", python, "-i", index.url)
    assert (done.code, "No version of `wheel` can be a seed: all need other packages" in done.err) == (
        1,
        True,
    ), done.err
