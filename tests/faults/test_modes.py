"""Who may write to what puffin makes: nobody else, whatever the umask, unless the user asks for it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    index.add(*forge_wheel("alpha", "1.0", entry_points={"run": "alpha:main"}))
    index.add(*forge_sdist("beta", "1.0"))
    return index


def run(puffin, umask, *words, **environ):
    done = subprocess.run(
        [sys.executable, "-m", "puffin", *map(str, words)],
        env=puffin.environ(**environ),
        cwd=puffin.cwd,
        umask=umask,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr


def modes(*roots):
    found = {}
    for root in roots:
        for directory, names, files in os.walk(root):
            for path in (Path(directory, name) for name in (*names, *files)):
                if not path.is_symlink():
                    found[str(path)] = stat.S_IMODE(path.stat().st_mode)
        found[str(root)] = stat.S_IMODE(Path(root).stat().st_mode)
    return found


def install(puffin, shop, umask, **environ):
    run(puffin, umask, "venv", "e", **environ)
    words = ("-p", "e", "-i", shop.url, "alpha", "beta")
    run(puffin, umask, "pip", "install", *words, f"--profile={puffin.cwd / 'p.html'}", **environ)
    run(puffin, umask, "pip", "install", *words, **environ)
    return modes(puffin.cache, puffin.cwd)


def test_an_open_umask_opens_nothing(puffin, shop):
    puffin.cwd.chmod(0o755)
    found = install(puffin, shop, 0)
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o022} == {}
    assert found[f"{puffin.cache}/tmp-v0"] == 0o700


def test_a_closed_umask_stays_closed(puffin, shop):
    puffin.cwd.chmod(0o700)
    found = install(puffin, shop, 0o077)
    was_there = {str(puffin.cache), *map(str, puffin.cache.glob("interpreter-v0/**"))}
    was_there |= {str(path) for path in puffin.cache.glob("interpreter-v0/*")}
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o077 and path not in was_there} == {}


def test_a_group_that_shares_says_so(puffin, shop):
    found = install(puffin, shop, 0o022, PUFFIN_UMASK="002")
    assert found[f"{puffin.cache}/tmp-v0"] == 0o775
    assert found[f"{puffin.cache}/archive-v0"] == 0o775
