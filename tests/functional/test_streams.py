"""Standard streams that are closed, or have no room; a current directory that is gone."""

import os
import subprocess
import sys

import pytest

from tests.helpers.wheels import forge_wheel


@pytest.fixture
def filled(puffin, env):
    """An environment with a package, and its wheel in the working directory."""
    filename, data = forge_wheel("alpha", "1.0")
    (puffin.cwd / filename).write_bytes(data)
    assert puffin("pip", "install", f"./{filename}").code == 0
    return filename


def shell(puffin, words, first=""):
    return subprocess.run(
        ["sh", "-c", f'{first}"{sys.executable}" -m puffin {words}'],
        env=puffin.environ(),
        cwd=puffin.cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is full")
@pytest.mark.parametrize("words", ["pip freeze", "pip list", "pip sync --help", "--version", "cache dir"])
def test_output_without_room_is_no_bug(puffin, filled, words):
    done = shell(puffin, f"{words} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "error: Failed to write the output: No space left on device\n")


@pytest.mark.parametrize("words", ["pip freeze", "pip install alpha", "pip compile r.in", "sync", "venv"])
def test_a_current_directory_that_is_gone(puffin, env, words):
    done = shell(puffin, words, "mkdir gone && cd gone && rmdir ../gone && ")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "error: The current directory does not exist any more",
    )
    done = shell(puffin, f"pip freeze --directory {puffin.cwd}", "mkdir gone && cd gone && rmdir ../gone && ")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_take_nothing_and_hurt_nothing(puffin, filled, closed):
    for words in ("pip freeze", f"pip install --reinstall --no-cache ./{filled}", "--version"):
        done = shell(puffin, f"{words} {closed}")
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stderr)
    assert puffin("verify").code == 0


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
                                    {"PYTHONIOENCODING": "latin-1"}])  # fmt: skip
def test_any_text_can_be_told_in_any_locale(puffin, index, locale):
    index.add(*forge_wheel("alpha", "1.0", requires=["beta"]))
    index.add(*forge_wheel("beta", "1.0"))
    words = {"errors": "surrogateescape", "env": puffin.environ(**locale), "cwd": puffin.cwd}
    for command, code in (
        ("venv é", 0),
        (f"pip install alpha -p é -i {index.url}", 0),
        ("pip tree -p é", 0),
        ("pip install -p é --no-index -f nicht-dä alpha==2", 2),
        ("pip sync fehlt-ü.txt -p é", 2),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "puffin", *command.split()], capture_output=True, text=True, **words
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize("place", ["old", "."], ids=["PYTHONPATH", "working directory"])
def test_modules_of_others_are_not_puffins(puffin, env, index, place):
    index.add(*forge_wheel("alpha", "1.0", requires=["beta; python_version > '3'"]))
    index.add(*forge_wheel("beta", "1.0"))
    for name in ("click", "packaging", "tomllib", "httpx", "json"):
        puffin.file(f"{place}/{name}/__init__.py", "raise SystemError('of another Python')\n")
    path = os.pathsep.join(
        (puffin.environ()["PYTHONPATH"], *([str(puffin.cwd / place), ""] if place != "." else []))
    )
    for words in (("pip", "install", "alpha", "-i", index.url), ("pip", "list"), ("venv", "second")):
        done = puffin(*words, env={"PYTHONPATH": path})
        assert done.code == 0, done.err
