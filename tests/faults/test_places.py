"""Symlinks and hostile lists of files: nothing outside the environment is touched, nothing of it is left."""

import os
import subprocess

import pytest

from tests.helpers.cli import Env
from tests.helpers.faults import at_rest, can_strace, layer_above, of_packages, small_disk, snapshot, traced
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def sync(puffin, index):
    for version in ("1", "2"):
        files = {"pkg/__init__.py": version, f"pkg/only{version}.py": "", "single.py": version}
        index.add(
            *forge_wheel(
                "pkg", version, files, entry_points={"run-pkg": "pkg:main"}, data={"share/pkg/x": version}
            )
        )
    return lambda text, *words, **environ: puffin.sync(text, "-i", index.url, *words, env=environ)


def move_out(env, outside):
    """Make site-packages a symlink to *outside*."""
    site = env.site
    outside.mkdir(parents=True, exist_ok=True)
    for path in site.iterdir():
        path.rename(outside / path.name)
    site.rmdir()
    site.symlink_to(outside)
    return site


def lifecycle(puffin, env, sync, outside):
    before = of_packages(env), snapshot(outside)
    assert sync("pkg==1\n").code == 0
    env.record("pkg")
    assert sync("pkg==1\n").err == "Resolved 1 package in [TIME]\nChecked 1 package in [TIME]\n"
    assert sync("pkg==2\n").code == 0
    env.record("pkg")
    assert env.run("-c", "import pkg.only2, single") == ""
    assert (env.bin / "run-pkg").exists()
    assert at_rest(env)
    done = puffin("pip", "uninstall", "pkg")
    assert done.code == 0, done.err
    assert (of_packages(env), snapshot(outside)) == before
    assert not (env.root / "share").exists()
    assert at_rest(env)


def test_site_packages_is_a_symlink_out_of_the_environment(puffin, env, sync):
    outside = puffin.root / "outside/site"
    move_out(env, outside)
    lifecycle(puffin, env, sync, outside)


def test_site_packages_on_another_device(puffin, env, sync):
    with small_disk(puffin.root / "mount", "8m") as mount:
        move_out(env, mount / "site")
        lifecycle(puffin, env, sync, mount / "site")
        assert not (mount / "site/.puffin").exists()


def test_site_packages_is_a_mount(puffin, env, sync):
    with small_disk(env.site, "8m") as site:
        lifecycle(puffin, env, sync, site)


@pytest.fixture
def bound(env):
    """Make site-packages a mount point of the file system that it is on: nothing is renamed to it or linked."""
    if subprocess.run(["mount", "--bind", env.site, env.site], capture_output=True).returncode:
        pytest.skip("cannot mount here")
    yield env.site
    subprocess.run(["umount", "-l", env.site], check=True)


def test_site_packages_is_a_mount_of_the_same_device(puffin, env, sync, bound):
    lifecycle(puffin, env, sync, bound)
    done = sync("pkg==1\n")
    notice = "warning: Files were copied, because the file system refused to move or link them\n"
    assert done.err.count(notice) == 1
    (bound / "mine").write_text("mine")
    done = sync("pkg==2\n", "--atomic", "always")
    assert (done.code, (bound / "mine").read_text()) == (1, "mine"), done.err
    assert "hint: `--atomic always` needs a site-packages that the file system can exchange" in done.err
    assert env.installed() == {"pkg": "1"}
    assert at_rest(env)


@pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")
def test_a_file_system_that_cannot_sync(puffin, env, index):
    (puffin.cwd / "w").mkdir()
    name, data = forge_wheel("pkg", "1")
    (puffin.cwd / "w" / name).write_bytes(data)
    words = ("pip", "install", "pkg", "--no-index", "-f", "w", "--executor", "inline")
    code, err, _ = traced(puffin, "fsync:error=EINVAL", *words)
    assert code == 0, err
    assert err.count("cannot be synced to the disk: a power failure may undo a part of the change\n") == 1
    code, err, _ = traced(puffin, "fsync:error=EIO", *words, "--reinstall")
    assert code == 1, err
    assert env.installed() == {"pkg": "1"}


@pytest.mark.skipif(not can_strace(), reason="strace cannot be used here")
@pytest.mark.parametrize("inject", ["flock:error=ENOLCK", "flock:error=EOPNOTSUPP"])
def test_a_file_system_without_locks(puffin, env, index, inject):
    index.add(*forge_wheel("pkg", "1"))
    words = ("pip", "install", "pkg", "-i", index.url, "--executor", "inline")
    code, err, _ = traced(puffin, inject, *words)
    assert (code, err.count("The file system has no locks")) == (0, 1), err
    assert env.installed() == {"pkg": "1"}


def test_an_environment_of_a_lower_layer(puffin, env, sync):
    assert sync("pkg==1\n").code == 0
    with layer_above(env.root):
        before = of_packages(env)
        assert sync("pkg==2\n").code == 0
        env.record("pkg")
        assert env.run("-c", "import pkg.only2, single") == ""
        assert at_rest(env)
        assert sync("pkg==1\n").code == 0
        assert of_packages(env) == before
        assert puffin("pip", "uninstall", "pkg").code == 0
        assert not (env.site / "pkg").exists()
        assert at_rest(env)
    with layer_above(env.root):
        done = sync("pkg==2\n")
        assert done.code == 0, done.err


def test_an_environment_of_a_lower_layer_is_replaced(puffin, env, sync):
    assert sync("pkg==1\n").code == 0
    with layer_above(puffin.cwd):
        done = puffin("venv", "--clear")
        assert done.code == 0, done.err
        assert env.installed() == {}
        assert sync("pkg==2\n").code == 0
        assert env.run("-c", "import pkg.only2") == ""


def test_an_environment_behind_a_symlink(puffin, sync):
    (puffin.root / "real").mkdir()
    (puffin.root / "link").symlink_to(puffin.root / "real")
    assert puffin("venv", puffin.root / "link/env").code == 0
    env = Env(puffin.root / "link/env")
    before = of_packages(env)
    place = {"VIRTUAL_ENV": str(env.root)}
    assert sync("pkg==1\n", **place).code == 0
    assert "../../../bin/run-pkg" in env.record("pkg")
    assert puffin("pip", "uninstall", "pkg", env=place).code == 0
    assert of_packages(env) == before


def test_a_scripts_directory_that_is_a_symlink(puffin, env, sync):
    moved = puffin.root / "scripts"
    env.bin.rename(moved)
    env.bin.symlink_to(moved)
    before = snapshot(moved)
    assert sync("pkg==1\n").code == 0
    assert (moved / "run-pkg").exists()
    assert puffin("pip", "uninstall", "pkg").code == 0
    assert snapshot(moved) == before


def test_a_package_directory_that_is_a_symlink_is_refused(puffin, env, sync):
    outside = puffin.root / "outside"
    outside.mkdir()
    (outside / "mine.py").write_text("mine")
    (env.site / "pkg").symlink_to(outside)
    before = of_packages(env), snapshot(outside)
    done = sync("pkg==1\n")
    assert done.code == 1
    assert "Refused to change files behind the symlink" in done.err
    assert "hint:" in done.err
    assert (of_packages(env), snapshot(outside)) == before
    assert at_rest(env)


def test_a_package_directory_that_became_a_symlink_is_not_followed(puffin, env, sync):
    assert sync("pkg==1\n").code == 0
    outside = puffin.root / "outside"
    (env.site / "pkg").rename(outside)
    (env.site / "pkg").symlink_to(outside)
    before = snapshot(outside)
    for done in (puffin("pip", "uninstall", "pkg"), sync("pkg==2\n")):
        assert done.code == 1
        assert "Refused to change files behind the symlink" in done.err
        assert snapshot(outside) == before


def test_an_empty_directory_behind_a_symlink(puffin, env, sync):
    outside = puffin.root / "outside"
    outside.mkdir()
    (env.site / "pkg").symlink_to(outside)
    assert sync("pkg==1\n").code == 1
    assert os.listdir(outside) == []


def test_rows_of_record_that_lead_elsewhere_remove_nothing(puffin, env, sync):
    assert sync("pkg==1\n").code == 0
    outside = puffin.root / "precious"
    outside.write_text("kept")
    inside = env.site / "neighbour.txt"
    inside.write_text("kept")
    rows = [
        "../../../pyvenv.cfg",
        str(outside),
        "../../../../../precious",
        "../../../bin/python",
        "../../../bin/activate",
        ".",
        "..",
    ]
    record = env.info("pkg") / "RECORD"
    record.write_text(record.read_text() + "".join(f"{row},,\n" for row in rows))
    done = puffin("pip", "uninstall", "pkg")
    assert done.code == 0
    assert outside.read_text() == inside.read_text() == "kept"
    assert (env.root / "pyvenv.cfg").exists()
    assert env.run("-c", "print(1)") == "1"
    assert env.installed() == {}


def test_a_symlink_that_record_lists_goes_and_its_target_stays(puffin, env, sync):
    assert sync("pkg==1\n").code == 0
    outside = puffin.root / "precious"
    outside.write_text("kept")
    (env.site / "pkg/link.py").symlink_to(outside)
    record = env.info("pkg") / "RECORD"
    record.write_text(record.read_text() + "pkg/link.py,,\n")
    assert puffin("pip", "uninstall", "pkg").code == 0
    assert outside.read_text() == "kept"
    assert not (env.site / "pkg").exists()
