"""What is damaged, doubled or foreign in an environment, or damaged in the cache, and how a sync deals with it."""

import os
import shutil
import sys

import pytest

from puffin.stages.link.environment.venv import seed_requirements
from tests.helpers.cli import checked, told
from tests.helpers.wheels import forge_wheel

AGAIN = told("~ alpha==1.0", pins=2, uninstalled=1, installed=1)


@pytest.fixture
def synced(puffin, env, index):
    """An environment with ``alpha`` (a package, a module, a script) and ``beta``."""
    index.add(
        *forge_wheel("alpha", "1.0", {"alpha/__init__.py": "A = 1\n", "alpha/sub/x.py": "", "alone.py": "L = 1\n"},
                     entry_points={"alpha": "alpha:main"}, data={"share/alpha.txt": "text"})
    )  # fmt: skip
    index.add(*forge_wheel("beta", "1.0"))
    assert puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", index.url).code == 0
    return env


def _whole(env):
    rows = env.record("alpha")
    return env.unlisted() == set() and {"alone.py", "../../../bin/alpha", "../../../share/alpha.txt"} <= set(
        rows
    )


LOST = ["alpha/__init__.py", "alone.py", "alpha-1.0.dist-info/RECORD", "alpha-1.0.dist-info/METADATA",
        "alpha-1.0.dist-info/INSTALLER", "../../../bin/alpha", "../../../share/alpha.txt"]  # fmt: skip


@pytest.mark.parametrize("path", LOST)
def test_a_deleted_file_is_brought_back(puffin, synced, index, path):
    os.unlink(synced.site / path)
    assert puffin.sync(None, "-i", index.url).err == AGAIN
    assert _whole(synced)
    assert puffin.sync(None, "-i", index.url).err == checked(2)


@pytest.mark.parametrize("path", ["alpha", "alpha/sub", "../../../share"])
def test_a_deleted_directory_is_brought_back(puffin, synced, index, path):
    shutil.rmtree(synced.site / path)
    assert puffin.sync(None, "-i", index.url).err == AGAIN
    assert _whole(synced)


def test_a_deleted_dist_info_is_brought_back(puffin, synced, index):
    shutil.rmtree(synced.info("alpha"))
    done = puffin.sync(None, "-i", index.url)
    assert done.err == told("+ alpha==1.0", pins=2, installed=1)
    assert _whole(synced)


@pytest.mark.parametrize("text", ["", "A = 2\n", "something longer\n"])
def test_a_file_that_was_replaced_is_brought_back(puffin, synced, index, text):
    changed = synced.site / "alpha" / "__init__.py"
    changed.unlink()
    changed.write_text(text)
    assert puffin.sync(None, "-i", index.url).err == AGAIN
    assert changed.read_text() == "A = 1\n"


def test_a_file_edited_in_place_damages_the_cache_too_and_a_reinstall_heals_both(puffin, synced, index):
    changed = synced.site / "alpha" / "__init__.py"
    os.truncate(changed, 0)
    done = puffin.sync(None, "--reinstall-package", "alpha", "-i", index.url)
    warning = ("The cached archive of `alpha` was damaged; fetching it again",)
    assert done.err == (
        "Resolved 2 packages in [TIME]\n" + f"warning: {warning[0]}\n" + told(
            "~ alpha==1.0", pins=2, prepared=1, uninstalled=1, installed=1
        ).partition("\n")[2]
    )  # fmt: skip
    assert changed.read_text() == "A = 1\n"
    assert _whole(synced)


@pytest.mark.parametrize("damage", [os.unlink, lambda path: os.truncate(path, 0)], ids=["deleted", "emptied"])
@pytest.mark.parametrize("name", ["alone.py", "RECORD", "alpha.txt"])
def test_a_file_damaged_in_the_cache_is_fetched_again_before_it_spreads(puffin, synced, index, damage, name):
    (path,) = (
        (puffin.cache / "archive-v0").rglob(f"*/{name}")
        if name != "RECORD"
        else list((puffin.cache / "archive-v0").rglob("alpha-1.0.dist-info/RECORD"))
    )
    damage(path)
    done = puffin.sync(None, "--reinstall", "-i", index.url)
    assert done.code == 0
    assert done.err.count("warning: The cached archive of `alpha` was damaged; fetching it again\n") == 1
    assert _whole(synced)


@pytest.mark.parametrize("name", ["*.manifest", "pins-v0/*/*", "simple-v0/*/*", "wheels-v0/*/*/*/*"])
@pytest.mark.parametrize("content", [b"", b"\0garbage" * 40, None], ids=["empty", "garbage", "cut"])
def test_damaged_entries_of_the_cache_are_as_good_as_none(puffin, synced, index, name, content):
    found = [path for path in puffin.cache.rglob(name) if path.is_file() or path.is_symlink()]
    assert found
    for path in found:
        if path.is_symlink():
            path.unlink()
            path.symlink_to("/nowhere" if content is None else "nothing")
        else:
            path.write_bytes(path.read_bytes()[:-7] if content is None else content)
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-p", other.root, "-i", index.url)
    assert done.code == 0, done.err
    assert _whole(other)


def test_two_dist_infos_of_one_name_become_one(puffin, synced, index):
    double = synced.site / "alpha-0.9.dist-info"
    double.mkdir()
    (double / "METADATA").write_text("Metadata-Version: 2.1\nName: alpha\nVersion: 0.9\n")
    done = puffin.sync(None, "-i", index.url)
    assert done.err == told("- alpha==0.9", "~ alpha==1.0", pins=2, uninstalled=1, installed=1)
    assert synced.installed() == {"alpha": "1.0", "beta": "1.0"}


def _foreign(env, name, version, *, record=True):
    """Put a distribution there as another installer would."""
    (env.site / name).mkdir()
    (env.site / name / "__init__.py").write_text("")
    info = env.site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("pip\n")
    if record:
        (info / "RECORD").write_text(
            f"{name}/__init__.py,,\n{name}/__pycache__/__init__.cpython-312.pyc,,\n" + "".join(
                f"{info.name}/{file},,\n" for file in ("METADATA", "INSTALLER", "RECORD"))
        )  # fmt: skip


def test_what_another_installer_put_there_is_kept_where_it_is_pinned(puffin, synced, index):
    _foreign(synced, "gamma", "1.0")
    index.add(*forge_wheel("gamma", "1.0"))
    assert puffin.sync("alpha==1.0\nbeta==1.0\ngamma==1.0\n", "-i", index.url).err == checked(3)
    assert (synced.info("gamma") / "INSTALLER").read_text() == "pip\n"


def test_what_another_installer_put_there_goes_where_it_is_not_pinned(puffin, synced, index):
    _foreign(synced, "gamma", "1.0")
    done = puffin.sync(None, "-i", index.url)
    assert done.err == told("- gamma==1.0", pins=2, uninstalled=1)
    assert not list(synced.site.glob("gamma*"))


def test_a_foreign_distribution_without_a_list_of_its_files_is_not_touched(puffin, synced, index):
    _foreign(synced, "gamma", "1.0", record=False)
    done = puffin.sync(None, "-i", index.url)
    assert (done.code, "Cannot uninstall `gamma`: `gamma-1.0.dist-info`" in done.err) == (1, True), done.err
    assert list(synced.site.glob("gamma-*"))


def test_rows_of_a_foreign_record_that_lead_outside_are_not_followed(puffin, synced, index):
    _foreign(synced, "gamma", "1.0")
    victim = puffin.root / "victim.txt"
    victim.write_text("precious")
    with open(synced.info("gamma") / "RECORD", "a") as record:
        record.write(f"../../../pyvenv.cfg,,\n{victim},,\n../../../../../victim.txt,,\n../../../bin/python,,\n")
    assert puffin.sync(None, "-i", index.url).code == 0
    assert victim.read_text() == "precious"
    assert (synced.root / "pyvenv.cfg").exists()
    assert synced.python.exists()


def test_pip_goes_from_a_plain_environment_and_stays_in_a_seeded_one(puffin, synced, index):
    _foreign(synced, "pip", "24.0")
    assert puffin.sync(None, "-i", index.url).err == told("- pip==24.0", pins=2, uninstalled=1)
    index.add(*forge_wheel("pip", "24.0", entry_points={"pip": "pip:main", "pip3": "pip:main"}))
    seeds = dict.fromkeys(seed_requirements(sys.version_info[:3]), "24.0")
    for name in seeds.keys() - {"pip"}:
        index.add(*forge_wheel(name, "24.0"))
    seeded = puffin.venv("--seed", "-i", index.url, name="seeded")
    assert seeded.installed() == seeds
    done = puffin.sync(None, "-p", seeded.root, "-i", index.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, installed=2)
    assert seeded.installed() == {"alpha": "1.0", "beta": "1.0", **seeds}
    assert puffin.sync(None, "-p", seeded.root, "-i", index.url).err == checked(2)
