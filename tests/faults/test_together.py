"""Several puffins at once: on one environment, one cache, one wheel; and cleaning meanwhile."""

import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.helpers.cli import Env
from tests.helpers.faults import at_rest, of_packages, started, temporaries
from tests.helpers.sdists import forge_backend, forge_sdist
from tests.helpers.waiting import SECONDS, until
from tests.helpers.wheels import forge_wheel


@pytest.fixture
def shop(index):
    for number in range(6):
        for version in ("1", "2"):
            files = {
                f"pkg{number}/__init__.py": version,
                f"pkg{number}/only{version}.py": version * 1000,
                f"ns/x{number}.py": version,
            }
            index.add(
                *forge_wheel(f"pkg{number}", version, files, entry_points={f"run{number}": f"pkg{number}:main"})
            )
    return index


def pins(version, count=6):
    return "".join(f"pkg{number}=={version}\n" for number in range(count))


def run_all(puffin, commands, **environ):
    """Run several commands at once; return their exit codes and what they said."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "puffin", *map(str, words)],
            env=puffin.environ(**{**environ, **own}),
            cwd=puffin.cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words, own in commands
    ]
    told = [process.communicate(timeout=SECONDS)[1] for process in running]
    return [process.returncode for process in running], told


def test_two_syncs_of_one_environment_come_one_after_the_other(puffin, env, shop):
    puffin.file("one.txt", pins("1"))
    puffin.file("two.txt", pins("2"))
    for _ in range(3):
        codes, told = run_all(
            puffin,
            [(("pip", "sync", f"{name}.txt", "-i", shop.url), {}) for name in ("one", "two", "one", "two")],
        )
        assert codes == [0] * 4, told
        versions = set(env.installed().values())
        assert versions in ({"1"}, {"2"})
        assert len(env.installed()) == 6
        assert len(list(env.site.glob("*.dist-info"))) == 6
        assert env.unlisted() == set()
        assert at_rest(env)


def test_many_environments_and_one_cold_cache(puffin, shop):
    puffin.file("one.txt", pins("1"))
    envs = [puffin.venv(name=f"env{number}") for number in range(5)]
    commands = [(("pip", "sync", "one.txt", "-i", shop.url), {"VIRTUAL_ENV": str(env.root)}) for env in envs]
    codes, told = run_all(puffin, commands)
    assert codes == [0] * 5, told
    for env in envs:
        assert len(env.installed()) == 6
        assert env.record("pkg0")
    assert len(list(puffin.cache.glob("archive-v0/*/*.manifest"))) == 6
    assert temporaries(puffin) == []


def test_nothing_is_fetched_or_unzipped_twice(puffin, shop):
    puffin.file("one.txt", pins("1"))
    envs = [puffin.venv(name=f"env{number}") for number in range(4)]
    words = ("pip", "sync", "one.txt", "-i", shop.url)
    codes, told = run_all(puffin, [(words, {"VIRTUAL_ENV": str(env.root)}) for env in envs])
    assert codes == [0] * 4, told
    names = [f"pkg{number}" for number in range(6)]
    assert [shop.count(f"/files/{name}-1-py3-none-any.whl") for name in names] == [1] * 6
    records = [line for path in (puffin.cache / "runs-v0").iterdir() for line in path.read_text().splitlines()]
    tasks = [task for task in map(json.loads, records) if "stage" in task]
    for stage in ("fetch", "unzip"):  # who waited for another read nothing
        assert sorted(task["package"] for task in tasks if task["stage"] == stage and task["in"]) == names


def test_a_source_is_fetched_and_built_once(puffin, shop, tmp_path):
    shop.add(*forge_backend())
    shop.add(*forge_sdist("sdist", "1.0", wait=0.3, told=tmp_path / "told"))
    puffin.file("one.txt", "sdist==1.0\n")
    envs = [puffin.venv(name=f"env{number}") for number in range(4)]
    words = ("pip", "sync", "one.txt", "-i", shop.url)
    codes, told = run_all(puffin, [(words, {"VIRTUAL_ENV": str(env.root)}) for env in envs])
    assert codes == [0] * 4, told
    assert [path for path in shop.paths() if path.endswith("sdist-1.0.tar.gz")] == ["/files/sdist-1.0.tar.gz"]
    assert (tmp_path / "told").read_text().count("wheel sdist") == 1


def test_cleaning_waits_for_syncs(puffin, shop):
    puffin.file("one.txt", pins("1"))
    envs = [puffin.venv(name=f"env{number}") for number in range(3)]
    commands = [(("pip", "sync", "one.txt", "-i", shop.url), {"VIRTUAL_ENV": str(env.root)}) for env in envs]
    cleaning = [(("cache", "clean"), {})] * 2
    for _ in range(2):
        codes, told = run_all(puffin, [commands[0], cleaning[0], commands[1], cleaning[1], commands[2]])
        assert codes == [0] * 5, told
        for env in envs:
            assert env.record("pkg5")


def test_a_holder_that_hangs(puffin, env, shop):
    assert puffin.sync(pins("1"), "-i", shop.url).code == 0
    before = of_packages(env)
    shop.requests.clear()
    with open(env.root / ".puffin/lock", "r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for words in (("pip", "sync", "requirements.txt", "-i", shop.url), ("pip", "uninstall", "pkg1")):
            puffin.file("requirements.txt", pins("2"))
            done = puffin(*words, env={"PUFFIN_LOCK_TIMEOUT": "0.2"})
            assert done.code == 75
            assert "Gave up after 0.2 s: the environment `[TMP]/here/.venv` is locked by process" in done.err
            assert "hint: wait for that process to end" in done.err
    assert of_packages(env) == before
    assert shop.requests == []
    assert puffin.sync(pins("2"), "-i", shop.url).code == 0


def test_a_stopped_run_commits_nothing_behind_the_back_of_another(puffin, env, shop):
    shop.fail("/files/pkg5-2-py3-none-any.whl", ["slow"])
    puffin.file("two.txt", pins("2"))
    with started(puffin, "pip", "sync", "two.txt", "-i", shop.url, "--executor", "inline") as process:
        until(lambda: shop.count("/files/pkg5-2-py3-none-any.whl"))
        os.killpg(process.pid, signal.SIGSTOP)
        done = puffin.sync(pins("1"), "-i", shop.url, env={"PUFFIN_LOCK_TIMEOUT": "0.1"})
        assert done.code == 75
        assert env.installed() == {}
        os.killpg(process.pid, signal.SIGCONT)
        shop.released.set()
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    assert set(env.installed().values()) == {"2"}
    assert puffin.sync(pins("1"), "-i", shop.url).code == 0
    assert set(env.installed().values()) == {"1"}


def test_an_environment_made_by_two_at_once(puffin, shop):
    puffin.file("one.txt", pins("1", 1))
    for number in range(3):
        codes, told = run_all(puffin, [(("venv", f"twice{number}"), {})] * 3)
        assert 0 in codes, told
        assert set(codes) <= {0, 1, 2}
        assert all("Traceback" not in each for each in told)
        env = Env(puffin.cwd / f"twice{number}")
        assert puffin("pip", "sync", "one.txt", "-i", shop.url, env={"VIRTUAL_ENV": str(env.root)}).code == 0
        assert env.run("-c", "import pkg0") == ""
