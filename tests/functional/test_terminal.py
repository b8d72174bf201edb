"""What commands show on a terminal: a display while they work, and nothing of it in the end."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.helpers.remote_cache import RemoteCacheServer
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer draws the display here")


class Terminal:
    """A command on a terminal; ``shown`` is what it wrote."""

    def __init__(self, process, descriptor):
        self.process = process
        self._descriptor = descriptor
        self.shown = ""

    def read(self):
        """Take in what has been written; False at the end."""
        assert select.select([self._descriptor], [], [], SECONDS)[0], self.shown
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:
            return False
        self.shown += data.decode()
        return bool(data)

    def until(self, pattern):
        while not re.search(pattern, self.shown):
            assert self.read(), self.shown

    def end(self):
        while self.read():
            pass
        return self.process.wait(SECONDS)

    @property
    def left(self):
        """What is on the screen in the end: the lines that no erasure took away."""
        return self.shown.replace("\r\n", "\n").rpartition("\x1b[J")[2]


@contextmanager
def terminal(puffin, *words, **environ):
    here, there = pty.openpty()
    environ = puffin.environ(TERM="xterm", **environ)
    command = [sys.executable, "-m", "puffin", *map(str, words)]
    process = subprocess.Popen(
        command, env=environ, cwd=puffin.cwd, stdin=there, stdout=there, stderr=there, start_new_session=True
    )
    os.close(there)
    try:
        yield Terminal(process, here)
    finally:
        process.kill()
        process.wait(SECONDS)
        os.close(here)


@pytest.mark.parametrize(
    ("words", "shown", "last"),
    [
        (("pip", "install", "app"), r"Resolving dependencies, .*app \(\ds\)", ": the environment is as it was"),
        (
            ("pip", "sync", "pins.txt"),
            r"Finding files on the index, app \(\ds\)",
            ": the environment is as it was",
        ),
        (("pip", "compile", "app.in"), r"Resolving dependencies, .*app \(\ds\)", ""),
        (
            ("sync", "pins.txt"),
            r"0 of 1 environment done(.|\n)*(waiting|waits for all: ).*\(\ds\)",
            ": no environment was changed",
        ),
    ],
)
def test_it_says_what_it_waits_for_and_goes_without_a_trace(puffin, env, index, words, shown, last):
    index.add(*forge_wheel("app", "1.0"))
    index.fail("/simple/app/", ["slow"], forever=True)
    puffin.file("app.in", "app\n")
    puffin.file("pins.txt", "app==1.0\n")
    with terminal(puffin, *words, "-i", index.url) as screen:
        screen.until(shown)
        os.kill(screen.process.pid, signal.SIGINT)
        assert screen.end() == 130
        assert screen.left == f"Interrupted{last}\n"
    assert env.installed() == {}


def test_it_says_how_far_an_upload_and_a_download_of_the_cache_are(puffin, env, index):
    index.add(*forge_wheel("app", "1.0"))
    puffin.sync("app==1.0\n", "-i", index.url)
    with RemoteCacheServer("slow", delay=1.0) as server:
        environ = {"PUFFIN_REMOTE_CACHE": server.url, "PUFFIN_REMOTE_CACHE_TIMEOUT": "60"}
        with terminal(puffin, "cache", "push", **environ) as screen:
            screen.until("Asking the remote cache ")
            screen.until("Uploading to the remote cache, 0 of 1 object ")
            assert screen.end() == 0
        assert screen.left.startswith("Uploaded 1 object ")
        words = ("cache", "pull", "requirements.txt", "-i", index.url, "--cache-dir", puffin.root / "other")
        with terminal(puffin, *words, **environ) as screen:
            screen.until("Asking the remote cache, 0 of 1 environment done ")
            screen.until("Preparing 0 of 1 package")
            assert screen.end() == 0
        assert screen.left.startswith("Took 1 object ")


def test_what_is_written_stays_above_the_display(puffin, env, index):
    filename, data = forge_wheel("app", "1.0")
    index.add(filename, data)
    puffin.file("pins.txt", "app==1.0\n")
    with terminal(puffin, "pip", "sync", "pins.txt", "-i", index.url) as screen:
        assert screen.end() == 0
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.shown.replace("\r\n", "\n"))
    for line in (
        "Resolved 1 package in ",
        "Prepared 1 package in ",
        "Installed 1 package in ",
        " + app==1.0\n",
    ):
        assert said.count(line) == 1
    assert not re.search("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", screen.left)  # no picture stays


def test_a_command_that_ends_before_the_first_picture_loads_nothing_for_it(puffin, env, index):
    index.add(*forge_wheel("app", "1.0"))
    puffin.sync("app==1.0\n", "-i", index.url)
    puffin.venv(name="other")
    code = (
        f"import sys; sys.path.insert(0, {puffin.environ()['PYTHONPATH']!r}); "
        "from puffin.cli.screen import console; console.FIRST = 1e6; from puffin.cli import entry; "
        "entry.main(sys.argv[1:]); print(*sys.modules)"
    )
    for place in (".venv", "other"):
        here, there = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-I", "-c", code, "pip", "sync", "requirements.txt", "-i", index.url, "-p", place],
            env=puffin.environ(TERM="xterm"),
            cwd=puffin.cwd,
            stdout=subprocess.PIPE,
            stderr=there,
            text=True,
            check=True,
        )
        os.close(there)
        os.close(here)
        loaded = set(done.stdout.split())
        assert "puffin.cli.screen.console" in loaded
        assert not loaded & {"puffin.cli.screen.live", "puffin.board", "rich", "unicodedata"}
