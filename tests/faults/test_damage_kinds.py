"""Kinds of damage to an environment: which commands see each, and that `--verify` repairs all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli import PYTHON, Env, Puffin
from tests.helpers.faults import of_packages
from tests.helpers.wheels import forge_wheel

PINS = "alpha==1.0\nbeta==1.0\n"
FILES = {
    "alpha/__init__.py": "A = 1\n",
    "alpha/sub/x.py": "X = 1\n",
    "alpha/tool": "#!/bin/sh\n",
    "alone.py": "L = 1\n",
    "alpha.pth": "# nothing\n",
    "alpha-1.0.data/headers/alpha.h": "h\n",
}
INFO = "alpha-1.0.dist-info"
Harm = Callable[[Path], None]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("wheels")
    alpha = forge_wheel("alpha", "1.0", FILES, entry_points={"alpha": "alpha:main"}, data={"share/a.txt": "text"},
                        scripts={"run": "#!python\nprint()\n"}, executable=["alpha/tool"])  # fmt: skip
    for name, data in (alpha, forge_wheel("beta", "1.0")):
        (found / name).write_bytes(data)
    return found


class World:
    """An environment with ``alpha`` and ``beta``, and the commands that look at it."""

    def __init__(self, puffin: Puffin, wheels: Path, *, mode: str = "hardlink") -> None:
        self.puffin = puffin
        self.wheels = wheels
        self.env = puffin.venv()
        puffin.file("requirements.txt", PINS)
        self.mode = mode
        assert self.sync().code == 0
        time.sleep(0.01)

    def sync(self, *words: str):
        where = ("--no-index", "-f", self.wheels, "--link-mode", self.mode)
        return self.puffin("pip", "sync", "requirements.txt", *where, *words)

    def verify(self, *words: str):
        return self.puffin("verify", *words)


@pytest.fixture
def world(puffin: Puffin, wheels: Path) -> World:
    return World(puffin, wheels)


def keeping_times(harm: Harm) -> Harm:
    """Return *harm*, after which the path and its directory have the times that they had."""

    def done(path: Path) -> None:
        kept = [(each, each.stat()) for each in (path, path.parent)]
        harm(path)
        for each, facts in kept:
            if os.path.lexists(each):
                os.utime(each, ns=(facts.st_atime_ns, facts.st_mtime_ns), follow_symlinks=False)

    return done


def cut(path: Path) -> None:
    os.truncate(path, 3)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"# more\n")


def edit(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"?")


def append_bytes(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\xff\xfe,,\n")


def drop_row(path: Path) -> None:
    with path.open("r+b") as file:
        rows = file.read().splitlines(keepends=True)
        file.seek(0)
        file.truncate()
        file.write(b"".join(rows[1:]))


def other_content(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"other")


def as_symlink(path: Path) -> None:
    copy = path.parents[6] / f"{path.name}.real"
    path.rename(copy)
    path.symlink_to(copy)


def as_link_to_another(path: Path) -> None:
    other = next(each for each in path.parent.iterdir() if each.is_file() and each != path)
    path.unlink()
    os.link(other, path)


def as_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("a file\n")


def emptied(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def as_directory_link(path: Path) -> None:
    copy = next(each for each in path.parents if (each / "pyvenv.cfg").exists()).parent / "moved"
    path.rename(copy)
    path.symlink_to(copy)


def renamed(path: Path) -> None:
    path.rename(path.with_name(path.name.replace("1.0", "9.9")))


def doubled(path: Path) -> None:
    shutil.copytree(path, path.with_name(path.name.replace("1.0", "0.9")))


def in_capitals(path: Path) -> None:
    path.rename(path.with_name(path.name.upper()))


def copied(harm: Harm) -> Harm:
    """Return a copy of the whole environment, with all times, in the place of it, harmed."""

    def done(path: Path) -> None:
        root = next(each for each in path.parents if (each / "pyvenv.cfg").exists())
        subprocess.run(["cp", "-a", root, f"{root}.copy"], check=True)
        keeping_times(harm)(Path(f"{root}.copy") / path.relative_to(root))
        shutil.rmtree(root)
        Path(f"{root}.copy").rename(root)

    return done


def untarred(harm: Harm) -> Harm:
    """Return the environment out of an archive, with the times that it had, harmed before."""

    def done(path: Path) -> None:
        root = next(each for each in path.parents if (each / "pyvenv.cfg").exists())
        keeping_times(harm)(path)
        tar = root.with_suffix(".tar")
        subprocess.run(["tar", "--format=posix", "-C", root.parent, "-cf", tar, root.name], check=True)
        shutil.rmtree(root)
        subprocess.run(["tar", "-C", root.parent, "-xf", tar], check=True)

    return done


def all_times_reset(harm: Harm) -> Harm:
    def done(path: Path) -> None:
        harm(path)
        root = next(each for each in path.parents if (each / "pyvenv.cfg").exists())
        for directory, names, files in os.walk(root):
            for name in (*names, *files):
                os.utime(os.path.join(directory, name), (10**9, 10**9), follow_symlinks=False)

    return done


def another_interpreter(path: Path) -> None:
    text = path.read_text().partition("\n")[2]
    with path.open("w") as file:
        file.write(f"#!/usr/bin/python3\n{text}")


def no_state(path: Path) -> None:
    shutil.rmtree(path)


MODULE = "alpha/sub/x.py"
SCRIPT = "../../../bin/alpha"
# the place, what happens to it, and whether a plain sync sees it
KINDS: dict[str, tuple[str, Harm, bool]] = {
    "file missing": (MODULE, os.unlink, True),
    "file cut": (MODULE, cut, False),
    "file emptied": (MODULE, empty, False),
    "file appended to": (MODULE, append, False),
    "file edited": (MODULE, edit, False),
    "file edited, size and times kept": (MODULE, keeping_times(edit), False),
    "file replaced": (MODULE, other_content, True),
    "file replaced, directory time kept": (MODULE, keeping_times(other_content), False),
    "file missing, directory time kept": (MODULE, keeping_times(os.unlink), False),
    "file is a symbolic link": (MODULE, as_symlink, True),
    "file is a link to another": ("alpha/__init__.py", as_link_to_another, True),
    "file is a directory": (MODULE, as_directory, True),
    "file in capitals": (MODULE, in_capitals, True),
    "file unreadable": (MODULE, lambda path: path.chmod(0), False),
    "file executable": (MODULE, lambda path: path.chmod(0o755), False),
    "executable file is not": ("alpha/tool", lambda path: path.chmod(0o644), False),
    "top module missing": ("alone.py", os.unlink, True),
    "top module cut": ("alone.py", cut, False),
    "directory missing": ("alpha/sub", shutil.rmtree, True),
    "directory emptied": ("alpha/sub", emptied, True),
    "directory is a file": ("alpha/sub", as_file, True),
    "directory is a link": ("alpha/sub", as_directory_link, True),
    "top directory is a link": ("alpha", as_directory_link, True),
    "directory unreadable": ("alpha/sub", lambda path: path.chmod(0o300), False),
    "RECORD missing": (f"{INFO}/RECORD", os.unlink, True),
    "RECORD cut": (f"{INFO}/RECORD", cut, True),
    "RECORD empty": (f"{INFO}/RECORD", empty, True),
    "RECORD edited": (f"{INFO}/RECORD", edit, True),
    "RECORD without a row": (f"{INFO}/RECORD", drop_row, False),
    "RECORD not UTF-8": (f"{INFO}/RECORD", append_bytes, True),
    "METADATA missing": (f"{INFO}/METADATA", os.unlink, True),
    "METADATA cut": (f"{INFO}/METADATA", cut, True),
    "METADATA edited": (f"{INFO}/METADATA", edit, True),
    "INSTALLER edited": (f"{INFO}/INSTALLER", edit, False),
    "entry_points.txt cut": (f"{INFO}/entry_points.txt", cut, False),
    "dist-info missing": (INFO, shutil.rmtree, True),
    "dist-info emptied": (INFO, emptied, True),
    "dist-info renamed": (INFO, renamed, True),
    "dist-info doubled": (INFO, doubled, True),
    "script missing": (SCRIPT, os.unlink, True),
    "script edited": (SCRIPT, append, False),
    "script of another interpreter": (SCRIPT, another_interpreter, False),
    "script not executable": (SCRIPT, lambda path: path.chmod(0o644), False),
    "script of the wheel cut": ("../../../bin/run", cut, False),
    "data file cut": ("../../../share/a.txt", cut, False),
    "data file missing": ("../../../share/a.txt", os.unlink, True),
    "header cut": (f"../../../include/site/{PYTHON}/alpha/alpha.h", empty, False),
    "path file edited": ("alpha.pth", edit, False),
    "copied with a cut file": (MODULE, copied(cut), False),
    "unpacked with a cut file": (MODULE, untarred(cut), False),
    "all times reset and a file cut": (MODULE, all_times_reset(cut), True),
    "no state and a file cut": (
        MODULE,
        lambda path: (cut(path), no_state(path.parents[5] / ".puffin"))[1],
        True,
    ),
    "state cut and a file cut": (
        MODULE,
        lambda path: (cut(path), cut(path.parents[5] / ".puffin/state"))[1],
        True,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_seen_and_repaired(world: World, kind: str) -> None:
    place, harm, plain = KINDS[kind]
    good = of_packages(world.env)
    modes = modes_of(world.env)
    harm(
        world.env.site / place if not place.startswith("..") else Path(os.path.normpath(world.env.site / place))
    )
    for words in ((), ("--deep",)):
        found = world.verify(*words)
        assert (found.code, found.out != "") == (4, True), found.err
    done = world.sync("--dry-run")
    assert (done.code, "Would install 1 package" in done.err) == (0, plain), done.err
    done = world.sync("--verify")
    assert done.code == 0, done.err
    assert good.items() <= of_packages(world.env).items()
    assert modes.items() <= modes_of(world.env).items()
    assert world.env.installed() == {"alpha": "1.0", "beta": "1.0"}
    assert world.verify("--deep").code == 0
    assert world.sync("--verify").err.endswith("Checked 2 packages in [TIME]\n")


def modes_of(env: Env) -> dict[str, int]:
    return {
        os.path.relpath(os.path.join(directory, name), env.root): os.lstat(
            os.path.join(directory, name)
        ).st_mode
        for directory, names, files in os.walk(env.root / "lib")
        for name in (*names, *files)
    }


def test_a_workspace_and_its_setting(world: World) -> None:
    world.puffin.file(
        "puffin.toml",
        'verify = true\nno-index = true\n[envs.x]\nrequirements = ["requirements.txt"]\npath = "x"\n',
    )
    assert world.puffin("sync", "-f", world.wheels).code == 0
    module = next((world.puffin.cwd / "x").glob("lib/*/site-packages")) / MODULE
    for words, environ in (((), {}), (("--verify",), {}), ((), {"PUFFIN_VERIFY": "1"})):
        keeping_times(edit)(module)
        done = world.puffin("sync", "-f", world.wheels, *words, env=environ)
        assert done.code == 0, done.err
        assert module.read_text() == "X = 1\n"
        world.puffin.file(
            "puffin.toml", (world.puffin.cwd / "puffin.toml").read_text().replace("verify = true\n", "")
        )
