"""``puffin pip sync``: the whole way, with every executor."""

import json
import os
import shutil

import pytest

from tests.helpers.cli import PYTHON, checked, lines, told
from tests.helpers.wheels import forge_wheel, hostile_wheels


@pytest.fixture(params=["inline", "pool", "cluster"])
def everyhow(request, puffin):
    """The command line with each of the executors in turn."""
    puffin.executor = request.param
    return puffin


@pytest.fixture
def shop(index):
    """An index with a few packages."""
    for name, version in (("alpha", "1.0"), ("alpha", "2.0"), ("beta", "1.0"), ("gamma", "1.0")):
        index.add(*forge_wheel(name, version))
    return index


def test_pins_are_installed_changed_and_removed(everyhow, env, shop):
    puffin, at = everyhow, ("-i", shop.url)
    done = puffin.sync("alpha==1.0\nbeta==1.0\n", *at)
    assert (done.code, done.out) == (0, "")
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, installed=2)
    assert env.installed() == {"alpha": "1.0", "beta": "1.0"}
    before = env.tree()
    assert puffin.sync(None, *at).err == checked(2)
    assert env.tree() == before
    done = puffin.sync("alpha==2.0\nbeta==1.0\n", *at)
    assert done.err == told("- alpha==1.0", "+ alpha==2.0", pins=2, prepared=1, uninstalled=1, installed=1)
    untouched = {path: facts for path, facts in before.items() if "beta" in path}
    assert untouched.items() <= env.tree().items()
    assert puffin.sync("alpha==2.0\n", *at).err == told("- beta==1.0", pins=1, uninstalled=1)
    assert env.installed() == {"alpha": "2.0"}
    assert env.run("-c", "import alpha; print(alpha.__version__)") == "2.0"
    assert env.unlisted() == set()


def test_a_second_environment_is_linked_without_preparing_anything(everyhow, env, shop):
    puffin = everyhow
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    asked = len(shop.requests)
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-i", shop.url, "-p", other.root)
    assert done.err == told("+ alpha==1.0", pins=1, installed=1)
    assert other.installed() == {"alpha": "1.0"}
    assert len(shop.requests) == asked


def test_one_bad_wheel_among_good_ones_leaves_the_environment_as_it_was(everyhow, env, shop):
    puffin = everyhow
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    before = env.tree()
    filename, data, _ = hostile_wheels()["parent"]
    shop.add(filename, data)
    done = puffin.sync("alpha==2.0\nbeta==1.0\nevil==1.0\ngamma==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert done.err == lines(
        "Resolved 4 packages in [TIME]",
        "error: Failed to sync the environment `[TMP]/here/.venv`; it was left as it was",
        "  ╰─▶ `evil-1.0-py3-none-any.whl` has an invalid package format",
        "      ╰─▶ `../../x`: the name leaves the archive with `..`",
    )
    assert env.tree() == before
    assert os.listdir(puffin.cache / "tmp-v0") == []
    assert not (puffin.root / "x").exists()
    asked = shop.count("/files/beta-1.0-py3-none-any.whl")
    assert puffin.sync("beta==1.0\n", "-i", shop.url).code == 0
    assert shop.count("/files/beta-1.0-py3-none-any.whl") == asked == 1, "what was fetched is kept"


def test_many_packages(everyhow, env, index):
    puffin = everyhow
    names = [f"pkg{number}" for number in range(30)]
    for name in names:
        index.add(*forge_wheel(name, "1.0", entry_points={name: f"{name}:main"}))
    done = puffin.sync("".join(f"{name}==1.0\n" for name in names), "-i", index.url)
    changes = [f"+ {name}==1.0" for name in sorted(names)]
    assert done.err == told(*changes, pins=30, prepared=30, installed=30)
    assert env.installed() == dict.fromkeys(sorted(names), "1.0")
    assert env.unlisted() == set()
    assert index.count("/files/pkg7-1.0-py3-none-any.whl") == 1


def test_a_damaged_archive_of_the_cache_is_fetched_again(everyhow, env, shop):
    puffin = everyhow
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    for path in (puffin.cache / "archive-v0").rglob("alpha/__init__.py"):
        path.unlink()
    other = puffin.venv(name="other")
    done = puffin.sync(None, "-i", shop.url, "-p", other.root)
    assert done.code == 0
    assert "warning: The cached archive of `alpha` was damaged; fetching it again\n" in done.err
    assert other.unlisted() == set()
    assert set(other.record("alpha")) >= {"alpha/__init__.py"}


def test_every_task_is_in_the_run_record(everyhow, env, shop):
    puffin = everyhow
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    (path,) = (puffin.cache / "runs-v0").iterdir()
    head, *rest = [json.loads(line) for line in path.read_text().splitlines()]
    tasks = [line for line in rest if "stage" in line]
    assert head["command"] == "pip sync"
    assert head["executor"] == puffin.executor
    assert (head["run"], head["tasks"]) == (path.stem, 6)
    stages = sorted((task["stage"], task["package"], task["status"]) for task in tasks)
    assert stages == [(s, p, "done") for s in ("fetch", "link", "unzip") for p in ("alpha", "beta")]
    assert all(task["start"] <= task["end"] and task["worker"] for task in tasks)
    assert {len(task["needs"]) for task in tasks if task["stage"] != "fetch"} == {1}


def test_the_last_ten_runs_are_kept(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    runs = puffin.cache / "runs-v0"
    for number in range(20):
        (runs / f"{number:013d}-1.jsonl").write_text("{}")
    puffin.sync("alpha==2.0\n", "-i", shop.url)
    kept = sorted(path.name for path in runs.iterdir())
    assert len(kept) == 10
    assert kept[:8] == [f"{number:013d}-1.jsonl" for number in range(12, 20)]


def test_a_change_wakes_import_caches_and_bytecode_is_no_drift(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    former = env.site.stat().st_mtime_ns
    env.run("-c", "import alpha, beta", bytecode=True)
    assert list(env.site.glob("alpha/__pycache__/*.pyc"))
    assert puffin.sync(None, "-i", shop.url).err == checked(2)
    assert puffin.sync(None, "-i", shop.url).err == checked(2)
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    assert env.site.stat().st_mtime_ns != former
    assert not (env.site / "beta").exists(), "its bytecode goes with it"
    assert list(env.site.glob("alpha/__pycache__/*.pyc"))


def test_nothing_required_changes_nothing_unless_told_so(puffin, env, shop):
    puffin.sync("alpha==1.0\n", "-i", shop.url)
    done = puffin.sync("# nothing\n\n", "-i", shop.url)
    text = (
        "The requirements are empty: nothing was changed (`--allow-empty-requirements` empties the environment)"
    )
    assert (done.code, done.err) == (0, lines(f"warning: {text}"))
    assert env.installed() == {"alpha": "1.0"}
    done = puffin.sync(None, "--allow-empty-requirements", "-i", shop.url)
    assert done.err == told("- alpha==1.0", pins=0, uninstalled=1)
    assert env.installed() == {}


def test_a_dry_run_tells_and_touches_nothing(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    before, fetched = env.tree(), shop.paths().count("/files/alpha-2.0-py3-none-any.whl")
    done = puffin.sync("alpha==2.0\ngamma==1.0\n", "--dry-run", "-i", shop.url)
    assert (done.code, done.out) == (0, "")
    assert done.err == lines(
        "Resolved 2 packages in [TIME]",
        "Would download 2 packages",
        "Would uninstall 2 packages",
        "Would install 2 packages",
        " - alpha==1.0",
        " + alpha==2.0",
        " - beta==1.0",
        " + gamma==1.0",
    )
    assert env.tree() == before
    assert shop.paths().count("/files/alpha-2.0-py3-none-any.whl") == fetched
    done = puffin.sync("alpha==1.0\nbeta==1.0\n", "--dry-run", "-i", shop.url)
    assert done.err == checked(2) + lines("Would make no changes")


@pytest.mark.parametrize("command", ["sync", "install", "uninstall"])
def test_a_dry_run_leaves_an_environment_of_others_as_it_is(puffin, env, shop, command):
    foreign = env.site / "beta-1.0.dist-info"
    foreign.mkdir()
    (foreign / "METADATA").write_text("Metadata-Version: 2.1\nName: beta\nVersion: 1.0\n")
    (foreign / "RECORD").write_text("beta-1.0.dist-info/METADATA,,\nbeta-1.0.dist-info/RECORD,,\n")
    before = {path: path.lstat().st_mtime_ns for path in (puffin.root / ".venv").rglob("*")}
    words = {"sync": ("alpha.txt",), "install": ("alpha==2.0",), "uninstall": ("beta",)}[command]
    puffin.file("alpha.txt", "alpha==2.0\n")
    index = () if command == "uninstall" else ("-i", shop.url)
    done = puffin("pip", command, *words, "--dry-run", *index)
    assert (done.code, "Would " in done.err) == (0, True), done.err
    assert {path: path.lstat().st_mtime_ns for path in (puffin.root / ".venv").rglob("*")} == before


def test_reinstall_all_or_one(puffin, env, shop):
    puffin.sync("alpha==1.0\nbeta==1.0\n", "-i", shop.url)
    before = env.tree()
    done = puffin.sync(None, "--reinstall", "-i", shop.url)
    assert done.err == told("~ alpha==1.0", "~ beta==1.0", pins=2, uninstalled=2, installed=2)
    middle = env.tree()
    assert middle[f"lib/{PYTHON}/site-packages/beta"] != before[f"lib/{PYTHON}/site-packages/beta"]
    done = puffin.sync(None, "--reinstall-package", "Alpha", "-i", shop.url)
    assert done.err == told("~ alpha==1.0", pins=2, uninstalled=1, installed=1)
    assert env.tree()[f"lib/{PYTHON}/site-packages/beta"] == middle[f"lib/{PYTHON}/site-packages/beta"]


def test_the_same_package_twice(puffin, env, shop):
    assert puffin.sync("alpha==1.0\nalpha==1.0\nalpha<2\n", "-i", shop.url).err == told(
        "+ alpha==1.0", pins=1, prepared=1, installed=1
    )
    done = puffin.sync("alpha==1.0\nbeta==1.0\nalpha==2.0\n", "-i", shop.url)
    assert done.code == 1
    assert done.err == lines(
        "error: No version of `alpha` can be installed: you require alpha==1.0 and alpha==2.0",
        "    alpha==1.0 (requirements.txt:1)",
        "    alpha==2.0 (requirements.txt:3)",
    )


def test_markers_choose_between_pins(puffin, env, shop):
    old, new, other = 'python_version < "3"', 'python_version >= "3"', 'sys_platform == "win32"'
    text = f"alpha==1.0 ; {old}\nalpha==2.0 ; {new}\nbeta==1.0 ; {other}\n"
    assert puffin.sync(text, "-i", shop.url).err == told("+ alpha==2.0", pins=1, prepared=1, installed=1)


def test_constraints_nested_files_variables_and_a_byte_order_mark(puffin, env, shop):
    puffin.file("sub/more.txt", "-r deeper.txt\nbeta==1.0\n")
    puffin.file("sub/deeper.txt", "gamma==${GAMMA}\n")
    puffin.file("limits.txt", "alpha==1.0\ndelta==7\n")
    text = b"\xef\xbb\xbf-c limits.txt\n-r sub/more.txt\nalpha  # held by the constraint\n"
    done = puffin.sync(text, "-i", shop.url, env={"GAMMA": "1.0"})
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", "+ gamma==1.0", pins=3, prepared=3, installed=3)


def test_several_files_and_standard_input(puffin, env, shop):
    one, two = puffin.file("one.txt", "alpha==1.0\n"), puffin.file("two.txt", "beta==1.0\n")
    done = puffin("pip", "sync", one, two, "-i", shop.url)
    assert done.err == told("+ alpha==1.0", "+ beta==1.0", pins=2, prepared=2, installed=2)
    done = puffin("pip", "sync", "-", "-i", shop.url, stdin="gamma==1.0\n")
    assert done.err == told(
        "- alpha==1.0", "- beta==1.0", "+ gamma==1.0", pins=1, prepared=1, uninstalled=2, installed=1
    )


def test_a_local_version_prerelease_and_other_spellings_of_a_pin(puffin, env, index):
    index.add(*forge_wheel("alpha", "1.0rc1"))
    index.add(*forge_wheel("beta", "1.0+local.1"))
    index.add(*forge_wheel("Ga.mma_x", "1.0"))
    text = "Alpha==1.0.rc1\nbeta==1.0+local.1\nga-MMA.x==1\n"
    done = puffin.sync(text, "-i", index.url)
    assert done.code == 0, done.err
    assert puffin.sync(text, "-i", index.url).err == checked(3)


def test_what_has_most_files_is_linked_first(puffin, env, index):
    """Else one process may be left with it when the others have nothing to do any more."""
    index.add(*forge_wheel("alpha", "1.0"))
    index.add(*forge_wheel("zeta", "1.0", {f"zeta/m{number}.py": "" for number in range(50)}))
    assert puffin.sync("alpha==1.0\nzeta==1.0\n", "-i", index.url).code == 0
    shutil.rmtree(env.root)
    puffin.venv()
    assert puffin.sync(None, "-i", index.url).code == 0
    record = max((puffin.cache / "runs-v0").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    assert [row["package"] for row in rows if row.get("stage") == "link"] == ["zeta", "alpha"]
