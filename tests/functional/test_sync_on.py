"""``sync --on``: environments on the machines of a cluster. Each worker has a home of its own, as a machine has."""

import json

import pytest

from puffin import __version__
from tests.helpers.cli import Env
from tests.helpers.dask_farm import HIDDEN, OTHER_VERSION, Farm
from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.waiting import until
from tests.helpers.wheels import forge_wheel

QUICK = {"PUFFIN_SCHEDULER_TIMEOUT": "8"}


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for number in range(4):
        index.add(
            *forge_wheel(
                f"lib{number}", "1.0", {f"lib{number}/__init__.py": "", f"lib{number}/x.py": "1\n" * 99}
            )
        )
    return index


@pytest.fixture
def make(tmp_path):
    """Make farms that end with the test."""
    made = []

    def farm(count, **options):
        made.append(Farm(tmp_path / f"farm{len(made)}", **options))
        for _ in range(count):
            made[-1].worker()
        return made[-1].ready()

    yield farm
    for each in made:
        each.__exit__()


def on(puffin, farm, text, *words, path="~/env", **more):
    """Run ``sync`` of a requirements file with *text* on a farm."""
    if text is not None:
        puffin.file("requirements.txt", text)
    return puffin("sync", "requirements.txt", "--on", farm.address, "--path", path, *words, **more)


def inside(worker, path="env"):
    """Return the environment of a worker's machine."""
    return Env(worker.root / "home" / path)


def fetched(shop):
    """Return the names of the files that the index was asked for."""
    return sorted(
        path.rpartition("/")[2] for path in (each.path for each in shop.requests) if "/files/" in path
    )


LIBS = "".join(f"lib{number}==1.0\n" for number in range(4))
INSTALLED = {f"lib{number}": "1.0" for number in range(4)}


def test_each_machine_gets_the_environment_and_the_index_is_asked_once(puffin, shop, make, tmp_path):
    shop.add(*forge_sdist("made", told=tmp_path / "told"))
    farm = make(3)
    done = on(puffin, farm, f"made==1.0\n{LIBS}", "-i", shop.url, "--report", "report.json")
    assert done.code == 0, done.err
    rows = json.loads((puffin.cwd / "report.json").read_text())["envs"]
    assert sorted(row["name"] for row in rows) == sorted(worker.address for worker in farm.workers)
    assert {row["status"] for row in rows} == {"updated"}
    for worker in farm.workers:
        assert inside(worker).installed() == {**INSTALLED, "made": "1.0"}
    files = [name for name in fetched(shop) if not name.endswith(".metadata")]
    assert files == sorted({*files}), "each once"
    assert (tmp_path / "told").read_text().count("wheel made") == 1
    asked = len(shop.requests)
    done = on(puffin, farm, None, "-i", shop.url)
    assert (done.code, done.err) == (0, "Checked 3 environments (15 packages) in [TIME]\n")
    assert len(shop.requests) == asked


def test_a_change_is_seen_before_it_is_made(puffin, shop, make):
    farm = make(2)
    assert on(puffin, farm, LIBS, "-i", shop.url).code == 0
    before = [inside(worker).tree() for worker in farm.workers]
    done = on(puffin, farm, "lib0==1.0\n", "-i", shop.url, "--check")
    assert done.code == 4, done.err
    assert "Would sync 2 environments" in done.err
    assert on(puffin, farm, None, "-i", shop.url, "--dry-run").code == 0
    assert [inside(worker).tree() for worker in farm.workers] == before
    assert on(puffin, farm, None, "-i", shop.url).code == 0
    assert [inside(worker).installed() for worker in farm.workers] == [{"lib0": "1.0"}] * 2
    assert on(puffin, farm, None, "-i", shop.url, "--check").code == 0


def test_what_only_this_machine_sees_arrives(puffin, shop, make, tmp_path):
    """Files of ``--find-links``, a project directory and its build requirement: workers cannot reach any of these."""
    links = puffin.cwd / "links"
    links.mkdir()
    for name, data in (forge_wheel("lib", "2.0", {"lib.py": "V = 2\n"}), forge_backend()):
        (links / name).write_bytes(data)
    write_project(puffin.cwd / "thing", "thing", version="3.1")
    farm = make(2)
    done = on(puffin, farm, "lib\n-e ./thing\n", "--no-index", "-f", links)
    assert done.code == 0, done.err
    for worker in farm.workers:
        assert inside(worker).installed() == {"lib": "2.0", "thing": "3.1"}
        assert str(puffin.cwd) not in inside(worker).run("-c", "import thing; print(thing.__file__)")
    assert on(puffin, farm, None, "--no-index", "-f", links).err.startswith("Checked 2 environments")


def test_workers_of_one_machine_make_one_environment(puffin, shop, make, tmp_path):
    farm = make(0)
    home = {"HOME": str(tmp_path / "home"), "PUFFIN_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(3):
        farm.worker(env=home)
    farm.ready()
    done = on(puffin, farm, LIBS, "-i", shop.url)
    assert done.code == 0, done.err
    assert "Synced 1 environment " in done.err
    assert Env(tmp_path / "home" / "env").installed() == INSTALLED


def test_a_machine_takes_from_another_what_this_one_does_not_have(puffin, shop, make, tmp_path):
    farm = make(1)
    assert on(puffin, farm, LIBS, "-i", shop.url).code == 0
    farm.worker()
    farm.ready()
    shop.requests.clear()
    done = on(puffin, farm, None, "-i", shop.url, "--cache-dir", tmp_path / "empty", path="~/other")
    assert done.code == 0, done.err
    assert [inside(worker, "other").installed() for worker in farm.workers] == [INSTALLED] * 2
    assert fetched(shop) == []


def test_a_remote_cache_serves_this_machine(puffin, shop, make, tmp_path):
    shop.add(*forge_sdist("made", told=tmp_path / "told"))
    farm, store = make(1), ("--remote-cache", f"file://{tmp_path}/store")
    key = {"PUFFIN_REMOTE_CACHE_KEY": "a key that is long enough for this"}
    done = on(puffin, farm, f"made==1.0\n{LIBS}", "-i", shop.url, *store, "--remote-cache-write", env=key)
    assert done.code == 0, done.err
    shop.requests.clear()
    other = make(1)
    done = on(puffin, other, None, "-i", shop.url, *store, "--cache-dir", tmp_path / "empty", env=key)
    assert done.code == 0, done.err
    assert inside(other.workers[0]).installed() == {**INSTALLED, "made": "1.0"}
    assert [each for each in fetched(shop) if each.endswith(".whl")] == []
    assert (tmp_path / "told").read_text().count("wheel made") == 1


def test_a_worker_that_joins_later_gets_the_environment(puffin, shop, make):
    farm = make(1)
    assert on(puffin, farm, LIBS, "-i", shop.url).code == 0
    shop.requests.clear()
    late = farm.worker()
    hidden = farm.worker(customize=HIDDEN)
    farm.ready()
    until(lambda: inside(late).installed() == INSTALLED, late.log.read_text)
    assert shop.requests == []
    assert hidden.is_alive()


@pytest.mark.parametrize("given", ["limits.txt", "-"])
def test_build_constraints_hold_where_a_machine_builds_by_itself(puffin, shop, make, tmp_path, given):
    """Whoever joins when all others are gone has to build; what it may build with is what the request limits."""
    shop.add(*forge_sdist("made", told=tmp_path / "told"))
    shop.add(*forge_wheel("toy", "2.0", {"toy.py": "raise RuntimeError('too new')\n"}))
    included = puffin.file("more/limits.txt", "toy<2\n")
    puffin.file("limits.txt", f"-c {included}\n")
    farm = make(1)
    done = on(puffin, farm, "made==1.0\n", "-i", shop.url, "-b", given, stdin=f"-c {included}\n")
    assert done.code == 0, done.err
    included.unlink()
    farm.workers.pop().kill()
    late = farm.worker()
    farm.ready()
    until(lambda: inside(late).installed() == {"made": "1.0"}, late.log.read_text)
    assert (tmp_path / "told").read_text().count("wheel made") == 2


def test_one_machine_cannot_write(puffin, shop, make):
    farm = make(2)
    bad, good = farm.workers
    (bad.root / "home" / "env").write_text("a file")
    done = on(puffin, farm, LIBS, "-i", shop.url)
    assert done.code == 3, done.err
    assert "Failed to sync 1 of 2 environments" in done.err
    assert f"In `{bad.address}`" in done.err
    assert (bad.root / "home" / "env").read_text() == "a file"
    assert inside(good).installed() == INSTALLED


def test_what_cannot_be_had_changes_no_machine(puffin, shop, make):
    farm = make(2)
    assert on(puffin, farm, "lib0==1.0\n", "-i", shop.url).code == 0
    shop.add(*forge_sdist("broken", fail="missing"))
    done = on(puffin, farm, "lib1==1.0\nbroken==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "Failed to build `broken==1.0`" in done.err
    assert [inside(worker).installed() for worker in farm.workers] == [{"lib0": "1.0"}] * 2


def test_another_interpreter_that_a_machine_does_not_have(puffin, shop, make):
    farm = make(1)
    done = on(puffin, farm, LIBS, "-i", shop.url, "-p", "2.7")
    assert done.code == 1
    assert f"In `{farm.workers[0].address}`" in done.err
    assert "2.7" in done.err


def test_workers_that_cannot_be_used(puffin, shop, make):
    farm = make(0)
    without, other = farm.worker(customize=HIDDEN), farm.worker(customize=OTHER_VERSION)
    farm.ready()
    done = on(puffin, farm, LIBS, "-i", shop.url, env=QUICK)
    assert done.code == 2
    assert f"  `{without.address}` has no puffin installed\n" in done.err
    assert f"  `{other.address}` has puffin 0.0.1, and not {__version__}\n" in done.err
    assert without.is_alive()


def test_nobody_is_there(puffin, shop, make):
    puffin.file("requirements.txt", LIBS)
    done = puffin(
        "sync", "requirements.txt", "--on", "tcp://127.0.0.1:9", env={"PUFFIN_SCHEDULER_TIMEOUT": "1"}
    )
    assert (done.code, done.err.splitlines()[0]) == (
        75,
        "error: Failed to connect to the scheduler at `tcp://127.0.0.1:9`",
    )
    done = on(puffin, make(0), None, env={"PUFFIN_SCHEDULER_TIMEOUT": "2"})
    assert done.code == 75
    assert "has no workers" in done.err


ON = ("--on", "tcp://h:1")
WRONG = [
    (("--on", "h"), "`h` is not the address of a scheduler"),
    ((*ON, "--executor", "pool"), "`--on` cannot be used with `--executor`: builds go to the same workers"),
    (
        (*ON, "--shared-filesystem"),
        "`--on` cannot be used with `--shared-filesystem`: each machine has its own cache",
    ),
    (
        (*ON, "--no-build-isolation"),
        "`--on` cannot be used with `--no-build-isolation`: builds run before the environments exist",
    ),
    (("--path", "x"), "`--path` needs `--on`: it is a directory on the machines of a cluster"),
    ((*ON, "--path", "x", "other.txt"), "`--path` needs exactly one environment, but 2 were selected"),
]


def test_a_variable_for_the_path_alone_is_no_mistake(puffin, shop):
    puffin.file("requirements.txt", "lib0==1.0\n")
    done = puffin("sync", "requirements.txt", "-i", shop.url, env={"PUFFIN_PATH": "/opt/puffin"})
    assert done.code == 0, done.err
    assert Env(puffin.cwd / ".venv").installed() == {"lib0": "1.0"}


@pytest.mark.parametrize(("words", "told"), WRONG)
def test_what_is_asked_for_wrongly(puffin, words, told):
    puffin.file("requirements.txt", "")
    (puffin.cwd / "other").mkdir()
    puffin.file("other/other.txt", "")
    words = tuple("other/other.txt" if word == "other.txt" else word for word in words)
    done = puffin("sync", "requirements.txt", *words)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: {told}")
