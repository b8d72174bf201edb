"""A cluster whose every part is a machine in a network: index, remote cache, scheduler, two drivers, four workers.

The index is on a network that only the drivers are joined to, so workers have no way to it.
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from tests.functional.test_remote import MEET
from tests.functional.test_remote_cache_servers import bucket_at, nginx_at
from tests.helpers.cli import Env
from tests.helpers.dask_farm import Farm, tasks_of, workers_of
from tests.helpers.forked_cli import ForkedCommands, ForkedPuffin
from tests.helpers.index_server import IndexServer
from tests.helpers.networks import Networks
from tests.helpers.remote_cache import RemoteCacheServer
from tests.helpers.sdists import forge_backend, forge_sdist, hooks_run
from tests.helpers.waiting import SECONDS, until
from tests.helpers.wheels import forge_wheel

WORKERS = tuple(f"worker{number}" for number in range(4))
LONELY = ("lonely0", "lonely1")
DRIVERS = ("driver", "second")
FRONT, BACK = "front", "back"
QUICK = {"PUFFIN_WORKER_TIMEOUT": "6", "PUFFIN_SCHEDULER_TIMEOUT": "8"}


class World:
    """All places; ``at`` are their addresses on the network of the cluster."""

    def __init__(self, root, interpreters, stack):
        self._root, self._interpreters = root, interpreters
        self.networks = stack.enter_context(Networks())
        self._commands = {}
        self._made = 0
        front = self.networks.join("index", FRONT)
        for place in DRIVERS:
            self.networks.join(place, FRONT)
        self.at = {
            place: self.networks.join(place, BACK)
            for place in (*DRIVERS, "scheduler", "cache", *WORKERS, *LONELY)
        }
        with self.networks.inside("index"):
            self.index = stack.enter_context(IndexServer(host=front))
        self.index.add(*forge_backend())
        for place in DRIVERS:
            with self.networks.inside(place):
                self._commands[place] = stack.enter_context(ForkedCommands())

    def driver(self, place="driver"):
        """Return the command line on the machine of a driver, with an empty cache."""
        self._made += 1
        made = ForkedPuffin(self._root / f"{place}{self._made}", self._interpreters, self._commands[place])
        made.names[self.index.root] = "[INDEX]"
        return made

    @contextmanager
    def farm(self, places=WORKERS, **options):
        """Start a scheduler, and a worker at each of *places*."""
        self._made += 1
        with self.networks.inside("scheduler"):
            made = Farm(self._root / f"farm{self._made}", host=self.at["scheduler"], **options)
        with made:
            for place in places:
                with self.networks.inside(place):
                    made.worker("--host", self.at[place])
            yield made.ready()

    def start(self, driver, *words):
        """Start a command on the first driver's machine."""
        with self.networks.inside("driver"):
            return subprocess.Popen(
                [sys.executable, "-m", "puffin", *map(str, words)], cwd=driver.cwd, stderr=subprocess.PIPE,
                text=True, env=driver.environ(**QUICK),
            )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory, interpreters):
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("world"), interpreters, stack)


@pytest.fixture(scope="module")
def farm(world):
    """Four workers, for tests that leave them as they are."""
    with world.farm() as made:
        yield made


@pytest.fixture
def shop(world):
    world.index.requests.clear()
    return world.index


def meeting(shop, name, place, count, **options):
    """Add a source distribution whose build waits until so many builds run at once."""
    place.mkdir(exist_ok=True)
    code = MEET.format(place=str(place), count=count, seconds=SECONDS)
    shop.add(*forge_wheel(f"{name}-hook", "1.0", {f"{name}_hook.py": code}))
    shop.add(*forge_sdist(name, needs=("toy", f"{name}-hook"), imports=(f"{name}_hook",), **options))


def files_of(shop):
    """Return the names of the files that the index was asked for."""
    paths = [each.path for each in shop.requests if "/files/" in each.path]
    return sorted(path.rpartition("/")[2] for path in paths if not path.endswith(".metadata"))


def test_workers_have_no_way_to_the_index(world):
    where = world.index.root.rpartition("//")[2].split(":")
    for place in WORKERS:
        with world.networks.inside(place), pytest.raises(OSError, match="unreachable"):
            socket.create_connection((where[0], int(where[1])), SECONDS)


def test_builds_run_on_all_workers_with_bytes_from_the_driver(world, farm, shop, tmp_path):
    driver = world.driver()
    env = driver.venv()
    names = [f"far{number}" for number in range(4)]
    for name in names:
        meeting(shop, name, tmp_path / "meet", 4)
    driver.executor = farm.address
    done = driver.sync("".join(f"{name}==1.0\n" for name in names), "-i", shop.url)
    assert done.code == 0, done.err
    assert env.installed() == dict.fromkeys(names, "1.0")
    assert workers_of(driver, "build") == {worker.address for worker in farm.workers}
    assert files_of(shop) == sorted({*files_of(shop)}), "each once"


def provision(world, farm, shop, tmp_path, name):
    """Make an environment on all machines of a farm, and check that the index was asked once for each file."""
    driver, count = world.driver(), len(farm.workers)
    shop.add(*forge_sdist(f"{name}-made", told=tmp_path / "told"))
    for number in range(6):
        shop.add(*forge_wheel(f"{name}-lib{number}", "1.0", {f"{name}{number}.py": "1\n" * 999}))
    pins = [f"{name}-made==1.0", *[f"{name}-lib{number}==1.0" for number in range(6)]]
    driver.file("requirements.txt", "\n".join(pins))
    words = ("sync", "requirements.txt", "-i", shop.url, "--on", farm.address, "--path", f"~/{name}")
    done = driver(*words, "--report", "report.json")
    assert done.code == 0, done.err
    rows = json.loads((driver.cwd / "report.json").read_text())["envs"]
    assert {row["name"] for row in rows} == {worker.address for worker in farm.workers}
    for worker in farm.workers:
        assert len(Env(worker.root / "home" / name).installed()) == 7
    assert files_of(shop) == sorted({*files_of(shop)}), "each once"
    assert hooks_run(tmp_path / "told") == [f"wheel {name}-made"]
    assert driver(*words).err == f"Checked {count} environments ({7 * count} packages) in [TIME]\n"


def test_all_machines_get_an_environment_and_the_index_is_asked_once(world, farm, shop, tmp_path):
    provision(world, farm, shop, tmp_path, "shared")


def test_machines_that_do_not_reach_each_other_get_an_environment(world, shop, tmp_path):
    """What no other machine gives is brought by the driver."""
    for place in LONELY:
        world.networks.isolate(place, BACK)
    with world.farm(LONELY, env={"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}) as farm:
        provision(world, farm, shop, tmp_path, "alone")


@contextmanager
def cache_at(world, kind, root):
    """Start a remote cache of a kind on its machine; yield its URL, and the variables that lead there."""
    host = world.at["cache"]
    with ExitStack() as stack:
        with world.networks.inside("cache"):
            if kind == "nginx":
                made = stack.enter_context(nginx_at(root / "nginx", host, 8080)), {}
            elif kind == "bucket":
                made = stack.enter_context(bucket_at(host, 5000))
            else:
                made = stack.enter_context(RemoteCacheServer("strict", host=host)).url, {}
        yield made


def sync_by(world, farm, shop, place, name, url, *words, **environ):
    """Install a source and a wheel from a driver with an empty cache; return the driver and what it said."""
    driver = world.driver(place)
    env, driver.executor = driver.venv(), farm.address
    environ |= {
        "PUFFIN_REMOTE_CACHE": url, "PUFFIN_REMOTE_CACHE_KEY": "k" * 32, "PUFFIN_REMOTE_CACHE_TIMEOUT": "60"
    }  # fmt: skip
    shop.requests.clear()
    done = driver.sync(f"{name}==1.0\n{name}-lib==1.0\n", "-i", shop.url, *words, env=environ)
    assert done.code == 0, done.err
    assert env.installed() == {name.replace("-", "_"): "1.0", f"{name}-lib".replace("-", "_"): "1.0"}
    return driver, done.err


@pytest.mark.parametrize("kind", ["nginx", "bazel-remote", "bucket"])
def test_a_second_driver_with_an_empty_cache_builds_nothing(world, farm, shop, tmp_path, kind):
    name = f"cached-{kind}"
    shop.add(*forge_sdist(name, told=tmp_path / "told"))
    shop.add(*forge_wheel(f"{name}-lib", "1.0"))
    with cache_at(world, kind, tmp_path) as (url, environ):
        _, said = sync_by(world, farm, shop, "driver", name, url, "--remote-cache-write", **environ)
        assert "warning" not in said
        driver, said = sync_by(world, farm, shop, "second", name, url, **environ)
        assert "warning" not in said
    assert {each["stage"] for each in tasks_of(driver)} & {"build", "environment"} == set()
    assert files_of(shop) == []
    assert hooks_run(tmp_path / "told") == [f"wheel {name}"]


def test_a_second_driver_takes_no_wrong_byte_of_a_cache_that_lies(world, farm, shop):
    shop.add(*forge_sdist("lied-to"))
    shop.add(*forge_wheel("lied-to-lib", "1.0"))
    with ExitStack() as stack:
        with world.networks.inside("cache"):
            cache = stack.enter_context(RemoteCacheServer(host=world.at["cache"]))
        sync_by(world, farm, shop, "driver", "lied-to", cache.url, "--remote-cache-write")
        cache.mode = "lying"
        driver, said = sync_by(world, farm, shop, "second", "lied-to", cache.url)
    assert said.count("is not used any more in this run") == 1
    assert workers_of(driver, "build") <= {worker.address for worker in farm.workers}
    assert set(files_of(shop)) == {"lied_to-1.0.tar.gz", "lied_to_lib-1.0-py3-none-any.whl"}


@pytest.mark.parametrize("words", [("pip", "compile"), ("lock",)], ids=["compile", "lock"])
def test_metadata_are_built_on_all_workers(world, farm, shop, tmp_path, words):
    driver = world.driver()
    names = [f"{words[-1]}{number}" for number in range(4)]
    shop.add(*forge_wheel("needed", "1.0"))
    for name in names:
        meeting(shop, name, tmp_path / "meet", 4, requires=("needed",), backend="toy_plain")
    driver.file("requirements.in", "\n".join(names))
    done = driver(*words, "requirements.in", "-i", shop.url, "--executor", farm.address)
    assert done.code == 0, done.err
    text = done.out if words[-1] == "compile" else (driver.cwd / "requirements.txt").read_text()
    pins = [line.split()[0] for line in text.splitlines() if "==" in line[:12]]
    assert pins == [f"{name}==1.0" for name in sorted((*names, "needed"))]
    assert workers_of(driver, "build") == {worker.address for worker in farm.workers}


HELD = """
import os, time
with open({note!r}, "a") as file:
    first = not file.tell()
    file.write(os.readlink("/proc/self/ns/net"))
if first:
    time.sleep(600)
"""
COMMANDS = {
    "pip-sync": ("pip", "sync", "requirements.txt", "--executor"),
    "sync": ("sync", "requirements.txt", "--executor"),
    "sync-on": ("sync", "requirements.txt", "--path", "~/held", "--on"),
    "compile": ("pip", "compile", "requirements.in", "--executor"),
    "lock": ("lock", "requirements.in", "--executor"),
}


def begun(world, farm, shop, note, *names):
    """Begin commands with a build on a farm, and return them by their names; the first build does not end."""
    processes = {}
    for name in names:
        words = COMMANDS[name]
        driver, package = world.driver(), f"{note.parent.name[-1]}-held-{name}".replace("-", "")
        shop.add(*forge_wheel(f"{package}hook", "1.0", {f"{package}hook.py": HELD.format(note=str(note))}))
        needs, imports = ("toy", f"{package}hook"), (f"{package}hook",)
        shop.add(*forge_sdist(package, needs=needs, imports=imports, backend="toy_plain"))
        if name == "pip-sync":
            driver.venv()
        driver.file("requirements.txt", f"{package}==1.0\n")
        driver.file("requirements.in", f"{package}\n")
        processes[name] = world.start(driver, *words, farm.address, "-i", shop.url)
    return processes


def ended(process):
    """Return the exit code of a command, and what it said."""
    try:
        said = process.communicate(timeout=SECONDS)[1]
    finally:
        process.kill()
    return process.returncode, said


def namespace_of(worker):
    """Return the network namespace of a worker."""
    return os.readlink(f"/proc/{worker.pid}/ns/net")


def test_a_worker_is_cut_off_while_it_builds(world, shop, tmp_path):
    """Another one builds. The one that is cut off is named if it is to have an environment."""
    note = tmp_path / "where"
    with world.farm(WORKERS[:2]) as farm:
        processes = begun(world, farm, shop, note, "sync", "sync-on", "compile")
        where = until(lambda: note.exists() and note.read_text())
        [cut] = [number for number, each in enumerate(farm.workers) if where.startswith(namespace_of(each))]
        with world.networks.cut(WORKERS[cut], BACK):
            results = {name: ended(process) for name, process in processes.items()}
        assert f"In `{farm.workers[cut].address}`" in results["sync-on"][1]
    codes = {name: code for name, (code, _) in results.items()}
    assert codes == {"sync": 0, "sync-on": 3, "compile": 0}, results


def test_the_scheduler_is_cut_off_while_a_worker_builds(world, shop, tmp_path):
    note = tmp_path / "where"
    with world.farm(WORKERS[:1]) as farm:
        processes = begun(world, farm, shop, note, "pip-sync", "sync", "lock")
        until(note.exists)
        with world.networks.cut("scheduler", BACK):
            results = {name: ended(process) for name, process in processes.items()}
    for name, (code, said) in results.items():
        assert (name, code) == (name, 75), said
        assert f"he scheduler at `{farm.address}`" in said  # one that was not yet connected cannot connect


HOLDS = """
import os, sys, time
if "puffin.pipeline.provision.machine" in sys.orig_argv:
    open({note!r}, "w").close()
    time.sleep(600)
"""


def test_a_machine_is_cut_off_while_it_makes_an_environment(world, shop, tmp_path):
    driver, note = world.driver(), tmp_path / "begun"
    shop.add(*forge_wheel("made-there", "1.0"))
    driver.file("requirements.txt", "made-there==1.0\n")
    with world.farm(WORKERS[:1]) as farm:
        with world.networks.inside(WORKERS[1]):
            lost = farm.worker("--host", world.at[WORKERS[1]], customize=HOLDS.format(note=str(note)))
        farm.ready()
        words = ("sync", "requirements.txt", "-i", shop.url, "--on", farm.address, "--path", "~/env")
        process, env = world.start(driver, *words), Env(farm.workers[0].root / "home" / "env")
        until(lambda: note.exists() and env.root.exists() and env.installed())
        with world.networks.cut(WORKERS[1], BACK):
            code, said = ended(process)
        assert code == 3, said
        assert f"In `{lost.address}`" in said
        assert env.installed() == {"made_there": "1.0"}
