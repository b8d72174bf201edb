"""``puffin verify``: what differs between an environment and what was installed there."""

import os
import shutil

import pytest

from tests.helpers.cli import PYTHON, checked, lines
from tests.helpers.wheels import forge_wheel

SITE = f"lib/{PYTHON}/site-packages"
FINE = lines("Verified 2 packages in [TIME]")


@pytest.fixture
def synced(puffin, env, index):
    index.add(
        *forge_wheel("alpha", "1.0", {"alpha/__init__.py": "A = 1\n", "alpha/b.py": "B = 1\n"},
                     entry_points={"alpha": "alpha:main"}, data={"share/alpha.txt": "text"})
    )  # fmt: skip
    index.add(*forge_wheel("beta", "1.0"))
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", index.url, "--link-mode", "copy").code == 0
    return env


def _found(*said):
    noun = "difference" if len(said) == 1 else "differences"
    return (
        4,
        "".join(f"alpha==1.0: `{each}\n" for each in said),
        lines("Verified 2 packages in [TIME]", f"Found {len(said)} {noun}; `puffin pip sync --verify` repairs"),
    )


def test_an_environment_in_good_order(puffin, synced):
    for words in ((), ("--deep",)):
        assert puffin("verify", *words)[:3] == (0, "", FINE)
    away = puffin.cwd / "away"
    away.mkdir()
    assert puffin("verify", synced.root, cwd=away)[:3] == (0, "", FINE)
    assert puffin("verify", "gone")[0] == 2
    synced.run("-c", "import alpha", bytecode=True)
    assert puffin("verify", "--deep")[:3] == (0, "", FINE), "byte code that Python wrote is no difference"
    os.utime(synced.site / "alpha/b.py")
    assert puffin("verify")[:3] == (0, "", FINE), "a file that was touched is the same file"


def test_files_that_differ_are_named(puffin, synced, index):
    (synced.site / "alpha/__init__.py").write_text("A = 2\n")
    os.truncate(synced.site / "alpha/b.py", 2)
    (synced.bin / "alpha").unlink()
    shutil.rmtree(synced.root / "share")
    assert puffin("verify")[:3] == _found(
        "bin/alpha` is missing",
        f"{SITE}/alpha/__init__.py` has another content",
        f"{SITE}/alpha/b.py` has another size",
        "share/alpha.txt` is missing",
    )
    assert puffin.sync(None, "--reinstall-package", "alpha", "-i", index.url).code == 0
    assert puffin("verify")[:3] == (0, "", FINE)


def test_an_edit_that_kept_size_and_time_is_found(puffin, synced, index):
    assert puffin.sync(None, "--reinstall", "--link-mode", "copy", "-i", index.url).code == 0
    path = synced.site / "alpha/__init__.py"
    facts = path.stat()
    path.write_text("A = 3\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    wanted = _found(f"{SITE}/alpha/__init__.py` has another content")
    assert puffin("verify")[:3] == wanted, "no program can set the time of the last change of status"
    assert puffin("verify", "--deep")[:3] == wanted
    assert puffin("verify", env={"PUFFIN_DEEP": "1"})[:3] == wanted


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "is missing"),
        ("", "is cut short"),
        ("alpha/__init__.py,,\n", "is cut short"),
        ('"alpha', "cannot be read"),
    ],
)
def test_a_record_that_is_gone_or_cut_short(puffin, synced, text, what):
    record = synced.info("alpha") / "RECORD"
    record.unlink()
    if text is not None:
        record.write_text(text)
    (synced.site / "alpha/b.py").unlink()
    assert puffin("verify")[:3] == _found(
        f"{SITE}/alpha-1.0.dist-info/RECORD` {what}", f"{SITE}/alpha/b.py` is missing"
    ), "what RECORD does not tell the cache does"


def test_a_wheel_whose_record_was_wrong_is_named(puffin, env, index):
    index.add(*forge_wheel("gamma", "1.0", record="wrong"))
    assert puffin.sync("gamma==1.0\n", "-i", index.url).code == 0
    assert puffin("verify")[:3] == (0, "", lines("Verified 1 package in [TIME]"))
    warning = "warning: RECORD of the wheel of `gamma==1.0` was wrong in 1 row; in the environment it is right"
    assert puffin("verify", "--deep")[:3] == (0, "", lines("Verified 1 package in [TIME]", warning))


def test_the_loser_of_a_conflict_is_not_damaged(puffin, env, index):
    index.add(*forge_wheel("early", "1.0", {"ns/m.py": "E = 1\n", "ns/e.py": ""}))
    index.add(*forge_wheel("late", "1.0", {"ns/m.py": "LATE = 1\n", "ns/l.py": ""}))
    assert puffin.sync("early==1.0\nlate==1.0\n", "-i", index.url).code == 0
    assert puffin("verify", "--deep").code == 0
    env.run("-c", "import ns.m", bytecode=True)
    assert puffin.sync(None, "-i", index.url).err == checked(2), (
        "the directory changed, and nothing that is owned"
    )


def test_where_nothing_was_installed(puffin, env):
    assert puffin("verify")[:3] == (0, "", lines("Verified 0 packages in [TIME]"))
    shutil.rmtree(env.root)
    assert puffin("verify").code == 2


@pytest.mark.parametrize(("state", "what"), [(None, "is missing"), ("?", "cannot be read")])
def test_a_state_that_is_lost_or_damaged(puffin, synced, index, state, what):
    (synced.root / ".puffin/state").unlink()
    if state:
        (synced.root / ".puffin/state").write_text(state)
    said = lines("Verified 2 packages in [TIME]", "Found 1 difference; `puffin pip sync --verify` repairs")
    assert puffin("verify")[:3] == (4, f"`.puffin/state` {what}\n", said)
    assert puffin.sync(None, "-i", index.url).err == checked(2), "all files are there"
    assert puffin("verify")[:3] == (0, "", FINE)


def test_what_another_installer_put_there_is_held_against_its_record(puffin, synced, index):
    (synced.info("alpha") / "INSTALLER").unlink()  # the state is all that tells of puffin, but for this
    (synced.info("alpha") / "INSTALLER").write_text("pip\n")
    (synced.info("beta") / "INSTALLER").unlink()
    (synced.info("beta") / "INSTALLER").write_text("uv\n")
    for name in ("alpha", "beta"):
        record = synced.info(name) / "RECORD"
        rows = [row for row in record.read_text().splitlines(keepends=True) if "INSTALLER" not in row]
        record.write_text("".join(rows))
    shutil.rmtree(synced.root / ".puffin")
    assert puffin("verify")[:3] == (0, "", FINE)
    with (synced.site / "alpha/b.py").open("a") as file:
        file.write("# more\n")
    assert puffin("verify")[:3] == _found(f"{SITE}/alpha/b.py` has another size")
    assert puffin.sync(None, "-i", index.url).err == checked(2), "a plain sync does not look at such files"
    assert "~ alpha==1.0" in puffin.sync(None, "--verify", "-i", index.url).err
    assert (synced.site / "alpha/b.py").read_text() == "B = 1\n"
