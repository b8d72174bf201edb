"""Builds on the workers of a scheduler: real ones, each a process with a cache of its own."""

import subprocess

import pytest

from puffin.stages.build.kept import read_entry
from tests.helpers.cli import checked, told
from tests.helpers.dask_farm import Farm, tasks_of, workers_of
from tests.helpers.sdists import forge_backend, forge_sdist, write_project
from tests.helpers.waiting import SECONDS
from tests.helpers.wheels import forge_wheel


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    """A scheduler with two workers."""
    with Farm(tmp_path_factory.mktemp("farm")) as made:
        made.worker()
        made.worker()
        yield made.ready()


@pytest.fixture
def shop(index):
    index.add(*forge_backend())
    return index


@pytest.fixture
def remote(puffin, farm):
    """The command line with the farm as its executor."""
    puffin.executor = farm.address
    return puffin


@pytest.fixture
def far_told(tmp_path):
    """A file that gets a line for each hook that ran, on whichever worker."""
    return tmp_path / "told"


def told_by(path):
    """Return the names of what was built, in that order."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[1] for line in lines if line.startswith("wheel ")]


def wheels_in(farm):
    """Return the names of the wheels that the caches of the workers keep."""
    return sorted(
        path.name for worker in farm.workers for path in worker.cache.glob("built-wheels-v0/*/*/*.wheel/*.whl")
    )


def test_a_source_on_an_index_is_built_by_a_worker(remote, farm, env, shop, far_told):
    shop.add(*forge_sdist("far", told=far_told))
    shop.add(*forge_wheel("lib", "1.0"))
    done = remote.sync("lib==1.0\nfar==1.0\n", "-i", shop.url, "--profile=p.html")
    expected = told("+ far==1.0", "+ lib==1.0", pins=2, prepared=2, installed=2)
    assert (done.code, done.err) == (0, f"{expected}Profile written to p.html\n")
    (builder,) = workers_of(remote, "build")
    assert f">{builder}</div>" in (remote.cwd / "p.html").read_text(), "the worker is a row of the timeline"
    assert env.run("-c", "import far; print(far.TOLD['imported'])") == "[]"
    assert told_by(far_told) == ["far"]
    assert wheels_in(farm).count("far-1.0-py3-none-any.whl") == 1
    assert not list(remote.cache.glob("build-envs-v0/*")), "the environment is made where the build is"
    assert len(list(remote.cache.glob("built-wheels-v0/*/*/*.wheel/far-1.0-py3-none-any.whl"))) == 1
    assert list((remote.cache / "tmp-v0").iterdir()) == []
    assert remote.sync(None, "-i", shop.url).err == checked(2)
    assert workers_of(remote, "build") <= {worker.address for worker in farm.workers}


def test_the_record_has_the_cpu_time_of_the_backend(remote, farm, env, shop):
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end:\n    pass\n"
    shop.add(*forge_wheel("burn", "1.0", {"burn.py": burn}))
    shop.add(*forge_sdist("hot", needs=("toy", "burn"), imports=("burn",)))
    assert remote.sync("hot==1.0\n", "-i", shop.url).code == 0
    (build,) = (task for task in tasks_of(remote) if task["stage"] == "build" and task["status"] == "done")
    assert build["cpu"] >= 0.5


def test_what_is_kept_is_not_built_again_here_or_there(remote, farm, env, shop, far_told):
    shop.add(*forge_sdist("again", told=far_told))
    assert remote.sync("again==1.0\n", "-i", shop.url).code == 0
    remote.venv(name="other")
    assert remote.sync(None, "-i", shop.url, "-p", "other").code == 0
    assert told_by(far_told) == ["again"]
    remote.venv(name="third")
    done = remote.sync(None, "-i", shop.url, "-p", "third", "--cache-dir", remote.root / "empty")
    assert done.code == 0, done.err
    assert told_by(far_told) == ["again"], "the worker has kept it"


def test_a_local_directory_travels_as_a_tree(remote, farm, env, shop, far_told):
    project = write_project(remote.cwd / "thing", "thing", told=far_told, version="3.1")
    (project / ".venv").mkdir()
    (project / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\n")
    done = remote.sync("./thing\n", "-i", shop.url)
    assert (done.code, done.err) == (
        0,
        told("+ thing==3.1 (from file://[TMP]/here/thing)", pins=1, prepared=1, installed=1),
    )
    assert "thing-3.1-py3-none-any.whl" in wheels_in(farm)
    assert env.installed() == {"thing": "3.1"}


def test_files_that_only_this_machine_sees_travel_as_bytes(remote, farm, env, shop, far_told):
    name, data = forge_sdist("near", told=far_told, needs=("toy", "helper"), imports=("helper",))
    remote.file(name, data)
    links = remote.cwd / "links"
    links.mkdir()
    for each, content in (forge_wheel("helper", "1.0", {"helper.py": ""}), forge_backend()):
        (links / each).write_bytes(content)
    done = remote.sync(f"./{name}\n", "--no-index", "-f", links)
    assert done.code == 0, done.err
    assert env.run("-c", "import near; print(near.TOLD['imported'])") == "['helper']"
    assert "near-1.0-py3-none-any.whl" in wheels_in(farm)


def test_a_repository_travels_as_a_tree(remote, farm, env, shop, far_told):
    project = write_project(remote.root / "repo" / "inner", "cloned", told=far_told)

    def git(*words):
        names = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *names, *words], cwd=project.parent, check=True, capture_output=True)

    for words in (("init",), ("add", "."), ("commit", "-m", "one")):
        git(*words)
    url = f"git+file://{project.parent}@main#subdirectory=inner"
    done = remote.sync(f"cloned @ {url}\n", "-i", shop.url)
    assert done.code == 0, done.err
    assert "cloned-1.0-py3-none-any.whl" in wheels_in(farm)


def test_a_build_requirement_that_is_built_itself_and_one_that_the_backend_asks_for(
    remote, farm, env, shop, far_told
):
    shop.add(*forge_sdist("inner", told=far_told))
    shop.add(*forge_wheel("asked", "1.0", {"asked.py": ""}))
    shop.add(
        *forge_sdist(
            "outer", told=far_told, needs=("toy", "inner"), asks=("asked",), imports=("inner", "asked")
        )
    )
    done = remote.sync("outer==1.0\n", "-i", shop.url)
    assert done.code == 0, done.err
    assert env.run("-c", "import outer; print(outer.TOLD['imported'])") == "['inner', 'asked']"
    assert told_by(far_told) == ["inner", "outer"]


def test_metadata_are_asked_of_a_worker_too(remote, farm, env, shop, far_told):
    shop.add(*forge_wheel("lib", "1.0"))
    shop.add(*forge_sdist("dynamic", told=far_told, requires=("lib",)))
    done = remote("pip", "install", "dynamic", "-i", shop.url, "--executor", farm.address)
    assert done.code == 0, done.err
    assert env.installed() == {"dynamic": "1.0", "lib": "1.0"}
    assert not list(remote.cache.glob("build-envs-v0/*"))


def test_an_editable_project_is_built_where_it_lies(remote, farm, env, shop, far_told):
    write_project(remote.cwd / "mine", "mine", told=far_told)
    assert remote.sync("-e ./mine\n", "-i", shop.url).code == 0
    assert "mine-1.0-py3-none-any.whl" not in wheels_in(farm)
    (remote.cwd / "mine" / "sources.py").write_text("VALUE = 7\n")
    assert env.run("-c", "import sources; print(sources.VALUE)") == "7"


def test_a_failure_is_told_as_if_it_had_been_here(remote, farm, env, shop, far_told):
    shop.add(*forge_sdist("broken", told=far_told, fail="missing"))
    before = env.tree()
    done = remote.sync("broken==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "Failed to build `broken==1.0`" in done.err
    assert "something is missing" in done.err
    assert "it was built by the worker `tcp://127.0.0.1:" in done.err
    logs = list(remote.cache.glob("built-wheels-v0/*/*/*.log"))
    assert len(logs) == 1
    assert f"The whole log is `[TMP]/{logs[0].relative_to(remote.root)}`" in done.err
    assert "something is missing" in logs[0].read_text()
    assert env.tree() == before


def test_the_scheduler_may_be_named_by_a_variable(puffin, farm, env, shop, far_told):
    shop.add(*forge_sdist("named", told=far_told))
    puffin.file("requirements.txt", "named==1.0\n")
    done = puffin("pip", "sync", "requirements.txt", "-i", shop.url, env={"PUFFIN_SCHEDULER": farm.address})
    assert done.code == 0, done.err
    assert "named-1.0-py3-none-any.whl" in wheels_in(farm)


def test_credentials_are_in_no_log_and_no_name(remote, farm, env, shop, far_told):
    shop.add(*forge_sdist("secret", told=far_told))
    url = shop.url.replace("http://", "http://user:hunter2secret@")
    done = remote.sync("secret==1.0\n", "-i", url, "-v")
    assert done.code == 0, done.err
    assert "secret-1.0-py3-none-any.whl" in wheels_in(farm)
    assert "hunter2secret" not in farm.logs() + done.raw_err
    for worker in farm.workers:
        for path in worker.cache.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert b"hunter2secret" not in path.read_bytes(), path


def test_a_wheel_is_checked_when_it_comes_back(remote, farm, env, shop, far_told):
    shop.add(*forge_sdist("foreign", told=far_told, tag="cp27-cp27m-win32"))
    done = remote.sync("foreign==1.0\n", "-i", shop.url)
    assert done.code == 1
    assert "does not fit the environment by its" in done.err


def test_compile_and_lock_ask_a_worker_for_metadata(remote, farm, env, shop, far_told):
    shop.add(*forge_wheel("lib", "1.0"))
    for name in ("compiled", "locked"):
        shop.add(*forge_sdist(name, told=far_told, requires=("lib",)))
    remote.file("requirements.in", "compiled\n")
    where = ("-i", shop.url, "--executor", farm.address)
    done = remote("pip", "compile", "requirements.in", "--no-header", "--no-annotate", *where)
    assert (done.code, done.out) == (0, "compiled==1.0\nlib==1.0\n"), done.err
    remote.file("requirements.in", "locked\n")
    done = remote("lock", "requirements.in", *where)
    assert done.code == 0, done.err
    assert "locked==1.0" in (remote.cwd / "requirements.txt").read_text()
    assert not list(remote.cache.glob("build-envs-v0/*"))
    assert len(far_told.read_text().splitlines()) == 2


MEET = """
import os, time
place = {place!r}
open(os.path.join(place, str(os.getpid())), "w").close()
end = time.monotonic() + {seconds}
while len(os.listdir(place)) < {count}:
    assert time.monotonic() < end, "nobody else builds"
    time.sleep(0.01)
"""


@pytest.mark.parametrize("command", ["compile", "lock"])
def test_metadata_that_can_be_foreseen_are_built_at_once(remote, farm, env, shop, command):
    """Two builds meet on the two workers, and then those of what they need: one alone waits in vain."""
    for level in ("root", "need"):
        place = remote.root / level
        place.mkdir()
        name = f"meet{level}{command}"
        shop.add(
            *forge_wheel(name, "1.0", {f"{name}.py": MEET.format(place=str(place), count=2, seconds=SECONDS)})
        )
        for number in (0, 1):
            needs = (f"need{command}{number}",) if level == "root" else ()
            shop.add(
                *forge_sdist(
                    f"{level}{command}{number}",
                    requires=needs,
                    needs=("toy", name),
                    imports=(name,),
                    backend="toy_plain",
                )
            )
    remote.file("requirements.in", f"root{command}0\nroot{command}1\n")
    words = ("pip", "compile") if command == "compile" else ("lock",)
    done = remote(*words, "requirements.in", "-i", shop.url, "--executor", farm.address)
    assert done.code == 0, done.err
    assert workers_of(remote, "build") == {worker.address for worker in farm.workers}


@pytest.mark.parametrize("words", [("pip", "compile", "requirements.in"), ("lock", "requirements.in")])
def test_an_executor_by_name_is_refused_by_what_runs_no_graph(puffin, env, shop, words):
    shop.add(*forge_wheel("lib", "1.0"))
    puffin.file("requirements.in", "lib\n")
    done = puffin(*words, "-i", shop.url, "--executor", "inline")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: " + NO_EFFECT)
    done = puffin(*words, "-i", shop.url, env={"PUFFIN_EXECUTOR": "inline"})  # it is for other commands
    assert done.code == 0, done.err


NO_EFFECT = "`--executor inline` has no effect here: only builds run elsewhere, on the workers of a scheduler"


def test_a_scheduler_that_is_away_is_told_by_compile_too(puffin, env, shop):
    shop.add(*forge_sdist("away", requires=("lib",)))
    puffin.file("requirements.in", "away\n")
    words = ("pip", "compile", "requirements.in", "-i", shop.url, "--executor", "tcp://127.0.0.1:9")
    done = puffin(*words, env={"PUFFIN_SCHEDULER_TIMEOUT": "1"})
    assert (done.code, done.err.splitlines()[0]) == (
        75,
        "error: Failed to connect to the scheduler at `tcp://127.0.0.1:9`",
    )


def test_a_wheel_of_a_worker_with_other_variables_is_for_this_machine_alone(remote, shop, tmp_path, far_told):
    with Farm(tmp_path / "farm") as farm:
        farm.worker(env=[("CFLAGS", "-O1")])
        remote.executor = farm.ready().address
        for name, flags, platform in (("same", "-O1", "any"), ("other", "-O2", ""), ("unset", "", "")):
            shop.add(*forge_sdist(name, told=far_told))
            for machine in (f"first-{name}", f"second-{name}"):
                remote.venv(name=machine)
                cache = remote.root / f"cache-{machine}"
                words = ("-i", shop.url, "-p", machine, "--cache-dir", cache)
                done = remote.sync(f"{name}==1.0\n", *words, env={"CFLAGS": flags} if flags else {})
                assert done.code == 0, done.err
                (entry,) = cache.glob("built-wheels-v0/*/*/*.wheel")
                assert read_entry(str(entry)).platform == platform
        assert told_by(far_told) == ["same", "other", "unset"], "what the worker kept serves the second machine"
        for name, flags in (("near", "-O1"), ("far", "-O2")):
            shop.add(*forge_sdist(name))
            remote.venv(name=name)
            words = ("-i", shop.url, "-p", name, "--shared-filesystem")
            assert remote.sync(f"{name}==1.0\n", *words, env={"CFLAGS": flags}).code == 0
        wheels = remote.cache.glob("built-wheels-v0/*/*/*.wheel/*.whl")
        platforms = {each.name.partition("-")[0]: read_entry(str(each.parent)).platform for each in wheels}
        assert platforms == {"near": "any", "far": ""}


def test_what_a_worker_has_built_is_not_built_for_a_second_machine(remote, shop, tmp_path, far_told):
    """Each of four sources is built once, whichever of four workers is asked for it the second time."""
    pins = "".join(f"twice{number}==1.0\n" for number in range(4))
    for number in range(4):
        shop.add(*forge_sdist(f"twice{number}", told=far_told))
    with Farm(tmp_path / "farm") as farm:
        for _ in range(4):
            farm.worker()
        remote.executor = farm.ready().address
        for number in range(3):
            remote.venv(name=f"env{number}")
            cache = remote.root / f"cache{number}"
            done = remote.sync(pins, "-i", shop.url, "-p", f"env{number}", "--cache-dir", cache)
            assert done.code == 0, done.err
        assert sorted(told_by(far_told)) == [f"twice{number}" for number in range(4)]
        assert len(wheels_in(farm)) == 4
