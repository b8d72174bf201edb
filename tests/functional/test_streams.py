"""Standard streams that are closed, or have no room."""

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


def shell(puffin, words):
    return subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m puffin {words}'],
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


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_take_nothing_and_hurt_nothing(puffin, filled, closed):
    for words in ("pip freeze", f"pip install --reinstall --no-cache ./{filled}", "--version"):
        done = shell(puffin, f"{words} {closed}")
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stderr)
    assert puffin("verify").code == 0
