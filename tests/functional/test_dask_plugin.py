"""``puffin.dask.Environment``: environments for the workers of a cluster, as a plugin of a client."""

import pytest

import puffin.dask
from tests.helpers.dask_farm import HIDDEN, Farm
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import until
from tests.helpers.wheels import forge_wheel

CLIENT = """
import sys
from distributed import Client
import puffin.dask

def look():
    import sys, lib0
    return sys.prefix, lib0.__file__

with Client({address!r}) as client:
    try:
        client.register_plugin(puffin.dask.Environment({asked}, index_url={index!r}, path="~/env"{more}))
    except Exception as error:
        sys.exit(f"{{type(error).__name__}}: {{error}}")
    print(client.run(look) if not {more!r} else "")
"""


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    for number in range(3):
        index.add(*forge_wheel(f"lib{number}", "1.0", {f"lib{number}.py": "x = 1\n"}))
    return index


@pytest.fixture
def farm(tmp_path):
    with Farm(tmp_path / "farm") as made:
        yield made


def register(puffin, farm, shop, asked, more=""):
    """Register the plugin in a process of its own, and return how that ended."""
    return puffin.run_code(CLIENT.format(address=farm.address, asked=asked, index=shop.url, more=more))


def ask(puffin, farm, code):
    """Return what *code* prints that has a client of the farm."""
    code = f"""
from distributed import Client
with Client({farm.address!r}) as client:
    client.wait_for_workers({len(farm.workers)})
    {code.strip()}
"""
    done = puffin.run_code(code)
    assert done.returncode == 0, done.stderr
    return done.stdout


UNREGISTER = "client.unregister_worker_plugin({!r})"
KEPT = "print(client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.task_metadata))"
IMPORTS = """
    def look():
        import importlib.util
        return [importlib.util.find_spec(name) is not None for name in ("lib0", "lib1")]
    print(client.run(look))
"""


def installed(worker):
    """Return the modules in the environment of a worker."""
    return sorted(path.name for path in (worker.root / "home" / "env").glob("lib/python*/site-packages/*.py"))


LOOKS_NOT = ", compile_bytecode=False"  # and the workers import nothing


def site(worker):
    """Return the directory of the packages in the environment of a worker."""
    (found,) = (worker.root / "home" / "env").glob("lib/python*/site-packages")
    return found


def files(shop):
    return [
        each.path for each in shop.requests if "/files/" in each.path and not each.path.endswith(".metadata")
    ]


def test_workers_get_it_now_and_later_and_each_file_is_fetched_once(puffin, shop, farm, tmp_path):
    shop.add(*forge_sdist("made", told=tmp_path / "told"))
    puffin.file("requirements.txt", "made\n-r more.txt\n")
    puffin.file("more.txt", "lib0\nlib1==1.0\n")
    farm.worker()
    farm.worker()
    farm.ready()
    done = register(puffin, farm, shop, "'requirements.txt'")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("/env/lib/python") == 2, "workers import it"
    late = farm.worker()
    farm.ready()
    until(lambda: "made.py" in installed(late), late.log.read_text)
    for worker in farm.workers:
        assert installed(worker) == ["lib0.py", "lib1.py", "made.py"]
    assert sorted(files(shop)) == sorted({*files(shop)})
    assert (tmp_path / "told").read_text().count("wheel made") == 1


def test_a_cluster_without_workers_gets_it_with_the_first_one(puffin, shop, farm):
    included = puffin.file("more.txt", "lib2==1.0\n")
    puffin.file("requirements.txt", f"lib0\n-r {included}\n")
    done = register(puffin, farm, shop, "'requirements.txt'")
    assert done.returncode == 0, done.stderr
    included.unlink()
    worker = farm.worker()
    farm.ready()
    until(lambda: installed(worker) == ["lib0.py", "lib2.py"], worker.log.read_text)


def test_a_nanny_starts_its_worker_in_the_environment(puffin, shop, farm):
    worker = farm.worker(nanny=True)
    farm.ready()
    done = register(puffin, farm, shop, "['lib0']", ", restart=True")
    assert done.returncode == 0, done.stderr
    until(lambda: worker.log.read_text().count("Registered to:") == 2, worker.log.read_text)
    look = (
        "print(client.run(lambda: __import__('sys').prefix), client.run(lambda: __import__('lib0').__file__))"
    )
    told = ask(puffin, farm, look)
    assert told.count(str(worker.root / "home" / "env")) == 2
    assert register(puffin, farm, shop, "['lib0']", ", restart=True").returncode == 0
    assert ask(puffin, farm, look) == told
    assert worker.log.read_text().count("Registered to:") == 2, "it starts again once"
    ask(puffin, farm, UNREGISTER.format(name_of("~/env")))
    ask(puffin, farm, "client.restart()")
    assert str(worker.root / "home" / "env") not in ask(
        puffin, farm, "print(client.run(lambda: __import__('sys').path))"
    )


def name_of(path):
    return puffin.dask.Environment([], path=path).name


def test_another_registration_replaces_the_first(puffin, shop, farm):
    first = farm.worker()
    farm.ready()
    assert register(puffin, farm, shop, "['lib0']", LOOKS_NOT).returncode == 0
    assert register(puffin, farm, shop, "['lib1', 'lib2']", LOOKS_NOT).returncode == 0
    assert installed(first) == ["lib1.py", "lib2.py"]
    assert "[False, True]" in ask(puffin, farm, IMPORTS)
    late = farm.worker()
    farm.ready()
    until(lambda: installed(late) == ["lib1.py", "lib2.py"], late.log.read_text)


def test_the_same_registration_chooses_anew(puffin, shop, farm):
    worker = farm.worker()
    farm.ready()
    assert register(puffin, farm, shop, "['lib0']", LOOKS_NOT).returncode == 0
    shop.add(*forge_wheel("lib0", "2.0", {"lib0.py": "x = 2\n"}))
    worker.root.joinpath("home/.cache").rename(worker.root / "former")  # with the pages of the index
    assert register(puffin, farm, shop, "['lib0']", LOOKS_NOT).returncode == 0
    assert (site(worker) / "lib0.py").read_text() == "x = 2\n"


def test_an_environment_that_is_unregistered_is_forgotten(puffin, shop, farm):
    farm.worker()
    farm.ready()
    assert register(puffin, farm, shop, "['lib0']", LOOKS_NOT).returncode == 0
    assert "[True, False]" in ask(puffin, farm, IMPORTS)
    assert "'orders'" in ask(puffin, farm, KEPT)
    ask(puffin, farm, UNREGISTER.format(name_of("~/env")))
    assert "'orders'" not in ask(puffin, farm, KEPT)
    assert "[False, False]" in ask(puffin, farm, IMPORTS)
    late = farm.worker()
    farm.ready()
    assert ask(puffin, farm, IMPORTS).count("[False, False]") == 2
    assert installed(late) == []


def test_a_worker_that_starts_again_has_the_environment_without_the_index(puffin, shop, farm):
    worker = farm.worker(nanny=True)
    farm.ready()
    assert register(puffin, farm, shop, "['lib0']").returncode == 0
    shop.requests.clear()
    ask(puffin, farm, "client.restart()")
    assert "[True, False]" in ask(puffin, farm, IMPORTS), worker.log.read_text()
    assert shop.requests == []


def test_what_cannot_be_had_is_raised_and_a_worker_without_puffin_lives(puffin, shop, farm):
    worker = farm.worker()
    farm.ready()
    done = register(puffin, farm, shop, "['absent==1.0']")
    assert done.returncode == 1
    assert f"WorkerFailed: The worker `{worker.address}` failed to make its environment\n" in done.stderr
    assert "absent" in done.stderr.partition("\n")[2]
    hidden = farm.worker(customize=HIDDEN)
    farm.ready()
    assert register(puffin, farm, shop, "['absent==1.0']").returncode == 1
    ask(puffin, farm, UNREGISTER.format(name_of("~/env")))
    assert hidden.is_alive()
    assert farm.workers[0].is_alive()


def test_a_file_that_is_not_there(puffin, shop, farm):
    done = register(puffin, farm, shop, "'nowhere.txt'")
    assert done.returncode == 1
    assert "nowhere.txt" in done.stderr
    assert done.stderr.startswith("Traceback") is False
