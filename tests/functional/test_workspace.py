"""``puffin sync`` over many environments, by the real command line and a real index on the loopback interface."""

import pytest

from tests.helpers.cli import PYTHON, Env, lines
from tests.helpers.wheels import forge_wheel

GLOB = "services/*/requirements.txt"
EXECUTORS = ["inline", "pool", "cluster"]


@pytest.fixture
def shop(index):
    for name in ("alpha", "beta", "gamma", "delta"):
        for version in ("1.0", "2.0"):
            index.add(*forge_wheel(name, version))
    return index


def services(puffin, **files):
    """Write ``services/NAME/requirements.txt`` and return the environments that will be there."""
    for name, text in files.items():
        puffin.file(f"services/{name}/requirements.txt", text)
    return {name: Env(puffin.cwd / "services" / name / ".venv") for name in files}


def sync(puffin, shop, *words, env=None):
    return puffin("sync", *(words or (GLOB,)), "-i", shop.url, "--executor", puffin.executor, env=env)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_environments_are_made_beside_their_files_and_each_file_is_fetched_once(puffin, shop, executor):
    puffin.executor = executor
    envs = services(
        puffin, a="alpha==1.0\nbeta==1.0\n", b="beta==1.0\n", c="alpha==2.0\nbeta==1.0\ngamma==1.0\n"
    )
    done = sync(puffin, shop)
    assert done.code == 0, done.err
    assert done.out == ""
    python = f"{PYTHON[6:]}."
    rows = [line.split() for line in done.err.splitlines()]
    assert [row[0] for row in rows[1:5]] == ["environment", "services/a", "services/b", "services/c"]
    assert all(row[1].startswith(python) for row in rows[2:5])
    assert [row[2:6] for row in rows[2:5]] == [["2", "0", "0", "1"], ["1", "0", "0", "1"], ["3", "0", "0", "1"]]
    assert done.err.splitlines()[-1].startswith("6 packages from 4 distinct files (")
    assert envs["a"].installed() == {"alpha": "1.0", "beta": "1.0"}
    assert envs["b"].installed() == {"beta": "1.0"}
    assert envs["c"].installed() == {"alpha": "2.0", "beta": "1.0", "gamma": "1.0"}
    for name in ("alpha-1.0", "alpha-2.0", "beta-1.0", "gamma-1.0"):
        assert shop.count(f"/files/{name}-py3-none-any.whl") == 1
    for env in envs.values():
        assert env.unlisted() == set()
        for name in env.installed():
            env.record(name)


def test_again_nothing_is_written_and_nothing_asked(puffin, shop):
    envs = services(puffin, a="alpha==1.0\n", b="beta==1.0\nalpha==1.0\n", c="gamma==1.0\n")
    assert sync(puffin, shop).code == 0
    before = {name: env.tree() for name, env in envs.items()}
    done = puffin("sync", GLOB, "-i", "http://127.0.0.1:9/simple/")
    assert (done.code, done.err) == (0, lines("Checked 3 environments (4 packages) in [TIME]"))
    assert {name: env.tree() for name, env in envs.items()} == before
    # and the same by the long way
    done = puffin("sync", GLOB, "-i", "http://127.0.0.1:9/simple/", "-v")
    assert (done.code, done.err.splitlines()[-1]) == (0, "Checked 3 environments (4 packages) in [TIME]")
    assert done.err.count("it is installed as required") == 4
    assert {name: env.tree() for name, env in envs.items()} == before


def test_what_pip_is_configured_for_counts_for_many_too(puffin, shop):
    services(puffin, a="alpha==1.0\n", b="beta==1.0\n")
    assert sync(puffin, shop).code == 0
    done = sync(puffin, shop, env={"PIP_REQUIRE_HASHES": "1"})
    assert done.code == 1
    assert "it has no `--hash`" in done.err


def test_a_changed_file_touches_one_environment(puffin, shop):
    envs = services(puffin, a="alpha==1.0\n", b="alpha==1.0\nbeta==1.0\n")
    assert sync(puffin, shop).code == 0
    before = envs["a"].tree()
    services(puffin, b="alpha==2.0\ngamma==1.0\n")
    done = sync(puffin, shop)
    assert done.code == 0
    row = next(line.split() for line in done.err.splitlines() if "services/b" in line)
    assert row[2:5] == ["1", "1", "1"]
    assert "1 environment up to date" in done.err
    assert envs["a"].tree() == before
    assert envs["b"].installed() == {"alpha": "2.0", "gamma": "1.0"}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failure_is_told_once_and_the_others_are_committed(puffin, shop, executor):
    puffin.executor = executor
    shop.fail("/files/gamma-1.0-py3-none-any.whl", [404], forever=True)
    envs = services(puffin, a="alpha==1.0\n", b="gamma==1.0\nalpha==1.0\n", c="gamma==1.0\nbeta==1.0\n")
    done = sync(puffin, shop)
    assert done.code == 3
    assert done.err.count("gamma-1.0-py3-none-any.whl") == 1
    assert "error: Failed to sync 2 of 3 environments; they were left as they were\n" in done.err
    assert "╰─▶ In `services/b` and `services/c`\n" in done.err
    assert envs["a"].installed() == {"alpha": "1.0"}
    assert not envs["b"].root.exists()
    assert not envs["c"].root.exists()


def test_a_pin_that_nobody_has_fails_where_it_is_wanted(puffin, shop):
    envs = services(puffin, a="alpha==1.0\n", b="alpha==7.0\nnobody==1\n")
    done = sync(puffin, shop)
    assert done.code == 3
    assert "`alpha==7.0`" in done.err
    assert "`nobody==1`" in done.err
    assert envs["a"].installed() == {"alpha": "1.0"}
    assert not envs["b"].root.exists()


def test_all_failed_is_1(puffin, shop):
    services(puffin, a="nobody==1\n", b="nobody==1\n")
    done = sync(puffin, shop)
    assert done.code == 1
    assert done.err.count("`nobody==1`") == 1
    assert "error: Failed to sync all 2 environments; they were left as they were\n" in done.err


def test_a_pattern_without_a_match_is_2(puffin):
    done = puffin("sync", "nowhere/*/requirements.txt")
    assert (done.code, done.err) == (
        2,
        "error: `nowhere/*/requirements.txt` matches neither an environment nor a file\n",
    )


def test_two_files_of_one_directory_are_an_error(puffin):
    puffin.file("a/requirements.txt", "alpha==1.0\n")
    puffin.file("a/requirements-dev.txt", "beta==1.0\n")
    done = puffin("sync", "a/*.txt")
    assert done.code == 2
    assert done.err.startswith("error: Two environments are at `a/.venv`: that of ")


def test_a_lock_beside_its_source_is_no_environment_of_its_own(puffin, index):
    index.add(*forge_wheel("alpha", "1.0"))
    puffin.file("puffin.toml", '[[env-glob]]\nmatch = "*/requirements.*"\n')
    puffin.file("one/requirements.in", "alpha\n")
    puffin.file("two/requirements.txt", "alpha==1.0\n")
    assert puffin("lock", "-i", index.url).code == 0
    assert (puffin.cwd / "one/requirements.txt").exists()
    for words in (("sync",), ("sync", "--frozen"), ("lock",)):
        done = puffin(*words, "-i", index.url)
        assert done.code == 0, done.err
    for name in ("one", "two"):
        assert Env(puffin.cwd / name / ".venv").installed() == {"alpha": "1.0"}


def test_a_lock_of_extras_and_groups_is_synced_as_it_is(puffin, index):
    for name in ("alpha", "beta", "gamma"):
        index.add(*forge_wheel(name, "1.0"))
    puffin.file(
        "pyproject.toml",
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["alpha"]\n'
        '[project.optional-dependencies]\nweb = ["beta"]\n[dependency-groups]\ntest = ["gamma"]\n'
        '[tool.puffin.envs.all]\nproject = "."\nextras = ["web"]\ngroups = ["test"]\n',
    )
    assert puffin("lock", "-i", index.url).code == 0
    done = puffin("sync", "--frozen", "-i", index.url)
    assert done.code == 0, done.err
    assert Env(puffin.cwd / ".venv").installed() == {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}
