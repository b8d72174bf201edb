"""``./demo``, where pip is set up with several indexes."""

import shutil
import subprocess
import sys

from tests.helpers.cli import CHECKOUT
from tests.helpers.index_server import IndexServer
from tests.helpers.wheels import forge_wheel


def test_the_demo_finds_what_pip_would_find(puffin, index, tmp_path):
    index.add(*forge_wheel("alpha", "1.0"))
    (tmp_path / "demo").write_bytes((CHECKOUT / "demo").read_bytes())
    shutil.copytree(CHECKOUT / ".ci", tmp_path / ".ci")
    _installed(tmp_path / ".demo" / "puffin" / "bin")
    (tmp_path / "pins.txt").write_text("alpha==1.0\n")
    with IndexServer() as other:
        other.add(*forge_wheel("alpha", "2.0"))
        environ = puffin.environ(PIP_INDEX_URL=index.url, PIP_EXTRA_INDEX_URL=other.url)
        words = ["sh", str(tmp_path / "demo"), "pins.txt"]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["alpha", "1.0"]


def _installed(scripts):
    """Stand in for a puffin that pip has installed already."""
    scripts.mkdir(parents=True)
    for name, words in (("python", "true"), ("puffin", f'exec "{sys.executable}" -m puffin "$@"')):
        (scripts / name).write_text(f"#!/bin/sh\n{words}\n")
        (scripts / name).chmod(0o755)
